"""The driver kit, all levels, over both ports and budgets of 4 and 8."""

import pytest

from radiopool.testing.bench import Bench
from radiopool.testing.pytest import DriverConformance
from radiopool_socketpool import SocketPoolDriver


class NativeConformance(DriverConformance):
    emulation = ""
    budget: "int | None" = None
    defects: "dict[str, str]" = {}

    @pytest.fixture(autouse=True)
    def firmware_defects(self, request):
        """What the firmware itself does wrong must be seen to go wrong here."""
        check = request.node.callspec.params["check"].name
        if check in self.defects:
            request.applymarker(pytest.mark.xfail(strict=True, reason=self.defects[check]))

    @pytest.fixture(scope="class")
    def driver(self):
        return SocketPoolDriver()

    @pytest.fixture(scope="class")
    def radio(self, driver):
        radio = driver.emulated(self.emulation, {"peer.test": "127.0.0.1"}, budget=self.budget)
        yield radio
        assert radio.slots.open == 0

    @pytest.fixture(scope="class")
    def bench(self, driver, radio, peer):
        return Bench(driver, radio, peer, open_sockets=lambda: radio.slots.sockets, **self.options)


class TestEspressif(NativeConformance):
    emulation = "espressif"
    # CircuitPython, ports/espressif/common-hal/socketpool/Socket.c: the read loop takes a reset for "nothing yet".
    defects = {"reset is noticed": "after an RST a receive on espressif waits until its timeout"}
    options = {"patience": 4}


class TestEspressifOfFour(TestEspressif):
    budget = 4
    options = {"patience": 4, "steps": 15}


class TestRaspberrypi(NativeConformance):
    emulation = "raspberrypi"


class TestRaspberrypiOfFour(TestRaspberrypi):
    budget = 4
    options = {"steps": 15}


class TestRaspberrypiOfEight(TestRaspberrypi):
    budget = 8
    options = {"steps": 15}
