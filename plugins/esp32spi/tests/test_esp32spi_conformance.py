"""radiopool's driver kit, all levels, over the emulated wire: TLS on the chip and on the host."""

import time

import pytest
from radiopool.testing import PASSED, SKIPPED, Bench, all_checks, run_check
from radiopool.testing.peers import Peers
from radiopool_esp32spi import ChipContext, ESP32SPIDriver
from radiopool_esp32spi.emulator import Emulator


@pytest.fixture(scope="module")
def peers():
    with Peers() as peers:
        yield peers


@pytest.fixture(scope="module")
def emulator(peers):
    # The chip's clock goes 15 times as fast: what it calls 3 s of trying to connect is 0.2 s here.
    with Emulator(
        hosts={peers.name: peers.host}, trust=peers.ca, expose=True, clock=lambda: time.monotonic() * 15
    ) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def radio(emulator):
    return emulator.radio()


@pytest.fixture(params=["chip", "host"])
def bench(request, peers, emulator, radio):
    on_chip = request.param == "chip"
    return Bench(
        ESP32SPIDriver(tls=request.param),
        radio,
        peers,
        ssl_context=ChipContext if on_chip else None,
        tls_host=peers.name if on_chip else None,
        bind_host="",
        listen_host="127.0.0.1",
        open_sockets=lambda: len(emulator.table.in_use),
        name="TLS on the " + request.param,
    )


@pytest.mark.parametrize("check", all_checks(), ids=lambda check: "%d %s" % (check.level, check.name))
def test_check(bench, check, emulator):
    result = run_check(bench, check)
    if result.status == SKIPPED:
        assert check.name in ("ipv6", "failed wrap leaves nothing"), result
    else:
        assert result.status == PASSED, result
    assert emulator.table.in_use == []
