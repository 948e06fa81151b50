"""TLS as the chip makes it: a context without choices."""

from radiopool.errors import InvalidValueError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CERT_REQUIRED = 2
"""`ssl.CERT_REQUIRED`: the chip always verifies."""


class ChipContext:
    """Stands for the TLS of the firmware: its own CA bundle, the name always checked, nothing to set.

    Every option of an `ssl.SSLContext` that the chip can't honour raises InvalidValueError when it is set.
    """

    @property
    def check_hostname(self) -> bool:
        """True: the chip checks the certificate against the name that it connects to."""
        return True

    @check_hostname.setter
    def check_hostname(self, value: bool) -> None:
        if value is not True:
            _refuse("check_hostname", value)

    @property
    def verify_mode(self) -> int:
        """`ssl.CERT_REQUIRED`."""
        return CERT_REQUIRED

    @verify_mode.setter
    def verify_mode(self, value: int) -> None:
        if value != CERT_REQUIRED:
            _refuse("verify_mode", value)

    @property
    def minimum_version(self) -> None:
        """Not known: the firmware's affair."""

    @minimum_version.setter
    def minimum_version(self, value: "Any") -> None:
        _refuse("minimum_version", value)

    @property
    def maximum_version(self) -> None:
        """Not known: the firmware's affair."""

    @maximum_version.setter
    def maximum_version(self, value: "Any") -> None:
        _refuse("maximum_version", value)

    def load_default_certs(self, *_: "Any") -> None:
        """The firmware's bundle is always loaded."""

    def load_verify_locations(self, *args: "Any", **options: "Any") -> None:
        """Refused: the bundle is part of the firmware."""
        _refuse("load_verify_locations")

    def load_cert_chain(self, *args: "Any", **options: "Any") -> None:
        """Refused: a client certificate is set for the whole chip, by the vendor's set_certificate."""
        _refuse("load_cert_chain")

    def set_alpn_protocols(self, *args: "Any") -> None:
        """Refused."""
        _refuse("set_alpn_protocols")

    def set_ciphers(self, *args: "Any") -> None:
        """Refused."""
        _refuse("set_ciphers")

    def wrap_socket(
        self, socket: "Any", server_side: bool = False, server_hostname: "str | None" = None, **options: "Any"
    ) -> "Any":
        """The same socket, which will connect with TLS. Raises InvalidValueError for anything but a client."""
        if server_side:
            _refuse("server_side", server_side)
        for name in options:
            if name not in ("do_handshake_on_connect", "suppress_ragged_eofs"):
                _refuse(name, options[name])
        use_tls = getattr(socket, "use_tls", None)
        if use_tls is None:
            raise InvalidValueError("TLS on the chip goes over a stream socket of that chip, not %r" % (socket,))
        use_tls(server_hostname)
        return socket

    def __repr__(self) -> str:
        return "<ChipContext: the firmware's own CA bundle>"


def _refuse(option: str, value: "Any" = None) -> None:
    given = "" if value is None else "=%r" % (value,)
    raise InvalidValueError(
        "the ESP32 makes TLS itself and has no %s%s; register ESP32SPIDriver(tls='host') to make it here (CPython)"
        % (option, given)
    )
