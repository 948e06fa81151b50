"""One chip, shared by all its sockets: the lock around its wire, and who has which hardware socket.

The vendor keeps the list of reserved sockets in the class WIZNET5K, so a second chip replaces the first one's
list, and a vendor socket that was closed releases its number once more when it is collected, to whoever has it
then. Here each chip has a list of its own, and a socket we close can't reach the chip any more. The number is chosen
here too: the vendor collects garbage to choose one, which in a program of some size takes longer than the connection.
"""

import errno
import time

from radiopool.platform import CPYTHON, Lock, now_ms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

LONGEST_PAUSE_MS = 16

_CLOSED = 0


class Chip:
    """A WIZNET5K with its lock. `lock` is held for each exchange with the chip, never while waiting.

    An application with threads that talks to the radio itself holds `lock` meanwhile.
    """

    def __init__(self, radio: "Any") -> None:
        from adafruit_wiznet5k.adafruit_wiznet5k_socketpool import SocketPool

        self.radio = radio
        self.lock = Lock()
        self._vendor_pool = SocketPool(radio)
        self._looking_up: "Any" = None
        self._reserved = [False] * (radio.max_sockets - 1)
        self._taken: "list[int]" = []
        if CPYTHON:
            from radiopool_wiznet5k.session import end_sessions

            end_sessions(radio)

    def claim(self, kind: int) -> "Any":
        """A vendor socket with a hardware socket nobody else has. Raises OSError(ENOBUFS) if there is none."""
        from adafruit_wiznet5k.adafruit_wiznet5k import WIZNET5K
        from adafruit_wiznet5k.adafruit_wiznet5k_socketpool import Socket

        with self.lock:
            # Vendor sockets that the application opens itself are reserved in the same list.
            WIZNET5K._sockets_reserved = self._reserved
            number = self._free_number()
            raw = Socket(_Chosen(number), type=kind)
            raw._socket_pool = self._vendor_pool
            raw._interface = self.radio
            self._taken.append(number)
            self._reserved[number - 1] = True
        return raw

    def _free_number(self) -> int:
        for number in range(1, self.radio.max_sockets):
            # The list alone would not do: a vendor socket's `__del__` may have taken our number off it.
            free = number not in self._taken and not self._reserved[number - 1]
            if free and self.radio.socket_status(number) == _CLOSED:
                return number
        raise OSError(errno.ENOBUFS, "all %d sockets are in use" % len(self._reserved))

    def claim_lookup_socket(self, raw: "LookupSocket") -> bool:
        """Hardware socket 0, which no `claim` gives out, for `raw`; False while it is in use by another lookup or by
        DHCP. To be released also when this is interrupted."""
        with self.lock:
            if self._looking_up is not None or self.radio.socket_status(0) != _CLOSED:
                return False
            self._looking_up = raw
        return True

    def release(self, raw: "Any", number: int) -> None:
        """The hardware socket is free. `raw` is cut off from the chip, so that its `__del__` releases nothing."""
        raw._socket_closed = True
        raw._interface = _CutOff
        if number == 0:
            if self._looking_up is raw:
                self._looking_up = None
            return
        if number in self._taken:
            self._taken.remove(number)
        self._reserved[number - 1] = False

    def require_link(self) -> None:
        """Raise OSError(EHOSTUNREACH) if the cable is out. The lock is held."""
        if not self.radio.link_status:
            raise OSError(errno.EHOSTUNREACH, "the Ethernet link is down")


def call(function: "Callable[..., None]", *arguments: "Any") -> None:
    """A vendor's method that says by RuntimeError that the chip did not do it: here OSError(EIO)."""
    try:
        function(*arguments)
    except RuntimeError as error:
        raise OSError(errno.EIO, str(error)) from error


class _Chosen:
    """Stands in for pool and chip while a vendor socket asks for its number."""

    _default_socket_timeout = None

    def __init__(self, number: int) -> None:
        self._interface = self
        self._number = number

    def get_socket(self, reserve_socket: bool) -> int:
        """The number that was chosen."""
        return self._number


class _CutOff:
    """Stands in for the chip in a vendor socket that was closed."""

    @staticmethod
    def release_socket(number: int) -> None:
        """What the vendor's `__del__` calls."""


class LookupSocket:
    """What a vendor socket is to `ChipSocket`: the holder of a number."""

    _socknum = 0


class Patience:
    """How long a call may still wait. `timeout` in seconds: None is for ever, 0 not at all."""

    def __init__(self, timeout: "float | None") -> None:
        self._timeout = timeout
        self._until = None if timeout is None else now_ms() + int(timeout * 1000)
        self._pause_ms = 1

    def left(self, longest: float) -> float:
        """Seconds left, at most `longest`, at least a millisecond, so that it is never "do not wait"."""
        if self._until is None:
            return longest
        return min(longest, max(1, self._until - now_ms()) / 1000)

    def pause(self, what: str) -> None:
        """Wait a little, each time longer. Raises OSError(EAGAIN) at once if the timeout is 0, OSError(ETIMEDOUT)
        when it has passed; `what` begins the message."""
        if self._timeout == 0:
            raise OSError(errno.EAGAIN, what + " would block")
        pause_ms = self._pause_ms
        if self._until is not None:
            left_ms = self._until - now_ms()
            if left_ms <= 0:
                raise OSError(errno.ETIMEDOUT, "%s took longer than %s s" % (what, self._timeout))
            pause_ms = min(pause_ms, left_ms)
        time.sleep(pause_ms / 1000)
        self._pause_ms = min(2 * self._pause_ms, LONGEST_PAUSE_MS)
