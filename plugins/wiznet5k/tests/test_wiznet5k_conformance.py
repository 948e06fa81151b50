"""The driver kit, all levels, over the emulated wire of both chips."""

import pytest

from radiopool.testing import FAILED, Bench, all_checks, run_check
from radiopool.testing.peers import Peers

# What a chip without IPv6 and without a limit of its own on TLS can't be asked.
EXPECTED_SKIPS = {"ipv6", "tls budget is kept"}


@pytest.fixture(scope="module")
def peers():
    with Peers() as peers:
        yield peers


@pytest.mark.parametrize("check", all_checks(), ids=lambda check: check.name.replace(" ", "-"))
def test_conformance(check, driver, radio, peers):
    emulator = radio.emulator
    emulator.network.hosts[peers.name] = peers.host
    bench = Bench(
        driver, radio, peers, bind_host="0.0.0.0", open_sockets=lambda: emulator.open_sockets, name=radio.chip
    )
    result = run_check(bench, check)
    if result.status == FAILED:
        raise AssertionError(str(result)) from result.error
    if result.status == "skipped":
        assert check.name in EXPECTED_SKIPS, str(result)
        pytest.skip(result.reason)
