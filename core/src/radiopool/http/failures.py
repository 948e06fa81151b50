"""What a lease or a socket that failed is called in HTTP."""

import radiopool.errors as core
import radiopool.http.errors as errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def lease_failed(pool: "Any", error: core.RadiopoolError) -> "Exception":
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
