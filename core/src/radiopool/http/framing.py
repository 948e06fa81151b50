"""How a response's body is framed, where that is not plain (RFC 9112 section 6)."""

from radiopool.http.unsized import one_length

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool.http.wire import Exchange


def frame(exchange: "Exchange", method: str, status: int, head: bytes) -> "tuple[Any, ...]":
    """(status, bytes left, chunked, encoded, why to close) of a response; see `Exchange`.

    head: in lower case. Raises ProtocolError, InvalidHeader.
    """
    left = close = None
    chunked = 0
    if head[7] == 48:
        close = "HTTP/1.0"
    at = head.find(b"\r\nconnection:")
    if at > 0 and b"close" in field(head, b"\r\nconnection:", at):
        close = "the peer closes"
    encoded = head.find(b"\r\ncontent-encoding:") > 0
    at = head.find(b"\r\ncontent-length:")
    if at > 0:
        left = int(one_length(exchange, field(head, b"\r\ncontent-length:", at)))
    at = head.find(b"\r\ntransfer-encoding:")
    if at > 0:
        if field(head, b"\r\ntransfer-encoding:", at) != b"chunked":
            raise exchange.failed("Transfer-Encoding other than chunked", "InvalidHeader")
        if left is not None:
            close = "both Content-Length and Transfer-Encoding"
        chunked = 1
        left = 0
    if status == 101:
        # What follows is another protocol, whatever the request was.
        left = None
        chunked = 0
    elif method == "HEAD" or status == 204 or status == 304:
        left = chunked = 0
    if left is None:
        close = close or "no length"
    return status, left, chunked, encoded, close


def field(head: bytes, name: bytes, at: int) -> bytes:
    """What follows `name` (`b"\\r\\ncontent-length:"`), first found `at`, in a lower-case head.

    The values of a repeated field are joined by commas.
    """
    values = []
    while at >= 0:
        at += len(name)
        values.append(head[at : head.find(b"\r", at)].strip())
        at = head.find(name, at)
    return b",".join(values)
