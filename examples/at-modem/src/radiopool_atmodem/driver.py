"""The driver, after the chapter "Write a driver"."""

from __future__ import annotations

import errno
import time
from typing import Any

from radiopool import Driver, Traits
from radiopool_atmodem import __version__
from radiopool_atmodem.modem import SOCKETS, Modem, ModemError

POLL = 0.003
"""Seconds between two questions to the modem, which tells nothing by itself."""

FAILURES = {
    "FAILED-REFUSED": errno.ECONNREFUSED,
    "FAILED-NONAME": errno.EHOSTUNREACH,
    "FAILED-UNREACHABLE": errno.EHOSTUNREACH,
    "ENDED": errno.ECONNRESET,
    "FREE": errno.EBADF,
}


class ModemSocket:
    """One of the modem's sockets. `number` is None once it is closed."""

    def __init__(self, modem: Modem) -> None:
        self.modem = modem
        self.number: int | None = modem.socket()
        self.timeout: float | None = None

    def connect(self, address: tuple[str, int]) -> None:
        number = self._open()
        self.modem.open(number, *address)
        state = self._wait(lambda word, _: word != "CONNECTING")
        if state in FAILURES and state != "ENDED":
            raise OSError(FAILURES[state], f"the modem can't connect to {address[0]}: {state}")

    def send(self, data: Any) -> int:
        """Send some of the bytes; the number that the modem took."""
        deadline = self._deadline()
        while True:
            try:
                taken = self.modem.send(self._open(), bytes(data))
            except ModemError as error:
                raise OSError(FAILURES.get(error.reason, errno.EIO), str(error)) from error
            if taken:
                return taken
            self._pause(deadline)

    def recv_into(self, buffer: Any, nbytes: int = 0) -> int:
        """Fill the buffer with what is there, up to `nbytes` (0: its length). 0 means the peer closed."""
        size = nbytes or len(buffer)
        self._wait(lambda word, waiting: waiting or word != "OPEN")
        data = self.modem.read(self._open(), size)
        buffer[: len(data)] = data
        return len(data)

    def settimeout(self, timeout: float | None) -> None:
        """Seconds; None blocks, 0 never does."""
        self.timeout = timeout

    def close(self) -> None:
        """Closing twice does nothing."""
        number, self.number = self.number, None
        if number is not None:
            self.modem.hang_up(number)

    def is_alive(self) -> bool:
        """Open, and nothing waits to be read. The modem tells without a read."""
        return self.number is not None and self.modem.state(self.number) == ("OPEN", 0)

    def _wait(self, ready: Any) -> str:
        """Ask until `ready(word, bytes that wait)`, or until the timeout has run out; the word."""
        deadline = self._deadline()
        while True:
            word, waiting = self.modem.state(self._open())
            if ready(word, waiting):
                return word
            self._pause(deadline)

    def _deadline(self) -> float | None:
        return None if self.timeout is None else time.monotonic() + self.timeout

    def _pause(self, deadline: float | None) -> None:
        if self.timeout == 0:
            raise OSError(errno.EAGAIN, "nothing yet")
        if deadline is not None and time.monotonic() >= deadline:
            raise OSError(errno.ETIMEDOUT, "timed out")
        time.sleep(POLL)

    def _open(self) -> int:
        if self.number is None:
            raise OSError(errno.EBADF, "the socket is closed")
        return self.number


class ModemPool:
    """The modem's socket factory."""

    AF_INET = 2
    SOCK_STREAM = 1

    def __init__(self, modem: Modem) -> None:
        self.modem = modem

    def socket(self, family: int = AF_INET, type: int = SOCK_STREAM) -> ModemSocket:
        """Raises ModemError when the modem has no socket left."""
        return ModemSocket(self.modem)

    def getaddrinfo(self, host: str, port: int, family: int = 0, type: int = 0) -> list[tuple[Any, ...]]:
        """The modem looks names up itself when it connects."""
        return [(self.AF_INET, self.SOCK_STREAM, 0, "", (host, port))]


class ATModemDriver(Driver):
    """The driver of `Modem`."""

    name = "atmodem"
    version = __version__
    contract = (1, 0)
    radios = ("radiopool_atmodem.modem.Modem",)
    emulations = ("atmodem",)

    def __init__(self) -> None:
        self._pools: dict[int, ModemPool] = {}

    def socket_pool(self, radio: Modem) -> Any:
        """One for each modem."""
        if id(radio) not in self._pools:
            self._pools[id(radio)] = ModemPool(radio)
        return self._pools[id(radio)]

    def radio_of(self, pool: Any) -> Modem | None:
        """The modem of a pool of ours."""
        return pool.modem if isinstance(pool, ModemPool) else None

    def traits(self, radio: Any) -> Traits:
        """Five sockets, and no TLS."""
        return Traits(budget=(SOCKETS, 0))

    def is_exhausted(self, error: BaseException) -> bool:
        """The modem's own word for it."""
        return isinstance(error, ModemError) and error.reason == "NOSOCKET" or super().is_exhausted(error)

    def is_alive(self, socket: ModemSocket) -> bool:
        """The modem tells."""
        return socket.is_alive()

    def emulated(self, which: str = "", hosts: Any = None, routes: Any = None) -> Modem:
        """A modem at the other end of a pty; `modem.emulator` is to be closed."""
        from radiopool_atmodem.emulator import Emulator

        return Emulator(hosts, routes).modem
