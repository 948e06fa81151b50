"""The socket pool of one `HostNetwork`: the `socket` module, with the radio's names and routes."""

from __future__ import annotations

import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool_cpython.radio import HostNetwork


class HostSocketPool:
    """Shaped like the `socket` module, as far as code for boards uses it: constants, `socket`, `getaddrinfo`.

    Its sockets are `socket.socket`, bare.
    """

    AF_INET = socket.AF_INET
    AF_INET6 = socket.AF_INET6
    SOCK_STREAM = socket.SOCK_STREAM
    SOCK_DGRAM = socket.SOCK_DGRAM
    IPPROTO_TCP = socket.IPPROTO_TCP
    gaierror = socket.gaierror
    timeout = TimeoutError
    socket = socket.socket

    def __init__(self, radio: "HostNetwork") -> None:
        self.radio = radio

    def getaddrinfo(
        self, host: str, port: int, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> "list[tuple[Any, ...]]":
        """The 5-tuples of `socket.getaddrinfo`, after the radio's `hosts` and `routes`.

        Raises socket.gaierror for a name that nobody knows, or none of whose addresses is of that family.
        """
        hosts, routes = self.radio.hosts, self.radio.routes
        name = host.lower() if host else host
        if (name, port) in routes:
            ends = [routes[name, port]]
        elif name in hosts:
            ends = [routes.get((address, port), (address, port)) for address in hosts[name]]
        else:
            infos: list[tuple[Any, ...]] = list(socket.getaddrinfo(host, port, family, type, proto, flags))
            ends = [routes[info[4][0], port] for info in infos if (info[4][0], port) in routes]
            if not ends:
                return infos
        found: list[tuple[Any, ...]] = []
        failure = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        for end in dict.fromkeys(ends):
            try:
                found += socket.getaddrinfo(*end, family, type, proto, flags | socket.AI_NUMERICHOST)
            except socket.gaierror as error:
                # An address of the other family than the one asked for; an error only if there is no other.
                failure = error
        if not found:
            raise failure
        return found

    def is_known(self, host: str) -> bool:
        """Whether `getaddrinfo` answers without asking a resolver, so that it can't block."""
        return host.lower() in self.radio.hosts or is_address(host)

    def __getattr__(self, name: str) -> Any:
        # Only constants: the module's functions would bypass the radio.
        if name.isupper():
            return getattr(socket, name)
        raise AttributeError(f"a HostSocketPool has socket, getaddrinfo and the socket module's constants, not {name}")

    def __repr__(self) -> str:
        return f"<HostSocketPool of {self.radio!r}>"


def is_address(host: str) -> bool:
    """Whether that is an IPv4 or IPv6 address and no name. A zone (`fe80::1%eth0`) may follow."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host.partition("%")[0])
            return True
        except (OSError, ValueError):
            pass
    return False
