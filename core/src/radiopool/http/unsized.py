"""Responses whose size is not plain: chunked (RFC 9112 section 7.1), until the peer closes, heads beyond the buffer.

Limits: a chunk's size line of LINE_LIMIT bytes, trailers of HEAD_LIMIT bytes in all, a head of HEAD_LIMIT bytes.
"""

from radiopool.http.wire import is_head
from radiopool.platform import CPYTHON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from radiopool.http.wire import Exchange

HEAD_LIMIT = 65536 if CPYTHON else 8192
LINE_LIMIT = 4096 if CPYTHON else 256


def next_chunk(exchange: "Exchange") -> int:
    """Read on to the next chunk's data; its length, 0 at the end of the body.

    Sets the exchange's `left` and `chunked`. Raises ProtocolError for a bad size, a chunk longer than its size or a
    bad trailer, IncompleteRead if the peer closes.
    """
    if exchange.chunked == 2 and _line(exchange):
        raise exchange.failed("a chunk is longer than its size")
    line = _line(exchange)
    digits = line.rstrip(b" \t").split(b";")[0]
    # int() would take a sign and underscores.
    if not digits or len(digits) > 15 or digits.strip(b"0123456789abcdefABCDEF") or not _is_text(line):
        raise exchange.failed(("bad chunk size", line[:40]))
    size = exchange.left = int(digits, 16)
    exchange.chunked = 2
    if not size:
        allowed = HEAD_LIMIT
        while line:
            line = _line(exchange)
            allowed -= len(line) + 2
            if allowed < 0 or (line and not is_head(b"HTTP/1.1 200\r\n" + line + b"\r\n\r\n")):
                raise exchange.failed(("bad trailer", line[:40]))
        exchange.chunked = 0
    return size


def _is_text(line: bytes) -> bool:
    return line.find(b"\n") < 0 and line.find(b"\r") < 0 and line.find(b"\0") < 0


def _line(exchange: "Exchange") -> bytes:
    while True:
        end = exchange.buffer.find(b"\r\n", exchange.start, exchange.stop)
        if end >= 0:
            line = bytes(exchange.view[exchange.start : end])
            exchange.start = end + 2
            return line
        if exchange.stop - exchange.start > LINE_LIMIT:
            raise exchange.failed("over %d bytes without a line's end in a chunked body" % LINE_LIMIT)
        if not exchange.fill():
            raise exchange.failed(None)


def read_rest(exchange: "Exchange") -> bytes:
    """`Exchange.read` of a body without a Content-Length."""
    pieces = []
    if not CPYTHON and exchange.status == 101:
        # What follows is the other protocol's, and ends when the peer likes; `readinto` and `read(amt)` have it.
        return b""
    try:
        while exchange.entry:
            pieces.append(_piece(exchange))
    except OSError as error:
        if hasattr(error, "partial"):
            error.partial = b"".join(pieces)
        raise
    return b"".join(pieces)


def _piece(exchange: "Exchange") -> bytes:
    """What is buffered of the body, or the next buffer full of it."""
    left = exchange.left
    if left == 0 and exchange.chunked:
        left = next_chunk(exchange)
    if left != 0 and exchange.start == exchange.stop and not exchange.fill():
        if left is not None:
            raise exchange.failed(None)
        left = exchange.left = 0
    if left == 0:
        exchange.finish()
        return b""
    start = exchange.start
    stop = exchange.stop
    if left is not None:
        if stop - start > left:
            stop = start + left
        exchange.left = left - stop + start
    exchange.start = stop
    exchange.received += stop - start
    return bytes(exchange.view[start:stop])


def one_length(exchange: "Exchange", value: bytes) -> bytes:
    """The one length that a repeated Content-Length says, as some gateways send it (RFC 9110 section 8.6).

    Raises InvalidHeader for any other.
    """
    values = value.split(b",")
    for other in values:
        if other.strip() != values[0] or len(values[0]) > 18 or not values[0].isdigit():
            raise exchange.failed(("Content-Length", value[:40]), "InvalidHeader")
    return values[0]


def make_room(exchange: "Exchange") -> int:
    """Move what is unread to the front of the buffer, of a larger one if it is most of this one; where it ends."""
    unread = bytes(exchange.view[exchange.start : exchange.stop])
    size = len(exchange.buffer)
    if len(unread) > size // 2:
        if size >= HEAD_LIMIT:
            raise exchange.failed("over %d bytes of response head" % HEAD_LIMIT)
        exchange.renew(max(size * 2, 1024))
    exchange.start = 0
    exchange.view[: len(unread)] = unread
    return len(unread)
