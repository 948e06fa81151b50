"""UDP on a hardware socket."""

import errno

from radiopool_wiznet5k.chip import Patience
from radiopool_wiznet5k.chip_socket import SOCK_DGRAM, ChipSocket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool_wiznet5k.chip import Chip

# The sender's address and port, and the length, stand before each datagram in the chip's buffer.
_HEADER = 8

LARGEST = 1472
"""Bytes of the longest datagram: one Ethernet frame, since the chip does not fragment (W5500 datasheet, features)."""

# Boards' errno lacks it; the number is Linux's.
_EMSGSIZE = getattr(errno, "EMSGSIZE", 90)


class DatagramSocket(ChipSocket):
    """A UDP socket of the chip: one datagram for each call, and one local port for all of them.

    The vendor opens the hardware socket anew for each datagram sent, which loses what had arrived and changes the
    local port, and puts datagrams behind each other when it receives.
    """

    type = SOCK_DGRAM
    _mode = 0x02

    def __init__(self, chip: "Chip", raw: "Any") -> None:
        super().__init__(chip, raw)
        self._peer: "tuple[str, int] | None" = None
        # What the chip's destination registers hold; None when that is not known.
        self._aimed: "tuple[str, int] | None" = None

    def bind(self, address: "tuple[str | None, int]") -> None:
        """Receive on that port from now on. Raises InvalidValueError for a host that is not the chip's."""
        super().bind(address)
        with self._chip.lock:
            self._open(self._require())

    def connect(self, address: "tuple[str, int]") -> None:
        """Where `send` goes: (name or address, port)."""
        peer = self._resolve(address)
        with self._chip.lock:
            self._open(self._require())
            self._peer = peer

    def getpeername(self) -> "tuple[str, int]":
        """The (address, port) of `connect`. Raises OSError(ENOTCONN) before one."""
        self._require()
        if self._peer is None:
            raise OSError(errno.ENOTCONN, "not connected")
        return self._peer

    def send(self, data: "Any") -> int:
        """Send one datagram to where `connect` said.

        Raises OSError: EMSGSIZE (over 1,472 bytes), ENOTCONN, ETIMEDOUT, EAGAIN, EBADF.
        """
        return self._send(data, self.getpeername())

    def sendto(self, data: "Any", *flags_and_address: "Any") -> int:
        """Send one datagram: `sendto(data, address)` or `sendto(data, flags, address)`. Raises what `send` does."""
        return self._send(data, self._resolve(flags_and_address[-1]))

    def _send(self, data: "Any", destination: "tuple[str, int]") -> int:
        view = memoryview(data)
        if len(view) > LARGEST:
            raise OSError(_EMSGSIZE, "a datagram has at most %d bytes on this chip, not %d" % (LARGEST, len(view)))
        patience = Patience(self._timeout)
        while True:
            with self._chip.lock:
                number = self._require()
                self._open(number)
                if self._can_send(number):
                    self._aim(number, destination)
                    self._start_send(number, view)
                    return len(view)
            patience.pause("sending")

    def _aim(self, number: int, destination: "tuple[str, int]") -> None:
        if self._aimed != destination:
            self._aimed = None
            self._set_destination(number, destination)
            self._aimed = destination

    def recv_into(self, buffer: "Any", nbytes: int = 0) -> int:
        """One datagram, of which what does not fit is lost. Raises OSError: ETIMEDOUT, EAGAIN, EBADF."""
        return self.recvfrom_into(buffer, nbytes)[0]

    def recvfrom_into(self, buffer: "Any", nbytes: int = 0) -> "tuple[int, tuple[str, int]]":
        """One datagram: (its length or what fitted, (sender's address, port)). Raises what `recv_into` does."""
        view = self._room(buffer, nbytes)
        patience = Patience(self._timeout)
        while True:
            with self._chip.lock:
                number = self._require()
                radio = self._chip.radio
                # The vendor's read_udp breaks its own scratch buffer when nothing is there.
                if self._opened and radio._get_rx_rcv_size(number) >= _HEADER:
                    count, payload = radio.read_udp(number, len(view))
                    view[:count] = payload
                    return count, (radio.pretty_ip(radio.udp_from_ip[number]), radio.udp_from_port[number])
            patience.pause("receiving")

    def recvfrom(self, size: int) -> "tuple[bytes, tuple[str, int]]":
        """One datagram: (payload, (sender's address, port))."""
        buffer = bytearray(size)
        count, sender = self.recvfrom_into(buffer)
        return bytes(buffer[:count]), sender
