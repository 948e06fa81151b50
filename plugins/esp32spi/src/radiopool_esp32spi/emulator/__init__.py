"""An ESP32 with NINA firmware, emulated at the SPI wire.

```python
emulator = Emulator(hosts={"a.example": "10.0.0.1"}, routes={("10.0.0.1", 80): 8080})
radio = emulator.radio()     # the vendor's own ESP_SPIcontrol, joined to an access point
```

The vendor's library runs unmodified on `emulator.spi` and its pins; TCP, UDP and TLS are real, over loopback.
"""

import os
import ssl
import time
from collections.abc import Callable, Generator
from typing import Any

from radiopool_esp32spi.emulator.faults import Faults
from radiopool_esp32spi.emulator.firmware import Firmware
from radiopool_esp32spi.emulator.network import DEFAULT_ACCESS_POINTS, AccessPoint, Address, Network, lookup
from radiopool_esp32spi.emulator.patience import Wait
from radiopool_esp32spi.emulator.slave import Slave
from radiopool_esp32spi.emulator.table import Table
from radiopool_esp32spi.emulator.trace import Exchange, Trace
from radiopool_esp32spi.emulator.wire import GPIO0, SPI, ChipSelect, Ready, Reset

__all__ = ["AccessPoint", "Emulator", "Exchange", "Faults", "Network", "Table", "Trace", "lookup"]


class Emulator:
    """The chip, its pins and the network around it.

    hosts: name to address. routes: (address, port) to a loopback port or to an (address, port) pair. resolve: what
    answers names that `hosts` lacks (`lookup` asks the host); None: they don't exist.
    trust: the CA bundle in the firmware, as an `ssl.SSLContext`, PEM text or a file name; None: the host's.
    clock: seconds; what the chip measures its timeouts with.
    hold: seconds for which the chip stays busy over a read that would find nothing though something was sent, until
    the answer is there. 0, as the real chip; more makes the number of transactions independent of how fast the peer
    is, so that it can be tested.
    expose: the chip's own ports are those of 127.0.0.1 with the same number, not free ones.
    """

    def __init__(
        self,
        hosts: "dict[str, str] | None" = None,
        routes: "dict[Address, int | Address] | None" = None,
        resolve: "Callable[[str], str] | None" = None,
        trust: "ssl.SSLContext | str | None" = None,
        access_points: "tuple[AccessPoint, ...]" = DEFAULT_ACCESS_POINTS,
        slots: int = 6,
        tls_slots: int = 1,
        clock: Callable[[], float] = time.monotonic,
        hold: float = 0,
        expose: bool = False,
    ) -> None:
        self.network = Network(hosts, routes, resolve, access_points, expose)
        self._bundle = trust
        self._trust: ssl.SSLContext | None = None
        self.table = Table(self.network, clock, lambda: self.trust, slots, tls_slots)
        self.firmware = Firmware(self.network, self.table, clock)
        self.firmware.hold = hold
        self._slave = Slave(self._handle, self.firmware.restart, clock)
        self.spi = SPI(self._slave)
        self.chip_select = ChipSelect(self._slave)
        self.ready = Ready(self._slave)
        self.reset = Reset(self._slave)
        self.gpio0 = GPIO0(self._slave)

    @property
    def trust(self) -> ssl.SSLContext:
        """What the chip's TLS trusts; more certificates can be loaded into it."""
        if self._trust is None:
            self._trust = _context(self._bundle)
        return self._trust

    @property
    def trace(self) -> Trace:
        return self._slave.trace

    @property
    def faults(self) -> Faults:
        return self._slave.faults

    def radio(self, with_gpio0: bool = False, join: bool = True) -> Any:
        """The vendor's `ESP_SPIcontrol` on this wire, joined to the first access point. Takes 0.8 s: it sleeps.

        Raises ImportError when the vendor's library is not installed.
        """
        # Blinka looks for a board when it is imported, and on most machines finds none.
        os.environ.setdefault("BLINKA_OS_AGNOSTIC", "1")
        from adafruit_esp32spi.adafruit_esp32spi import ESP_SPIcontrol

        gpio0 = self.gpio0 if with_gpio0 else None
        radio = ESP_SPIcontrol(self.spi, self.chip_select, self.ready, self.reset, gpio0)
        radio.emulator = self
        if join:
            point = self.network.access_points[0]
            radio.connect_AP(point.ssid, point.password)
        return radio

    def lose_access_point(self) -> None:
        with self._slave.lock:
            self.firmware.station.lose_access_point()

    def find_access_point(self) -> None:
        with self._slave.lock:
            self.firmware.station.find_access_point()

    def lose_peer(self, number: int) -> None:
        """The peer of that number's connection is gone, whatever it was doing."""
        with self._slave.lock:
            stream = self.table.slots[number].stream
            if stream is None:
                raise LookupError("number %d has no connection: %r" % (number, self.table))
            stream.lose_peer()

    def reboot(self) -> None:
        """The chip resets by itself, as after a crash or a dip of its supply."""
        with self._slave.lock:
            self._slave.halt()
            self._slave.boot()

    def address_of(self, port: int, kind: str = "tcp") -> Address:
        """Where on this machine a port is reached that the chip has open. Raises LookupError."""
        return self.network.address_of(port, kind)

    def close(self) -> None:
        """Close every socket of the host that the chip holds."""
        with self._slave.lock:
            self._slave.halt()
            self.table.shut()

    def __enter__(self) -> "Emulator":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _handle(self, frame: bytes) -> "Generator[Wait, None, bytes]":
        outcome = self.firmware.handle(frame)
        if isinstance(outcome, Generator):
            outcome = yield from outcome
        # The firmware looks at its sockets after each command (in a task of its own: `gpio0Updater`).
        self._slave.attention = self.firmware.update_attention()
        return outcome

    def __repr__(self) -> str:
        return "<Emulator %s %r>" % (self._slave.state, self.table)


def _context(trust: "ssl.SSLContext | str | None") -> ssl.SSLContext:
    if isinstance(trust, ssl.SSLContext):
        return trust
    if trust is not None and "-----BEGIN" in trust:
        return ssl.create_default_context(cadata=trust)
    return ssl.create_default_context(cafile=trust)
