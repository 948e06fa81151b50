"""The socket pool: shaped like CircuitPython's `socketpool`, over one chip."""

from radiopool.errors import InvalidValueError
from radiopool_wiznet5k.chip import Chip, LookupSocket
from radiopool_wiznet5k.chip_socket import SOCK_DGRAM, SOCK_STREAM, ChipSocket
from radiopool_wiznet5k.datagram import DatagramSocket
from radiopool_wiznet5k.lookup import look_up
from radiopool_wiznet5k.stream import StreamSocket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_VENDOR_AF_INET = 3


class SocketPool:
    """Makes sockets on one WIZNET5K.

    `radio` is the chip's vendor object, `chip.lock` the lock around it. Constants have CircuitPython's values;
    the vendor's own AF_INET (3) is taken too.
    """

    AF_INET = 2
    SOCK_STREAM = SOCK_STREAM
    SOCK_DGRAM = SOCK_DGRAM
    SOL_SOCKET = 0xFFF
    SO_REUSEADDR = 4
    TCP_NODELAY = 1
    IPPROTO_TCP = 6
    IPPROTO_UDP = 17

    def __init__(self, radio: "Any") -> None:
        self.radio = radio
        self.chip = Chip(radio)

    def socket(self, family: int = AF_INET, type: int = SOCK_STREAM, proto: int = 0) -> ChipSocket:
        """A new socket. Raises OSError(ENOBUFS) when the chip has none left, InvalidValueError for a family or a
        type it does not have."""
        if family not in (0, self.AF_INET, _VENDOR_AF_INET):
            raise InvalidValueError("family must be AF_INET (%d), not %r" % (self.AF_INET, family))
        if type == SOCK_STREAM:
            return StreamSocket(self.chip, self.chip.claim(type))
        if type == SOCK_DGRAM:
            return DatagramSocket(self.chip, self.chip.claim(type))
        raise InvalidValueError("type must be SOCK_STREAM (1) or SOCK_DGRAM (2), not %r" % (type,))

    def getaddrinfo(
        self, host: str, port: int, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> "list[tuple[int, int, int, str, tuple[str, int]]]":
        """The one address of a name, as a list of one 5-tuple (family, type, proto, "", (address, port)).

        Raises NameResolutionError, or OSError(ETIMEDOUT) if the name server does not answer in five seconds.
        """
        if not isinstance(port, int):
            raise InvalidValueError("port must be a whole number, not %r" % (port,))
        return [(self.AF_INET, type or SOCK_STREAM, proto, "", (look_up(self.chip, host, None), port))]

    def maintain_dhcp_lease(self) -> None:
        """The vendor's `radio.maintain_dhcp_lease()`, safe beside threads that use the chip: call it now and then.

        It needs hardware socket 0; while a name is being looked up there it does nothing, until the next call. It
        holds the chip as long as the vendor's waits for the server: milliseconds, or seconds if that is silent.
        Raises what the vendor's does.
        """
        raw = LookupSocket()
        try:
            if self.chip.claim_lookup_socket(raw):
                with self.chip.lock:
                    self.radio.maintain_dhcp_lease()
        finally:
            with self.chip.lock:
                self.chip.release(raw, 0)

    def __repr__(self) -> str:
        return "<%s of a %s>" % (self.__class__.__name__, self.radio.chip)
