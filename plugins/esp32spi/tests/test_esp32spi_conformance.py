"""radiopool's driver kit, all levels, over the emulated wire: TLS on the chip and on the host."""

import pytest

from radiopool.testing import PASSED, SKIPPED, all_checks, run_check
from radiopool.testing.peers import Peers
from radiopool_esp32spi import ESP32SPIDriver
from radiopool_esp32spi.bench import make_bench

EXPECTED = (
    "ipv6 is not declared",
    "the chip does TLS: no context wraps anything",
    "there is no small TLS budget",
)


@pytest.fixture(scope="module")
def peers():
    with Peers() as peers:
        yield peers


@pytest.fixture(scope="module", params=["chip", "host"])
def bench(request, peers):
    bench = make_bench(ESP32SPIDriver(tls=request.param), peers, examples=8)
    with bench.radio.emulator:
        yield bench


@pytest.mark.parametrize("check", all_checks(), ids=lambda check: "%d %s" % (check.level, check.name))
def test_check(bench, check):
    result = run_check(bench, check)
    if result.status == SKIPPED:
        assert result.reason in EXPECTED, result
    else:
        assert result.status == PASSED, result
    assert bench.radio.emulator.table.in_use == []
