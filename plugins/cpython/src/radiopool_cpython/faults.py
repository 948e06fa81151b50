"""Sentences for connections that could not be made: where to, why, and what to do."""

import errno
import socket
from collections.abc import Sequence
from typing import Any

from radiopool.errors import ConnectError, ConnectTimeoutError, NameResolutionError, RefusedError, UnreachableError

_UNREACHABLE = (
    errno.ENETUNREACH,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    getattr(errno, "EHOSTDOWN", errno.EHOSTUNREACH),
    errno.EAFNOSUPPORT,
)


def lookup_error(error: BaseException, host: str, port: int) -> ConnectError:
    """For a name that did not resolve. Raise it `from error`."""
    # gaierror(number, text); a label too long for DNS is a UnicodeError before anyone is asked.
    reason = error.args[1] if isinstance(error, socket.gaierror) and len(error.args) > 1 else error
    return _place(
        NameResolutionError(
            f"{host!r} does not resolve: {reason}; is it spelled right, and does this machine have DNS?"
        ),
        host,
        port,
        error,
    )


def connect_error(
    error: BaseException,
    host: str,
    port: int,
    failures: "Sequence[tuple[Any, OSError]]" = (),
    tried: "Sequence[Any]" = (),
) -> ConnectError:
    """For addresses that could not be connected to. Raise it `from error`.

    failures: (address, error) of the attempts that failed.
    tried: the addresses that were tried, or were still to be.
    """
    addresses = ", ".join(dict.fromkeys(str(address[0]) for address in tried))
    where = f"{host} port {port}" + (f" (at {addresses})" if addresses and addresses != host else "")
    errors: list[BaseException] = [failure for _, failure in failures] or [error]
    if isinstance(error, TimeoutError):
        found: ConnectError = ConnectTimeoutError(
            f"no connection to {where} within the timeout; is the host up, and does a firewall drop the packets?"
        )
    elif any(isinstance(one, ConnectionRefusedError) for one in errors):
        # Somebody answered, which says more than the addresses that nobody answered for.
        error = next(one for one in errors if isinstance(one, ConnectionRefusedError))
        found = RefusedError(f"{where} refused the connection; does the server run, and is the port right?")
    elif getattr(error, "errno", None) in _UNREACHABLE:
        found = UnreachableError(f"{where} is out of reach: {_reason(error)}; is the network up?")
    else:
        found = ConnectError(f"no connection to {where}: {_reason(error)}")
    return _place(found, host, port, error)


def lookup_timeout(host: str, port: int) -> ConnectTimeoutError:
    """For a resolver that does not answer in time."""
    found = ConnectTimeoutError(f"the lookup of {host!r} took longer than the timeout; does this machine's DNS answer?")
    _place(found, host, port, TimeoutError(errno.ETIMEDOUT, ""))
    return found


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error)


def _place(found: ConnectError, host: str, port: int, error: BaseException) -> ConnectError:
    found.host, found.port = host, port
    # Set afterwards: OSError(number, text) would put "[Errno …]" before the sentence.
    found.errno = getattr(error, "errno", None)
    return found
