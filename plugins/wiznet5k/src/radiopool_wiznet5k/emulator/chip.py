"""The chip behind the wire: its memory map, its common registers, its reset.

W5500: the block number of a frame says which memory (datasheet 1.0.9, section 2.2.2): 0 common registers, then for
socket n 4n+1 its registers, 4n+2 its TX ring, 4n+3 its RX ring; an offset beyond a ring wraps.
W5100S: one address space (datasheet 1.2, memory map): common registers at 0, sockets at 0400 + n * 0100, TX memory
at 4000, RX memory at 6000, each divided among the sockets in order; nothing wraps by itself.
"""

import threading
import time
from collections.abc import Callable

from radiopool_wiznet5k.emulator import registers as reg
from radiopool_wiznet5k.emulator.frames import FrameDecoder, Opened, Space
from radiopool_wiznet5k.emulator.hardware import HardwareSocket
from radiopool_wiznet5k.emulator.network import Network
from radiopool_wiznet5k.emulator.ring import Ring
from radiopool_wiznet5k.emulator.trace import Frame, Trace

_RESET = 0x80
_LINK_UP = 0x01


class Chip:
    """A W5500 or a W5100S. `clock` counts seconds; the chip's own time-outs go by it.

    chip_selects: how often the chip was selected, the exact cost of whatever was done.
    first_pointer: what OPEN sets the ring pointers to.
    """

    def __init__(
        self, layout: reg.Layout, network: Network, trace: Trace, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.layout = layout
        self.network = network
        self.clock = clock
        self.chip_selects = 0
        self.first_pointer = 0
        # A test that looks at the sockets must not move data in the middle of what the wire does.
        self.lock = threading.RLock()
        self._trace = trace
        self._tx_memory = bytearray(layout.buffers)
        self._rx_memory = bytearray(layout.buffers)
        self.common = CommonRegisters(self)
        self.sockets = [HardwareSocket(self, number) for number in range(layout.sockets)]
        self._flat = None if layout.memory_sizes is None else FlatMemory(self, self._tx_memory, self._rx_memory)
        self._decoder = FrameDecoder(layout.name, self._space, self._record)
        self.divide_buffers()

    def select(self, chosen: bool) -> None:
        """An edge of chip select."""
        if chosen:
            self.chip_selects += 1
            self._decoder.restart()

    def exchange(self, outgoing: bytes) -> bytes:
        """Bytes over the wire while selected."""
        with self.lock:
            return self._decoder.exchange(outgoing)

    def reset(self) -> None:
        """What the reset pin and bit 7 of MR do."""
        with self.lock:
            self.common.reset()
            for hardware in self.sockets:
                hardware.reset()
            self.divide_buffers()

    def divide_buffers(self) -> None:
        """Give each socket its slices of the buffer memory, in order, as long as there is some."""
        for register, name, memory in (
            (reg.TXBUF_SIZE, "tx", self._tx_memory),
            (reg.RXBUF_SIZE, "rx", self._rx_memory),
        ):
            base = 0
            for hardware in self.sockets:
                size = hardware.buffer_size(register)
                if base + size > len(memory):
                    size = 0  # "do not exceed the total": what happens then is open
                setattr(hardware, name, Ring(memory, base, size))
                base += size

    def retry_seconds(self) -> tuple[float, float]:
        """(ARP, TCP) time-outs that RTR and RCR ask for now."""
        rtr = int.from_bytes(self.common.stored(self.layout.rtr, 2), "big")
        return reg.retry_seconds(rtr, self.common.stored(self.layout.rcr, 1)[0])

    def is_local(self, address: str) -> bool:
        """Whether an address is on the chip's own subnet, by SIPR and SUBR."""
        mask = self.common.stored(reg.SUBR, 4)
        own = self.common.stored(reg.SIPR, 4)
        other = bytes(int(octet) for octet in address.split("."))
        return any(mask) and all((a ^ b) & m == 0 for a, b, m in zip(own, other, mask, strict=True))

    def _space(self, block: int) -> Space | None:
        if self._flat is not None:
            return self._flat
        if block == 0:
            return self.common
        number, kind = divmod(block, 4)
        if number >= len(self.sockets) or kind == 0:
            return None  # reserved block numbers
        hardware = self.sockets[number]
        return (hardware, hardware.tx, hardware.rx)[kind - 1]

    def _record(self, frame: Opened, data: bytes) -> None:
        if self._trace.on:
            place, number, address = self._place(frame)
            self._trace.add(Frame(frame.operation or "?", place, number, address, data))

    def _place(self, frame: Opened) -> tuple[str, int | None, int]:
        if self._flat is not None:
            return self._flat.place(frame.address)
        number, kind = divmod(frame.block, 4)
        if frame.block == 0:
            return "common", None, frame.address
        return ("reserved", "socket", "tx", "rx")[kind], number, frame.address


class CommonRegisters:
    """Addresses 0000 to 00FF: plain storage but for MR, the version, the link and the socket interrupts."""

    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        self._registers = bytearray(0x100)
        self.reset()

    def reset(self) -> None:
        """Values after reset."""
        layout = self._chip.layout
        self._registers[:] = bytes(len(self._registers))
        self._registers[0] = layout.mode_after_reset
        self._registers[layout.version[0]] = layout.version[1]
        self._registers[layout.rtr : layout.rtr + 2] = (2000).to_bytes(2, "big")
        self._registers[layout.rcr] = 8
        for address in layout.memory_sizes or ():
            self._registers[address] = 0x55  # 2 KiB for each socket

    def stored(self, address: int, count: int) -> bytes:
        """What was written last, without side effects."""
        return bytes(self._registers[address : address + count])

    def read(self, address: int, count: int) -> bytes:
        """Read registers; beyond the last it is zeros."""
        layout = self._chip.layout
        link_address, link_up = layout.link
        cable = self._chip.network.faults.cable
        self._registers[link_address] = link_up if cable else link_up & ~_LINK_UP
        if address <= layout.socket_interrupts < address + count:
            self._registers[layout.socket_interrupts] = self._socket_interrupts()
        return self.stored(address, count).ljust(count, b"\0")

    def write(self, address: int, data: bytes) -> None:
        """Write registers."""
        layout = self._chip.layout
        for register, value in enumerate(data, address):
            if register == 0 and value & _RESET:
                self._chip.reset()
            elif register < len(self._registers) and register not in (layout.version[0], layout.link[0]):
                self._registers[register] = value
                if layout.memory_sizes and register in layout.memory_sizes:
                    self._divide(layout.memory_sizes.index(register), value)

    def _socket_interrupts(self) -> int:
        pending = 0
        for hardware in self._chip.sockets:
            if hardware.read(reg.IR, 1)[0] & hardware.read(reg.IMR, 1)[0]:
                pending |= 1 << hardware.number
        return pending

    def _divide(self, direction: int, value: int) -> None:
        for hardware in self._chip.sockets:
            size = 1 << (value >> 2 * hardware.number & 0b11)
            hardware.set_buffer_size((reg.RXBUF_SIZE, reg.TXBUF_SIZE)[direction], size)
        self._chip.divide_buffers()


class FlatMemory:
    """The one address space of the W5100S."""

    def __init__(self, chip: Chip, tx_memory: bytearray, rx_memory: bytearray) -> None:
        self._chip = chip
        self._memories = {"tx": (0x4000, tx_memory), "rx": (0x6000, rx_memory)}

    def place(self, address: int) -> tuple[str, int | None, int]:
        """(place, socket number or None, address within): "common", "socket", "tx", "rx" or "reserved"."""
        if address < 0x100:
            return "common", None, address
        if 0x400 <= address < 0x400 + 0x100 * len(self._chip.sockets):
            return "socket", (address >> 8) - 4, address & 0xFF
        for name, (base, memory) in self._memories.items():
            if base <= address < base + len(memory):
                return name, None, address - base
        return "reserved", None, address

    def read(self, address: int, count: int) -> bytes:
        """Read across whatever areas the addresses lie in."""
        found = b""
        while len(found) < count:
            place, number, offset = self.place(address + len(found))
            found += self._read_area(place, number, offset, count - len(found))
        return found

    def write(self, address: int, data: bytes) -> None:
        """Write across whatever areas the addresses lie in."""
        done = 0
        while done < len(data):
            place, number, offset = self.place(address + done)
            done += self._write_area(place, number, offset, data[done:])

    def _read_area(self, place: str, number: int | None, offset: int, count: int) -> bytes:
        if place in self._memories:
            memory = self._memories[place][1]
            return bytes(memory[offset : offset + count])
        count = min(count, 0x100 - (offset & 0xFF))
        if place == "common":
            return self._chip.common.read(offset, count)
        if number is not None:
            return self._chip.sockets[number].read(offset, count)
        return bytes(count)

    def _write_area(self, place: str, number: int | None, offset: int, data: bytes) -> int:
        if place in self._memories:
            memory = self._memories[place][1]
            count = min(len(data), len(memory) - offset)
            memory[offset : offset + count] = data[:count]
            return count
        count = min(len(data), 0x100 - (offset & 0xFF))
        if place == "common":
            self._chip.common.write(offset, data[:count])
        elif number is not None:
            self._chip.sockets[number].write(offset, data[:count])
        return count
