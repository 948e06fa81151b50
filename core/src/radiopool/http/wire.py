"""HTTP/1.1 on one leased socket: a request goes out, its response is framed (RFC 9112), the lease ends.

An `Exchange` is one request and its response. It alone touches the socket, and it alone decides whether the
connection is clean: `finish` recycles the lease only if the framing proved where the response ended, that the peer
keeps the connection, and that nothing came after. Everything else closes it, with a reason.

Exchanges hold the receive buffer and are used again: `begin` takes a spare one, `spare` gives it back.

Limits: a response head of HEAD_LIMIT bytes; INTERIM_LIMIT interim (1xx) responses before the final one.
"""

from radiopool.platform import CPYTHON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HEAD_LIMIT = 65536 if CPYTHON else 8192
INTERIM_LIMIT = 16
_BUFFER = 16384 if CPYTHON else 1024
_SPARES = 16 if CPYTHON else 1

if TYPE_CHECKING or CPYTHON:
    from radiopool.http.fastwire import is_head, read_exactly
else:
    _TOKEN = b"-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+.^_`|~"

    def is_head(head):
        """`fastwire.is_head` without regular expressions, and without allocating."""
        if not (head.startswith((b"HTTP/1.1 ", b"HTTP/1.0 ")) and head[9:12].isdigit() and head[12] in b" \r"):
            return False
        lines = 0
        at = head.find(b"\r\n") + 2
        while head[at] != 13:
            lines += 1
            colon = head.find(b":", at)
            if at == colon:
                return False
            while at < colon:
                if head[at] not in _TOKEN:
                    return False
                at += 1
            at = head.find(b"\r\n", at) + 2
            if colon < 0 or at < 2:
                return False
        lines += 2
        return head.count(b"\r") == lines == head.count(b"\n") and head.find(b"\0") < 0

    def read_exactly(exchange, size):
        body = bytearray(size)
        view = memoryview(body)
        done = 0
        while done < size:
            done += exchange.readinto(view[done:], size - done)
        return bytes(body)



def next_chunk(exchange: "Exchange") -> int:
    """`chunked.next_chunk`, loaded with the first chunked response."""
    global next_chunk
    from radiopool.http.chunked import next_chunk

    return next_chunk(exchange)


_spare: "list[Exchange]" = []


def begin(pool: "Any", entry: "Any") -> "Exchange":
    """An exchange on the entry's socket, under a connection pool that says how its lease ends."""
    try:
        exchange = _spare.pop()
    except IndexError:
        exchange = Exchange()
    exchange.pool = pool
    exchange.entry = entry
    exchange.socket = entry.socket
    exchange.start = exchange.stop = exchange.sent = 0
    exchange.close = None
    return exchange


def spare(exchange: "Exchange") -> None:
    """Keep an exchange whose lease has ended for the next request. The caller forgets it."""
    exchange.pool = exchange.socket = None
    if len(_spare) < _SPARES and len(exchange.buffer) == _BUFFER:
        _spare.append(exchange)


def field(head: bytes, name: bytes) -> "bytes | None":
    """What follows `name` (`b"\\r\\ncontent-length:"`) in a lower-case head; repeated fields are joined by commas."""
    at = head.find(name)
    if at < 0:
        return None
    values = []
    while at >= 0:
        at += len(name)
        values.append(head[at : head.find(b"\r\n", at)].strip())
        at = head.find(name, at)
    return b",".join(values)


