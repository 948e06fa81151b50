"""A response: status, headers, and a body that is read from the leased socket on demand.

`BaseHTTPResponse` is what a board has, under the name HTTPResponse; CPython's `HTTPResponse` (`file_response`) adds
decoding and the rest of the file interface.
"""

from radiopool.http.wire import spare
from radiopool.platform import CPYTHON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from radiopool.http.headers import HTTPHeaderDict
    from radiopool.http.wire import Exchange

DRAIN_LIMIT = 65536 if CPYTHON else 4096
"""Bytes of an unread body that are read to keep its connection; a longer one costs the connection."""


class BaseHTTPResponse:
    """What a server answered. The lease of its socket ends with the last byte of the body, or with `close`."""

    def __init__(self, exchange: "Exchange", url: "str | None" = None, *_: object) -> None:
        self.status = exchange.status
        """The status, a number."""
        self._head = exchange.head
        self._source: "Any" = exchange
        self._body: "bytes | None" = None
        self._headers: "HTTPHeaderDict | None" = None
        self._url = url

    @property
    def headers(self) -> "HTTPHeaderDict":
        """The header fields."""
        if self._headers is None:
            from radiopool.http.headers import parse

            self._headers = parse(self._head)
        return self._headers

    @property
    def reason(self) -> str:
        """The words after the status; may be empty."""
        return self._head[13 : self._head.find(b"\r")].decode()

    @property
    def version(self) -> int:
        """10 for HTTP/1.0, 11 for HTTP/1.1."""
        return self._head[7] - 38

    @property
    def data(self) -> bytes:
        """The whole body. Kept, so that it can be asked for again."""
        if self._body is None:
            self._body = self.read()
        return self._body

    def json(self) -> "Any":
        """The body as JSON. Raises ValueError for what is not."""
        import json

        return json.loads(self.data)

    def read(self, amt: "int | None" = None) -> bytes:
        """The rest of the body, or its next `amt` bytes (fewer at its end, b"" after it).

        Raises IncompleteRead (the peer closed early), ProtocolError, ReadTimeoutError.
        """
        source = self._source
        if source is None:
            return b""
        if amt is None or amt < 0:
            try:
                return source.read()  # type: ignore[no-any-return]
            finally:
                self._settle()
        body = bytearray(amt)
        view = memoryview(body)
        done = 0
        while done < amt:
            count = self.readinto(view[done:])
            if not count:
                break
            done += count
        return bytes(view[:done])

    def readinto(self, b: "Any") -> int:
        """Fill the buffer with the next bytes of the body: how many, 0 at its end. May be fewer than fit."""
        source = self._source
        if source is None:
            return 0
        try:
            return source.readinto(b, len(b))  # type: ignore[no-any-return]
        finally:
            if not source.entry:
                self._settle()

    def stream(self, amt: int = 65536 if CPYTHON else 1024) -> "Iterator[bytes]":
        """The rest of the body in pieces of up to `amt` bytes."""
        while True:
            piece = self.read(amt)
            if not piece:
                break
            yield piece

    def drain_conn(self) -> None:
        """Read what is left of the body, so that its connection can be recycled; closed if that is over DRAIN_LIMIT."""
        source = self._source
        if source and source.left is not None and source.left <= DRAIN_LIMIT:
            waste = bytearray(1024)
            left = DRAIN_LIMIT
            try:
                while left > 0:
                    count = source.readinto(waste, 1024)
                    if not count:
                        break
                    left -= count
            except OSError:
                pass
        self.close()

    release_conn = drain_conn

    def close(self) -> None:
        """End the lease; the connection is closed if the body was not read to its end."""
        if self._source:
            self._source.abort("response closed early")
            self._settle()

    def _settle(self) -> None:
        # After a read: whatever happened, an exchange whose lease has ended serves another request.
        source = self._source
        if source and not source.entry:
            self._source = None
            spare(source)

    def __enter__(self) -> "BaseHTTPResponse":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
