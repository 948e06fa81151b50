"""The network the chip believes it is on, over the host's loopback.

Addresses the chip uses are not the host's. A *route* says which loopback port stands for an address and port; an
address in 127.0.0.0/8 stands for itself; everything else is a black hole: no packet of the emulated chip leaves the
machine unless a route says so. Towards the chip, a *door* is the loopback port that stands for a port of the chip.
"""

import ipaddress
import socket
import struct
from collections.abc import Callable, Mapping

from radiopool_wiznet5k.emulator.faults import Faults

Address = tuple[str, int]
Target = int | Address | None
Service = Callable[[bytes], list[bytes] | None]
"""Answers a datagram: replies, or None to have it routed like any other."""

LOOPBACK = "127.0.0.1"

# Where names get addresses from when `hosts` has none for them: the range of RFC 2544, never on the Internet.
_INVENTED = ipaddress.ip_address("198.18.0.1")


class Network:
    """hosts: names to IPv4 addresses. routes: (name or address, port) to a loopback port, to (host, port), or to
    None for a black hole. A name that has routes but no address gets one. dns_server: where to forward questions
    about other names, (host, port).

    Raises ValueError if an address is not an IPv4 address.
    """

    def __init__(
        self,
        faults: Faults,
        hosts: Mapping[str, str] | None = None,
        routes: Mapping[Address, Target] | None = None,
        dns_server: Address | None = None,
    ) -> None:
        self.faults = faults
        self.dns_server = dns_server
        self.hosts: dict[str, str] = {"localhost": LOOPBACK}
        self.services: dict[int, Service] = {}
        self.doors = Doors()
        self._routes: dict[Address, Address | None] = {}
        self._orphans: list[socket.socket] = []
        for name, address in (hosts or {}).items():
            self.hosts[name.lower()] = str(ipaddress.IPv4Address(address))
        for (host, port), target in (routes or {}).items():
            self.add_route(host, port, target)

    def add_route(self, host: str, port: int, target: Target) -> None:
        """Route `host` (a name or an address) and `port` from now on."""
        address = self.address_of(host)
        if address is None:
            address = self.hosts[host.lower()] = str(_INVENTED + len(self.hosts))
        self._routes[address, port] = (LOOPBACK, target) if isinstance(target, int) else target

    def address_of(self, name: str) -> str | None:
        """The address of a name, or None."""
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError:
            return self.hosts.get(name.lower().rstrip("."))

    def target(self, address: str, port: int) -> Address | None:
        """Where on the host this address and port are, or None: packets to it vanish."""
        if (address, port) in self._routes:
            return self._routes[address, port]
        if ipaddress.IPv4Address(address).is_loopback:
            return address, port
        if port in self.services:
            return self.dns_server
        return None

    def serve(self, payload: bytes, address: str, port: int) -> list[bytes] | None:
        """The replies of a service of the network itself (DNS, DHCP), or None: no service there, route it."""
        if (address, port) in self._routes or port not in self.services:
            return None
        return self.services[port](payload)

    def let_go(self, connection: socket.socket, address: str, abort: bool) -> None:
        """The chip forgot a connection. If packets pass the peer learns of it, else not before they do again.

        A chip that forgot says nothing until the peer's next packet, which it answers with RST. The host's kernel
        can't forget in silence, so the RST goes at once: an approximation, and the only one of its kind here.
        """
        if not self.faults.passes(address):
            self._orphans.append(connection)
            return
        if abort:
            _reset_on_close(connection)
        connection.close()

    def reset_orphans(self) -> None:
        """Packets pass again: whoever still believes in a forgotten connection gets its RST."""
        orphans, self._orphans = self._orphans, []
        for connection in orphans:
            _reset_on_close(connection)
            connection.close()

    def close(self) -> None:
        """Close every socket of the host that is held for the network itself."""
        self.reset_orphans()
        self.doors.close()


class Doors:
    """Loopback ports that stand for the chip's own ports: of the same number where that is free and allowed.

    A TCP door is one socket that stays bound. While no socket of the chip listens it does not either, and whoever
    comes is refused.
    """

    def __init__(self) -> None:
        self._doors: dict[int, socket.socket] = {}
        self._listening: dict[int, int] = {}
        self._datagram_ports: dict[int, int] = {}

    def stream_address(self, port: int) -> Address:
        """(host, port) on loopback that reaches the chip's TCP port; the same every time."""
        address, number = self._door(port).getsockname()
        return address, number

    def datagram_address(self, port: int) -> Address:
        """(host, port) on loopback that reaches the chip's UDP port, once a socket of the chip has opened it."""
        if port not in self._datagram_ports:
            self.open_datagrams(port).close()
        return LOOPBACK, self._datagram_ports[port]

    def join(self, port: int) -> socket.socket:
        """A listening socket for the chip's TCP port, shared by all its sockets that listen there."""
        door = self._door(port)
        if not self._listening.get(port):
            door.listen()
        self._listening[port] = self._listening.get(port, 0) + 1
        return door

    def leave(self, port: int) -> None:
        """Undo one `join`. With the last, whoever waits to be accepted is reset: nobody listens any more."""
        self._listening[port] -= 1
        if self._listening[port]:
            return
        door = self._door(port)
        try:
            # Linux: no longer listening, and still bound.
            door.shutdown(socket.SHUT_RDWR)
        except OSError:
            # Elsewhere: the next to listen binds anew.
            self._doors.pop(port).close()

    def open_datagrams(self, port: int) -> socket.socket:
        """A UDP socket for the chip's UDP port, on the same loopback port as before where that is still free."""
        datagrams = _bound(socket.SOCK_DGRAM, self._datagram_ports.get(port, port))
        self._datagram_ports[port] = datagrams.getsockname()[1]
        return datagrams

    def close(self) -> None:
        """Close all doors."""
        for door in self._doors.values():
            door.close()
        self._doors.clear()
        self._listening.clear()

    def _door(self, port: int) -> socket.socket:
        if port not in self._doors:
            door = self._doors[port] = _bound(socket.SOCK_STREAM, port)
            # Only now, so that the number is nobody else's: it is to listen again beside connections it accepted.
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return self._doors[port]


def _bound(kind: int, number: int) -> socket.socket:
    """A non-blocking socket bound to that loopback port, or to any if it is taken or needs a privilege."""
    made = socket.socket(socket.AF_INET, kind)
    made.setblocking(False)
    try:
        made.bind((LOOPBACK, number))
    except OSError:
        # Not bind(0) on `made` itself: Linux gives such a number back when it stops listening.
        with socket.socket(socket.AF_INET, kind) as free:
            free.bind((LOOPBACK, 0))
            number = free.getsockname()[1]
        made.bind((LOOPBACK, number))
    return made


def _reset_on_close(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
