"""How many sockets a radio can have open: the table of slots that runs out."""

import threading

from radiopool.errors import InvalidValueError
from radiopool_socketpool.personality import Personality


class Slots:
    """The sockets of one radio, counted where they are made.

    sockets: how many in all, in place of the port's own figures; None keeps those, the limits per kind too.
    """

    def __init__(self, port: Personality, sockets: int | None = None) -> None:
        if sockets is not None and (not isinstance(sockets, int) or isinstance(sockets, bool) or sockets < 1):
            raise InvalidValueError("budget must be None or a number of sockets from 1 up, not %r" % (sockets,))
        self.total = sockets or port.sockets
        self.limits = {} if sockets else {"stream": port.streams, "datagram": port.datagrams}
        self.tls_cost = port.tls_cost
        self._lock = threading.Lock()
        self._open = {"stream": 0, "datagram": 0, "raw": 0, "tls": 0}
        self._peak = 0

    @property
    def streams(self) -> int:
        """How many TCP sockets there can be."""
        return min(self.total, self.limits.get("stream", self.total))

    @property
    def open(self) -> int:
        """Slots in use now, what TLS takes on top included."""
        return sum(self._open.values())

    @property
    def sockets(self) -> int:
        """Sockets open now."""
        return self.open - self._open["tls"]

    @property
    def peak(self) -> int:
        """The most that were ever in use at once."""
        return self._peak

    def take(self, kind: str, count: int = 1) -> bool:
        """Take slots for a "stream", "datagram" or "raw" socket, or for what "tls" costs on top; False if none is
        left."""
        with self._lock:
            if sum(self._open.values()) + count > self.total:
                return False
            if self._open[kind] + count > self.limits.get(kind, self.total):
                return False
            self._open[kind] += count
            self._peak = max(self._peak, sum(self._open.values()))
            return True

    def give_back(self, kind: str, count: int = 1) -> None:
        """The other half of `take`."""
        with self._lock:
            self._open[kind] -= count

    def __repr__(self) -> str:
        return "<Slots %d of %d open>" % (self.open, self.total)
