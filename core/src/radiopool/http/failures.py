"""What a lease or a socket that failed is called in HTTP."""

import radiopool.errors as core
import radiopool.http.errors as errors

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


def exchange_failed(exchange: "Any", reason: "Any", kind: str) -> "Exception":
    """End an exchange's lease; the error to raise (see `Exchange.failed`)."""
    if reason is None:
        exchange.abort("peer closed in the body")
        return errors.IncompleteRead(exchange.received, exchange.left)
    if isinstance(reason, str):
        exchange.abort(reason)
        return getattr(errors, kind)(reason)  # type: ignore[no-any-return]
    pool = exchange.pool
    if pool.manager.driver.is_timeout(reason):
        exchange.abort("timeout")
        timeout: Exception = errors.ReadTimeoutError(pool, None, "Read timed out.")
        return timeout
    exchange.abort("socket failed")
    return errors.ProtocolError("Connection aborted: %s" % reason)


def may_repeat(exchange: "Any", method: str) -> bool:
    """Whether a request that failed on a recycled connection, before the first byte of a response, may go out again:
    if the peer can't have acted on it, or acting twice does no harm."""
    from radiopool.http.outgoing import IDEMPOTENT

    return exchange.close != "timeout" and (method in IDEMPOTENT or not exchange.sent)


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
    """The error of a URL that `url.split` does not take."""
    if not isinstance(url, str) or "\r" in url or "\n" in url or "\0" in url:
        # Encoded they would be harmless; whoever has them in a URL did not put them there.
        return errors.LocationParseError("%r: a URL is text without line ends and NUL" % (url,))
    if start > 3 and scheme not in ("http", "https"):
        return errors.URLSchemeUnknown(scheme)
    return errors.LocationParseError(url)


def unknown_scheme(scheme: "str | None") -> "Exception":
    """The error of a URL of a scheme that no pool speaks, or without one."""
    return errors.URLSchemeUnknown(scheme)
