"""The chunked transfer coding (RFC 9112 section 7.1), read from an exchange's buffer.

Limits: a size line of LINE_LIMIT bytes, trailers of HEAD_LIMIT bytes in all.
"""

from radiopool.http.wire import HEAD_LIMIT, is_head
from radiopool.platform import CPYTHON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from radiopool.http.wire import Exchange

LINE_LIMIT = 4096 if CPYTHON else 256


def next_chunk(exchange: "Exchange") -> int:
    """Read on to the next chunk's data; its length, 0 at the end of the body.

    Sets the exchange's `left` and `chunked`. Raises ProtocolError for a bad size, a chunk longer than its size or a
    bad trailer, IncompleteRead if the peer closes.
    """
    if exchange.chunked == 2 and _line(exchange):
        raise exchange.refuse("a chunk is longer than its size")
    line = _line(exchange)
    digits = line.split(b";")[0].strip(b" \t")
    # int() would take a sign and underscores.
    if not digits or len(digits) > 15 or digits.strip(b"0123456789abcdefABCDEF") or not _is_text(line):
        raise exchange.refuse("bad chunk size %r" % line[:40])
    size = exchange.left = int(digits, 16)
    exchange.chunked = 2
    if not size:
        allowed = HEAD_LIMIT
        while line:
            line = _line(exchange)
            allowed -= len(line) + 2
            if allowed < 0 or (line and not is_head(b"HTTP/1.1 200\r\n" + line + b"\r\n\r\n")):
                raise exchange.refuse("bad trailer %r" % line[:40])
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
            raise exchange.refuse("over %d bytes without a line's end in a chunked body" % LINE_LIMIT)
        if not exchange.fill():
            raise exchange.cut_short(None)
