"""urllib3's `response`: responses, also of bodies that come from no connection."""

from __future__ import annotations

import io
import logging
from http.client import responses as reasons
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
    """A response made by hand: its body is bytes, text, or a binary file, read as if a connection had brought it."""

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
        text = "HTTP/1.1 %03d %s\r\n" % (status or 200, reason if reason is not None else reasons.get(status, ""))
        text += "".join("%s: %s\r\n" % field for field in fields.iteritems()) + "\r\n"
        source = (
            io.BytesIO(body.encode() if isinstance(body, str) else bytes(body or b""))
            if not hasattr(body, "read")
            else body
        )
        exchange = wire.begin(_Nobody, _Lease(text.encode("latin-1"), source))
        exchange.receive(request_method or "GET")
        super().__init__(
            exchange, request_url, request_method or "GET", decode_content, retries, enforce_content_length
        )
        self.status = status
        self.auto_close = auto_close
        self._given_reason = reason
        self._given_version = version
        self._given_version_string = version_string
        self._given_headers = fields
        if preload_content:
            self.data  # noqa: B018

    @property
    def headers(self) -> Any:
        """The headers as they were given."""
        return self._given_headers

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
    """What stands for a leased socket: a head, then a file."""

    leases = 1

    def __init__(self, head: bytes, body: Any) -> None:
        self.socket = self
        self._head = head
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
    """What stands for a connection pool: nothing is given back to it."""

    maxsize = 0
    manager: Any

    @staticmethod
    def recycle(*_: object) -> None:
        pass

    discard = recycle


_Nobody.manager = _Nobody
