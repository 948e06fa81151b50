"""The driver of `ESP_SPIcontrol`: an ESP32 with NINA firmware on an SPI bus."""

from radiopool.driver import Driver, Traits
from radiopool.errors import InvalidValueError
from radiopool.platform import CPYTHON
from radiopool_esp32spi import __version__
from radiopool_esp32spi.chip_tls import ChipContext
from radiopool_esp32spi.handle import Handle
from radiopool_esp32spi.pool import SLOTS, SocketPool
from radiopool_esp32spi.stream import StreamSocket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TLS_SOCKETS = 1
"""Sockets that can be open at once with TLS made by the chip."""
CHIP = "chip"
HOST = "host"


class ESP32SPIDriver(Driver):
    """tls: where TLS is made. "chip" (the default): by the firmware, one connection at a time, with its own CA bundle
    and no options. "host": by Python's ssl over a plain socket (CPython only), as many as there are sockets, with
    every option there is. Register one that you chose: `radiopool.register(ESP32SPIDriver(tls="host"))`.
    """

    name = "esp32spi"
    version = __version__
    radios = ("adafruit_esp32spi.adafruit_esp32spi.ESP_SPIcontrol",)
    emulations = ("esp32spi",)

    def __init__(self, tls: str = CHIP) -> None:
        if tls not in (CHIP, HOST):
            raise InvalidValueError("tls must be 'chip' or 'host', not %r" % (tls,))
        if tls == HOST and not CPYTHON:
            raise InvalidValueError("tls='host' needs CPython's ssl; boards have tls='chip'")
        self.tls = tls

    def matches(self, radio: "Any") -> bool:
        if CPYTHON:
            return super().matches(radio)
        try:
            from adafruit_esp32spi.adafruit_esp32spi import ESP_SPIcontrol
        except ImportError:
            return False
        return isinstance(radio, ESP_SPIcontrol)

    def socket_pool(self, radio: "Any") -> "Any":
        # Kept at the radio: it lives as long, and a second driver (the other `tls`) shares its lock.
        pool = getattr(radio, "_radiopool", None)
        if pool is None:
            pool = radio._radiopool = SocketPool(radio)
        return pool

    def radio_of(self, pool: "Any") -> "Any":
        """Of our pool, and of the vendor's."""
        if isinstance(pool, SocketPool):
            return pool.radio
        radio = getattr(pool, "_interface", None)
        return radio if radio is not None and self.matches(radio) else None

    def ssl_context(self, radio: "Any") -> "Any":
        """The chip's own, or with tls="host" `ssl.create_default_context()`."""
        if self.tls == HOST:
            return super().ssl_context(radio)
        return self.socket_pool(radio).ssl_context

    def traits(self, radio: "Any") -> Traits:
        tls_sockets = TLS_SOCKETS if self.tls == CHIP else SLOTS
        return Traits(budget=(SLOTS, tls_sockets), tls=self.tls, udp=True, listen=True)

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
        if source_address is not None:
            raise InvalidValueError("the ESP32 chooses its own address and port, not %r" % (source_address,))
        if not isinstance(pool, SocketPool):
            # The vendor's: its sockets break the contract, ours go to the same chip.
            pool = self.socket_pool(self.radio_of(pool))
        chip_tls = ssl_context is not None and self.tls == CHIP
        if chip_tls and server_name is not None and server_name.lower() != host.lower():
            raise InvalidValueError(
                "the ESP32 checks a certificate against the name that it connects to, %r, not server_name %r"
                % (host, server_name)
            )
        # The name, not its address: one address is all that the chip finds, and errors can say where to.
        info = (pool.AF_INET, pool.SOCK_STREAM, 0, "", (host, port))
        return self.connect_address(pool, info, host, timeout, ssl_context, server_name, None)

    def wrap(self, socket: "Any", ssl_context: "Any", server_name: str) -> "Any":
        if self.tls == HOST:
            from radiopool import tls

            return tls.wrap(socket, ssl_context, server_name)
        # A stand-in without options, such as Adafruit's, asks for nothing that the chip has not.
        if not isinstance(ssl_context, ChipContext):
            if hasattr(ssl_context, "load_verify_locations"):
                raise InvalidValueError(
                    "the ESP32 makes TLS itself and can't honour %r; register ESP32SPIDriver(tls='host')"
                    % (ssl_context,)
                )
            ssl_context = ChipContext()
        return ssl_context.wrap_socket(socket, server_hostname=server_name)

    def abandon(self, socket: "Any") -> None:
        handle = socket if isinstance(socket, Handle) else getattr(socket, "raw", None)
        if isinstance(handle, Handle):
            handle.abandon()

    def is_alive(self, socket: "Any") -> bool:
        # TLS made here knows by itself which bytes are nobody's but its own.
        if isinstance(socket, StreamSocket) or hasattr(socket, "is_alive"):
            return socket.is_alive()  # type: ignore[no-any-return]
        return super().is_alive(socket)

    def emulated(
        self,
        which: str = "",
        hosts: "dict[str, str] | None" = None,
        routes: "dict[tuple[str, int], Any] | None" = None,
        **settings: "Any",
    ) -> "Any":
        """The vendor's `ESP_SPIcontrol` over an emulated chip, joined to an access point. `radio.emulator` is the
        chip: its counters, faults, and `close()`.

        hosts, routes and the rest: see `radiopool_esp32spi.emulator.Emulator`. Without `hosts` the host's own lookup
        answers. Takes 0.8 s: the vendor's library sleeps. CPython only.
        """
        from radiopool_esp32spi.emulator import Emulator, lookup

        if which and which not in self.emulations:
            raise InvalidValueError("the emulation is %r, not %r" % (self.emulations[0], which))
        if hosts is None:
            settings.setdefault("resolve", lookup)
        return Emulator(hosts, routes, **settings).radio()

    def bench(self, peer: "Any", which: str = "") -> "Any":
        """The bench for radiopool's conformance kit. CPython only."""
        from radiopool_esp32spi.bench import make_bench

        return make_bench(self, peer)
