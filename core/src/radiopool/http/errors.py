"""The errors that a plain request raises, under urllib3's names; `exceptions` has these and all the others.

On CPython they have urllib3's parents, and the core's error for the same failure as one more: a program that guards
leases with `except ConnectError` guards requests too. A board allows one chain of parents that ends in a built-in
class, so there each has the first only.
"""

import radiopool.errors as errors
from radiopool.platform import CPYTHON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

if TYPE_CHECKING or CPYTHON:
    from radiopool.http.portable import Portable

    _Connect = errors.ConnectError
    _InvalidValue = errors.InvalidValueError
    _NameResolution = errors.NameResolutionError
    _OutOfSockets = errors.OutOfSocketsError
    _TLS = errors.TLSError
else:
    Portable = _Connect = _InvalidValue = _NameResolution = _OutOfSockets = _TLS = errors.InvalidValue


class HTTPError(Portable, errors.RadiopoolError):
    """The parent of every error of `radiopool.http`."""


class PoolError(HTTPError):
    """Something failed in a connection pool: `pool`."""

    def __init__(self, pool: "Any", message: str) -> None:
        self.pool = pool
        super().__init__("%s: %s" % (pool, message))


class RequestError(PoolError):
    """A request failed: `url` is its target."""

    def __init__(self, pool: "Any", url: "str | None", message: str) -> None:
        self.url = url
        super().__init__(pool, message)


class MaxRetryError(RequestError):
    """The request failed for the last time it may; `reason` is how."""

    def __init__(self, pool: "Any", url: "str | None", reason: "Exception | None" = None) -> None:
        self.reason = reason
        super().__init__(pool, url, "Max retries exceeded with url: %s (Caused by %r)" % (url, reason))


if TYPE_CHECKING or CPYTHON:  # noqa: SIM108 (a checker takes a class from an if only)
    _Request = RequestError
else:
    _Request = Portable


class TimeoutError(HTTPError):
    """A timeout ran out: `ReadTimeoutError` or `ConnectTimeoutError`."""


class ReadTimeoutError(TimeoutError, _Request):
    """The server sent nothing, or did not take what was sent, for as long as the read timeout."""

    __init__ = RequestError.__init__


class ConnectTimeoutError(TimeoutError, _Connect):
    """No connection within the connect timeout."""


class NewConnectionError(ConnectTimeoutError):
    """No connection could be made, most often because nothing listens there. `conn` is who tried."""

    def __init__(self, conn: "Any", message: str) -> None:
        self.conn = self.pool = conn
        super().__init__("%s: %s" % (conn, message))


class NameResolutionError(NewConnectionError, _NameResolution):
    """The host name does not resolve."""

    def __init__(self, host: str, conn: "Any", reason: "Exception | str") -> None:
        self.host = host
        super().__init__(conn, "Failed to resolve %r (%s)" % (host, reason))


class EmptyPoolError(PoolError, _OutOfSockets):
    """No connection was given back within `pool_timeout` and no more are allowed."""


class ClosedPoolError(PoolError):
    """The pool was closed before the request."""


class SSLError(HTTPError, _TLS):
    """The TLS handshake failed or the certificate was refused."""


class ProtocolError(HTTPError):
    """The peer broke off, or sent what is not HTTP."""


class IncompleteRead(ProtocolError):
    """The body ended early: `partial` is what came (or how many bytes), `expected` how many bytes are missing."""

    def __init__(self, partial: "bytes | int", expected: "int | None") -> None:
        self.partial = partial
        self.expected = expected
        came = partial if isinstance(partial, int) else len(partial)
        rest = ", %d more expected" % expected if expected is not None else ""
        super().__init__("IncompleteRead(%d bytes read%s)" % (came, rest))


class InvalidHeader(HTTPError, _InvalidValue):
    """A header, method or target that can't be sent, or a response header that means nothing."""


class LocationValueError(HTTPError, _InvalidValue):
    """A URL that can't be used."""


class LocationParseError(LocationValueError):
    """A URL that is not one: `location`."""

    def __init__(self, location: str) -> None:
        self.location = location
        super().__init__("Failed to parse: %s" % location)


class URLSchemeUnknown(LocationValueError):
    """A URL of a scheme that no pool speaks: `scheme`."""

    def __init__(self, scheme: "str | None") -> None:
        self.scheme = scheme
        super().__init__("Not supported URL scheme %s" % scheme)