class Exchange:
    """One request and its response on one leased socket."""

    def __init__(self) -> None:
        self.buffer = bytearray(_BUFFER)
        self.view = memoryview(self.buffer)
        self.start = 0
        """Where in the buffer the bytes received and not yet used start."""
        self.stop = 0
        """Where they end."""
        self.pool: "Any" = None
        self.entry: "Any" = None
        """The lease; None once it has ended."""
        self.socket: "Any" = None
        self.sent = 0
        """Bytes of the request that the socket took."""
        self.close: "str | None" = None
        """Why the connection can't be recycled after this response."""
        self.head = b""
        """The final response's head, up to and with the empty line."""
        self.status = 0
        self.left: "int | None" = 0
        """Bytes left of the body, or of the chunk; None: until the peer closes."""
        self.chunked = 0
        """0: not chunked; 1: a size line is next after `left`; 2: the end of a chunk's data is."""
        self.received = 0
        """Body bytes handed out."""
        self.encoded = False
        """Whether the response has a Content-Encoding."""

    # The request

    def send(self, request: "bytes | memoryview") -> None:
        """Send all the bytes. Raises ReadTimeoutError, ProtocolError."""
        try:
            sent = self.socket.send(request)
            self.sent += sent
            if sent != len(request):
                request = memoryview(request)
                while sent < len(request):
                    more = self.socket.send(request[sent:])
                    self.sent += more
                    sent += more
        except OSError as error:
            raise self.failed(error) from error

    # The response

    def receive(self, method: str) -> None:
        """Read the response's head and find how its body is framed.

        Sets `status`, `head`, `left`, `chunked`, `close`. Raises ProtocolError, InvalidHeader, ReadTimeoutError.
        """
        for _ in range(INTERIM_LIMIT):
            head = self._read_head()
            status = int(head[9:12])
            if status >= 200 or status == 101:
                break
        else:
            raise self.refuse("over %d interim responses" % INTERIM_LIMIT)
        self.head = head
        self.status = status
        self.received = self.chunked = 0
        head = head.lower()
        if head[7] == 48:  # HTTP/1.0
            self.close = "HTTP/1.0"
        elif b"close" in (field(head, b"\r\nconnection:") or b""):
            self.close = "the peer closes"
        self.encoded = head.find(b"\r\ncontent-encoding:") > 0
        left = None
        length = field(head, b"\r\ncontent-length:")
        if length is not None:
            left = self._length(length)
        coding = field(head, b"\r\ntransfer-encoding:")
        if coding is not None:
            if coding != b"chunked":
                raise self.refuse("Transfer-Encoding %r, only chunked is known" % coding, "InvalidHeader")
            if length is not None:
                self.close = "both Content-Length and Transfer-Encoding"
            self.chunked = 1
            left = 0
        if method == "HEAD" or status == 204 or status == 304:
            left = self.chunked = 0
        elif left is None or status == 101:
            left = None
            self.close = self.close or "no length"
        self.left = left

    def readinto(self, target: "Any", size: int) -> int:
        """Up to `size` bytes of the body into the start of `target`; 0 at its end. The lease ends with the last one.

        Raises IncompleteRead (the peer closed early), ProtocolError (bad chunks), ReadTimeoutError.
        """
        left = self.left
        if left == 0 and self.chunked and size:
            left = next_chunk(self)
        if left is not None and size > left:
            size = left
        if size:
            have = self.stop - self.start
            if have:
                if size > have:
                    size = have
                start = self.start
                self.start = start + size
                target[:size] = self.view[start : self.start]
            else:
                size = self._receive_into(target, size)
                if not size:
                    if left is not None:
                        raise self.cut_short(left)
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
        if not self.chunked and left is not None:
            if left <= self.stop - start:
                self.start = start + left
                self.left = 0
                body = bytes(self.view[start : self.start])
                self.finish()
                return body
            return read_exactly(self, left)
        pieces = []
        try:
            while True:
                piece = self._piece()
                if not piece:
                    return b"".join(pieces)
                pieces.append(piece)
        except OSError as error:
            if hasattr(error, "partial"):
                error.partial = b"".join(pieces)
            raise

    def finish(self) -> None:
        """End the lease after the last byte: recycled if the connection is clean, closed with the reason if not."""
        entry = self.entry
        self.entry = None
        close = self.close
        if self.start != self.stop:
            close = "bytes after the response"
        if close:
            self.pool.manager.discard(entry, reason=close)
        else:
            self.pool.manager.recycle(entry, self.pool.maxsize)

    def abort(self, reason: str) -> None:
        """End the lease wherever it is; the connection is closed."""
        entry = self.entry
        if entry:
            self.entry = None
            self.pool.manager.discard(entry, reason=reason)

    def refuse(self, message: str, kind: str = "ProtocolError") -> "Exception":
        """End the lease for a response that breaks the rules; the error to raise, by its name in `errors`."""
        self.abort(message)
        from radiopool.http import errors

        return getattr(errors, kind)(message)  # type: ignore[no-any-return]

    def cut_short(self, left: "int | None") -> "Exception":
        """End the lease because the peer closed with `left` bytes to come; the error to raise."""
        self.abort("peer closed in the body")
        from radiopool.http.errors import IncompleteRead

        return IncompleteRead(self.received, left)

    def failed(self, error: OSError) -> "Exception":
        """End the lease for a failure of the socket; the error to raise for it."""
        timeout = self.pool.manager.driver.is_timeout(error)
        self.abort("timeout" if timeout else "socket failed")
        from radiopool.http.errors import ProtocolError, ReadTimeoutError

        if timeout:
            return ReadTimeoutError(self.pool, None, "Read timed out.")
        return ProtocolError("Connection aborted: %s" % error)

    def _receive_into(self, target: "Any", size: int) -> int:
        try:
            return self.socket.recv_into(target, size)  # type: ignore[no-any-return]
        except OSError as error:
            raise self.failed(error) from error

    def fill(self) -> int:
        """More bytes behind those unread; 0 if the peer closed."""
        start = self.start
        stop = self.stop
        if start == stop:
            self.start = self.stop = stop = self._receive_into(self.buffer, 0)
            self.start = 0
            return stop
        if stop == len(self.buffer):
            unread = bytes(self.view[start:stop])
            if len(unread) > stop // 2:
                if stop >= HEAD_LIMIT:
                    raise self.refuse("over %d bytes of response head" % HEAD_LIMIT)
                self.buffer = bytearray(stop * 2)
                self.view = memoryview(self.buffer)
            self.start = 0
            self.stop = stop = len(unread)
            self.view[:stop] = unread
        count = self._receive_into(self.view[stop:], 0)
        self.stop = stop + count
        return count

    def _read_head(self) -> bytes:
        seen = self.start
        while True:
            end = self.buffer.find(b"\r\n\r\n", seen, self.stop)
            if end >= 0:
                break
            unread = self.stop - self.start
            if unread and self.buffer.find(b"\n\n", self.start, self.stop) >= 0:
                raise self.refuse("response lines end in LF without CR")
            if not self.fill():
                raise self.refuse("peer closed before the response" + (" head ended" if unread else ""))
            seen = self.start + unread - 3 if unread > 3 else self.start
        start = self.start
        self.start = end + 4
        head = bytes(self.view[start : self.start])
        if not is_head(head):
            raise self.refuse("not an HTTP/1 response: %r" % head[: head.find(b"\r\n")][:80])
        return head

    def _length(self, value: bytes) -> int:
        values = value.split(b",")
        for other in values:
            # Repeated and equal is what some gateways make of one (RFC 9110 section 8.6).
            if other.strip() != values[0] or not values[0].isdigit() or len(values[0]) > 18:
                raise self.refuse("Content-Length %r" % value, "InvalidHeader")
        return int(values[0])

    def _piece(self) -> bytes:
        left = self.left
        if left == 0 and self.chunked:
            left = next_chunk(self)
        if left == 0:
            if self.entry:
                self.finish()
            return b""
        start = self.start
        if start == self.stop:
            if not self.fill():
                if left is not None:
                    raise self.cut_short(left)
                self.left = 0
                self.finish()
                return b""
            start = self.start
        stop = self.stop
        if left is not None:
            if stop - start > left:
                stop = start + left
            self.left = left - stop + start
        self.start = stop
        self.received += stop - start
        return bytes(self.view[start:stop])
