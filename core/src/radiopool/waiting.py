"""Waiting for a socket, first come, first served. CPython only: it takes another thread to give one back.

A `Line` decides, like the ledger does, and blocks nobody: `serve` hands what was freed to the tickets it can serve, in
their order. A ticket has one acceptance point: under the manager's lock it is either in the line (not served) or has
its entry, so a waiter that gives up either leaves the line or finds that it was served and hands the entry back.
"""

from __future__ import annotations

from collections import OrderedDict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import Any

    from radiopool.recycling import Entry, Ledger


class Ticket:
    """One waiter: what it wants, and what it got."""

    def __init__(self, number: int, key: Hashable, context: Any, max_per_key: int | None) -> None:
        self.number = number
        self.key = key
        self.context = context
        self.max_per_key = max_per_key
        self.entry: Entry | None = None
        self.doomed: list[Entry] = []
        """What the waiter closes before it connects: victims evicted in its favour."""
        self.closed = False
        """The manager was closed: nobody will serve this ticket."""
        # Imported by the first who has to wait: it is a good part of what `import radiopool` would take.
        from threading import Event

        self.served = Event()

    def __repr__(self) -> str:
        return f"<Ticket {self.number} {'served' if self.entry else 'waiting'} for {self.key}>"


class Line:
    """The tickets of one ledger, in their order. Guarded by the manager's lock."""

    def __init__(self) -> None:
        self.tickets: OrderedDict[Ticket, None] = OrderedDict()
        self._joined = 0

    def join(self, key: Hashable, context: Any, max_per_key: int | None) -> Ticket:
        """A ticket at the end of the line."""
        self._joined += 1
        ticket = Ticket(self._joined, key, context, max_per_key)
        self.tickets[ticket] = None
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give up; nothing if the ticket was served already."""
        self.tickets.pop(ticket, None)

    def serve(self, ledger: Ledger, now: int) -> None:
        """Lease to every ticket that can be served now, in order, and wake its waiter.

        A ticket that cannot be served is passed over, not waited for: it is short of something else (a TLS socket,
        a place under its key) than those behind it.
        """
        ledger.sweep(now)
        for ticket in list(self.tickets):
            if ledger.is_full():
                return
            entry = ledger.lease(ticket.key, ticket.context, now, ticket.max_per_key)
            if entry is not None:
                del self.tickets[ticket]
                ticket.entry = entry
                ticket.doomed = ledger.take_doomed()
                ticket.served.set()

    def dismiss(self) -> None:
        """Wake everybody with nothing: the manager is closed."""
        for ticket in self.tickets:
            ticket.closed = True
            ticket.served.set()
        self.tickets.clear()
