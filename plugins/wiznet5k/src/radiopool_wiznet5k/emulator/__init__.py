"""A W5500 or W5100S on an emulated SPI wire, with the host's loopback behind it.

It speaks the datasheets' protocol, to any host library: real TCP and UDP sockets on loopback, a name server and a
DHCP server of its own, the chip's time-outs, faults on demand, a wire trace and exact counts. `Emulator` is all a
user needs::

    emulator = Emulator("w5500", routes={("example.test", 80): 8080})
    radio = WIZNET5K(emulator.bus, emulator.chip_select)
"""

import time
from collections.abc import Callable, Mapping
from types import TracebackType

from radiopool_wiznet5k.emulator import dhcp, dns, registers
from radiopool_wiznet5k.emulator.chip import Chip
from radiopool_wiznet5k.emulator.dhcp import LeaseServer
from radiopool_wiznet5k.emulator.dns import NameServer
from radiopool_wiznet5k.emulator.faults import Faults
from radiopool_wiznet5k.emulator.network import Address, Network, Target
from radiopool_wiznet5k.emulator.spi import Bus, Pin
from radiopool_wiznet5k.emulator.trace import Trace

__all__ = ["Bus", "Emulator", "Faults", "Pin"]

CHIPS = tuple(registers.LAYOUTS)
"""The names of the chips there are."""


class Emulator:
    """A chip with its bus, pins and network.

    chip: "w5500" or "w5100s". hosts: names to IPv4 addresses. routes: (name or address, port) to a loopback port,
    to (host, port), or to None for a black hole; addresses in 127.0.0.0/8 need no route, all others without one
    are black holes. dns_server: (host, port) of a name server to ask about other names. lease_time: seconds of a
    DHCP lease. clock: the chip's time, in seconds. bus: to put several chips on one.

    bus, chip_select, reset: what the vendor's library is given. faults, trace, name_server, lease_server: the
    knobs and witnesses.

    Raises ValueError for an unknown chip or an address that is none.
    """

    def __init__(
        self,
        chip: str = "w5500",
        *,
        hosts: Mapping[str, str] | None = None,
        routes: Mapping[Address, Target] | None = None,
        dns_server: Address | None = None,
        lease_time: int = 3600,
        clock: Callable[[], float] = time.monotonic,
        bus: Bus | None = None,
    ) -> None:
        if chip not in registers.LAYOUTS:
            raise ValueError("no chip %r: choose one of %s" % (chip, ", ".join(CHIPS)))
        self.faults = Faults()
        self.trace = Trace()
        self.network = Network(self.faults, hosts, routes, dns_server)
        self.name_server = NameServer(self.network, self.faults)
        self.lease_server = LeaseServer(self.faults, lease_time=lease_time, clock=clock)
        self.network.services[dns.PORT] = self.name_server
        self.network.services[dhcp.PORT] = self.lease_server
        self.chip = Chip(registers.LAYOUTS[chip], self.network, self.trace, clock)
        self.bus = bus or Bus()
        self.chip_select = self.bus.chip_select(self.chip)
        self.reset = Pin(self._set_reset)

    @property
    def chip_selects(self) -> int:
        """How often the chip was selected since it was made."""
        return self.chip.chip_selects

    @property
    def states(self) -> list[str]:
        """The state of each hardware socket in the datasheet's words ("closed", "established", ...), by number."""
        with self.chip.lock:
            states = [hardware.read(registers.SR, 1)[0] for hardware in self.chip.sockets]
        return [registers.STATUS_NAMES.get(state, "closing") for state in states]

    @property
    def open_sockets(self) -> int:
        """How many hardware sockets are not closed: the witness that none is lost."""
        return sum(state != "closed" for state in self.states)

    def door(self, port: int) -> Address:
        """(host, port) on loopback that reaches the chip's TCP port."""
        return self.network.doors.stream_address(port)

    def datagram_door(self, port: int) -> Address:
        """(host, port) on loopback that reaches the chip's UDP port."""
        return self.network.doors.datagram_address(port)

    def unplug(self) -> None:
        """Take the Ethernet cable out."""
        self.faults.cable = False

    def plug(self) -> None:
        """Put the Ethernet cable in again."""
        self.faults.cable = True
        self.network.reset_orphans()

    def close(self) -> None:
        """Let go of every socket of the host."""
        self.chip.reset()
        self.network.close()

    def __enter__(self) -> "Emulator":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _set_reset(self, level: bool) -> None:
        if not level:
            self.chip.reset()
