"""Where names and addresses lead on the desk: `hosts` for names, `routes` for (host, port) pairs."""

import ipaddress
import socket
from collections.abc import Iterable, Mapping

from radiopool.errors import InvalidValueError

gaierror = socket.gaierror
EAI_NONAME = -2
AF_INET = 2
AF_INET6 = 10
HOST_FAMILY = {AF_INET: socket.AF_INET, AF_INET6: socket.AF_INET6}
"""The firmware's number for a family, and this computer's."""

# Networks set aside for tests (RFC 2544 appendix C.2.2, RFC 5180 section 8): no real host has such an address.
MADE_UP = {AF_INET: ipaddress.ip_address("198.18.0.0"), AF_INET6: ipaddress.ip_address("2001:2::")}

Address = tuple[str, int]
Hosts = Mapping[str, "str | Iterable[str]"]
Routes = Mapping[Address, Address]


class Names:
    """What a radio's names resolve to, and where its connections really go.

    hosts: name to address, or to several; the computer's own resolver knows the rest.
    routes: (name or address, port) to the (address, port) that is used instead. A name that is in `routes` and not in
        `hosts` gets an address made up for it, on which only its routes answer.
    loopback: only names in `hosts` and `routes`, "localhost" and loopback addresses exist.

    Raises InvalidValueError.
    """

    def __init__(self, hosts: Hosts | None = None, routes: Routes | None = None, loopback: bool = False) -> None:
        self.loopback = loopback
        self._hosts = {
            _canonical(name): [_checked(address, name) for address in _several(addresses)]
            for name, addresses in (hosts or {}).items()
        }
        self._made_up: set[str] = set()
        self._routes: dict[Address, Address] = {}
        for (host, port), target in (routes or {}).items():
            target = (_checked(target[0], host), target[1])
            for address in self._addresses_for_route(host, target):
                self._routes[address, port] = target
        self._origins = {target: origin for origin, target in self._routes.items()}

    def addresses(self, host: str, families: Iterable[int]) -> list[tuple[int, str]]:
        """(family, address) of each address that a name has in those families, none if it is unknown."""
        families = list(families)
        name = _canonical(host)
        if _family(name):
            found = [name]
        elif name in self._hosts:
            found = self._hosts[name]
        elif self.loopback and name != "localhost":
            found = []
        else:
            found = _resolve(name, families)
        return [(family, address) for address in found if (family := _family(address)) in families]

    def exists(self, address: str) -> bool:
        """Whether there is a way to that address at all."""
        return not self.loopback or address in self._made_up or _is_near(address)

    def target(self, address: str, port: int) -> Address | None:
        """Where a connection to that address really goes; None: nobody listens there."""
        if (address, port) in self._routes:
            return self._routes[address, port]
        return None if address in self._made_up else (address, port)

    def origin(self, address: str, port: int) -> Address:
        """The inverse of `target`: whom a datagram seems to come from."""
        return self._origins.get((address, port), (address, port))

    def _addresses_for_route(self, host: str, target: Address) -> list[str]:
        name = _canonical(host)
        if _family(name):
            return [name]
        if name not in self._hosts:
            address = str(MADE_UP[_family(target[0])] + len(self._made_up) + 1)
            self._made_up.add(address)
            self._hosts[name] = [address]
        return self._hosts[name]


def name_unknown() -> OSError:
    """What a name that does not resolve raises, wherever it was given."""
    return gaierror(EAI_NONAME, "Name or service not known")


def _canonical(host: str) -> str:
    # lwIP does not know the trailing dot of a full name; CircuitPython takes it off.
    return host.removesuffix(".").lower()


def _family(address: str) -> int:
    """AF_INET, AF_INET6, or 0 for a name."""
    try:
        return AF_INET if ipaddress.ip_address(address).version == 4 else AF_INET6
    except ValueError:
        return 0


def _is_near(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return parsed.is_loopback or parsed.is_unspecified


def _several(addresses: "str | Iterable[str]") -> list[str]:
    return [addresses] if isinstance(addresses, str) else list(addresses)


def _checked(address: str, name: str) -> str:
    if not _family(address):
        raise InvalidValueError("%r must lead to an IP address, not %r" % (name, address))
    return address


def _resolve(name: str, families: list[int]) -> list[str]:
    family = HOST_FAMILY[families[0]] if len(families) == 1 else 0
    try:
        found = socket.getaddrinfo(name, None, family, socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(info[4][0]) for info in found))
