"""What a run of the kit says: of traits declared and not, of what can't be checked, of errors on the way."""

from collections.abc import Iterator
from typing import Any

import pytest

from radiopool import Traits
from radiopool.testing import (
    FAILED,
    PASSED,
    SKIPPED,
    UNDECLARED,
    Bench,
    Peer,
    Result,
    all_checks,
    checks_of,
    run,
    run_check,
)
from radiopool.testing.checks import make_check
from radiopool.testing.loopback import LoopbackDriver, LoopbackRadio, LoopbackSocket
from radiopool.testing.peers import Peers

CHECKS = {check.name: check for check in all_checks()}


@pytest.fixture(scope="module")
def peers() -> Iterator[Peers]:
    with Peers() as serving:
        yield serving


@pytest.fixture
def bench(peers: Peers) -> Bench:
    return Bench(LoopbackDriver(), LoopbackRadio(), peers, patience=0.5)


def results_of(bench: Bench, *names: str) -> "list[tuple[str, str]]":
    report = run(bench, checks=[CHECKS[name] for name in names])
    return [(result.status, result.reason) for result in report.results]


def test_what_works_undeclared_is_reported(bench: Bench) -> None:
    bench.traits = Traits((4, 2))
    assert results_of(bench, "datagrams") == [(UNDECLARED, "udp works, and the driver's traits do not say so")]


def test_what_is_not_declared_and_does_not_work_is_skipped(bench: Bench) -> None:
    bench.traits = Traits((4, 2))
    bench.driver.wrap = None
    bench.plain_driver.wrap = None  # type: ignore[method-assign, assignment]
    assert results_of(bench, "tls end is zero") == [(SKIPPED, "tls is not declared")]


def test_what_is_declared_and_does_not_work_is_a_failure(bench: Bench) -> None:
    bench.plain_driver.wrap = None  # type: ignore[method-assign, assignment]
    ((status, reason),) = results_of(bench, "tls end is zero")
    assert status == FAILED and "TypeError" in reason


def test_a_peer_that_offers_nothing_fails_nobody() -> None:
    report = run(Bench(LoopbackDriver(), LoopbackRadio(), Peer()))
    assert {result.status for result in report.results} == {PASSED, SKIPPED}
    assert {result.check.name for result in report.with_status(PASSED)} == {
        "claims its radio",
        "one socket pool per radio",
    }
    assert "the peer has no port 'plain'" in {result.reason for result in report.results}


def test_a_report_of_nothing_is_not_ok(bench: Bench) -> None:
    assert not run(bench, checks=[]).ok


def test_levels_are_run_up_to_the_one_asked_for(bench: Bench) -> None:
    told: list[Result] = []
    quick = [make_check(level, check_nothing) for level in (1, 2, 3)]
    report = run(bench, 2, quick, told.append)
    assert [result.check.level for result in report.results] == [1, 2]
    assert told == report.results
    assert [check.level for level in (1, 2, 3) for check in checks_of(level)] == [check.level for check in all_checks()]


def check_nothing(bench: Bench) -> None:
    """Nothing."""


def check_leaves_things_open(bench: Bench) -> None:
    """Leaves a connection, a lease and a socket of its own open."""
    bench.connect()
    bench.lease(bench.manager())
    bench.own(bench.pool.socket())


def test_what_a_check_leaves_open_is_closed(bench: Bench, peers: Peers) -> None:
    assert run_check(bench, make_check(1, check_leaves_things_open)).status == PASSED
    assert not bench.radio.table


def test_a_driver_that_cannot_close_fails_and_the_run_goes_on(bench: Bench) -> None:
    def close(socket: Any) -> None:
        raise KeyError("no such channel")

    bench.plain_driver.close = close  # type: ignore[method-assign]
    results = results_of(bench, "sends and receives", "ipv6")
    bench.radio.close()
    assert [status for status, _ in results] == [FAILED, FAILED]
    assert "no such channel" in results[0][1]


class IgnoresTimeouts(LoopbackSocket):
    def settimeout(self, timeout: "float | None") -> None:
        pass


def test_a_driver_that_ignores_its_timeouts_fails_and_the_run_goes_on(peers: Peers) -> None:
    driver = LoopbackDriver()
    driver.socket_kind = IgnoresTimeouts
    results = results_of(Bench(driver, LoopbackRadio(), peers, patience=0.5), "timeout is told", "does not block")
    assert [status for status, _ in results] == [FAILED, FAILED]
    assert all("for which nothing came: nothing was raised; it returned 1" in reason for _, reason in results)


def test_json_has_what_the_report_has(bench: Bench) -> None:
    report = run(bench, checks=[CHECKS["ipv6"]])
    said = report.as_dict()
    assert said["driver"] == "loopback" and said["ok"] is True
    assert said["results"] == [{"level": 1, "check": "ipv6", "needs": "ipv6", "status": PASSED, "reason": ""}]
