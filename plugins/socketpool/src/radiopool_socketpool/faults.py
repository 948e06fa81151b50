"""Faults on demand: what a radio does to a program sooner or later, done now.

radio.faults.out_of_sockets(at=3)            # the third socket() from now raises RuntimeError("Out of sockets")
radio.faults.delay("connect", 2.5)           # every connect takes 2.5 seconds longer
radio.faults.lose_peer()                     # every connection is reset by its peer
radio.faults.drop_network()                  # nothing comes, nothing goes, until restore_network()
"""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from radiopool.errors import InvalidValueError

CALLS = (
    "socket",
    "getaddrinfo",
    "bind",
    "listen",
    "accept",
    "connect",
    "send",
    "sendto",
    "recv_into",
    "recvfrom_into",
    "wrap_socket",
)
"""The calls that can be made to fail. `sendall` is made of "send", a TLS socket's calls of its socket's."""

LOSSES = ("reset", "end", "silence")


class Faults:
    """The faults of one radio. Safe to use from any thread while others are inside its sockets."""

    def __init__(self, sockets: "Callable[[], list[Any]]") -> None:
        self.calls: Counter[str] = Counter()
        """How often each call was made on this radio."""
        self._sockets = sockets
        self._planned: list[_Plan] = []
        self._delays: dict[str, float] = {}
        self._lock = threading.Lock()
        self._network = threading.Event()
        self._network.set()

    def fail(
        self, call: str, error: "BaseException | type[BaseException]", *, at: int = 1, times: int | None = 1
    ) -> None:
        """Make the `at`-th `call` from now raise `error`, and the `times - 1` after it; `times=None`: all after it.

        Raises InvalidValueError for a call that is not in `CALLS` or a number below 1.
        """
        _check_call(call)
        for name, value in (("at", at), ("times", 1 if times is None else times)):
            if not isinstance(value, int) or value < 1:
                raise InvalidValueError("%s must be a whole number from 1 up, not %r" % (name, value))
        with self._lock:
            self._planned.append(_Plan(call, error, self.calls[call] + at, times))

    def out_of_sockets(self, *, at: int = 1, times: int | None = 1) -> None:
        """Make the `at`-th `socket()` from now find no socket left."""
        self.fail("socket", RuntimeError("Out of sockets"), at=at, times=times)

    def out_of_memory(self, call: str = "socket", *, at: int = 1, times: int | None = 1) -> None:
        """Make the `at`-th `call` from now find no memory left."""
        self.fail(call, MemoryError("memory allocation failed"), at=at, times=times)

    def delay(self, call: str, seconds: float) -> None:
        """Let every `call` take that much longer from now on; 0 ends it. A longer delay than the timeout is a timeout.

        Raises InvalidValueError.
        """
        _check_call(call)
        if not isinstance(seconds, (int, float)) or not seconds >= 0:
            raise InvalidValueError("seconds must be a number from 0 up, not %r" % (seconds,))
        with self._lock:
            self._delays[call] = seconds

    def lose_peer(self, socket: "Any" = None, how: str = "reset") -> None:
        """Lose the peer of `socket`, or of every connected TCP socket of the radio.

        how: "reset" (an RST comes in), "end" (a FIN comes in), or "silence" (nothing ever comes in again, and what is
        sent is never acknowledged). Raises InvalidValueError.
        """
        if how not in LOSSES:
            raise InvalidValueError("how must be one of %s, not %r" % (", ".join(LOSSES), how))
        for one in self._sockets() if socket is None else [getattr(socket, "_socket", socket)]:
            one._channel.lose_peer(how)

    def drop_network(self) -> None:
        """Take the access point away: names don't resolve, connects find no route, connections fall silent."""
        self._network.clear()

    def restore_network(self) -> None:
        """Bring it back. What was sent meanwhile goes out, as TCP sends it again."""
        self._network.set()

    @property
    def network_is_up(self) -> bool:
        """Whether `drop_network` is not in force."""
        return self._network.is_set()

    def clear(self) -> None:
        """Forget every planned failure and delay, and restore the network. Lost peers stay lost."""
        with self._lock:
            self._planned.clear()
            self._delays.clear()
        self.restore_network()

    def meet(self, call: str) -> float:
        """Called by the radio as `call` begins: counts it, raises what was planned, and gives the seconds of delay."""
        with self._lock:
            self.calls[call] += 1
            number = self.calls[call]
            for plan in self._planned:
                if plan.strikes(call, number):
                    raise plan.error
            return self._delays.get(call, 0)

    def wait_for_network(self, seconds: float) -> None:
        """Wait that long, or until the network is back."""
        self._network.wait(seconds)


class _Plan:
    """A failure to come: of the calls numbered `first` to `last`."""

    def __init__(self, call: str, error: "BaseException | type[BaseException]", first: int, times: int | None) -> None:
        self.call = call
        self.error = error
        self.first = first
        self.last = None if times is None else first + times - 1

    def strikes(self, call: str, number: int) -> bool:
        return call == self.call and self.first <= number and (self.last is None or number <= self.last)


def _check_call(call: str) -> None:
    if call not in CALLS:
        raise InvalidValueError("call must be one of %s, not %r" % (", ".join(CALLS), call))
