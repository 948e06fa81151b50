"""The pool key: the tuple that decides whether two leases may share a socket."""

from collections import namedtuple

from radiopool.platform import CPYTHON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable

if TYPE_CHECKING or CPYTHON:
    from radiopool.platform import remembered

# In one text, since a board would keep a name for each.
PoolKey = namedtuple("PoolKey", "scheme host port session tls server_name proxy source_address custom")
"""Everything that makes two connections unequal; equal keys may share a socket, unequal never.

`tls` is the identity of the TLS context (`id(context)`, and whoever holds the key holds the context) or None for
a plain connection; `custom` is any hashable of the caller's own. The other fields mean what they say; `session`
separates users of one radio from each other.
"""


if TYPE_CHECKING or CPYTHON:

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

else:

    def pool_key(scheme, host, port, *rest):
        check_address(host, port)
        return PoolKey(scheme, host.lower(), port, *(rest + (None,) * (6 - len(rest))))


def check_address(host: object, port: object) -> None:
    """Refuse a host or a port that can't be connected to, before a socket is spent on it.

    Raises InvalidValueError.
    """
    is_host = isinstance(host, str) and host and min(host) > " " and "\x7f" not in host
    # bool is an int to isinstance, and True == 1 would share the key of port 1.
    if is_host and isinstance(port, int) and port is not True and 0 < port < 65536:
        return
    from radiopool.errors import bad_address

    raise bad_address(host, port)


def check_timeout(timeout: object, name: str = "timeout") -> None:
    """Refuse a timeout that is not None and not a number of seconds from 0 up. Raises InvalidValueError."""
    # NaN is not `>= 0`.
    if timeout is None or (
        isinstance(timeout, (int, float))
        and type(timeout) is not bool
        and timeout >= 0
        # What a thread can wait at the most is a little more (threading.TIMEOUT_MAX).
        and (not CPYTHON or timeout < 9e9)
    ):
        return
    from radiopool.errors import bad_timeout

    raise bad_timeout(timeout, name)
