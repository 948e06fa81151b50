"""HTTP/1.1 on one leased socket: a request goes out, its response is framed (RFC 9112), the lease ends.

An `Exchange` is one request and its response. It alone touches the socket, and it alone decides whether the
connection is clean: `finish` recycles the lease only if the framing proved where the response ended, that the peer
keeps the connection, and that nothing came after. Everything else closes it, with a reason.

Exchanges hold the receive buffer and are used again: `begin` takes a spare one, `spare` gives it back.

Limits: a response head of HEAD_LIMIT bytes (`unsized`); INTERIM_LIMIT interim (1xx) responses before the final one.
"""

from radiopool.platform import CPYTHON
from radiopool.vocabulary import INTERIM_LIMIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BUFFER = 16384 if CPYTHON else 512
_SPARES = 16 if CPYTHON else 1

if TYPE_CHECKING or CPYTHON:
    from radiopool.http.fastwire import is_head as is_head
    from radiopool.http.fastwire import read_up_to
else:
    _TOKEN = b"-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+.^_`|~"

    def is_head(head):
        """`fastwire.is_head` without regular expressions."""
        lines = head.split(b"\r\n")
        for line in lines[1:-2]:
            name = line[: line.find(b":") + 1]
            if len(name) < 2 or name[:-1].strip(_TOKEN):
                return False
        return (
            head.startswith((b"HTTP/1.1 ", b"HTTP/1.0 "))
            and head[9:12].isdigit()
            and head[12] in b" \r"
            and head.count(b"\r") == len(lines) - 1 == head.count(b"\n")
            and head.find(b"\0") < 0
        )


def begin(pool: "Any", entry: "Any", close: "str | None" = None) -> "Exchange":
    """An exchange on the entry's socket, under a connection pool that says how its lease ends.

    close: why the connection is not to be recycled whatever the response says.
    """
    if CPYTHON:
        try:
            exchange = _spare.pop()
        except IndexError:
            exchange = Exchange()
    else:
        exchange = _spare.pop() if _spare else Exchange()
    exchange.pool = pool
    exchange.entry = entry
    exchange.socket = entry.socket
    exchange.start = exchange.stop = exchange.sent = 0
    exchange.close = close
    return exchange


def spare(exchange: "Exchange") -> None:
    """Keep an exchange whose lease has ended for the next request. The caller forgets it."""
    exchange.pool = exchange.socket = None
    if len(_spare) < _SPARES and len(exchange.buffer) == _BUFFER:
        _spare.append(exchange)


