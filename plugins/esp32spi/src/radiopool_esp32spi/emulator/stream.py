"""TCP on the chip: what `NetworkClient` and `NetworkServer` of arduino-esp32 3.x do, over a socket of the host.

Sources: `libraries/Network/src/NetworkClient.cpp` and `NetworkServer.cpp`. Their defects are kept:

- a client whose peer closed says "not connected" but keeps its socket until `stop` or the next connect;
- `connected` looks at the socket and not at the 1436 bytes the client itself has buffered;
- a socket that lost its network says "connected" until a read or a count of bytes has failed;
- a server never stops listening: `begin` on one that listens does nothing, and nothing calls `end`.

Left out: the limit of lwIP's own socket table, and Nagle's algorithm, which the chip leaves on for TCP.
"""

import errno
import socket
from collections.abc import Callable, Generator
from typing import Any

from radiopool_esp32spi.emulator.network import Network
from radiopool_esp32spi.emulator.patience import WRITE, Wait

CONNECT_TIMEOUT = 3.0
"""`WIFI_CLIENT_DEF_CONN_TIMEOUT_MS`, in seconds."""
WRITE_TIMEOUT = 10.0
"""`WIFI_CLIENT_MAX_WRITE_RETRY` times `WIFI_CLIENT_SELECT_TIMEOUT_US`, in seconds."""
RX_BUFFER = 1436
"""`NetworkClientRxBuffer`'s size, bytes."""
WINDOW = 5760
"""`TCP_WND_DEFAULT` of ESP-IDF: the most that waits unread on one socket, bytes."""

Clock = Callable[[], float]


def open_connection(
    network: Network, clock: Clock, address: "tuple[str, int]", timeout: float
) -> Generator[Wait, None, "socket.socket | None"]:
    """A connected socket of the host, or None when that failed or took too long."""
    real = network.real_address(address) if network.is_up else None
    if real is None:
        return None
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        # See the module's text: with Nagle on, loopback's delayed ACK would add 40 ms to each send of two chunks.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        failure = connection.connect_ex(real)
        if failure == errno.EINPROGRESS:
            deadline = clock() + timeout
            yield Wait(deadline, connection, WRITE)
            failure = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if not failure and clock() >= deadline:
                failure = errno.ETIMEDOUT
        if not failure:
            carrier, connection = connection, None  # type: ignore[assignment]
            return carrier
        return None
    finally:
        if connection is not None:
            connection.close()


class Client:
    """One `NetworkClient`."""

    def __init__(self, network: Network, clock: Clock) -> None:
        self._network = network
        self._clock = clock
        self.carrier: "socket.socket | None" = None
        self._connected = False
        self._buffered = bytearray()
        self.asked = False

    def adopt(self, carrier: socket.socket) -> None:
        """Take over a connected socket; whatever this client held is closed by that."""
        self._close()
        carrier.setblocking(False)
        self.carrier, self._connected = carrier, True
        self._buffered.clear()
        self.asked = False

    def connect(self, address: "tuple[str, int]") -> Generator[Wait, None, bool]:
        carrier = yield from open_connection(self._network, self._clock, address, CONNECT_TIMEOUT)
        if carrier is None:
            return False
        self.adopt(carrier)
        return True

    def available(self) -> int:
        waiting = len(self._buffered)
        if self.carrier is None:
            return 0
        try:
            waiting += len(self._peek())
        except BlockingIOError:
            pass
        except OSError:
            self.stop()
        return min(waiting, WINDOW)

    def read(self, length: int) -> bytes:
        """`NetworkClientRxBuffer::read`: from the buffer, filled again from the socket as long as it gives."""
        taken = bytearray()
        while len(taken) < length:
            if not self._buffered and not self._fill():
                break
            piece = self._buffered[: length - len(taken)]
            del self._buffered[: len(piece)]
            taken += piece
        if taken:
            self.asked = False
        return bytes(taken)

    def peek(self) -> int:
        if not self._buffered and not self._fill():
            return -1
        return self._buffered[0]

    def write(self, octets: bytes) -> Generator[Wait, None, int]:
        self.asked = True
        sent = 0
        deadline = self._clock() + WRITE_TIMEOUT
        while sent < len(octets) and self._connected and self.carrier is not None:
            try:
                sent += self.carrier.send(octets[sent:])
            except BlockingIOError:
                if self._clock() >= deadline:
                    break
                yield Wait(deadline, self.carrier, WRITE)
            except OSError:
                self.stop()
        return sent

    def connected(self) -> bool:
        if self.carrier is None:
            self._connected = False
        elif self._connected:
            try:
                self._connected = bool(self._peek())
            except BlockingIOError:
                pass
            except OSError as error:
                # EBADF, after the network was lost, is not on the firmware's list of ends.
                self._connected = error.errno == errno.EBADF
        return self._connected

    def remote(self) -> "tuple[str, int]":
        if self.carrier is not None:
            try:
                return self._network.chip_address(self.carrier.getpeername())
            except OSError:
                pass
        return "0.0.0.0", 0

    def stop(self) -> None:
        self._close()
        self._connected = False

    def lose_peer(self) -> None:
        """What the host's socket sees when the other end has closed: an end to reading and no way to write."""
        if self.carrier is not None:
            self.carrier.shutdown(socket.SHUT_RDWR)

    def lose_network(self) -> None:
        """The firmware closes the sockets under the clients that use them (`handleWiFiDisconnect`)."""
        if self.carrier is not None:
            self.carrier.close()

    def wait_for_answer(self, hold: float) -> Generator[Wait, None, None]:
        """Nothing at all when there is something to read, or nothing will ever come."""
        if self.connected() and not self.available() and self.carrier is not None:
            yield Wait(self._clock() + hold, self.carrier)

    def _peek(self) -> bytes:
        assert self.carrier is not None
        return self.carrier.recv(WINDOW, socket.MSG_PEEK)

    def _fill(self) -> bool:
        if self.carrier is None:
            return False
        try:
            self._buffered += self.carrier.recv(RX_BUFFER - len(self._buffered))
        except BlockingIOError:
            pass
        except OSError:
            self.stop()
        return bool(self._buffered)

    def _close(self) -> None:
        if self.carrier is not None:
            self.carrier.close()
        self.carrier = None
        self._buffered.clear()


class Server:
    """One `NetworkServer`."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._listener: "socket.socket | None" = None
        self._port = 80

    def __bool__(self) -> bool:
        return self._listener is not None

    def begin(self, port: int) -> None:
        if self._listener is not None:
            return
        self._port = port or self._port
        if self._network.is_published("tcp", self._port):
            return
        try:
            listener = socket.create_server(self._network.address_for_port(self._port), backlog=4)
        except OSError:
            return
        listener.setblocking(False)
        self._listener = listener
        self._network.publish("tcp", self._port, listener.getsockname())

    def has_client(self) -> bool:
        if self._listener is None:
            return False
        return Wait(0, self._listener).is_readable()

    def accept(self) -> "socket.socket | None":
        if self._listener is None:
            return None
        try:
            carrier: Any = self._listener.accept()[0]
        except OSError:
            return None
        return carrier  # type: ignore[no-any-return]

    def shut(self) -> None:
        """Only a reset does this."""
        if self._listener is not None:
            self._listener.close()
            self._network.withdraw("tcp", self._port)
        self._listener = None
