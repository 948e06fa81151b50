"""urllib3's `response`: responses, also of bodies that come from no connection."""

from __future__ import annotations

import io
import logging
from typing import Any

from radiopool.http import wire
from radiopool.http.decoding import ContentDecoder as MultiDecoder
from radiopool.http.decoding import Deflate as DeflateDecoder
from radiopool.http.decoding import Gzip as GzipDecoder
from radiopool.http.file_response import HTTPResponse as _HTTPResponse
from radiopool.http.headers import HTTPHeaderDict
from radiopool.http.response import BaseHTTPResponse as BaseHTTPResponse

__all__ = ["BaseHTTPResponse", "DeflateDecoder", "GzipDecoder", "HTTPResponse", "MultiDecoder"]

log = logging.getLogger(__name__)

ContentDecoder = MultiDecoder


class _Kind(type):
    """The responses of connection pools are instances too."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, _HTTPResponse)


class HTTPResponse(_HTTPResponse, metaclass=_Kind):
    """A response made by hand: its body is bytes, text, or a binary file, read to its end as if a connection had
    brought it.

    The body is the body, whatever Content-Length and Transfer-Encoding say about how it once came; a Content-Encoding
    is undone. `close` closes the file.
    """

    def __init__(
        self,
        body: Any = "",
        headers: Any = None,
        status: int = 0,
        version: int = 0,
        version_string: str = "HTTP/?",
        reason: str | None = None,
        preload_content: bool = True,
        decode_content: bool = True,
        original_response: Any = None,
        pool: Any = None,
        connection: Any = None,
        msg: Any = None,
        retries: Any = None,
        enforce_content_length: bool = True,
        request_method: str | None = None,
        request_url: str | None = None,
        auto_close: bool = True,
        sock_shutdown: Any = None,
    ) -> None:
        fields = headers if isinstance(headers, HTTPHeaderDict) else HTTPHeaderDict(headers)
        if not hasattr(body, "read"):
            body = io.BytesIO(body.encode() if isinstance(body, str) else bytes(body or b""))
        self._file = body
        exchange = wire.begin(_Nobody, _Lease(body))
        exchange.receive("GET")
        exchange.encoded = bool(fields.get("content-encoding"))
        super().__init__(
            exchange, request_url, request_method or "GET", decode_content, retries, enforce_content_length
        )
        self.status = status
        self.auto_close = auto_close
        self._headers = fields
        self._original_response = original_response
        self._connection = connection
        self._given_msg = msg
        self._given_reason = reason
        self._given_version = version
        self._given_version_string = version_string
        if preload_content:
            self.data  # noqa: B018

    def __del__(self) -> None:
        # No socket is lost with it.
        pass

    def close(self) -> None:
        """Close the file that is the body."""
        super().close()
        if hasattr(self._file, "close"):
            self._file.close()

    def shutdown(self) -> None:
        """The same as `close`: there is no socket to end."""
        self.close()

    @property
    def connection(self) -> Any:
        """The connection as it was given."""
        return self._connection

    @property
    def msg(self) -> Any:
        """The message as it was given, else the headers."""
        return self.headers if self._given_msg is None else self._given_msg

    @property
    def reason(self) -> Any:
        """The reason as it was given."""
        return self._given_reason

    @property
    def version(self) -> int:
        """The version as it was given: 11 for HTTP/1.1."""
        return self._given_version

    @property
    def version_string(self) -> str:
        """The version as it was given, as text."""
        return self._given_version_string


class _Lease:
    """What stands for a leased socket: a head whose body ends with the connection, then a file."""

    leases = 1
    _head = b"HTTP/1.0 200 OK\r\n\r\n"

    def __init__(self, body: Any) -> None:
        self.socket = self
        self._body = body

    def recv_into(self, buffer: Any, nbytes: int = 0) -> int:
        if self._head:
            size = min(len(buffer), nbytes or len(buffer), len(self._head))
            buffer[:size] = self._head[:size]
            self._head = self._head[size:]
            return size
        piece = self._body.read(nbytes or len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


class _Nobody:
    """What stands for a connection pool, its manager and its driver: nothing is given back, nothing is awaited."""

    maxsize = 0
    manager: Any
    driver: Any

    @staticmethod
    def recycle(*_: object) -> None:
        pass

    discard = recycle

    @staticmethod
    def is_timeout(error: BaseException) -> bool:
        return isinstance(error, TimeoutError)


_Nobody.manager = _Nobody.driver = _Nobody
