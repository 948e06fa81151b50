"""The kit's pytest face: one test for each check. CPython only; nothing is registered with pytest behind its back.

from radiopool.testing.pytest import DriverConformance

class TestMyRadio(DriverConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def driver(cls):
        return MyDriver()
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from radiopool.driver import Driver
from radiopool.testing.bench import Bench, Peer
from radiopool.testing.checks import Check, all_checks
from radiopool.testing.peers import Peers
from radiopool.testing.report import FAILED, PASSED, run_check


def _name(check: Check) -> str:
    return f"level {check.level}: {check.name}"


class DriverConformance:
    """Subclass it, and give it a `driver` fixture; override what else differs.

    `options` are the keywords of `Bench`. The fixtures have the scope "class", so that a slow radio is made once:
    `driver` (must be written), `peer` (default: real servers on loopback), `radio` (default: the driver's emulated
    one, else its default one) and `bench`. A check of a trait that is not declared is a skipped test, and its reason
    says whether it would have worked.
    """

    options: ClassVar[dict[str, Any]] = {}

    @pytest.fixture(scope="class")
    @classmethod
    def driver(cls) -> Driver:
        raise NotImplementedError("give the class a fixture `driver`, with scope='class'")

    @pytest.fixture(scope="class")
    @classmethod
    def peer(cls) -> Iterator[Peer]:
        with Peers() as peers:
            yield peers

    @pytest.fixture(scope="class")
    @classmethod
    def radio(cls, driver: Driver) -> Iterator[Any]:
        radio = driver.emulated()
        if radio is None:
            radio = driver.default_radio()
        if radio is None:
            raise NotImplementedError("the driver has neither emulated() nor default_radio(): give a fixture `radio`")
        yield radio
        emulator = getattr(radio, "emulator", None)
        if emulator is not None:
            emulator.close()

    @pytest.fixture(scope="class")
    @classmethod
    def bench(cls, driver: Driver, radio: Any, peer: Peer) -> Bench:
        return Bench(driver, radio, peer, **cls.options)

    @pytest.mark.parametrize("check", all_checks(), ids=_name)
    def test_conformance(self, bench: Bench, check: Check) -> None:
        result = run_check(bench, check)
        if result.status == FAILED:
            if result.error is None:
                pytest.fail(result.reason)
            raise result.error
        if result.status != PASSED:
            pytest.skip(f"{result.status}: {result.reason}")
