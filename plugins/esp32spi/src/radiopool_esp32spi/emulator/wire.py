"""The wire: pins and an SPI bus shaped like `digitalio.DigitalInOut` and `busio.SPI`, with the chip at the other end.

Only levels and bytes pass here; what they mean is `slave.py`'s business.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from radiopool_esp32spi.emulator.slave import Slave


class Pin:
    """A pin of the board, with the part of `DigitalInOut` that drivers use."""

    def __init__(self, level: bool = True) -> None:
        self.direction: Any = None
        self.drive_mode: Any = None
        self.pull: Any = None
        self._level = level

    @property
    def value(self) -> bool:
        return self._level

    @value.setter
    def value(self, level: bool) -> None:
        # Also when the level stays: an interrupt may have come between it and what it does.
        self._level = bool(level)
        self._set(self._level)

    def switch_to_output(self, value: bool = False, drive_mode: Any = None) -> None:
        self.direction = "output"
        self.value = value

    def switch_to_input(self, pull: Any = None) -> None:
        self.direction = "input"

    def deinit(self) -> None:
        """Nothing is held."""

    def _set(self, level: bool) -> None:
        pass


class ChipSelect(Pin):
    """Active low; both levels mean something to the chip."""

    def __init__(self, slave: "Slave") -> None:
        super().__init__(True)
        self._slave = slave

    def _set(self, level: bool) -> None:
        if level:
            self._slave.deselect()
        else:
            self._slave.select()


class Reset(Pin):
    """Active low: the chip is off while it is low, and boots when it is high again."""

    def __init__(self, slave: "Slave") -> None:
        super().__init__(True)
        self._slave = slave

    def _set(self, level: bool) -> None:
        if level:
            self._slave.boot()
        else:
            self._slave.halt()


class Ready(Pin):
    """Driven by the chip: low when it waits for a command or has a reply, high while it is busy or selected."""

    def __init__(self, slave: "Slave") -> None:
        super().__init__(True)
        self._slave = slave

    @property
    def value(self) -> bool:
        return self._slave.ready_level()

    @value.setter
    def value(self, level: bool) -> None:
        raise AttributeError("the chip drives its ready pin")


class GPIO0(Pin):
    """A strapping pin at boot, afterwards driven by the chip: high when any socket has something to read."""

    def __init__(self, slave: "Slave") -> None:
        super().__init__(True)
        self._slave = slave

    @property
    def value(self) -> bool:
        return self._slave.attention

    @value.setter
    def value(self, level: bool) -> None:
        self._slave.strapped = bool(level)


class SPI:
    """One bus with one chip on it; bytes go to the chip only while it is selected."""

    def __init__(self, slave: "Slave") -> None:
        self._slave = slave
        self._locked = False
        self.frequency = 0

    def try_lock(self) -> bool:
        if self._locked:
            return False
        self._locked = True
        return True

    def unlock(self) -> None:
        self._locked = False

    def configure(self, *, baudrate: int = 100000, polarity: int = 0, phase: int = 0, bits: int = 8) -> None:
        self._check_locked()
        if (polarity, phase, bits) != (0, 0, 8):
            raise ValueError("the chip speaks SPI mode 0 with 8 bits, not polarity %d phase %d" % (polarity, phase))
        self.frequency = baudrate

    def write(self, buffer: Any, *, start: int = 0, end: "int | None" = None) -> None:
        self._check_locked()
        self._slave.exchange(bytes(buffer[start : len(buffer) if end is None else end]))

    def readinto(self, buffer: Any, *, start: int = 0, end: "int | None" = None, write_value: int = 0) -> None:
        self._check_locked()
        length = (len(buffer) if end is None else end) - start
        buffer[start : start + length] = self._slave.exchange(bytes((write_value,)) * length)

    def write_readinto(
        self,
        out_buffer: Any,
        in_buffer: Any,
        *,
        out_start: int = 0,
        out_end: "int | None" = None,
        in_start: int = 0,
        in_end: "int | None" = None,
    ) -> None:
        self._check_locked()
        sent = bytes(out_buffer[out_start : len(out_buffer) if out_end is None else out_end])
        length = (len(in_buffer) if in_end is None else in_end) - in_start
        if len(sent) != length:
            raise ValueError("buffer slices must be of equal length, not %d and %d" % (len(sent), length))
        in_buffer[in_start : in_start + length] = self._slave.exchange(sent)

    def deinit(self) -> None:
        """Nothing is held."""

    def _check_locked(self) -> None:
        if not self._locked:
            raise RuntimeError("Function requires lock")
