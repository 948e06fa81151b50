"""Sending what a socket did not take at once.

A socket may take a part, and CircuitPython's on espressif says EAGAIN of a full send buffer whatever its timeout.
"""

import errno
import time

from radiopool.platform import now_ms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool.http.wire import Exchange

# The buffer empties as fast as the peer acknowledges: a few milliseconds on a local network.
PAUSE = 0.005
# With no timeout of the request's own: as long as a lease waits by default.
PATIENCE = 60


def send_on(exchange: "Exchange", request: "Any", count: int, failure: "OSError | None") -> None:
    """Go on after the socket took `count` bytes of the request, or raised `failure`.

    Raises ReadTimeoutError, ProtocolError.
    """
    try:
        if failure is not None and not exchange.pool.manager.driver.would_block(failure):
            raise failure
        send_rest(exchange, memoryview(request)[count:])
    except OSError as error:
        raise exchange.failed(error) from error


def send_rest(exchange: "Exchange", rest: "Any") -> None:
    """Send all of `rest` (a memoryview), waiting for room as long as the request's timeout.

    Raises OSError: ETIMEDOUT if there was no room in time, else what the socket raised.
    """
    driver = exchange.pool.manager.driver
    patience = int((exchange.timeout or PATIENCE) * 1000)
    begun = now_ms()
    while rest:
        try:
            count = exchange.socket.send(rest)
        except OSError as error:
            if not driver.would_block(error):
                raise
            if now_ms() - begun >= patience:
                raise OSError(errno.ETIMEDOUT, "no room in the send buffer") from error
            time.sleep(PAUSE)
        else:
            exchange.sent += count
            rest = rest[count:]
            begun = now_ms()
