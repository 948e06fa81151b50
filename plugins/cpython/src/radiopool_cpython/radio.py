"""The host's own network, as a radio."""

import functools
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from radiopool.errors import InvalidValueError
from radiopool.keys import check_address
from radiopool.policy import check_budget
from radiopool_cpython.pool import HostSocketPool, is_address


class HostNetwork:
    """The network of the machine that Python runs on: its names, routes and sockets.

    hosts: name -> address or addresses, asked before the system's resolver; other names resolve as ever.
    routes: (name or address, port) -> (address, port): where a connection really goes. With both, a test keeps
        `example.com` and port 443 and never leaves the loopback.
    budget: (sockets, TLS sockets) open at once, or only the first number; None is "no limit".
    source_address: (address, port) that connections leave from; port 0 is any.
    keep_alive: (idle, interval, count) of TCP keep-alive, in seconds and probes; True for the system's own numbers.

    Raises InvalidValueError.
    """

    def __init__(
        self,
        hosts: "Mapping[str, str | Iterable[str]] | None" = None,
        routes: "Mapping[tuple[str, int], tuple[str, int]] | None" = None,
        budget: "int | tuple[int | None, int | None]" = (None, None),
        source_address: "tuple[str, int] | None" = None,
        keep_alive: "tuple[int, int, int] | bool" = False,
    ) -> None:
        with _shaped_like("hosts", "{'example.com': '127.0.0.1'}", hosts):
            self.hosts = {
                name.lower(): (addresses,) if isinstance(addresses, str) else tuple(addresses)
                for name, addresses in (hosts or {}).items()
            }
        for name, addresses in self.hosts.items():
            _check_addresses(f"hosts[{name!r}]", addresses)
        with _shaped_like("routes", "{('example.com', 80): ('127.0.0.1', 8080)}", routes):
            self.routes = {(name.lower(), port): target for (name, port), target in (routes or {}).items()}
            for source, target in self.routes.items():
                check_address(*source)
                check_address(*target)
                _check_addresses(f"routes[{source!r}]", target[:1])
        if source_address is not None:
            with _shaped_like("source_address", "('192.0.2.7', 0)", source_address):
                address, port = source_address
                check_address(address, port or 1)
                _check_addresses("source_address", (address,))
        self.budget = check_budget(budget)
        self.source_address = source_address
        self.socket_options = _keep_alive_options(keep_alive)
        self.socket_pool = HostSocketPool(self)

    def __repr__(self) -> str:
        return f"<HostNetwork budget {self.budget[0]} sockets, {self.budget[1]} TLS; {len(self.hosts)} names>"


@functools.cache
def default_radio() -> HostNetwork:
    """The radio used when none is given; one per process."""
    return HostNetwork()


@contextmanager
def _shaped_like(name: str, example: str, given: object) -> "Iterator[None]":
    """What can't even be taken apart is refused with an example of what can."""
    try:
        yield
    except InvalidValueError:
        raise
    except (AttributeError, TypeError, ValueError):
        raise InvalidValueError(f"{name} must be such as {example}, not {given!r}") from None


def _check_addresses(where: str, addresses: Sequence[str]) -> None:
    if not addresses or not all(isinstance(address, str) and is_address(address) for address in addresses):
        raise InvalidValueError(f"{where} must be IPv4 or IPv6 addresses such as '127.0.0.1', not {addresses!r}")


def _keep_alive_options(keep_alive: "tuple[int, int, int] | bool") -> "tuple[tuple[int, int, int], ...]":
    """Arguments for `setsockopt` of every connection. The names differ between systems (tcp(7), macOS tcp(4))."""
    no_delay = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if keep_alive is False:
        return (no_delay,)
    options = [no_delay, (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    if not isinstance(keep_alive, bool):
        if (
            not isinstance(keep_alive, (tuple, list))
            or len(keep_alive) != 3
            or not all(isinstance(number, int) and number > 0 for number in keep_alive)
        ):
            raise InvalidValueError(
                f"keep_alive must be True or (idle seconds, interval seconds, count), not {keep_alive!r}"
            )
        idle = "TCP_KEEPIDLE" if hasattr(socket, "TCP_KEEPIDLE") else "TCP_KEEPALIVE"
        for name, number in zip((idle, "TCP_KEEPINTVL", "TCP_KEEPCNT"), keep_alive, strict=True):
            if hasattr(socket, name):
                options.append((socket.IPPROTO_TCP, getattr(socket, name), number))
    return tuple(options)
