"""One hardware socket in UDP mode, over a UDP socket of the host.

Sources: W5500 datasheet 1.0.9, section 4.2. SEND makes one datagram of everything between Sn_TX_RD and Sn_TX_WR
and gives SENDOK, or TIMEOUT if nobody answers the ARP request. A received datagram stands in the ring behind a
header of eight bytes: sender's address, sender's port, length (WIZnet's ioLibrary, socket.c, recvfrom). The chip
does not reassemble fragments (features list), so what exceeds an Ethernet frame never arrives; what does not fit
into the ring is dropped.
"""

import struct
from typing import TYPE_CHECKING

from radiopool_wiznet5k.emulator import registers as reg
from radiopool_wiznet5k.emulator.network import Address

if TYPE_CHECKING:
    from radiopool_wiznet5k.emulator.hardware import HardwareSocket

_HEADER = 8
LARGEST_DATAGRAM = 1472
"""Bytes of UDP payload in one Ethernet frame."""


class UDP:
    """The datagrams of one hardware socket."""

    def __init__(self, hardware: "HardwareSocket") -> None:
        self._hardware = hardware
        self._network = hardware.chip.network
        self._datagrams = self._network.doors.open_datagrams(hardware.port)
        # Where replies come from on the host, and which address the chip knows that sender by.
        self._senders: dict[Address, Address] = {}
        self._waiting: bytes | None = None
        self._deadline = 0.0
        hardware.status = reg.UDP

    def connect(self) -> None:
        """CONNECT: valid only in TCP mode (Sn_CR), so nothing."""

    def listen(self) -> None:
        """LISTEN: valid only in TCP mode (Sn_CR), so nothing."""

    def disconnect(self) -> None:
        """DISCON: valid only in TCP mode (Sn_CR), so nothing."""

    def send(self, data: bytes) -> None:
        """SEND."""
        arp, _ = self._hardware.chip.retry_seconds()
        self._waiting = data
        self._deadline = self._hardware.chip.clock() + arp
        self.pump()

    def close(self) -> None:
        """CLOSE, or OPEN over it."""
        self._hardware.status = reg.CLOSED
        self._datagrams.close()

    def pump(self) -> None:
        """Send what waits for an ARP reply; take in what came."""
        if self._hardware.status != reg.UDP:
            return
        if self._waiting is not None:
            self._transmit()
        while self._network.faults.cable:
            try:
                payload, source = self._datagrams.recvfrom(65536)
            except OSError:
                return  # nothing there, or an ICMP error for an earlier datagram, which the chip only counts
            known: Address = self._senders.get(source) or source
            if self._network.faults.passes(known[0]):
                self._deliver(payload, known)

    def _transmit(self) -> None:
        assert self._waiting is not None
        chip = self._hardware.chip
        address, port = self._hardware.destination
        faults = self._network.faults
        if not faults.cable or (chip.is_local(address) and not faults.passes(address)):
            if chip.clock() >= self._deadline:
                self._waiting = None
                self._hardware.interrupt(reg.TIMEOUT)
            return
        payload, self._waiting = self._waiting, None
        self._hardware.acknowledged(len(payload))
        self._hardware.interrupt(reg.SENDOK)
        if not faults.passes(address):
            return
        replies = self._network.serve(payload, address, port)
        if replies is not None:
            for reply in replies:
                self._deliver(reply, (address, port))
            return
        target = self._network.target(address, port)
        if target is not None:
            self._senders[target] = (address, port)
            try:
                self._datagrams.sendto(payload, target)
            except OSError:
                pass  # the host can't reach it: lost on the way, as far as the chip knows

    def _deliver(self, payload: bytes, sender: Address) -> None:
        if len(payload) > LARGEST_DATAGRAM or len(payload) + _HEADER > self._hardware.receive_free:
            return
        address = bytes(int(octet) for octet in sender[0].split("."))
        self._hardware.receive(address + struct.pack(">HH", sender[1], len(payload)) + payload)
