"""A response: status, headers, and a body that is read from the leased socket on demand.

`BaseHTTPResponse` is what a board has, under the name HTTPResponse; CPython's `HTTPResponse` (`file_response`) adds
decoding and the rest of the file interface.
"""

from radiopool.http.wire import spare
from radiopool.platform import CPYTHON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool.http.headers import HTTPHeaderDict
    from radiopool.http.wire import Exchange

if TYPE_CHECKING or CPYTHON:
    # The half that a board loads later: see `platform.Later`.
    from radiopool.http.response_methods import ResponseMethods as Later
else:
    from radiopool.platform import Later


class BaseHTTPResponse(Later):
    """What a server answered. The lease of its socket ends with the last byte of the body, or with `close`."""

    _later = ".http.response_methods"
    _source: "Any" = None
    _body: "bytes | None" = None
    _headers: "HTTPHeaderDict | None" = None

    def __init__(self, exchange: "Exchange", url: "str | None" = None, preload: bool = False) -> None:
        """`preload`: read the whole body. Raises what `Exchange.read` does."""
        self.status = exchange.status
        """The status, a number."""
        self._head = exchange.head
        self._url = url
        if preload:
            try:
                self._body = exchange.read()
            finally:
                if exchange.entry:
                    # What went wrong is no error of a socket: no memory, a key pressed.
                    exchange.abort("interrupted")
                spare(exchange)
        else:
            self._source = exchange

    @property
    def data(self) -> bytes:
        """The whole body. Kept, so that it can be asked for again."""
        if self._body is None:
            self._body = self.read()
        return self._body

    def readinto(self, b: "Any") -> int:
        """Fill the buffer with the next bytes of the body: how many, 0 at its end. May be fewer than fit."""
        source = self._source
        if source is None:
            return 0
        try:
            return source.readinto(b, len(b))  # type: ignore[no-any-return]
        finally:
            self._settle()

    def _settle(self) -> None:
        # After a read: whatever happened, an exchange whose lease has ended serves another request. (There is none any
        # more if another thread closed the response meanwhile.)
        source = self._source
        if source is not None and source.entry is None:
            self._source = None
            spare(source)
