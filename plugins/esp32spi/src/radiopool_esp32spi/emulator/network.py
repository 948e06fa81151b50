"""The air around the chip: an access point, names, and where addresses lead on this machine.

The chip's own address and every port it listens on are fictions; what carries the bytes are real sockets of the host.
"""

import ipaddress
import socket
from collections.abc import Callable
from typing import NamedTuple

# WiFi.status(), `WiFiType.h` of arduino-esp32; the vendor has the same numbers as WL_*.
IDLE, NO_SUCH_NETWORK, CONNECTED, CONNECT_FAILED, CONNECTION_LOST, DISCONNECTED, AP_LISTENING = 0, 1, 3, 4, 5, 6, 7

Address = tuple[str, int]


class AccessPoint(NamedTuple):
    """A network in reach. `password` "" is an open one; `strength` in dBm."""

    ssid: str
    password: str = ""
    strength: int = -50
    channel: int = 6
    bssid: bytes = b"\x02\x00\x00\x00\x00\x01"


def lookup(name: str) -> str:
    """The host's own name lookup, IPv4. Raises OSError."""
    return str(socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)[0][4][0])


DEFAULT_ACCESS_POINTS = (AccessPoint("emulated"),)


class Network:
    """hosts: name to address. routes: (address, port) to a port of 127.0.0.1 or to an (address, port) pair.

    `resolve` answers names that `hosts` lacks. Without one the network is closed: other names don't exist, and of the
    addresses without a route only loopback's are reached, as they are. With `expose` the chip's own ports are ports of
    127.0.0.1 with the same number; without, they are free ones, which `address_of` tells.
    """

    def __init__(
        self,
        hosts: "dict[str, str] | None" = None,
        routes: "dict[Address, int | Address] | None" = None,
        resolve: "Callable[[str], str] | None" = None,
        access_points: "tuple[AccessPoint, ...]" = DEFAULT_ACCESS_POINTS,
        expose: bool = False,
    ) -> None:
        self.hosts = {} if hosts is None else hosts
        self.routes = {} if routes is None else routes
        self.resolve = resolve
        self.access_points = list(access_points)
        self.expose = expose
        self.address = "192.0.2.2"
        self.mac = b"\x24\x0a\xc4\x00\x00\x02"
        self.status = IDLE
        self.joined: "AccessPoint | None" = None
        self.in_reach = True
        # Real address behind each of the chip's listening and datagram ports, and the way back to fictions.
        self._local: "dict[tuple[str, int], Address]" = {}
        self._seen: "dict[Address, Address]" = {}

    @property
    def is_up(self) -> bool:
        return self.status in (CONNECTED, AP_LISTENING)

    def join(self, ssid: str, password: str) -> None:
        """What `WiFi.begin` comes to."""
        found = [point for point in self.access_points if point.ssid == ssid] if self.in_reach else []
        if not found:
            self.joined, self.status = None, NO_SUCH_NETWORK
        elif found[0].password != password:
            self.joined, self.status = None, CONNECT_FAILED
        else:
            self.joined, self.status = found[0], CONNECTED

    def leave(self, status: int) -> None:
        self.status = status
        if status == DISCONNECTED:
            self.joined = None

    def address_for(self, name: str) -> str:
        """The IPv4 address of a name. Raises OSError when there is none, or no network."""
        if not self.is_up:
            raise OSError("no network")
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError:
            pass
        if name in self.hosts:
            return self.hosts[name]
        if name == "localhost":
            return "127.0.0.1"
        if self.resolve is None:
            raise OSError("%r is not among the emulated hosts" % name)
        return self.resolve(name)

    def real_address(self, address: Address) -> "Address | None":
        """Where the host's sockets must go to reach what the chip calls `address`; None when nothing leads there."""
        route = self.routes.get(address)
        if route is None:
            if self.resolve is None and not ipaddress.IPv4Address(address[0]).is_loopback:
                return None
            route = address
        real = ("127.0.0.1", route) if isinstance(route, int) else route
        self._seen[real] = address
        return real

    def chip_address(self, real: Address) -> Address:
        """What the chip calls a peer of the host."""
        return self._seen.get(real, real)

    def address_for_port(self, port: int) -> Address:
        """Where the host's socket binds that carries a port of the chip."""
        return "127.0.0.1", port if self.expose else 0

    def publish(self, kind: str, port: int, real: Address) -> None:
        """The chip's own `port` ("tcp" or "udp") is carried by the host's socket at `real`."""
        self._local[kind, port] = real

    def withdraw(self, kind: str, port: int) -> None:
        self._local.pop((kind, port), None)

    def is_published(self, kind: str, port: int) -> bool:
        return (kind, port) in self._local

    def address_of(self, port: int, kind: str = "tcp") -> Address:
        """Where on this machine the chip's own port is to be reached. Raises LookupError."""
        try:
            return self._local[kind, port]
        except KeyError:
            raise LookupError("the chip has no %s port %d open" % (kind, port)) from None
