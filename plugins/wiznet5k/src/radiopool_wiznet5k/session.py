"""Chip-select sessions that end, whatever interrupts them. CPython only: a board's `with` can't be interrupted so."""

import time
from typing import Any


def end_sessions(radio: Any) -> None:
    """See to it that each of the radio's sessions ends."""
    device = getattr(radio, "_device", None)
    if device is not None and not isinstance(device, Device):
        radio._device = Device(device)


class Device:
    """The vendor's `SPIDevice` of one chip; whoever uses it holds the chip's lock.

    An interrupt (Ctrl-C) on the way into the vendor's `with`, or on its way out, leaves the bus locked and the chip
    selected, and the next session would wait for ever. Here it first ends the one before.
    """

    def __init__(self, device: Any) -> None:
        self._device = device
        self._entered = False

    def __enter__(self) -> Any:
        if self._entered:
            self._end()
        self._entered = True
        return self._device.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._device.__exit__(*error)
        self._entered = False

    def _end(self) -> None:
        device = self._device
        device.chip_select.value = not device.cs_active_value
        for _ in range(100):
            if device.spi.try_lock():
                break
            # Another chip on the bus has it for some milliseconds, if anybody has.
            time.sleep(0.01)
        device.spi.unlock()
