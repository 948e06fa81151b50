"""What CPython does better than `wire`'s portable loops: judge a head in one match, read large bodies."""

import re
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from radiopool.http.wire import Exchange

_BLOCK = 131072

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


def read_exactly(exchange: "Exchange", size: int) -> bytes:
    """`size` bytes of the body. A peer may claim any length: memory is spent on what came, not on what was promised.

    Through one buffer that stays in the processor's cache: a large body received in place costs more, since all of its
    memory is fresh twice. (`BytesIO.getbuffer` would need no copy at all, and crashes CPython 3.12 when the traceback
    of an error holds a view of it.)
    """
    buffer = bytearray(min(size, _BLOCK))
    view = memoryview(buffer)
    pieces = []
    try:
        while size:
            count = exchange.readinto(buffer, len(buffer))
            pieces.append(bytes(view[:count]))
            size -= count
    except OSError as error:
        if hasattr(error, "partial"):
            error.partial = b"".join(pieces)
        raise
    return b"".join(pieces)


def shrink(exchange: "Exchange") -> None:
    """Leave a response that is read later no more buffer than holds what has come of it: thousands may be waiting."""
    from radiopool.http.wire import Exchange, spare

    unread = exchange.view[exchange.start : exchange.stop]
    donor = Exchange.__new__(Exchange)
    donor.known = (None,)
    donor.buffer, donor.view = exchange.buffer, exchange.view
    exchange.renew(len(unread))
    exchange.view[:] = unread
    exchange.start = 0
    exchange.stop = len(unread)
    spare(donor)


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
