"""Sockets that come back by themselves when whoever leased them forgets them. CPython only.

adafruit_requests loses its socket when a response breaks off: it raises, and nobody has the socket any more to give it
back. Here a lease ends with the last reference to the socket.
"""

from __future__ import annotations

import gc
from collections import deque
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from radiopool.vocabulary import LEASED

if TYPE_CHECKING:
    from radiopool.manager import ConnectionManager
    from radiopool.recycling import Entry


class LeasedSocket:
    """The driver's socket, under watch. All it does is the driver's: `raw`. Equal to it, too."""

    # Of one that was not made to its end, as the finalizer finds it.
    entry: Entry | None = None
    lease = 0

    def __init__(self, entry: Entry, dropped: deque[tuple[Entry, int]]) -> None:
        self.raw = raw = entry.socket
        self._dropped = dropped
        self.entry = entry
        # What programs call most, without a detour.
        self.send = raw.send
        self.recv_into = raw.recv_into

    def __getattr__(self, name: str) -> Any:
        if name == "raw":
            raise AttributeError(name)
        return getattr(self.raw, name)

    def __eq__(self, other: object) -> bool:
        return self is other or self.raw == other

    def __hash__(self) -> int:
        return hash(self.raw)

    def __enter__(self) -> LeasedSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self.raw.close()

    def __repr__(self) -> str:
        return f"<LeasedSocket {self.raw!r}>"

    def __del__(self) -> None:
        # Finalizers run anywhere, in the middle of a chip's command too: no lock and no I/O here. The account closes it
        # when a socket is opened, or wanted and not there.
        entry = self.entry
        if entry is not None and entry.state is LEASED and entry.leases == self.lease:
            self._dropped.append((entry, self.lease))


class HandedOut:
    """The sockets that one manager has handed out."""

    def __init__(self, manager: ConnectionManager) -> None:
        self._account: Any = manager._account
        self._known: WeakValueDictionary[Entry, LeasedSocket] = WeakValueDictionary()

    def hand_out(self, entry: Entry) -> LeasedSocket:
        """What to give to the user of a lease: the same object as long as somebody has it."""
        socket = self._known.get(entry)
        if socket is None:
            socket = self._known[entry] = LeasedSocket(entry, self._account.dropped)
        socket.lease = entry.leases
        return socket

    def take_back_garbage(self) -> bool:
        """Close what only garbage holds, as adafruit_requests' sessions hold their last response; whether any was."""
        gc.collect()
        found = bool(self._account.dropped)
        self.take_back()
        return found

    def take_back(self) -> None:
        """Close what was forgotten."""
        self._account.discard_dropped()
