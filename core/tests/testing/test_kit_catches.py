"""A check that cannot fail is not in the kit: each passes a right driver, and catches the wrong one made for it."""

import gc
from collections.abc import Iterator

import pytest

from radiopool.testing import FAILED, PASSED, SKIPPED, Bench, Check, all_checks, requirement, run, run_check
from radiopool.testing.broken import BROKEN
from radiopool.testing.loopback import LoopbackDriver, LoopbackRadio
from radiopool.testing.peers import Peers

CHECKS = {check.name: check for check in all_checks()}


@pytest.fixture(scope="module")
def peers() -> Iterator[Peers]:
    with Peers() as serving:
        yield serving


@pytest.fixture
def radio() -> Iterator[LoopbackRadio]:
    radio = LoopbackRadio()
    yield radio
    radio.close()
    # A broken driver's sockets are in cycles with its errors; none may surface in a later test.
    gc.collect()


def test_every_check_has_a_driver_that_it_catches() -> None:
    assert set(BROKEN) == set(CHECKS)


@pytest.mark.parametrize("name", CHECKS)
def test_the_right_driver_passes(name: str, peers: Peers, radio: LoopbackRadio) -> None:
    bench = Bench(LoopbackDriver(), radio, peers, open_sockets=lambda: len(radio.table))
    result = run_check(bench, CHECKS[name])
    if result.error:
        raise result.error
    assert result.status == PASSED
    assert not radio.table


@pytest.mark.parametrize("budget", [(1, 1), (2, 1), (4, 0)])
def test_the_right_driver_of_a_small_radio_passes(budget: "tuple[int, int]", peers: Peers) -> None:
    radio = LoopbackRadio(budget)
    report = run(Bench(LoopbackDriver(), radio, peers, open_sockets=lambda: len(radio.table), examples=5))
    assert report.with_status(FAILED) == []
    skipped = {result.check.name for result in report.with_status(SKIPPED) if result.check.needs != "tls"}
    assert skipped == ({"connections are apart", "listens"} if budget[0] == 1 else set())


@pytest.mark.parametrize("name", CHECKS)
def test_the_wrong_driver_is_caught(name: str, peers: Peers, radio: LoopbackRadio) -> None:
    driver = BROKEN[name]()
    # In haste, since waiting for what a wrong driver never does is what takes time; a peer that is late on a busy
    # machine can hide what the driver does wrong, so those that seem right are tried again with the time users give.
    for timeout, patience in ((0.05, 0.4), (0.5, 10)):
        result = run_check(Bench(driver, radio, peers, timeout=timeout, patience=patience), CHECKS[name])
        if result.status == FAILED:
            break
    assert result.status == FAILED, driver.__doc__
    assert result.reason


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.name)
def test_a_check_says_what_it_requires(check: Check) -> None:
    assert requirement(check).endswith(".")
    assert check.function.__name__ == "check_" + check.name.replace(" ", "_")
