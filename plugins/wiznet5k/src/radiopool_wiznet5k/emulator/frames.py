"""What a chip makes of the bytes in one chip-select session: which memory is read or written, and where.

W5500 datasheet 1.0.9, section 2.2: two address bytes, one control byte, data. The control byte is block select
(5 bits), read/write (1 bit, 1 = write) and operation mode (2 bits: 00 variable length, 01/10/11 a fixed length of
1, 2 or 4 bytes, after which the next frame may follow in the same session). The address increments by itself.

W5100S datasheet 1.2, SPI interface: one control byte (F0 write, 0F read), two address bytes, data, with the
address incrementing by itself.
"""

from collections.abc import Callable
from typing import Protocol

READ, WRITE = "read", "write"

_HEADER = 3
_FIXED_LENGTH = {0b00: None, 0b01: 1, 0b10: 2, 0b11: 4}


class Space(Protocol):
    """A stretch of the chip's memory, addressed from 0."""

    def read(self, address: int, count: int) -> bytes: ...

    def write(self, address: int, data: bytes) -> None: ...


class Opened:
    """A decoded frame header: `operation` (READ, WRITE or None: not understood), block number, address, and how
    many bytes the data phase has (None: until chip select rises)."""

    def __init__(self, operation: str | None, block: int, address: int, length: int | None) -> None:
        self.operation = operation
        self.block = block
        self.address = address
        self.length = length


def open_w5500(header: bytes) -> Opened:
    """Decode a W5500 frame header of three bytes."""
    control = header[2]
    operation = WRITE if control & 0b100 else READ
    return Opened(operation, control >> 3, int.from_bytes(header[:2], "big"), _FIXED_LENGTH[control & 0b11])


def open_w5100s(header: bytes) -> Opened:
    """Decode a W5100S frame header of three bytes; any other control byte is not understood."""
    operation = {0xF0: WRITE, 0x0F: READ}.get(header[0])
    return Opened(operation, 0, int.from_bytes(header[1:3], "big"), None)


HEADERS = {"w5500": open_w5500, "w5100s": open_w5100s}


class FrameDecoder:
    """Turns the bytes of chip-select sessions into reads and writes of spaces.

    `space_of(block)` gives the memory behind a block number (None: nothing there, reads as zeros).
    `on_frame(frame, data)` is told each data phase, for the wire trace.
    """

    def __init__(
        self,
        chip: str,
        space_of: Callable[[int], Space | None],
        on_frame: Callable[[Opened, bytes], None],
    ) -> None:
        self._open = HEADERS[chip]
        self._space_of = space_of
        self._on_frame = on_frame
        self._header = b""
        self._frame: Opened | None = None

    def restart(self) -> None:
        """Chip select fell: the next byte begins a header."""
        self._header = b""
        self._frame = None

    def exchange(self, outgoing: bytes) -> bytes:
        """Take the host's bytes and give as many back. During a header the chip's answer is unspecified: zeros."""
        incoming = b""
        while outgoing:
            if self._frame is None:
                taken = outgoing[: _HEADER - len(self._header)]
                self._header += taken
                incoming += bytes(len(taken))
                if len(self._header) == _HEADER:
                    self._frame = self._open(self._header)
            else:
                taken = outgoing[: self._frame.length]
                incoming += self._data(self._frame, taken)
            outgoing = outgoing[len(taken) :]
        return incoming

    def _data(self, frame: Opened, outgoing: bytes) -> bytes:
        incoming = bytes(len(outgoing))
        space = self._space_of(frame.block)
        if space is not None and frame.operation == READ:
            incoming = space.read(frame.address, len(outgoing))
        elif space is not None and frame.operation == WRITE:
            space.write(frame.address, outgoing)
        self._on_frame(frame, incoming if frame.operation == READ else outgoing)
        frame.address = (frame.address + len(outgoing)) & 0xFFFF
        if frame.length is not None:
            frame.length -= len(outgoing)
            if frame.length == 0:
                self.restart()
        return incoming
