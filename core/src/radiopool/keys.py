"""The pool key: the tuple that decides whether two leases may share a socket."""

from collections import namedtuple

from radiopool.errors import InvalidValueError
from radiopool.platform import remembered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable

PoolKey = namedtuple(
    "PoolKey",
    ("scheme", "host", "port", "session", "tls", "server_name", "proxy", "source_address", "custom"),
)
"""Everything that makes two connections unequal; equal keys may share a socket, unequal never.

`tls` is the identity of the TLS context (`id(context)`, and whoever holds the key holds the context) or None for
a plain connection; `custom` is any hashable of the caller's own. The other fields mean what they say; `session`
separates users of one radio from each other.
"""


@remembered
def pool_key(
    scheme: str,
    host: str,
    port: int,
    session: "Hashable" = None,
    tls: "int | None" = None,
    server_name: "str | None" = None,
    proxy: "Hashable" = None,
    source_address: "tuple[str, int] | None" = None,
    custom: "Hashable" = None,
) -> PoolKey:
    """The key of those parts, its address checked and the host's case folded. Raises InvalidValueError."""
    check_address(host, port)
    return PoolKey(scheme, host.lower(), port, session, tls, server_name, proxy, source_address, custom)


def check_address(host: object, port: object) -> None:
    """Refuse a host or a port that can't be connected to, before a socket is spent on it.

    Raises InvalidValueError.
    """
    if not isinstance(host, str) or not host:
        raise InvalidValueError("host must be a name or an address, not %r" % (host,))
    for character in host:
        if character <= " " or character == "\x7f":
            raise InvalidValueError("host %r has a space or a control character in it" % (host,))
    # bool is an int to isinstance, and True == 1 would share the key of port 1.
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65536:
        raise InvalidValueError("port must be a whole number from 1 to 65535, not %r" % (port,))


def check_timeout(timeout: object, name: str = "timeout") -> None:
    """Refuse a timeout that is not None and not a number of seconds from 0 up. Raises InvalidValueError."""
    if timeout is None:
        return
    # `not >= 0` and not `< 0`: NaN is neither.
    if not isinstance(timeout, (int, float)) or isinstance(timeout, bool) or not timeout >= 0:
        raise InvalidValueError("%s must be None or seconds from 0 up, not %r" % (name, timeout))
