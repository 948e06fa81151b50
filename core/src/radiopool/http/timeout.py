"""Timeouts: how long a request may wait to be connected, and for the server's next bytes."""

import math
import time
from enum import Enum
from socket import getdefaulttimeout
from typing import Final, TypeAlias

from radiopool.errors import InvalidValueError
from radiopool.http.exceptions import TimeoutStateError


class _Default(Enum):
    # Never given to a socket; a negative number so that it would be refused there.
    DEFAULT_TIMEOUT = -1

    def __repr__(self) -> str:
        return "DEFAULT_TIMEOUT"


DEFAULT_TIMEOUT: Final = _Default.DEFAULT_TIMEOUT
"""What stands for "nobody said"."""

Seconds: TypeAlias = float | None | _Default


class Timeout:
    """Seconds that one request may take: `connect` to be connected (name lookup and TLS included), `read` for each
    wait for bytes, `total` for both together. None waits for ever; left out, the default of the interpreter's sockets.

    The read timeout is the longest silence, not the longest download. One object can serve as the setting of many
    requests: each works with a `clone`.

    Raises InvalidValueError (a ValueError) for what is not a number above 0.
    """

    DEFAULT_TIMEOUT: Seconds = DEFAULT_TIMEOUT

    def __init__(
        self, total: Seconds = None, connect: Seconds = DEFAULT_TIMEOUT, read: Seconds = DEFAULT_TIMEOUT
    ) -> None:
        self._connect = _checked(connect, "connect")
        self._read = _checked(read, "read")
        self.total = _checked(total, "total")
        self._started: float | None = None

    @staticmethod
    def resolve_default_timeout(timeout: Seconds) -> "float | None":
        """The seconds behind DEFAULT_TIMEOUT (`socket.getdefaulttimeout()`), or those given."""
        return getdefaulttimeout() if isinstance(timeout, _Default) else timeout

    @classmethod
    def from_float(cls, timeout: Seconds) -> "Timeout":
        """The same number of seconds for connect and for read."""
        return cls(connect=timeout, read=timeout)

    def clone(self) -> "Timeout":
        """The same setting with a clock that is not started."""
        return Timeout(total=self.total, connect=self._connect, read=self._read)

    def start_connect(self) -> float:
        """Start the clock. Raises TimeoutStateError if it runs already."""
        if self._started is not None:
            raise TimeoutStateError("Timeout timer has already been started; clone() the timeout for each request")
        self._started = time.monotonic()
        return self._started

    def get_connect_duration(self) -> float:
        """Seconds since `start_connect`. Raises TimeoutStateError if the clock does not run."""
        if self._started is None:
            raise TimeoutStateError("Timeout timer has not been started: call start_connect() first")
        return time.monotonic() - self._started

    @property
    def connect_timeout(self) -> Seconds:
        """Seconds to connect in: the smaller of `connect` and `total`."""
        return _smaller(self._connect, self.total)

    @property
    def read_timeout(self) -> "float | None":
        """Seconds to wait for bytes: `read`, or what connecting left of `total` where that is less; 0 if nothing.

        Raises TimeoutStateError if only `total` was given and the clock does not run.
        """
        total, read = self.total, self._read
        if total is None or isinstance(total, _Default):
            return self.resolve_default_timeout(read)
        if read is None or isinstance(read, _Default):
            return max(0, total - self.get_connect_duration())
        if self._started is None:
            return read
        return max(0, min(total - self.get_connect_duration(), read))

    def __repr__(self) -> str:
        return "%s(connect=%r, read=%r, total=%r)" % (type(self).__name__, self._connect, self._read, self.total)

    __str__ = __repr__


def _smaller(connect: Seconds, total: Seconds) -> Seconds:
    if total is None or isinstance(total, _Default):
        return connect if total is None else total
    if connect is None or isinstance(connect, _Default):
        return total
    return min(connect, total)


def _checked(value: Seconds, name: str) -> Seconds:
    if value is None or isinstance(value, _Default):
        return value
    if isinstance(value, bool):
        raise InvalidValueError(
            "%s timeout cannot be a boolean value (%r): give an int, float or None, in seconds" % (name, value)
        )
    try:
        seconds = float(value)
        positive = value > 0
    except (TypeError, ValueError):
        raise InvalidValueError("%s timeout must be an int, float or None (seconds), not %r" % (name, value)) from None
    if math.isnan(seconds) or math.isinf(seconds):
        raise InvalidValueError("%s timeout %r is no number of seconds: give None to wait for ever" % (name, value))
    if not positive:
        raise InvalidValueError(
            "%s timeout %r is less than or equal to 0: give seconds above 0, or None to wait for ever" % (name, value)
        )
    return value
