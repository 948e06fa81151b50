"""radiopool's conformance kit, all levels, over the emulated modem."""

from typing import Any, ClassVar

import pytest
from radiopool_atmodem import ATModemDriver

from radiopool import Driver
from radiopool.testing import Bench, Peer
from radiopool.testing.pytest import DriverConformance


class TestATModem(DriverConformance):
    # A serial line is slow: less to send, and fewer histories.
    options: ClassVar[dict[str, Any]] = {"size": 12000, "examples": 5, "steps": 15}

    @pytest.fixture(scope="class")
    @classmethod
    def driver(cls) -> Driver:
        return ATModemDriver()

    @pytest.fixture(scope="class")
    @classmethod
    def bench(cls, driver: Driver, radio: Any, peer: Peer) -> Bench:
        return Bench(driver, radio, peer, open_sockets=lambda: len(radio.emulator.slots), **cls.options)
