"""The wire: pins and an SPI bus shaped like `digitalio.DigitalInOut` and `busio.SPI`.

A chip hangs on a bus by its chip-select pin. While that pin is low, every byte the host clocks out is one the
chip clocks in, and the other way round (SPI mode 0, most significant bit first); the chip takes part through two
methods, `select(chosen)` and `exchange(outgoing) -> incoming`.
"""

import threading
from collections.abc import Callable
from typing import Any, Protocol


class Device(Protocol):
    """What a bus needs of a chip."""

    def select(self, chosen: bool) -> None:
        """Chip select went low (True) or high (False)."""

    def exchange(self, outgoing: bytes) -> bytes:
        """Clock these bytes in and give as many bytes back."""


class Pin:
    """An output pin. `on_level(level)` is called whenever the level is set, also to what it was: an interrupt (Ctrl-C)
    may have come between the two before."""

    def __init__(self, on_level: Callable[[bool], None] | None = None, level: bool = True) -> None:
        self._level = level
        self._on_level = on_level
        self.direction: Any = None

    def switch_to_output(self, value: bool = False, drive_mode: Any = None) -> None:
        """Drive the pin to `value`."""
        self.value = value

    @property
    def value(self) -> bool:
        """The level: True is high."""
        return self._level

    @value.setter
    def value(self, level: bool) -> None:
        self._level = bool(level)
        if self._on_level is not None:
            self._on_level(self._level)


class Bus:
    """An SPI bus with any number of chips. It counts what crosses it.

    bytes_out, bytes_in: bytes clocked by `write` and by `readinto`; `write_readinto` counts as both.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._chosen: list[Device] = []
        self.bytes_out = 0
        self.bytes_in = 0

    def chip_select(self, device: Device) -> Pin:
        """A chip-select pin, active low, for a chip on this bus."""

        def choose(level: bool) -> None:
            if level == (device not in self._chosen):
                return
            if level:
                self._chosen.remove(device)
            else:
                self._chosen.append(device)
            device.select(not level)

        return Pin(choose)

    def try_lock(self) -> bool:
        """Take the bus if it is free."""
        return self._lock.acquire(blocking=False)

    def unlock(self) -> None:
        """Give the bus back."""
        self._lock.release()

    def configure(self, baudrate: int = 100_000, polarity: int = 0, phase: int = 0, bits: int = 8) -> None:
        """Accepted; the emulated wire has no speed."""
        if not self._lock.locked():
            raise RuntimeError("Function requires lock")

    def write(self, buffer: Any, *, start: int = 0, end: int | None = None) -> None:
        """Clock bytes out and ignore what comes in."""
        outgoing = bytes(memoryview(buffer)[start:end])
        self.bytes_out += len(outgoing)
        self._exchange(outgoing)

    def readinto(self, buffer: Any, *, start: int = 0, end: int | None = None, write_value: int = 0) -> None:
        """Clock `write_value` out as often as it takes to fill the buffer."""
        view = memoryview(buffer)[start:end]
        self.bytes_in += len(view)
        view[:] = self._exchange(bytes((write_value,)) * len(view))

    def write_readinto(
        self,
        out_buffer: Any,
        in_buffer: Any,
        *,
        out_start: int = 0,
        out_end: int | None = None,
        in_start: int = 0,
        in_end: int | None = None,
    ) -> None:
        """Clock bytes both ways at once; both slices must be of one length."""
        outgoing = bytes(memoryview(out_buffer)[out_start:out_end])
        view = memoryview(in_buffer)[in_start:in_end]
        if len(outgoing) != len(view):
            raise ValueError("buffer slices must be of equal length")
        self.bytes_out += len(outgoing)
        self.bytes_in += len(view)
        view[:] = self._exchange(outgoing)

    def _exchange(self, outgoing: bytes) -> bytes:
        if not self._lock.locked():
            raise RuntimeError("Function requires lock")
        # Nobody drives the line when no chip is selected: it is pulled up on the usual breakouts.
        incoming = b"\xff" * len(outgoing)
        for device in self._chosen:
            incoming = device.exchange(outgoing)
        return incoming
