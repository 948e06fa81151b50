"""UDP on the chip: what `NetworkUDP` of arduino-esp32 3.x does, over a datagram socket of the host.

Source: `libraries/Network/src/NetworkUdp.cpp`. Its defects are kept:

- one pair of fields is both "where to send" and "who sent": a datagram that comes in between `begin_packet` and
  `end_packet` redirects what goes out;
- a datagram is taken in only when the one before was read to its end;
- `begin` loses what was waiting;
- more than 1460 bytes go out as several datagrams.
"""

import socket

from radiopool_esp32spi.emulator.network import Network

PACKET = 1460
"""The size of both buffers, bytes."""


class Datagrams:
    """One `NetworkUDP`."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._carrier: "socket.socket | None" = None
        self._port = 0
        self._outgoing = bytearray()
        self._incoming = b""
        self.remote_address: "tuple[str, int]" = ("0.0.0.0", 0)

    def begin(self, port: int) -> bool:
        self.stop()
        if not self._network.is_up or (port and self._network.is_published("udp", port)):
            return False
        try:
            self._network.publish("udp", port, self._open(port).getsockname())
        except OSError:
            return False
        self._port = port
        return True

    def begin_packet(self, address: "tuple[str, int]") -> bool:
        self.remote_address = address
        self._outgoing.clear()
        if self._carrier is None:
            self._open(0)
        return True

    def write(self, octets: bytes) -> int:
        for start in range(0, len(octets), PACKET):
            room = PACKET - len(self._outgoing)
            self._outgoing += octets[start : start + min(room, PACKET)]
            if len(octets) - start > room:
                self.end_packet()
                self._outgoing[:] = octets[start + room : start + PACKET]
        return len(octets)

    def end_packet(self) -> bool:
        if self._carrier is None or not self._network.is_up:
            return False
        real = self._network.real_address(self.remote_address)
        try:
            # Without a way there it is lost, and nobody told, as datagrams are.
            if real is not None:
                self._carrier.sendto(bytes(self._outgoing), real)
        except OSError:
            return False
        return True

    def parse_packet(self) -> bool:
        """Take in the next packet, if the last was read; whether one came."""
        if self._incoming or self._carrier is None:
            return False
        try:
            packet, sender = self._carrier.recvfrom(65535)
        except OSError:
            return False
        self._incoming = packet[:PACKET]
        self.remote_address = self._network.chip_address(sender)
        return bool(self._incoming)

    def available(self) -> int:
        return len(self._incoming)

    def read(self, length: int) -> bytes:
        taken, self._incoming = self._incoming[:length], self._incoming[length:]
        return taken

    def peek(self) -> int:
        return self._incoming[0] if self._incoming else -1

    def stop(self) -> None:
        if self._carrier is not None:
            self._carrier.close()
            self._network.withdraw("udp", self._port)
        self._carrier = None
        self._incoming = b""
        self._outgoing.clear()

    def _open(self, port: int) -> socket.socket:
        carrier = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            carrier.setblocking(False)
            carrier.bind(self._network.address_for_port(port))
        except OSError:
            carrier.close()
            raise
        self._carrier = carrier
        return carrier
