"""One of the chip's sockets: its registers, its pointers into the ring memory, and the commands.

A command is taken when its code is written to Sn_CR, which reads 0 at once: "after W5500 accepts the command, the
register is automatically cleared" (W5500 datasheet 1.0.9, section 4.2, Sn_CR). The pointers the chip acts on are
those of the last command: Sn_RX_RD counts with RECV, Sn_TX_WR with SEND.
"""

from typing import TYPE_CHECKING

from radiopool_wiznet5k.emulator import registers as reg
from radiopool_wiznet5k.emulator.network import Address
from radiopool_wiznet5k.emulator.ring import POINTER, Ring, distance
from radiopool_wiznet5k.emulator.tcp import TCP
from radiopool_wiznet5k.emulator.udp import UDP

if TYPE_CHECKING:
    from radiopool_wiznet5k.emulator.chip import Chip

# Written by the chip alone.
_READ_ONLY = {reg.SR, *range(reg.TX_FSR, reg.TX_WR), reg.RX_RSR, reg.RX_RSR + 1, reg.RX_WR, reg.RX_WR + 1}
# Looking at one of these shows what the network has done meanwhile.
_LIVE = {reg.IR, reg.SR, *range(reg.TX_FSR, reg.RX_WR + 2)}


class HardwareSocket:
    """Socket `number` of a chip."""

    def __init__(self, chip: "Chip", number: int) -> None:
        self.chip = chip
        self.number = number
        self._engine: TCP | UDP | None = None
        self._registers = bytearray(reg.SOCKET_REGISTERS)
        self.tx = self.rx = Ring(bytearray(), 0, 0)
        self.reset()

    def reset(self) -> None:
        """All registers as after a reset; a connection is forgotten."""
        self._shut()
        self._registers[:] = bytes(reg.SOCKET_REGISTERS)
        self._registers[reg.DHAR : reg.DHAR + 6] = b"\xff" * 6
        self._registers[0x16] = 0x80  # TTL
        self._registers[reg.RXBUF_SIZE] = self._registers[reg.TXBUF_SIZE] = 2
        self._registers[reg.IMR] = 0xFF
        self._registers[0x2D] = 0x40  # "don't fragment"
        self.reset_pointers()

    def reset_pointers(self) -> None:
        """As OPEN does, and establishing a TCP connection again. The datasheet says "initialised", not to what:
        `chip.first_pointer`."""
        first = self.chip.first_pointer
        self._acknowledged = self._sent = self._rx_read = self._rx_written = first
        for register in (reg.TX_RD, reg.TX_WR, reg.RX_RD, reg.RX_WR):
            self._set16(register, first)

    # What the engines use.

    @property
    def status(self) -> int:
        """Sn_SR."""
        return self._registers[reg.SR]

    @status.setter
    def status(self, value: int) -> None:
        self._registers[reg.SR] = value

    @property
    def port(self) -> int:
        """Sn_PORT."""
        return self._get16(reg.PORT)

    @property
    def destination(self) -> Address:
        """Sn_DIPR and Sn_DPORT."""
        address = ".".join(str(octet) for octet in self._registers[reg.DIPR : reg.DIPR + 4])
        return address, self._get16(reg.DPORT)

    @destination.setter
    def destination(self, peer: Address) -> None:
        self._registers[reg.DIPR : reg.DIPR + 4] = bytes(int(octet) for octet in peer[0].split("."))
        self._set16(reg.DPORT, peer[1])

    def interrupt(self, bits: int) -> None:
        """Set bits of Sn_IR; they stay until the host writes them as 1."""
        self._registers[reg.IR] |= bits

    @property
    def receive_free(self) -> int:
        """How many more bytes the RX ring takes: the TCP window."""
        return self.rx.size - distance(self._rx_read, self._rx_written)

    def receive(self, data: bytes) -> None:
        """Append to the RX ring; the caller has checked `receive_free`."""
        self.rx.write(self._rx_written, data)
        self._rx_written = (self._rx_written + len(data)) & POINTER
        self._set16(reg.RX_WR, self._rx_written)
        self.interrupt(reg.RECV_INT)

    def acknowledged(self, count: int) -> None:
        """That many bytes of the TX ring are free again."""
        self._acknowledged = (self._acknowledged + count) & POINTER

    # What the wire uses.

    def read(self, address: int, count: int) -> bytes:
        """Read registers."""
        wanted = range(address, address + count)
        if self._engine is not None and not _LIVE.isdisjoint(wanted):
            self._engine.pump()
        self._set16(reg.TX_FSR, self.tx.size - distance(self._acknowledged, self._sent))
        self._set16(reg.RX_RSR, distance(self._rx_read, self._rx_written))
        return bytes(self._registers[address : address + count]).ljust(count, b"\0")

    def write(self, address: int, data: bytes) -> None:
        """Write registers, in the order of their addresses."""
        for register, value in enumerate(data, address):
            if register == reg.CR:
                self._command(value)
            elif register == reg.IR:
                self._registers[reg.IR] &= ~value
            elif register < reg.SOCKET_REGISTERS and register not in _READ_ONLY:
                self._registers[register] = value
                if register in (reg.RXBUF_SIZE, reg.TXBUF_SIZE):
                    self.chip.divide_buffers()

    def buffer_size(self, register: int) -> int:
        """Bytes that Sn_RXBUF_SIZE or Sn_TXBUF_SIZE ask for; only powers of two up to 16 (KiB) mean anything."""
        kibibytes = self._registers[register]
        return kibibytes * 1024 if kibibytes in (1, 2, 4, 8, 16) else 0

    def set_buffer_size(self, register: int, kibibytes: int) -> None:
        """What RMSR and TMSR of the W5100S do."""
        self._registers[register] = kibibytes

    def _command(self, code: int) -> None:
        if code == reg.OPEN:
            self._open()
        elif code == reg.CLOSE:
            self._shut()
        elif code == reg.RECV:
            self._rx_read = self._get16(reg.RX_RD)
        elif self._engine is not None:
            if code == reg.LISTEN:
                self._engine.listen()
            elif code == reg.CONNECT:
                self._engine.connect()
            elif code == reg.DISCON:
                self._engine.disconnect()
            elif code == reg.SEND:
                self._send(self._engine)

    def _open(self) -> None:
        self._shut()
        self.reset_pointers()
        mode = self._registers[reg.MR] & 0x0F
        if mode == reg.TCP_MODE:
            self._engine = TCP(self)
        elif mode == reg.UDP_MODE:
            self._engine = UDP(self)
        elif mode == reg.MACRAW_MODE and self.number == 0:
            # Accepted and silent: no Ethernet frames are emulated.
            self.status = reg.MACRAW

    def _shut(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None
        self.status = reg.CLOSED

    def _send(self, engine: TCP | UDP) -> None:
        start, self._sent = self._get16(reg.TX_RD), self._get16(reg.TX_WR)
        data = self.tx.read(start, distance(start, self._sent))
        self._set16(reg.TX_RD, self._sent)
        engine.send(data)

    def _get16(self, register: int) -> int:
        return int.from_bytes(self._registers[register : register + 2], "big")

    def _set16(self, register: int, value: int) -> None:
        self._registers[register : register + 2] = value.to_bytes(2, "big")
