"""radiopool's conformance kit over the emulated modem: all levels, and the first with answers that take their time."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from radiopool_atmodem import ATModemDriver
from radiopool_atmodem.emulator import Emulator
from radiopool_atmodem.modem import Modem, ModemError

from radiopool import Driver
from radiopool.testing import PASSED, Bench, Peer, checks_of, run
from radiopool.testing.peers import Peers
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


@pytest.fixture
def slow_modem() -> Iterator[Modem]:
    emulator = Emulator(reflection=0.05)
    yield emulator.modem
    emulator.close()


def test_fifty_milliseconds_for_each_answer(slow_modem: Modem) -> None:
    names = ("sends and receives", "end is zero", "timeout is told", "refused connect", "unread bytes are not alive")
    checks = [check for check in checks_of(1) if check.name in names]
    with Peers() as peers:
        report = run(Bench(ATModemDriver(), slow_modem, peers), checks=checks)
    assert [result.status for result in report.results] == [PASSED] * len(names), report.results


def test_a_modem_that_does_not_answer(slow_modem: Modem, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an OSError, as whatever else goes wrong with a connection."""
    monkeypatch.setattr("radiopool_atmodem.modem.ANSWER_WITHIN", 0.001)
    with pytest.raises(OSError, match="does not answer") as caught:
        ATModemDriver().socket_pool(slow_modem).socket()
    assert isinstance(caught.value, ModemError)
