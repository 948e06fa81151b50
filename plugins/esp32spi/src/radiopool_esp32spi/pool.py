"""The socket pool of an ESP32 co-processor: sockets that keep the socket contract, over the vendor's commands."""

import errno

from radiopool.errors import InvalidValueError, NameResolutionError
from radiopool_esp32spi.chip_tls import ChipContext
from radiopool_esp32spi.datagram import DatagramSocket
from radiopool_esp32spi.handle import ENFILE
from radiopool_esp32spi.stream import StreamSocket
from radiopool_esp32spi.turn import Turn, breaks_step, is_unanswered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


SLOTS = 6
"""Numbers that the chip has, with firmware 3.x."""
_NOBODY = 255


class SocketPool:
    """A socket factory shaped like the `socket` module. One per radio; `driver.socket_pool(radio)` gives it.

    A socket gets its number from the chip when it needs one (connect, listen, the first datagram), in the same turn
    as the command that takes it: the chip reserves nothing when it is asked for a number, and the vendor's library,
    which asks early, gives two sockets the same.
    """

    AF_INET = 2
    SOCK_STREAM = 1
    SOCK_DGRAM = 2
    SOL_SOCKET = 0xFFF
    SO_REUSEADDR = 0x0004
    IPPROTO_TCP = 6
    IPPROTO_UDP = 17

    def __init__(self, radio: "Any") -> None:
        self.radio = radio
        self.turn = Turn(radio)
        # Who has which of the chip's numbers. Guarded by the turn, like everything below.
        self.numbers: dict[int, Any] = {}
        # Number to port, of the numbers that have ever listened: the firmware never stops listening on them.
        self.listened: dict[int, int] = {}
        self._ssl_context: ChipContext | None = None
        self._last_port = 49151

    @property
    def ssl_context(self) -> ChipContext:
        """The one TLS context there is: the chip's own trust, nothing to choose."""
        if self._ssl_context is None:
            self._ssl_context = ChipContext()
        return self._ssl_context

    def socket(self, family: int = AF_INET, type: int = SOCK_STREAM, proto: int = 0) -> "Any":
        """A new socket. Takes nothing from the chip yet. Raises InvalidValueError for what the chip has not."""
        if family not in (0, self.AF_INET):
            raise InvalidValueError("family must be AF_INET (%d), not %r" % (self.AF_INET, family))
        if type == self.SOCK_STREAM:
            return StreamSocket(self)
        if type == self.SOCK_DGRAM:
            return DatagramSocket(self)
        raise InvalidValueError("type must be SOCK_STREAM (1) or SOCK_DGRAM (2), not %r" % (type,))

    def getaddrinfo(
        self, host: str, port: int, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> "list[Any]":
        """A list of one 5-tuple, (family, type, proto, "", (address, port)). Raises NameResolutionError."""
        if family not in (0, self.AF_INET):
            raise NameResolutionError("%r has no address of family %r: the chip does IPv4 only" % (host, family))
        address = "%d.%d.%d.%d" % tuple(self.resolve(host))
        return [(self.AF_INET, type or self.SOCK_STREAM, proto, "", (address, port))]

    def resolve(self, host: "Any") -> "bytes | bytearray":
        """The 4 bytes of an address. A dotted quad costs no command. Raises NameResolutionError."""
        if not isinstance(host, str):
            return host  # type: ignore[no-any-return]
        address = parse_address(host)
        if address is not None:
            return address
        try:
            with self.turn as radio:
                return radio.get_host_by_name(host)  # type: ignore[no-any-return]
        except OSError as error:
            if is_unanswered(error):
                raise
            failure = NameResolutionError("%r does not resolve (%s); is the chip on a network?" % (host, error))
            failure.host = host
            raise failure from error

    def take(self, number: int, owner: "Any") -> None:
        """The chip gave that number to `owner`. Within a turn."""
        former = self.numbers.get(number)
        if former is not None:
            # The chip was reset behind our back, and has begun to count anew; the vendor's library still believes that
            # it has a TLS socket, if that was one, and would refuse another for good.
            former.lose_number()
            if self.radio._tls_socket == number and not getattr(owner, "secure", False):
                self.radio._tls_socket = None
        self.numbers[number] = owner

    def drop(self, number: int) -> None:
        """Nobody has that number any more. Within a turn."""
        self.numbers.pop(number, None)

    def number_to_listen(self, radio: "Any", port: int) -> int:
        """A number on which the chip can listen on that port. Within a turn. Raises OSError.

        A number that has once listened goes on with its first port for good (nothing in the firmware calls
        `NetworkServer::end`). For a client it is as good as any; for a server only on the same port.
        """
        for number, former in list(self.listened.items()):
            if not radio.server_state(number):
                # The chip was reset.
                del self.listened[number]
            elif former == port:
                if number in self.numbers:
                    raise OSError(errno.EADDRINUSE, "port %d: the number that listens on it is in use" % port)
                return number
        number = radio.get_socket()
        while number in self.listened or number in self.numbers:
            number += 1
        if number >= SLOTS:
            raise OSError(ENFILE, "every free number has listened on another port; the chip forgets by a reset only")
        return number  # type: ignore[no-any-return]

    def next_visitor(self, radio: "Any", number: int) -> "int | None":
        """The number that the chip gave to who came to a listening number, None if nobody did. Within a turn."""
        try:
            visitor = radio.socket_available(number)
        except BaseException as error:
            if breaks_step(error):
                # Somebody may have come and got a number that was never heard: one of those that nobody here has.
                for stranger in range(SLOTS):
                    if stranger not in self.numbers:
                        self.turn.disown(stranger)
            raise
        return None if visitor == _NOBODY else visitor

    def free_port(self) -> int:
        """A port for a socket that asked for none (RFC 6335, section 6: 49152 to 65535)."""
        self._last_port = self._last_port + 1 if self._last_port < 65535 else 49152
        return self._last_port

    def __repr__(self) -> str:
        return "<SocketPool of an ESP32: numbers %r in use>" % (sorted(self.numbers),)


def parse_address(host: str) -> "bytes | None":
    """The 4 bytes of a dotted quad, or None when it is a name. Raises InvalidValueError for digits of other scripts."""
    parts = host.split(".")
    if len(parts) != 4:
        return None
    for part in parts:
        if not part.isdigit():
            return None
        # It is true of "²", too.
        if max(part) > "9":
            raise InvalidValueError("host %r has digits that are not 0 to 9" % (host,))
        if int(part) > 255:
            return None
    return bytes([int(part) for part in parts])
