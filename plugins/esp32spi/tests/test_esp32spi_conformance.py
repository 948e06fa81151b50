"""radiopool's driver kit, all levels, over the emulated wire: TLS on the chip and on the host."""

import time

import pytest
from radiopool.testing import PASSED, SKIPPED, Bench, all_checks, run_check
from radiopool.testing.peers import Peers
from radiopool_esp32spi import ChipContext, ESP32SPIDriver, StreamSocket
from radiopool_esp32spi.emulator import Emulator


EXPECTED = (
    "ipv6 is not declared",
    "the chip does TLS: no context wraps anything",
    "there is no small TLS budget",
)


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
        for slot in emulator.table.slots:
            # The chip's own 120 s are longer than the vendor's library waits: test_esp32spi_driver has that.
            slot.secure.handshake_timeout = 10
        yield emulator


@pytest.fixture(scope="module")
def radio(emulator):
    return emulator.radio()


@pytest.fixture(params=["chip", "host"])
def bench(request, peers, emulator, radio):
    on_chip = request.param == "chip"
    bench = Bench(
        ESP32SPIDriver(tls=request.param),
        radio,
        peers,
        ssl_context=ChipContext if on_chip else None,
        tls_host=peers.name if on_chip else None,
        bind_host="",
        listen_host="127.0.0.1",
        examples=8,
        name="TLS on the " + request.param,
    )

    def open_sockets():
        # The chip takes a number back when it says that the peer has closed; the socket is closed here later.
        streams = [socket if isinstance(socket, StreamSocket) else socket.raw for socket in bench.driver.open.values()]
        return len(emulator.table.in_use) + sum(stream.raw is None for stream in streams)

    bench.open_sockets = open_sockets
    return bench


@pytest.mark.parametrize("check", all_checks(), ids=lambda check: "%d %s" % (check.level, check.name))
def test_check(bench, check, emulator):
    result = run_check(bench, check)
    if result.status == SKIPPED:
        assert result.reason in EXPECTED, result
    else:
        assert result.status == PASSED, result
    assert emulator.table.in_use == []
