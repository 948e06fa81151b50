"""The bench on which the conformance kit tries this driver: an emulated chip, and what the kit must know of it.

CPython only; loaded when the kit asks.
"""

import time
from typing import TYPE_CHECKING, Any

from radiopool.testing import Bench, Peer
from radiopool_esp32spi.chip_tls import ChipContext
from radiopool_esp32spi.emulator import Emulator
from radiopool_esp32spi.stream import StreamSocket

if TYPE_CHECKING:
    from radiopool_esp32spi.driver import ESP32SPIDriver

HASTE = 15
"""How many times faster the chip's clock goes: what it calls 3 s of trying to connect is 0.2 s here."""
HANDSHAKE = 75
"""Seconds of that clock given to a TLS handshake, 5 s here, for a peer on a busy machine; the chip's own 120 s would be
8 s, and the vendor's library gives up after 10."""


def make_bench(driver: "ESP32SPIDriver", peer: Peer, **options: Any) -> Bench:
    """A bench over a chip of its own, which trusts the peer's CA; `bench.radio.emulator.close()` ends it."""
    emulator = Emulator(
        hosts={peer.name: peer.host}, trust=peer.ca, expose=True, clock=lambda: time.monotonic() * HASTE
    )
    for slot in emulator.table.slots:
        slot.secure.handshake_timeout = HANDSHAKE
    on_chip = driver.tls == "chip"
    bench = Bench(
        driver,
        emulator.radio(),
        peer,
        ssl_context=ChipContext if on_chip else None,
        tls_host=peer.name if on_chip else None,
        bind_host="",
        listen_host=peer.host,
        name="TLS on the " + driver.tls,
        **options,
    )

    def open_sockets() -> int:
        # The chip takes a number back when it says that the peer has closed; the socket is closed here later.
        streams = [socket if isinstance(socket, StreamSocket) else socket.raw for socket in bench.driver.open.values()]
        return len(emulator.table.in_use) + sum(stream.raw is None for stream in streams)

    bench.open_sockets = open_sockets
    return bench