class Exchange:
    """One request and its response on one leased socket.

    entry: the lease; None once it has ended. sent: bytes of the request that the socket took.
    start, stop: where in `buffer` the bytes received and not yet used are.
    status, head: the final response's; the head up to and with the empty line. encoded: it has a Content-Encoding.
    left: bytes left of the body, or of the chunk; None: until the peer closes.
    chunked: 0 not chunked; 1 a size line is next after `left`; 2 the end of a chunk's data is.
    received: body bytes handed out. close: why the connection can't be recycled after this response.
    """

    if TYPE_CHECKING:
        pool: Any
        entry: Any
        socket: Any
        timeout: float | None
        close: str | None
        left: int | None

    def __init__(self) -> None:
        # All attributes at once: a board finds it hard to enlarge what holds them once its heap is full.
        self.pool = self.entry = self.socket = self.timeout = self.close = self.left = None
        self.start = self.stop = self.sent = self.status = self.chunked = self.received = self.encoded = 0
        self.head = b""
        # Head and method of the last response, and the framing that they come to: the next often has the same.
        self.known: "tuple[Any, ...]" = (self.head, None, None)
        self.renew(_BUFFER)

    def renew(self, size: int) -> None:
        """Another buffer. Never the same resized: the old memory stays as long as a view of it does."""
        self.buffer = bytearray(size)
        self.view = memoryview(self.buffer)

    def send(self, request: "Any") -> None:
        """Send all the bytes. Raises ReadTimeoutError, ProtocolError."""
        count = 0
        failure = None
        try:
            count = self.socket.send(request)
            self.sent += count
            if count == len(request):
                return
        except OSError as error:
            failure = error
        from radiopool.http.full_buffer import send_on

        send_on(self, request, count, failure)

    def receive(self, method: str) -> None:
        """Read the response's head and find how its body is framed.

        Raises ProtocolError, InvalidHeader, ReadTimeoutError.
        """
        interim = seen = 0
        # Who waits for "100 Continue" has read some already.
        if not self.stop:
            self.fill()
        while True:
            start = self.start
            stop = self.stop
            head, asked, framing = self.known
            end = start + len(head)
            # The buffer may have the last response's bytes behind `stop`.
            if method == asked and end <= stop and self.buffer.startswith(head, start):
                self.start = end
                break
            end = self.buffer.find(b"\r\n\r\n", start + seen, stop) + 4
            if end < 4:
                from radiopool.http.split_head import more

                seen = more(self, seen)
                continue
            self.start = end
            head = bytes(self.view[start:end])
            if not is_head(head) or interim > INTERIM_LIMIT:
                raise self.failed(head, "head")
            status = int(head[9:12])
            if status < 200 and status != 101:
                interim += 1
                seen = 0
                continue
            lower = head.lower()
            length = b"\r\ncontent-length:"
            at = lower.find(length)
            value = lower[at + 17 : lower.find(b"\r", at + 17)].strip()
            if (
                at > 0
                and value.isdigit()
                and len(value) < 18
                and status >= 200
                and 204 != status != 304
                and method != "HEAD"
                and head[7] == 49
                and lower.find(b"ing:") < 0
                and lower.find(b"close") < 0
                and lower.find(length, at + 17) < 0
            ):
                # The plain case: a length and nothing else to judge (no Transfer-Encoding, no Content-Encoding).
                framing = (status, int(value), 0, False, None)
            else:
                from radiopool.http.framing import frame

                framing = frame(self, method, status, lower)
            self.known = (head, method, framing)
            break
        self.head = head
        self.received = 0
        self.status, self.left, self.chunked, self.encoded, close = framing
        if close:
            self.close = close

    def readinto(self, target: "Any", size: int) -> int:
        """Up to `size` bytes of the body into the start of `target`; 0 at its end. The lease ends with the last one.

        Raises IncompleteRead (the peer closed early), ProtocolError (bad chunks), ReadTimeoutError.
        """
        left = self.left
        if left == 0 and self.chunked:
            from radiopool.http.unsized import next_chunk

            left = next_chunk(self)
        if left is not None and size > left:
            size = left
        if size:
            start = self.start
            have = self.stop - start
            if have:
                if size > have:
                    size = have
                self.start = start + size
                target[:size] = self.view[start : start + size]
            else:
                try:
                    size = self.socket.recv_into(target, size)
                except OSError as error:
                    raise self.failed(error) from error
                if not size:
                    # The end of a body without a length, and an error anywhere else.
                    if left is not None:
                        raise self.failed(None)
                    left = self.left = 0
            self.received += size
            if left:
                left -= size
                self.left = left
        if left == 0 and not self.chunked and self.entry:
            self.finish()
        return size

    def read(self) -> bytes:
        """The rest of the body. The lease ends. Raises as `readinto`, IncompleteRead with the bytes that came."""
        left = self.left
        start = self.start
        if left is None or self.chunked or left > self.stop - start:
            if CPYTHON and left is not None and not self.chunked:
                return read_up_to(self.readinto, left)
            from radiopool.http.unsized import read_rest

            return read_rest(self)
        self.start = left = start + left
        self.left = 0
        body = bytes(self.view[start:left])
        self.finish()
        return body

    def finish(self) -> None:
        """End the lease after the last byte: recycled if the connection is clean, closed with the reason if not."""
        close = self.close
        if self.start != self.stop:
            close = "bytes after the response"
        if close:
            self.abort(close)
            return
        pool = self.pool
        if CPYTHON:
            # First, since another thread may close the response.
            entry = self.entry
            self.entry = None
            pool.manager.recycle(entry, pool.maxsize)
        else:
            # Last: what fails for want of memory can still be aborted.
            pool.manager.recycle(self.entry, pool.maxsize)
            self.entry = None

    def abort(self, reason: str) -> None:
        """End the lease wherever it is; the connection is closed."""
        entry = self.entry
        if entry:
            self.entry = None
            self.close = reason
            self.pool.manager.discard(entry, reason)

    def failed(self, reason: "Any", name: "str | None" = None) -> "Exception":
        """End the lease, and make the error to raise: for an error of the socket, for a broken rule (text, or text and
        what broke it; `name` is the error's in `errors`), for a body that the peer cut short (None), or with `name`
        "head" for a head that is none (bytes), or did not end (None)."""
        from radiopool.http.failures import failed

        return failed(self, reason, name)

    def fill(self) -> int:
        """More bytes behind those unread; 0 if the peer closed."""
        start = self.start
        stop = self.stop
        if start == stop:
            if CPYTHON and len(self.buffer) < _BUFFER:
                self.renew(_BUFFER)
            self.start = self.stop = stop = 0
            room: "Any" = self.buffer
        else:
            if stop == len(self.buffer):
                from radiopool.http.unsized import make_room

                stop = make_room(self)
            room = self.view[stop:]
        try:
            count = self.socket.recv_into(room, 0)
        except OSError as error:
            raise self.failed(error) from error
        self.stop = stop + count
        return count  # type: ignore[no-any-return]


_spare: "list[Exchange]" = []
