"""What CPython does better than `wire`'s portable loops: judge a head in one match, read large bodies."""

import io
import re
import socket
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from radiopool.http.wire import Exchange

_BLOCK = 1 << 24

_HEAD = re.compile(
    rb"HTTP/1\.[01] [1-9][0-9][0-9](?: [\t\x20-\x7e\x80-\xff]*)?\r\n"
    rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n"
)


def is_head(head: bytes) -> bool:
    """Whether the bytes are a status line, header lines and an empty line, and nothing else (RFC 9112 sections 2 to 5).

    Refused: folded lines, lines without a name or a colon, names with a space, and every control character but tab,
    so NUL, bare CR and bare LF.
    """
    return _HEAD.fullmatch(head) is not None


class _Body(io.RawIOBase):
    """What `receive(buffer, size)` gives as a raw file, for `io.BufferedReader` to read into place."""

    def __init__(self, receive: "Callable[[Any, int], int]") -> None:
        self.receive = receive
        self.error: OSError | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "Any") -> int:
        try:
            return self.receive(buffer, len(buffer))
        except OSError as error:
            # An end, for the reader: it gives out what came until then.
            self.error = error
            return 0
        finally:
            # It is memory of the reader's, which the traceback of an error must not keep.
            buffer.release()


def read_up_to(receive: "Callable[[Any, int], int]", size: int) -> bytes:
    """`size` bytes of a body, fewer at its end, where `receive(buffer, size)` gives 0.

    A peer may claim any length and a caller ask for any: memory is spent on what came, not on what was promised.

    `BufferedReader` receives into the bytes object that it returns, and so copies nothing; no code in Python can make
    one. What it has reserved and not yet filled is no memory to the system.
    """
    body = _Body(receive)
    # A buffer of one byte is none.
    reader = io.BufferedReader(body, 1)
    pieces = []
    while size:
        block = min(size, _BLOCK)
        piece = reader.read(block)
        pieces.append(piece)
        if len(piece) < block:
            break
        size -= block
    reader.detach()
    whole = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    if body.error is not None:
        if hasattr(body.error, "partial"):
            body.error.partial = whole
        raise body.error
    return whole


def shrink(exchange: "Exchange") -> None:
    """Leave a response that is read later no more buffer than holds what has come of it: thousands may be waiting."""
    from radiopool.http.wire import Exchange, spare

    unread = exchange.view[exchange.start : exchange.stop]
    donor = Exchange.__new__(Exchange)
    donor.known = (b"", None, None)
    donor.buffer, donor.view = exchange.buffer, exchange.view
    exchange.renew(len(unread))
    exchange.view[:] = unread
    exchange.start = 0
    exchange.stop = len(unread)
    spare(donor)


def shut_down(leased: Any) -> bool:
    """End what any thread reads from a socket, without closing it; False for one that the system does not know.

    TLS is not asked: it may be busy with that very read.
    """
    while not isinstance(leased, socket.socket):
        leased = getattr(leased, "raw", None)
        if leased is None:
            return False
    try:
        socket.socket.shutdown(leased, socket.SHUT_RDWR)
    except OSError:
        pass  # the peer was faster
    return True


dropped: "deque[Exchange]" = deque()
"""Exchanges of responses that nobody holds any more, to be closed as soon as that is safe."""


def drop(exchange: "Exchange") -> None:
    """Close the exchange of a response that the garbage collector found.

    It may run at any line of this very thread, also where the thread holds the manager's lock: then the next request
    closes the exchange.
    """
    dropped.append(exchange)
    if not exchange.pool.manager._account.lock.locked():
        close_dropped()


def close_dropped() -> None:
    """Close what was dropped."""
    while dropped:
        try:
            exchange = dropped.popleft()
        except IndexError:
            break
        exchange.abort("response dropped")
