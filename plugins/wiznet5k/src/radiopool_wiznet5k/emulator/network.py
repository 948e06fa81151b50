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
    """Loopback ports that stand for the chip's own ports."""

    def __init__(self) -> None:
        # A bound socket that does not listen keeps the number, and refuses whoever comes while nobody listens.
        self._reserved: dict[int, socket.socket] = {}
        self._listeners: dict[int, tuple[socket.socket, int]] = {}
        self._datagram_ports: dict[int, int] = {}

    def stream_address(self, port: int) -> Address:
        """(host, port) on loopback that reaches the chip's TCP port; the same every time, and the same number as the
        chip's where that is free and allowed."""
        if port not in self._reserved:
            try:
                self._reserved[port] = self._bound(port)
            except OSError:
                self._reserved[port] = self._bound(0)
        address, number = self._reserved[port].getsockname()
        return address, number

    def datagram_address(self, port: int) -> Address:
        """(host, port) on loopback that reaches the chip's UDP port, once a socket of the chip has opened it."""
        if port not in self._datagram_ports:
            self.open_datagrams(port).close()
        return LOOPBACK, self._datagram_ports[port]

    def join(self, port: int) -> socket.socket:
        """A listening socket for the chip's TCP port, shared by all its sockets that listen there."""
        listener, users = self._listeners.get(port, (None, 0))
        if listener is None:
            listener = self._bound(self.stream_address(port)[1])
            listener.listen()
        self._listeners[port] = (listener, users + 1)
        return listener

    def leave(self, port: int) -> None:
        """Undo one `join`. With the last, whoever waits to be accepted is reset: nobody listens any more."""
        listener, users = self._listeners.pop(port)
        if users > 1:
            self._listeners[port] = (listener, users - 1)
        else:
            listener.close()

    def open_datagrams(self, port: int) -> socket.socket:
        """A UDP socket for the chip's UDP port, on the same loopback port as before, or of the same number, where
        that is free and allowed."""
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagrams.setblocking(False)
        try:
            datagrams.bind((LOOPBACK, self._datagram_ports.get(port, port)))
        except OSError:
            datagrams.bind((LOOPBACK, 0))
        self._datagram_ports[port] = datagrams.getsockname()[1]
        return datagrams

    def close(self) -> None:
        """Close all doors."""
        for listener, _ in self._listeners.values():
            listener.close()
        for reserved in self._reserved.values():
            reserved.close()
        self._listeners.clear()
        self._reserved.clear()

    @staticmethod
    def _bound(number: int) -> socket.socket:
        door = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            door.setblocking(False)
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            door.bind((LOOPBACK, number))
        except OSError:
            door.close()
            raise
        return door


def _reset_on_close(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
