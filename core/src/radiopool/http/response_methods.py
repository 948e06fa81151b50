"""What a response is asked beside its status and its body. A board loads it when it is."""

from radiopool.attributes import attribute
from radiopool.platform import CPYTHON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from radiopool.http.headers import HTTPHeaderDict

DRAIN_LIMIT = 65536 if CPYTHON else 4096
"""Bytes of an unread body that are read to keep its connection; a longer one costs the connection."""


class ResponseMethods:
    """The parent of `BaseHTTPResponse`, whose attributes these methods use."""

    if TYPE_CHECKING:
        status: int
        _head: bytes
        _source: Any
        _headers: HTTPHeaderDict | None

        @property
        def data(self) -> bytes: ...
        def readinto(self, b: Any) -> int: ...
        def _settle(self) -> None: ...

    @attribute
    def headers(self) -> "HTTPHeaderDict":
        """The header fields."""
        if self._headers is None:
            from radiopool.http.headers import parse

            self._headers = parse(self._head)
        return self._headers

    @attribute
    def reason(self) -> str:
        """The words after the status; may be empty."""
        return self._head[13 : self._head.find(b"\r")].decode()

    @attribute
    def version(self) -> int:
        """10 for HTTP/1.0, 11 for HTTP/1.1."""
        return self._head[7] - 38

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
            except BaseException:
                source.abort("interrupted")
                raise
            finally:
                self._settle()
        left = source.left
        if left is not None and left < amt and not source.chunked:
            # Whoever asks for the most that may come has no memory for it.
            amt = left
        body = bytearray(amt)
        view = memoryview(body)
        done = 0
        while done < amt:
            count = self.readinto(view[done:])
            if not count:
                break
            done += count
        return bytes(view[:done])

    def stream(self, amt: int = 65536 if CPYTHON else 1024) -> "Iterator[bytes]":
        """The rest of the body in pieces of up to `amt` bytes."""
        read = self.read
        while True:
            piece = read(amt)
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
            except BaseException:
                self.close()
                raise
        self.close()

    release_conn = drain_conn

    def close(self) -> None:
        """End the lease; the connection is closed if the body was not read to its end."""
        if self._source:
            self._source.abort("response closed early")
            self._settle()

    def __enter__(self) -> "Any":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _describe(self) -> str:
        return "<HTTPResponse [%d]>" % self.status


Half = ResponseMethods
