"""Every error and warning under the name and with the parents that urllib3 documents.

What a plain request raises is in `errors`, small enough for a board; the rest is here and loaded by whoever asks for
it. Each error can be pickled: what it points at in its own process (`pool`, `conn`, `response`) becomes None.
"""

import http.client
from typing import Any

from radiopool import errors as core
from radiopool.http.errors import (
    ClosedPoolError,
    ConnectTimeoutError,
    EmptyPoolError,
    HTTPError,
    IncompleteRead,
    InvalidHeader,
    LocationParseError,
    LocationValueError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    PoolError,
    ProtocolError,
    ReadTimeoutError,
    RequestError,
    SSLError,
    TimeoutError,
    URLSchemeUnknown,
)

ConnectionError = ProtocolError

# A plain request raises IncompleteRead, and http.client costs more to import than all that a plain request needs: so
# the parent comes with this module, and whoever guards with it has either loaded this module or can't tell.
if http.client.IncompleteRead not in IncompleteRead.__mro__:
    IncompleteRead.__bases__ = (ProtocolError, http.client.IncompleteRead)


class ProxyError(HTTPError):
    """The proxy can't be reached, or refused; `original_error` is how."""

    def __init__(self, message: str, error: Exception) -> None:
        super().__init__(message, error)
        self.original_error = error


class DecodeError(HTTPError):
    """The body is not what its Content-Encoding says, or grows beyond all proportion when decoded."""


class HostChangedError(RequestError):
    """A connection pool was asked for another host's URL."""

    def __init__(self, pool: Any, url: str, retries: Any = 3) -> None:
        super().__init__(pool, url, "Tried to open a foreign host with url: %s" % url)
        self.retries = retries


class TimeoutStateError(HTTPError):
    """A timeout's clock was read before it was started, or started twice."""


class FullPoolError(PoolError):
    """A connection was given back to a blocking pool that has all its connections."""


class ResponseError(HTTPError):
    """Why a response led to a `MaxRetryError`: its `reason`."""

    GENERIC_ERROR = "too many error responses"
    SPECIFIC_ERROR = "too many {status_code} error responses"


class ResponseNotChunked(ProtocolError, ValueError):
    """`read_chunked` on a response that is not chunked."""


class BodyNotHttplibCompatible(HTTPError):
    """`read_chunked` on a response whose bytes don't come from a connection."""


class InvalidChunkLength(ProtocolError, http.client.IncompleteRead):
    """A chunk's size line is not a size: `length` is the line."""

    def __init__(self, response: Any, length: bytes) -> None:
        self.response = response
        self.length = length
        came: int = response.tell() if response is not None else 0
        self.partial: Any = came
        self.expected = getattr(response, "length_remaining", None)
        super().__init__("InvalidChunkLength(got length %r, %d bytes read)" % (length, came))


class HeaderParsingError(HTTPError):
    """A response's header lines could not be parsed."""

    def __init__(self, defects: Any, unparsed_data: "bytes | str | None") -> None:
        super().__init__("%s, unparsed data: %r" % (defects or "Unknown", unparsed_data))


class UnrewindableBodyError(HTTPError):
    """A request must be sent again and its body can't be: it is an iterator, or a file that does not seek."""


class ProxySchemeUnknown(URLSchemeUnknown, AssertionError):
    """A proxy's URL of a scheme that no proxy speaks."""

    def __init__(self, scheme: "str | None") -> None:
        # `localhost:3128` parses as scheme and path.
        self.scheme = None if scheme == "localhost" else scheme
        HTTPError.__init__(
            self,
            "Proxy URL had unsupported scheme %s, should use http:// or https://" % self.scheme
            if self.scheme
            else "Proxy URL had no scheme, should start with http:// or https://",
        )


class ProxySchemeUnsupported(HTTPError, core.InvalidValueError):
    """TLS through a TLS proxy is not to be had here."""


class HTTPWarning(Warning):
    """The parent of every warning of `radiopool.http`."""


class SecurityWarning(HTTPWarning):
    """Something was done that is less safe than the default."""


class InsecureRequestWarning(SecurityWarning):
    """HTTPS without verification of the certificate."""


class NotOpenSSLWarning(SecurityWarning):
    """The interpreter's TLS is not OpenSSL."""


class SystemTimeWarning(SecurityWarning):
    """The clock is so wrong that certificates will look expired."""


class InsecurePlatformWarning(SecurityWarning):
    """The interpreter's TLS lacks what is needed to be safe."""


class DependencyWarning(HTTPWarning):
    """An optional library is missing, or too old for what it is needed for."""


__all__ = [
    "BodyNotHttplibCompatible",
    "ClosedPoolError",
    "ConnectTimeoutError",
    "ConnectionError",
    "DecodeError",
    "DependencyWarning",
    "EmptyPoolError",
    "FullPoolError",
    "HTTPError",
    "HTTPWarning",
    "HeaderParsingError",
    "HostChangedError",
    "IncompleteRead",
    "InsecurePlatformWarning",
    "InsecureRequestWarning",
    "InvalidChunkLength",
    "InvalidHeader",
    "LocationParseError",
    "LocationValueError",
    "MaxRetryError",
    "NameResolutionError",
    "NewConnectionError",
    "NotOpenSSLWarning",
    "PoolError",
    "ProtocolError",
    "ProxyError",
    "ProxySchemeUnknown",
    "ProxySchemeUnsupported",
    "ReadTimeoutError",
    "RequestError",
    "ResponseError",
    "ResponseNotChunked",
    "SSLError",
    "SecurityWarning",
    "SystemTimeWarning",
    "TimeoutError",
    "TimeoutStateError",
    "URLSchemeUnknown",
    "UnrewindableBodyError",
]
