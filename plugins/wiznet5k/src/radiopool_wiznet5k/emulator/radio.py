"""The vendor's library on an emulated chip."""

import os
from collections.abc import Mapping
from typing import Any

from radiopool_wiznet5k.emulator import Emulator
from radiopool_wiznet5k.emulator.network import Address, Target


def emulated_radio(
    chip: str, hosts: Mapping[str, str] | None = None, routes: Mapping[Address, Target] | None = None
) -> Any:
    """A WIZNET5K that got its address from the emulated network's DHCP server; its `emulator` is the `Emulator`.

    Takes 1.1 s: the vendor's constructor sleeps. Raises ValueError as `Emulator` does.
    """
    # Blinka asks which board this is as soon as it is imported; this tells it that there is none.
    os.environ.setdefault("BLINKA_OS_AGNOSTIC", "1")
    from adafruit_wiznet5k.adafruit_wiznet5k import WIZNET5K

    emulator = Emulator(chip, hosts=hosts, routes=routes)
    try:
        radio = WIZNET5K(emulator.bus, emulator.chip_select)
    except BaseException:
        emulator.close()
        raise
    radio.emulator = emulator
    return radio
