"""The part of the driver contract that is asked seldom. A board loads it when it is."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool.types import SocketPool


class DriverMethods:
    """The parent of `Driver`."""

    if TYPE_CHECKING:
        contract: tuple[int, int]

    name: str = ""
    """The word by which users choose the driver: `--driver NAME`."""
    version: str = ""
    """The plugin's version, as text."""
    radios: "tuple[str, ...]" = ()
    """Qualified class names of the radios it knows, matched over the radio's MRO so that nothing need be imported
    to ask. CPython only: boards have no MRO, and override `matches`."""
    emulations: "tuple[str, ...]" = ()
    """The radios that `emulated` can make, by name."""

    def is_timeout(self, error: BaseException) -> bool:
        """Whether the error says that the socket's timeout ran out."""
        from radiopool.errors import is_timeout

        return is_timeout(error)

    def matches(self, radio: "Any") -> bool:
        """Whether this driver knows that radio. On boards: import the vendor here and ask isinstance."""
        for kind in getattr(type(radio), "__mro__", ()):
            if kind.__module__ + "." + kind.__qualname__ in self.radios:
                return True
        return False

    def socket_pool(self, radio: "Any") -> "SocketPool":
        """The radio's socket factory. The same object for the same radio, every time."""
        raise NotImplementedError("driver %r must write socket_pool(radio)" % self.name)

    def ssl_context(self, radio: "Any") -> "Any":
        """A TLS context with the radio's usual trust. Default: `ssl.create_default_context()`."""
        import ssl

        return ssl.create_default_context()

    def wrap(self, socket: "Any", ssl_context: "Any", server_name: str) -> "Any":
        """TLS over the driver's socket. Raises without closing `socket`."""
        return ssl_context.wrap_socket(socket, server_hostname=server_name)

    def abandon(self, socket: "Any") -> None:
        """Let go of a socket without a word on the wire: its chip was reset, or it belongs to the parent process.

        Default: nothing, since the chip gives the number to somebody else.
        """

    def default_radio(self) -> "Any":
        """The radio to use when the user names none, or None. CPython's driver has the host's own network."""
        return None

    def emulated(self, which: str = "", hosts: "Any" = None, routes: "Any" = None) -> "Any":
        """A radio whose chip is emulated, on loopback, for demo, tests and the conformance kit; None if there is none.

        `which` is one of `emulations`, by default the first. `hosts` maps names to addresses, and `routes` (address,
        port) to (address, port). If the radio has an `emulator`, whoever asked for it calls `radio.emulator.close()`.
        """
        return None

    def _describe(self) -> str:
        """The driver in words, for `repr`."""
        return "<driver %s %s, contract %s>" % (self.name, self.version, self.contract)

    def __repr__(self) -> str:
        return self._describe()


Half = DriverMethods
