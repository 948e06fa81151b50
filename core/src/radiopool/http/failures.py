"""What a lease or a socket that failed is called in HTTP."""

import radiopool.errors as core
import radiopool.http.errors as errors
from radiopool.http.wire import is_head
from radiopool.platform import CPYTHON
from radiopool.vocabulary import INTERIM_LIMIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def lease_failed(pool: "Any", error: OSError) -> "Exception":
    """The error of `radiopool.http` for one of the core's; what has no counterpart is returned as it is."""
    if isinstance(error, errors.HTTPError):
        return error
    if isinstance(error, core.OutOfSocketsError):
        return errors.EmptyPoolError(pool, str(error))
    if isinstance(error, core.LeaseError):
        return errors.ClosedPoolError(pool, str(error))
    if isinstance(error, core.NameResolutionError):
        return errors.NameResolutionError(pool.host, pool, error)
    if isinstance(error, core.ConnectTimeoutError):
        return errors.ConnectTimeoutError("%s: %s" % (pool, error))
    if isinstance(error, core.TLSError):
        return errors.SSLError(str(error))
    if isinstance(error, core.ConnectError):
        return errors.NewConnectionError(pool, "Failed to establish a new connection: %s" % error)
    return error


def failed(exchange: "Any", reason: "Any", kind: "str | None") -> "Exception":
    """End an exchange's lease; the error to raise (see `Exchange.failed`)."""
    if kind == "head":
        reason = _wrong_with(exchange, reason)
        kind = None
    if reason is None:
        exchange.abort("peer closed in the body")
        return errors.IncompleteRead(exchange.received, exchange.left)
    what = None
    if isinstance(reason, tuple):
        # The manager counts reasons for as long as it lives: what the peer sent is no part of them.
        reason, what = reason
    if isinstance(reason, str):
        exchange.abort(reason)
        return getattr(errors, kind or "ProtocolError")(  # type: ignore[no-any-return]
            reason if what is None else "%s: %r" % (reason, what)
        )
    pool = exchange.pool
    if pool.manager.driver.is_timeout(reason):
        exchange.abort("timeout")
        timeout: Exception = errors.ReadTimeoutError(pool, None, "Read timed out.")
        return timeout
    exchange.abort("socket failed")
    if CPYTHON and type(reason).__name__ == "SSLError":
        # TLS's own, an alert of the peer's for the most part: TLS 1.3 refuses a client after its handshake.
        return errors.SSLError("%s: %s" % (pool, reason))
    return errors.ProtocolError("Connection aborted: %s" % reason)


def _wrong_with(exchange: "Any", head: "bytes | None") -> "Any":
    """What is wrong with a head that did not end (None), that is none, or one too many: `Exchange.failed`'s reason."""
    if head is None:
        unread = exchange.buffer[exchange.start : exchange.stop]
        if unread.find(b"\n\n") >= 0:
            return "lines end in LF without CR"
        return "peer closed before the response" + (" head ended" if unread else "")
    if is_head(head):
        return "over %d interim responses" % INTERIM_LIMIT
    return "not an HTTP/1 response", head[: head.find(b"\r\n")][:80]


def may_repeat(exchange: "Any", method: str, error: BaseException) -> bool:
    """Whether a request that failed on a recycled connection may go out again: before the first byte of a response, if
    the peer can't have acted on it, or acting twice does no harm."""
    if exchange.stop or not isinstance(error, OSError):
        return False
    from radiopool.http.outgoing import IDEMPOTENT

    # Closed as interrupted, the connection itself had not failed: the body's source raised the error.
    return exchange.close not in ("timeout", "interrupted") and (method in IDEMPOTENT or not exchange.sent)


def closed(pool: "Any") -> "Exception":
    """The error of a request on a pool that was closed."""
    return errors.ClosedPoolError(pool, "Pool is closed.")


def no_host(host: object) -> "Exception":
    """The error of a pool for what is no host."""
    return errors.LocationValueError("host must be text, not %r" % (host,) if host else "No host specified.")


def no_port(port: object) -> "Exception":
    """The error of a pool for what is no port; 0 is the scheme's."""
    return errors.LocationValueError("port must be a whole number up to 65535, not %r" % (port,))


def bad_url(url: object, start: int = 0, scheme: str = "") -> "Exception":
    """The error of a URL that `url.split` does not take. User information, which may be a password, is left out."""
    if not isinstance(url, str) or "\r" in url or "\n" in url or "\0" in url:
        # Encoded they would be harmless; whoever has them in a URL did not put them there.
        return errors.LocationParseError("%s: a URL is text without line ends and NUL" % masked(repr(url)))
    if start > 3 and scheme not in ("http", "https"):
        return errors.URLSchemeUnknown(scheme)
    return errors.LocationParseError(masked(url))


def masked(url: str) -> str:
    """A URL, or what was given for one, without its user information."""
    start, at, place = url.rpartition("@")
    scheme, separator, _ = start.partition("://")
    # What is no scheme has the user's name in it, if not the password.
    known = separator and ":" not in scheme
    return (scheme + separator if known else "") + "***@" + place if at else url


def bad_scheme(scheme: "str | None") -> "Exception":
    """The error of a URL of a scheme that no pool speaks, or without one."""
    return errors.URLSchemeUnknown(scheme)
