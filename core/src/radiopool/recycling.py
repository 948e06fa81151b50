"""Recycling: who may have which socket, decided without touching one.

A `Ledger` knows every socket of one radio as an `Entry` and decides what is handed out, what is closed to make room
and what is refused, each with a named reason. It does no I/O and has neither clock nor lock: the caller passes `now`
(integer milliseconds), makes one call at a time, and acts on what was decided outside its lock.

The rules, held against it by a stateful property test:

1. connecting + leased + idle never exceeds the budget, sockets and TLS sockets each;
2. a socket is in exactly one state;
3. a socket is handed out only for a key equal to the one it was opened with;
4. a leased socket is never evicted; the victim is the least recently used idle socket that frees what is short;
5. every socket opened is closed exactly once;
6. nothing idle with unread bytes is handed out: the manager looks, and discards it as STALE;
7. waiters are served first come, first served, among those a freed unit can serve (`radiopool.waiting`).

**Units.** A unit is what a socket takes of the budget. A closed entry keeps its units until the caller has closed the
socket and says `settle`; only a caller that will itself close the victims before it connects takes their units over
at once. So the sockets really open never exceed the budget, not even between two calls.

No cost grows with the number of keys or sockets: a step is a few dictionary operations. (Retiring a whole session
and closing everything look at every key.)

Leasing and giving back are here; what is decided about many sockets at once, or when something failed, is in
`radiopool.ledger_methods`, which a board loads when it is needed.
"""

from collections import OrderedDict

