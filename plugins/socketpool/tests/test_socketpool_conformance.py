"""The driver kit, all levels: both ports with their own budgets and with one of four, IPv6 where there is any."""

import pytest

from radiopool.testing.bench import Bench
from radiopool.testing.peers import Peers
from radiopool.testing.pytest import DriverConformance
from radiopool_socketpool import SocketPoolDriver


class NativeConformance(DriverConformance):
    options = {"examples": 8}
    emulation = ""
    budget: "int | None" = None

    @pytest.fixture(scope="class")
    @classmethod
    def driver(cls):
        return SocketPoolDriver()

    @pytest.fixture(scope="class")
    @classmethod
    def radio(cls, driver):
        radio = driver.emulated(cls.emulation, {"peer.test": "127.0.0.1"}, budget=cls.budget)
        yield radio
        assert radio.slots.open == 0

    @pytest.fixture(scope="class")
    @classmethod
    def bench(cls, driver, radio, peer):
        return Bench(driver, radio, peer, open_sockets=lambda: radio.slots.sockets, **cls.options)


class TestEspressif(NativeConformance):
    emulation = "espressif"


class TestEspressifOfFour(TestEspressif):
    budget = 4


class TestEspressifOverIPv6(TestEspressif):
    @pytest.fixture(scope="class")
    @classmethod
    def peer(cls):
        with Peers("::1") as peers:
            yield peers


class TestRaspberrypi(NativeConformance):
    emulation = "raspberrypi"


class TestRaspberrypiOfFour(TestRaspberrypi):
    budget = 4
