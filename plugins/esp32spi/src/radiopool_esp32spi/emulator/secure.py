"""TLS on the chip: what `NetworkClientSecure` of arduino-esp32 3.x does, with Python's `ssl` in the place of mbedTLS.

Source: `libraries/NetworkClientSecure/src/NetworkClientSecure.cpp`. The peer's certificate is checked against the
firmware's own bundle (here: the bundle the emulator was given) and against the name connected to. The vendor's library
always sends a name; what the chip checks when it is sent an address only is open, and here the address is checked.
Which protocol versions and ciphers mbedTLS would take is not emulated.
"""

import socket
import ssl
from collections.abc import Callable, Generator

from radiopool_esp32spi.emulator.network import Network
from radiopool_esp32spi.emulator.patience import WRITE, Wait
from radiopool_esp32spi.emulator.stream import Clock, open_connection

CONNECT_TIMEOUT = 30.0
"""`_timeout` in the constructor, in seconds."""
HANDSHAKE_TIMEOUT = 120.0
"""`handshake_timeout` in the constructor, in seconds: longer than the vendor's library waits for any command."""
RECORD = 16384
"""The most that one TLS record carries, bytes (RFC 8446, section 5.1)."""


class SecureClient:
    """One `NetworkClientSecure`."""

    def __init__(self, network: Network, clock: Clock, trust: Callable[[], ssl.SSLContext]) -> None:
        self._network = network
        self._clock = clock
        self._trust = trust
        self.carrier: "ssl.SSLSocket | None" = None
        self._buffered = bytearray()
        self.handshake_timeout = HANDSHAKE_TIMEOUT
        self.failure: "Exception | None" = None
        self.asked = False

    def connect(self, address: "tuple[str, int]", name: str) -> Generator[Wait, None, bool]:
        self.stop()
        raw = yield from open_connection(self._network, self._clock, address, CONNECT_TIMEOUT)
        if raw is None:
            return False
        carrier = self._trust().wrap_socket(raw, server_hostname=name, do_handshake_on_connect=False)
        try:
            yield from self._shake_hands(carrier)
        except (OSError, ValueError) as error:
            self.failure = error
            return False
        else:
            self.carrier, carrier = carrier, None  # type: ignore[assignment]
            self.asked = False
            return True
        finally:
            # Also when a reset closes the generator in the middle of the handshake.
            if carrier is not None:
                carrier.close()

    def _shake_hands(self, carrier: ssl.SSLSocket) -> Generator[Wait, None, None]:
        deadline = self._clock() + self.handshake_timeout
        while True:
            try:
                carrier.do_handshake()
            except ssl.SSLWantReadError:
                yield Wait(deadline, carrier)
            except ssl.SSLWantWriteError:
                yield Wait(deadline, carrier, WRITE)
            else:
                return
            if self._clock() >= deadline:
                raise TimeoutError("the handshake took longer than %g s" % self.handshake_timeout)

    def available(self) -> int:
        if not self._buffered and self.carrier is not None:
            try:
                record = self.carrier.recv(RECORD)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return 0
            except OSError:
                record = b""
            if not record:
                self.stop()
            self._buffered += record
        return len(self._buffered)

    def read(self, length: int) -> bytes:
        if not self.available():
            return b""
        taken = bytes(self._buffered[:length])
        del self._buffered[:length]
        self.asked = False
        return taken

    def peek(self) -> int:
        return self._buffered[0] if self.available() else -1

    def write(self, octets: bytes) -> Generator[Wait, None, int]:
        self.asked = True
        sent = 0
        while sent < len(octets) and self.carrier is not None:
            try:
                sent += self.carrier.send(octets[sent:])
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                yield Wait(self._clock() + CONNECT_TIMEOUT, self.carrier, WRITE)
            except OSError:
                self.stop()
                return 0
        return sent

    def connected(self) -> bool:
        if self.carrier is not None:
            self.available()
        return self.carrier is not None

    def remote(self) -> "tuple[str, int]":
        if self.carrier is not None:
            try:
                return self._network.chip_address(self.carrier.getpeername())
            except OSError:
                pass
        return "0.0.0.0", 0

    def stop(self) -> None:
        if self.carrier is not None:
            self.carrier.close()
        self.carrier = None
        self._buffered.clear()

    def lose_peer(self) -> None:
        """What the host's socket sees when the other end has closed: an end to reading and no way to write."""
        if self.carrier is not None:
            self.carrier.shutdown(socket.SHUT_RDWR)

    def lose_network(self) -> None:
        if self.carrier is not None:
            self.carrier.close()

    def wait_for_answer(self, hold: float) -> Generator[Wait, None, None]:
        """Until a whole record is there: part of one, or a session ticket, is no answer."""
        deadline = self._clock() + hold
        while not self.available() and self.carrier is not None and self._clock() < deadline:
            yield Wait(deadline, self.carrier)
