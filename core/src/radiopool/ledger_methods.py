"""What a ledger decides beside leases: about many sockets at once, and when something failed or is short.

A board loads this when it is needed; on CPython it is the first half of `radiopool.recycling`.
"""

from radiopool.attributes import attribute
from radiopool.platform import CPYTHON
from radiopool.vocabulary import (
    CLOSED,
    CONNECTING,
    EVICTED,
    EXPIRED,
    FAILED,
    IDLE,
    KEY_FULL,
    LEARNED_MS,
    LEASED,
    NEVER,
    NO_LIMIT,
    NO_SOCKET,
    NO_TLS,
    RESET,
    RETIRED,
    SURPLUS,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import OrderedDict
    from collections.abc import Hashable, Iterable
    from typing import Any

    from radiopool.recycling import Bucket, Entry


# Every transition of an entry, as event: (from, to). The docs' diagram is drawn from this table, and the stateful
# test holds the ledger against it.
TRANSITIONS = {
    "reserve": ("new", CONNECTING),
    "open": (CONNECTING, LEASED),
    "fail": (CONNECTING, CLOSED),
    "recycle": (LEASED, IDLE),
    "lease": (IDLE, LEASED),
    "discard": (LEASED, CLOSED),
    "evict": (IDLE, CLOSED),
}


class EntryMethods:
    """What an entry tells on CPython."""

    if TYPE_CHECKING:
        bucket: Bucket
        state: str
        tls: bool
        leases: int
        reason: "str | None"

    @property
    def key(self) -> "Any":
        """The pool key; on a board, `entry.bucket.key`."""
        return self.bucket.key

    def __repr__(self) -> str:
        return "<Entry %s%s%s, leased %d times>" % (
            self.state,
            " TLS" if self.tls else "",
            ": " + self.reason if self.reason else "",
            self.leases,
        )


class LedgerMethods:
    """The parent of `Ledger`, whose attributes these methods use."""

    if TYPE_CHECKING:
        limit: int
        tls_limit: int
        in_force: int
        learned_until: float
        sweep_at: float
        used: int
        tls_used: int
        idle_ms: float
        max_per_key: int | None
        max_idle: int | None
        max_age: float | None
        tls_cost: int
        random: Any
        connecting: dict[Entry, None]
        buckets: dict[Hashable, Bucket]
        by_socket: dict[Any, Entry]
        idle: OrderedDict[Entry, None]
        idle_tls: OrderedDict[Entry, None]
        doomed: list[Entry]
        closed: dict[str, int]

        def discard(self, entry: Entry, reason: str) -> None: ...
        def room(self) -> tuple[int, int]: ...
        def settle(self, entries: Iterable[Entry]) -> None: ...
        def _evict(self, idle: Iterable[Entry], reason: str) -> None: ...
        def _doom(self, entry: Entry, reason: str) -> None: ...

    # What a reset took away from its user. A ledger has one of its own from its first reset on.
    lost: "dict[Any, Entry]" = {}

    # -- rules of a policy

    def lifetime(self) -> int:
        """Milliseconds that a socket opened now may live: the `max_age`, up to a tenth less by chance."""
        spread = self.random() if self.random else 0
        return int((self.max_age or 0) * (1000 - 100 * spread))

    def expire(self, now: int) -> None:
        """Doom what is idle and as old as it may get. Ages differ by chance, so this looks at all that is idle: once
        a second at the most."""
        self.sweep_at = min(self.sweep_at, now + 1000)
        for entry in list(self.idle):
            if now >= entry.expires_at:
                self._evict((entry,), EXPIRED)

    def unfit(self, entry: "Entry", now: int, max_idle: "int | None") -> "str | None":
        """Why a socket given back can't be kept; None if it can, after one was evicted where too many are idle."""
        most = self.max_idle
        if entry.generation != entry.bucket.generation:
            return RETIRED
        if now >= entry.expires_at:
            return EXPIRED
        if (max_idle is not None and len(entry.bucket.idle) >= max_idle) or most == 0:
            return SURPLUS
        if self.used > self.limit or (entry.tls and self.tls_used > self.tls_limit):
            # The budget shrank while it was leased.
            return EVICTED
        if most is not None and len(self.idle) >= most:
            self._evict(self.idle, SURPLUS)
        return None

    def take_doomed(self) -> "list[Entry]":
        """What the last decision closed; the caller closes the sockets."""
        doomed = self.doomed
        self.doomed = []
        return doomed

    # -- what is short

    def shortage(self, key: "Hashable", context: "Any", max_per_key: "int | None" = None) -> "str | None":
        """Why no new socket can be had for that key, even by evicting: NO_SOCKET, NO_TLS, KEY_FULL; None if it can."""
        if max_per_key is None:
            max_per_key = self.max_per_key
        bucket = self.buckets.get(key)
        if max_per_key is not None and bucket is not None and bucket.open >= max_per_key:
            return KEY_FULL
        room, tls_room = self.room()
        if context is not None and tls_room < 1:
            return NO_TLS
        if room < (1 if context is None else self.tls_cost):
            return NO_SOCKET
        return None

    if TYPE_CHECKING or CPYTHON:

        def is_full(self) -> bool:
            """Whether nobody at all can be served: nothing is idle, and no unit is free."""
            return not self.idle and self.room()[0] < 1

        def take_over(self, tls: bool, units: int) -> None:
            """Evict what is short for a lease, and free so many units of what it doomed, and no more.

            The caller closes these before it connects. Other threads do not wait for that: a unit beyond the caller's
            own is theirs when it is settled.
            """
            while tls and self.tls_used >= self.tls_limit:
                victims = [entry for entry in self.doomed if entry.tls and entry.units]
                if not victims:
                    self._evict(self.idle_tls, EVICTED)
                    victims = self.doomed[-1:]
                self.settle(victims[:1])
            while self.used + units > self.in_force:
                victims = [entry for entry in self.doomed if entry.units]
                if not victims:
                    self._evict(self.idle, EVICTED)
                    victims = self.doomed[-1:]
                victim = victims[0]
                short = self.used + units - self.in_force
                if short < victim.units:
                    victim.units -= short
                    self.used -= short
                else:
                    self.settle([victim])

    # -- what failed

    def fail(self, entry: "Entry") -> None:
        """The connect failed, and nothing of it is open: no socket has to be closed."""
        if entry.state == CONNECTING:
            self.discard(entry, FAILED)
            self.settle([self.doomed.pop()])

    def exhausted(self, entry: "Entry", now: int) -> bool:
        """The radio said "out of sockets" to a connect: learn its limit, and evict one idle socket if there is one.

        True if one was evicted: close it and try again.
        """
        open_besides = self.used - entry.units
        if open_besides > 0:
            # Never more than there was: a manager that is closed has no room at all, for ever.
            self.in_force = min(self.in_force, open_besides)
            self.learned_until = max(self.learned_until, now + LEARNED_MS)
            self.sweep_at = min(self.sweep_at, self.learned_until)
        if not self.idle:
            return False
        self._evict(self.idle, EVICTED)
        return True

    def find(self, socket: "Any") -> "Entry":
        """The entry of a socket that is leased. Raises LeaseError for a stranger's and for one given back before."""
        entry = self.by_socket.get(socket) or self.lost.get(socket)
        if entry is None:
            from radiopool.errors import LeaseError

            raise LeaseError("this manager did not lease %r, or it is closed already" % (socket,))
        return entry

    def refuse(self, entry: "Entry", event: str) -> bool:
        """What is not leased is given back: False if a reset took it away from its user, else LeaseError."""
        if entry.reason == RESET:
            self.lost.pop(entry.socket, None)
            return False
        from radiopool.errors import LeaseError

        raise LeaseError("can't %s a socket that is %s: it was given back before" % (event, entry.state))

    # -- all at once

    def retire(self, session: "Any", key: "Hashable" = None) -> None:
        """Doom what is idle under that key, or that session; what is leased there will not be recycled."""
        if key is not None:
            self._retire([self.buckets[key]] if key in self.buckets else [])
        else:
            self._retire([b for b in self.buckets.values() if getattr(b.key, "session", None) == session])

    def retire_all(self) -> None:
        """Doom all that is idle; what is leased will not be recycled."""
        self._retire(list(self.buckets.values()))

    def _retire(self, buckets: "list[Bucket]") -> None:
        for bucket in buckets:
            bucket.generation += 1
            while bucket.idle:
                self._evict(bucket.idle, RETIRED)

    def resize(self, budget: "tuple[int | None, int | None]") -> None:
        """Another budget from now on. Idle sockets beyond it are doomed; leased ones count until given back."""
        learned = self.in_force if self.in_force < self.limit else NO_LIMIT
        self.limit = NO_LIMIT if budget[0] is None else budget[0]
        self.tls_limit = NO_LIMIT if budget[1] is None else budget[1]
        self.in_force = min(self.limit, learned)
        while self.idle_tls and self.room()[1] < len(self.idle_tls):
            self._evict(self.idle_tls, EVICTED)
        while self.idle and self.limit - self.used + sum([entry.units for entry in self.doomed]) < 0:
            self._evict(self.idle, EVICTED)

    def end(self) -> None:
        """No room for new sockets any more."""
        self.in_force = 0
        self.learned_until = NEVER

    def reset(self) -> "list[Any]":
        """Forget every socket without closing one: the radio was reset, and its numbers go to others.

        The sockets forgotten. What is leased may still be given back; nothing happens then.
        """
        forgotten = list(self.by_socket)
        self.lost = self.lost.copy()
        for socket, entry in self.by_socket.items():
            if entry.state == LEASED:
                self.lost[socket] = entry
            self._forget(entry)
        for entry in self.connecting:
            self._forget(entry)
        for books in (self.by_socket, self.connecting, self.buckets, self.idle, self.idle_tls):
            books.clear()
        return forgotten

    def _forget(self, entry: "Entry") -> None:
        # No transition of the table: nothing happened to the socket, the ground under it went.
        entry.state = CLOSED
        entry.reason = RESET
        self.closed[RESET] = self.closed.get(RESET, 0) + 1
        self.settle([entry])

    # -- what there is

    @attribute
    def budget(self) -> "tuple[int | None, int | None]":
        """(sockets, TLS sockets) that may be open at once; None is no limit."""
        return (
            None if self.limit == NO_LIMIT else self.limit,
            None if self.tls_limit == NO_LIMIT else self.tls_limit,
        )

    def counts(self) -> "dict[str, int]":
        """How many sockets are in each state, and how many of them have TLS."""
        return {
            "connecting": len(self.connecting),
            "leased": len(self.by_socket) - len(self.idle),
            "idle": len(self.idle),
            "tls": self.tls_used,
        }

    def _describe(self) -> str:
        """The counts and the budget, for `repr`."""
        return "<Ledger %s of %s>" % (self.counts(), self.budget)

    def __repr__(self) -> str:
        return self._describe()


Half = LedgerMethods
