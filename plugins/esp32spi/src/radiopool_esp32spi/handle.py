"""What a stream and a datagram socket have in common: a number of the chip, a timeout, an end."""

import errno
import time

from radiopool.errors import InvalidValueError
from radiopool.platform import now_ms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool_esp32spi.pool import SocketPool

ENFILE = 23
"""What the vendor's library raises when the chip has no number left; boards have no name for it."""
EMSGSIZE = getattr(errno, "EMSGSIZE", 90)


def check_port(port: "Any") -> None:
    """Raise InvalidValueError for what no command could carry."""
    if not isinstance(port, int) or not 0 <= port <= 65535:
        raise InvalidValueError("port must be a whole number from 0 to 65535, not %r" % (port,))


class Handle:
    """The part of a socket that does not care what is sent. Equality is identity."""

    type = 0

    def __init__(self, pool: "SocketPool") -> None:
        self._pool = pool
        # None before the chip was asked for one, and after it was given back or lost.
        self._number: int | None = None
        self._timeout: float | None = None
        self._closed = False
        self._bound: tuple[str, int] | None = None

    @property
    def raw(self) -> "Any":
        """The vendor's own socket with this one's number; None while it has none."""
        if self._number is None:
            return None
        from adafruit_esp32spi import adafruit_esp32spi_socketpool as vendor

        pool = vendor.SocketPool(self._pool.radio)
        return vendor.Socket(pool, type=self.type, socknum=self._number)

    def settimeout(self, timeout: "float | None") -> None:
        """Seconds; None blocks, 0 never does. Raises ValueError for a negative one."""
        if timeout is not None and not timeout >= 0:
            raise ValueError("timeout must be None or seconds from 0 up, not %r" % (timeout,))
        self._timeout = timeout

    def gettimeout(self) -> "float | None":
        """Seconds, or None."""
        return self._timeout

    def setblocking(self, blocking: bool) -> None:
        """True is `settimeout(None)`, False `settimeout(0)`."""
        self._timeout = None if blocking else 0

    def setsockopt(self, level: int, option: int, value: "Any") -> None:
        """Accepts SO_REUSEADDR, which the chip always sets; the chip has no way to set another: OSError(EINVAL)."""
        if (level, option) != (self._pool.SOL_SOCKET, self._pool.SO_REUSEADDR):
            raise OSError(errno.EINVAL, "the ESP32 has no command that sets option %r" % ((level, option),))

    def bind(self, address: "tuple[str, int]") -> None:
        """The port to listen on or to send from; 0 lets the pool choose. The chip listens on its own address."""
        self._check_open()
        host, port = address
        check_port(port)
        self._bound = (host, port or self._pool.free_port())

    def getsockname(self) -> "tuple[str, int]":
        """(host, port) as bound. Raises OSError if it is not: the chip does not tell."""
        if self._bound is None:
            raise OSError(errno.EINVAL, "the socket is not bound, and the chip does not tell its port")
        return self._bound

    def close(self) -> None:
        """Give the number back to the chip. Idempotent; raises nothing that the chip or the library says."""
        self._closed = True
        number = self._number
        if number is None:
            return
        try:
            with self._pool.turn:
                # Another thread may have closed it, or read its end, since.
                if self._number is not None:
                    self._give_back(number)
        except BaseException as error:
            # The chip does not answer, or somebody interrupts (Ctrl-C): later, then.
            if self._number is not None:
                self.lose_number()
                self._pool.drop(number)
                self._pool.turn.disown(number)
            if not isinstance(error, OSError):
                raise

    def abandon(self) -> None:
        """The chip was reset: nothing is sent, and the number belongs to others."""
        number = self._number
        self._closed = True
        if number is None:
            return
        self.lose_number()
        if self._pool.numbers.get(number) is self:
            self._pool.drop(number)
        # The vendor's reset() forgets to forget its TLS socket, and would refuse every later one.
        if self._pool.radio._tls_socket == number:
            self._pool.radio._tls_socket = None
        self._pool.turn.forget()

    def lose_number(self) -> None:
        """The number is not this socket's any more. Within a turn."""
        self._number = None

    def _hold(self, number: int) -> None:
        """The chip has given that number to this socket. Within a turn."""
        self._pool.take(number, self)
        self._number = number

    def _let_go(self, number: int, error: BaseException) -> None:
        """Not held after all: something went wrong on the way. Within a turn."""
        self._number = None
        if self._pool.numbers.get(number) is self:
            self._pool.drop(number)
        self._pool.turn.give_up(number, error)

    def _give_back(self, number: int) -> None:
        """Close the number on the chip. Within a turn."""
        # First, so that whatever interrupts, it is closed.
        self._pool.turn.disown(number)
        self.lose_number()
        self._pool.drop(number)
        self._pool.turn.close_number(number)

    def _check_open(self) -> None:
        if self._closed:
            raise OSError(errno.EBADF, "the socket is closed")

    def _pause(self, since: int, tries: int) -> None:
        """Between two looks: raise if the time is up, else let others have the chip for some milliseconds."""
        rest = min(tries, 10)
        if self._timeout is not None:
            left = int(self._timeout * 1000) - (now_ms() - since)
            if self._timeout == 0:
                raise OSError(errno.EAGAIN, "nothing to read yet")
            if left <= 0:
                raise OSError(errno.ETIMEDOUT, "timed out")
            rest = min(rest, left)
        time.sleep(rest / 1000)

    def __enter__(self) -> "Any":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._closed:
            return "<%s closed>" % self.__class__.__name__
        return "<%s number %s>" % (self.__class__.__name__, "none yet" if self._number is None else self._number)