from radiopool.platform import CPYTHON, Stack
from radiopool.vocabulary import (
    CLOSED,
    CONNECTING,
    DISCARDED,
    EVICTED,
    EXPIRED,
    IDLE,
    IDLE_TIMEOUT,
    LEARNED_MS,
    LEASED,
    NEVER,
    NO_LIMIT,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable
    from typing import Any

    from radiopool.policy import Policy

if TYPE_CHECKING or CPYTHON:
    # The half that a board loads later: see `platform.Later`.
    from radiopool.ledger_methods import EntryMethods as _EntryMethods
    from radiopool.ledger_methods import LedgerMethods as Later
else:
    from radiopool.platform import Later

    _EntryMethods = object


class Bucket:
    """The entries under one key: `open` of them, those `idle` oldest first."""

    def __init__(self, key: "Hashable", context: "Any") -> None:
        self.key: Any = key
        # Held because the key has only its identity, and an id is unique only while the object lives.
        self.context = context
        self.idle: dict[Entry, None] = Stack()
        # `generation`: what was opened under an earlier one is not recycled; that is how leased sockets are retired.
        self.open = self.generation = 0


class Entry(_EntryMethods):
    """One socket, from the decision to open it until it is closed.

    `socket` is None until it is open; `leases` counts how often it was handed out; `reason` says why it was closed.
    """

    expires_at: float = NEVER

    def __init__(self, bucket: Bucket, tls: bool, units: int) -> None:
        # All that every entry gets at once: later a board may have no memory for one more.
        self.state = CONNECTING
        self.socket: Any = None
        self.reason: str | None = None
        self.leases = self.idle_since = 0
        self.bucket = bucket
        self.generation = bucket.generation
        self.tls = tls
        self.units = units


class Ledger(Later):
    """Every socket of one radio, and the decisions about them.

    policy: None is a `Policy()`. budget: (sockets, TLS sockets) where the policy has none; None is no limit.
    tls_cost: units of a TLS socket. random: makes the numbers from 0 to 1 by which sockets with a `max_age` differ.

    `doomed` collects the entries that a decision closed. The caller takes them (`take_doomed`) under its lock, closes
    their sockets outside, and settles those that still hold units.
    """

    _later = ".ledger_methods"
    max_per_key: "int | None" = None
    max_idle: "int | None" = None
    max_age: "float | None" = None
    idle_ms: float = 60_000
    used = tls_used = opened = reused = peak = 0
    if TYPE_CHECKING:
        sweep_at: float
        learned_until: float
    # When the next sweep can find something; until when a learned limit holds.
    sweep_at = learned_until = 0

    def __init__(
        self,
        policy: "Policy | None",
        budget: "tuple[int | None, int | None]" = (None, None),
        tls_cost: int = 1,
        random: "Any" = None,
    ) -> None:
        if policy:
            budget = policy.rule(self, random) or budget
        self.tls_cost = tls_cost
        sockets, tls_sockets = budget
        # The limit in force: less while exhaustion has taught one.
        self.limit = self.in_force = NO_LIMIT if sockets is None else sockets
        self.tls_limit = NO_LIMIT if tls_sockets is None else tls_sockets
        self.connecting: dict[Entry, None] = {}
        self.buckets: dict[Hashable, Bucket] = {}
        self.by_socket: dict[Any, Entry] = {}
        # Least recently used first, all of them and those with TLS.
        self.idle: OrderedDict[Entry, None] = OrderedDict()
        self.idle_tls: OrderedDict[Entry, None] = OrderedDict()
        self.doomed: list[Entry] = []
        self.closed: dict[str, int] = {}

    # -- leasing

    def lease(self, key: "Hashable", context: "Any", now: int, max_per_key: "int | None" = None) -> "Entry | None":
        """An idle entry of that key (now LEASED), or a new one to connect (CONNECTING), or None: see `shortage`.

        `context` is the TLS context (None: plain). What the caller finds in `doomed` it closes before it connects.
        """
        if now >= self.sweep_at:
            self.sweep(now)
        bucket = self.buckets.get(key)
        if not bucket:
            bucket = Bucket(key, context)
        while bucket.idle:
            # The newest: it is the likeliest to live still, and the others can grow old and go.
            entry = bucket.idle.popitem()[0]
            del self.idle[entry]
            if entry.tls:
                del self.idle_tls[entry]
            if now < entry.expires_at:
                entry.state = LEASED
                entry.leases += 1
                self.reused += 1
                return entry
            self._doom(entry, EXPIRED)
        if max_per_key is None:
            max_per_key = self.max_per_key
        tls = context is not None
        units = self.tls_cost if tls else 1
        if max_per_key is not None and bucket.open >= max_per_key:
            return None
        room, tls_room = self.room()
        if units > room or (tls and tls_room < 1):
            return None
        if CPYTHON:
            self.take_over(tls, units)
        else:
            # The caller closes these before it or anybody connects, so their units are its own.
            self.settle(self.doomed)
            while True:
                tls_full = tls and self.tls_used >= self.tls_limit
                if not tls_full and self.used + units <= self.in_force:
                    break
                self._evict(self.idle_tls if tls_full else self.idle, EVICTED)
                self.settle(self.doomed[-1:])
        # What a board may have no memory for comes before what is counted; so too below.
        entry = Entry(bucket, tls, units)
        self.buckets[key] = bucket
        self.connecting[entry] = None
        bucket.open += 1
        self.used += units
        self.tls_used += tls
        return entry

    def room(self) -> "tuple[int, int]":
        """(units, TLS sockets) that can be had by closing all that is idle, and what this decision has doomed."""
        tls = len(self.idle_tls)
        room = self.in_force - self.used + len(self.idle) + (self.tls_cost - 1) * tls
        tls += self.tls_limit - self.tls_used
        for entry in self.doomed:
            room += entry.units
            tls += entry.tls and entry.units > 0
        return room, tls

    def open(self, entry: Entry, socket: "Any", now: int) -> bool:
        """The connect succeeded. False if the entry was closed meanwhile: the socket is the caller's to let go."""
        if entry.state != CONNECTING:
            return False
        if self.max_age is not None:
            entry.expires_at = now + self.lifetime()
        self.by_socket[socket] = entry
        entry.state = LEASED
        del self.connecting[entry]
        entry.socket = socket
        entry.leases = 1
        self.opened += 1
        self.peak = max(self.peak, len(self.connecting) + len(self.by_socket))
        return True

    # -- giving back

    def recycle(self, entry: Entry, now: int, max_idle: "int | None" = None) -> bool:
        """The user is done and the connection is clean: keep it (True), or doom it and say why (False).

        `max_idle`: how many idle sockets the entry's key may have. Raises LeaseError if it is not leased.
        """
        if entry.state != LEASED:
            return self.refuse(entry, "recycle")
        idle = entry.bucket.idle
        if (
            self.max_idle is not None
            or now >= entry.expires_at
            or entry.generation != entry.bucket.generation
            or (max_idle is not None and len(idle) >= max_idle)
            or self.used > self.limit
            or self.tls_used > self.tls_limit
        ):
            # Seldom so: a board loads then what judges it.
            reason = self.unfit(entry, now, max_idle)
            if reason:
                self._doom(entry, reason)
                return False
        idle[entry] = self.idle[entry] = None
        if entry.tls:
            self.idle_tls[entry] = None
        entry.state = IDLE
        entry.idle_since = now
        return True

    def discard(self, entry: Entry, reason: str = DISCARDED) -> None:
        """The user is done and the connection is not to be used again, or could not be made.

        Raises LeaseError if the entry is neither leased nor connecting.
        """
        if entry.state == LEASED or entry in self.connecting:
            self._doom(entry, reason)
        else:
            self.refuse(entry, "discard")

    def settle(self, entries: "Iterable[Entry]") -> None:
        """Those entries' sockets are closed now: their units are free."""
        for entry in entries:
            if entry.units:
                self.used -= entry.units
                self.tls_used -= entry.tls
                entry.units = 0

    def sweep(self, now: int) -> None:
        """Doom what was idle for too long: the least recently used, as long as it is old enough."""
        if now >= self.learned_until:
            self.in_force = self.limit
        # What gets idle from now on is due later than this.
        due = now + self.idle_ms
        while self.idle:
            due = next(iter(self.idle)).idle_since + self.idle_ms
            if now < due:
                break
            self._evict(self.idle, IDLE_TIMEOUT)
        self.sweep_at = min(due, now + LEARNED_MS)
        if self.max_age is not None:
            self.expire(now)

    # -- the steps all of these are made of

    def _evict(self, idle: "Iterable[Entry]", reason: str) -> None:
        """Doom the first of these idle entries."""
        self._doom(next(iter(idle)), reason)

    def _doom(self, entry: Entry, reason: str) -> None:
        entry.reason = reason
        self.closed[reason] = self.closed.get(reason, 0) + 1
        self.doomed.append(entry)
        entry.state = CLOSED
        bucket = entry.bucket
        self.by_socket.pop(entry.socket, None)
        # Whatever its state: a step that there was no memory for may have been left halfway.
        self.connecting.pop(entry, None)
        self.idle.pop(entry, None)
        self.idle_tls.pop(entry, None)
        bucket.idle.pop(entry, None)
        bucket.open -= 1
        if not bucket.open:
            del self.buckets[bucket.key]
