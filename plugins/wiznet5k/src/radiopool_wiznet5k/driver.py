"""The driver: what radiopool asks about a WIZNET5K."""

from radiopool.driver import Driver, Traits
from radiopool.platform import CPYTHON
from radiopool_wiznet5k import __version__
from radiopool_wiznet5k.chip_socket import ChipSocket
from radiopool_wiznet5k.pool import SocketPool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


_W5500_SOCKETS = 8


class WIZNET5KDriver(Driver):
    """WIZnet Ethernet chips through Adafruit's library, `adafruit_wiznet5k`.

    The budget is one less than the chip has sockets: socket 0 stays free for name lookups and DHCP. TLS is the
    interpreter's, over the chip's TCP: `radiopool.tls` on CPython, the firmware's `ssl` on CircuitPython 9.1 and
    later (which takes any object with a socket's methods).
    """

    name = "wiznet5k"
    version = __version__
    emulations = ("w5500", "w5100s")
    radios = ("adafruit_wiznet5k.adafruit_wiznet5k.WIZNET5K",)

    def matches(self, radio: "Any") -> bool:
        """Whether it is a WIZNET5K. Nothing is imported to ask on CPython."""
        if CPYTHON:
            return super().matches(radio)
        try:
            from adafruit_wiznet5k.adafruit_wiznet5k import WIZNET5K
        except ImportError:
            return False
        return isinstance(radio, WIZNET5K)

    def socket_pool(self, radio: "Any") -> SocketPool:
        """The one pool of that radio."""
        # Kept on the radio, so that it lives as long and all drivers share it: there is one lock per chip.
        pool = getattr(radio, "_radiopool_sockets", None)
        if pool is None:
            pool = radio._radiopool_sockets = SocketPool(radio)
        return pool

    def radio_of(self, pool: "Any") -> "Any":
        """The radio of our pool or of the vendor's."""
        if isinstance(pool, SocketPool):
            return pool.radio
        radio = getattr(pool, "_interface", None)
        return radio if radio is not None and self.matches(radio) else None

    def traits(self, radio: "Any") -> Traits:
        """7 sockets on a W5500, 3 on a W5100S; without a radio, a W5500's."""
        sockets = _W5500_SOCKETS if radio is None else radio.max_sockets
        return Traits(budget=(sockets - 1, None), tls="host" if _has_tls() else None, udp=True, listen=True)

    def connect(
        self,
        pool: "Any",
        host: str,
        port: int,
        timeout: "float | None" = None,
        ssl_context: "Any" = None,
        server_name: "str | None" = None,
        source_address: "tuple[str, int] | None" = None,
    ) -> "Any":
        """As the default, with the name's lookup inside the timeout of `connect`, and on our sockets even if `pool`
        is the vendor's."""
        radio = self.radio_of(pool)
        if radio is not None:
            pool = self.socket_pool(radio)
        info = (pool.AF_INET, pool.SOCK_STREAM, 0, "", (host, port))
        return self.connect_address(pool, info, host, timeout, ssl_context, server_name, source_address)

    def wrap(self, socket: "Any", ssl_context: "Any", server_name: str) -> "Any":
        """TLS over one of our sockets."""
        if not CPYTHON:
            return ssl_context.wrap_socket(socket, server_hostname=server_name)
        from radiopool import tls

        return tls.wrap(socket, ssl_context, server_name)

    def abandon(self, socket: "Any") -> None:
        """Forget the hardware socket, with or without TLS over it: its number is free again."""
        plain = socket if isinstance(socket, ChipSocket) else getattr(socket, "raw", None)
        if isinstance(plain, ChipSocket):
            plain.abandon()

    def is_alive(self, socket: "Any") -> bool:
        """Whether a socket can be recycled. Ours and `radiopool.tls`'s know; others are read from, as by default."""
        known = getattr(socket, "is_alive", None)
        return bool(known()) if known else super().is_alive(socket)

    def emulated(
        self,
        which: str = "",
        hosts: "Mapping[str, str] | None" = None,
        routes: "Mapping[tuple[str, int], Any] | None" = None,
    ) -> "Any":
        """A WIZNET5K over an emulated chip, "w5500" (the default) or "w5100s", with an address by DHCP. CPython only.

        `hosts` and `routes` as `radiopool_wiznet5k.emulator.Emulator` has them. Its `emulator` attribute is that
        object, for faults and counts; close it when done. Takes 1.1 s: the vendor's library sleeps.
        """
        from radiopool_wiznet5k.emulator.radio import emulated_radio

        return emulated_radio(which or self.emulations[0], hosts, routes)

    def bench(self, peer: "Any", which: str = "") -> "Any":
        """What the conformance kit tries: an emulated chip, which listens at its own address and not the peer's."""
        from radiopool.testing import Bench

        radio = self.emulated(which, hosts={peer.name: peer.host})
        emulator = radio.emulator
        return Bench(
            self, radio, peer, bind_host="0.0.0.0", open_sockets=lambda: emulator.open_sockets, name=radio.chip
        )


def _has_tls() -> bool:
    try:
        import ssl
    except ImportError:
        return False
    return hasattr(ssl, "SSLContext")
