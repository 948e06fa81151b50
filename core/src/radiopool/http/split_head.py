"""A response head that comes in more than one piece, or does not come."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from radiopool.http.wire import Exchange


def more(exchange: "Exchange", seen: int) -> int:
    """Wait for more of a head whose first `seen` unread bytes were looked at before; how many need no other look.

    Raises ProtocolError if the peer closed or its lines end in LF without CR, ReadTimeoutError.
    """
    start = exchange.start
    stop = exchange.stop
    # 0: what was read before this was the end.
    if not stop or exchange.buffer.find(b"\n\n", start + seen, stop) >= 0 or not exchange.fill():
        raise exchange.failed(None, "head")
    return max(stop - start - 3, 0)
