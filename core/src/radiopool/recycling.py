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
"""

from collections import OrderedDict

from radiopool.errors import LeaseError
from radiopool.platform import Stack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable
    from typing import Any

    from radiopool.policy import Policy

# The states of an entry.
NEW = "new"
CONNECTING = "connecting"
LEASED = "leased"
IDLE = "idle"
CLOSED = "closed"

# Every transition there is, as event: (from, to). The docs' diagram is drawn from this table.
TRANSITIONS = {
    "reserve": (NEW, CONNECTING),
    "open": (CONNECTING, LEASED),
    "fail": (CONNECTING, CLOSED),
    "recycle": (LEASED, IDLE),
    "lease": (IDLE, LEASED),
    "discard": (LEASED, CLOSED),
    "evict": (IDLE, CLOSED),
}

# Why a socket was closed. Whoever discards a leased socket may give a reason of its own.
EVICTED = "evicted"  # made room for another key
STALE = "stale"  # the peer closed it, or sent something, while it was idle
IDLE_TIMEOUT = "idle timeout"
EXPIRED = "max age"
SURPLUS = "surplus"  # more idle sockets than may be kept
RETIRED = "retired"  # its session ended, or everything was to be closed
DISCARDED = "discarded"  # the user did not vouch for it
FAILED = "connect failed"
RESET = "radio reset"

# Why a lease was refused.
NO_SOCKET = "out of sockets"
NO_TLS = "out of TLS sockets"
KEY_FULL = "as many sockets to this host as allowed"

# How long a limit learned from exhaustion holds: what took the sockets may be gone by then.
LEARNED_MS = 60_000


class Bucket:
    """The entries under one key: `open` of them, those `idle` oldest first."""

    def __init__(self, key: "Hashable", context: "Any") -> None:
        self.key: Any = key
        # Held because the key has only its identity, and an id is unique only while the object lives.
        self.context = context
        self.open = 0
        self.idle: dict[Entry, None] = Stack()
        # What was opened under an earlier generation is not recycled: that is how leased sockets are retired.
        self.generation = 0


class Entry:
    """One socket, from the decision to open it until it is closed.

    `socket` is None until it is open; `leases` counts how often it was handed out; `reason` says why it was closed.
    """

    def __init__(self, bucket: Bucket, tls: bool, units: int) -> None:
        self.bucket = bucket
        self.generation = bucket.generation
        self.tls = tls
        self.units = units
        self.state = NEW
        self.socket: Any = None
        self.leases = 0
        self.reason: str | None = None
        self.idle_since = 0
        self.expires_at: int | None = None

    @property
    def key(self) -> "Any":
        """The pool key the socket was opened under."""
        return self.bucket.key

    def move(self, event: str) -> None:
        """Take one transition of the table; raises LeaseError from any other state."""
        before, after = TRANSITIONS[event]
        if self.state != before:
            raise LeaseError(
                "can't %s a socket that is %s%s"
                % (event, self.state, ": it was given back before" if before == LEASED else "")
            )
        self.state = after

    def __repr__(self) -> str:
        return "<Entry %s%s%s, leased %d times>" % (
            self.state,
            " TLS" if self.tls else "",
            ": " + self.reason if self.reason else "",
            self.leases,
        )


class Ledger:
    """Every socket of one radio, and the decisions about them.

    `doomed` collects the entries that a decision closed. The caller takes them (`take_doomed`) under its lock, closes
    their sockets outside, and settles those that still hold units.
    """

    def __init__(
        self,
        policy: "Policy",
        budget: "tuple[int | None, int | None]" = (None, None),
        tls_cost: int = 1,
        random: "Any" = None,
    ) -> None:
        self.policy = policy
        self.limit, self.tls_limit = policy.budget or budget
        self.learned: int | None = None
        self.learned_until = 0
        self.tls_cost = tls_cost
        self.random = random
        self.used = 0
        self.tls_used = 0
        self.connecting: dict[Entry, None] = {}
        self.buckets: dict[Hashable, Bucket] = {}
        self.by_socket: dict[Any, Entry] = {}
        # What a reset took away from its user.
        self.lost: dict[Any, Entry] = {}
        # Least recently used first, all of them and those with TLS.
        self.idle: OrderedDict[Entry, None] = OrderedDict()
        self.idle_tls: OrderedDict[Entry, None] = OrderedDict()
        self.doomed: list[Entry] = []
        # When the next sweep can find something.
        self.sweep_at = 0
        self.opened = self.reused = self.peak = 0
        self.closed: dict[str, int] = {}
        timeout = policy.idle_timeout
        self._idle_ms = None if timeout is None else int(timeout * 1000)

    # -- leasing

    def lease(self, key: "Hashable", context: "Any", now: int, max_per_key: "int | None" = None) -> "Entry | None":
        """An idle entry of that key (now LEASED), or a new one to connect (CONNECTING), or None: see `shortage`.

        `context` is the TLS context (None: plain). What the caller finds in `doomed` it closes before it connects.
        """
        if now >= self.sweep_at:
            self.sweep(now)
        bucket = self.buckets.get(key)
        if bucket is not None:
            while bucket.idle:
                # The newest: it is the likeliest to live still, and the others can grow old and go.
                entry = bucket.idle.popitem()[0]
                del self.idle[entry]
                if entry.tls:
                    del self.idle_tls[entry]
                if entry.expires_at is not None and now >= entry.expires_at:
                    self._doom(entry, "evict", EXPIRED)
                    continue
                entry.state = LEASED  # the transition "lease": only what is IDLE stands in `idle`
                entry.leases += 1
                self.reused += 1
                return entry
        if self.shortage(key, context, max_per_key) is not None:
            return None
        return self._reserve(key, context)

    def shortage(self, key: "Hashable", context: "Any", max_per_key: "int | None" = None) -> "str | None":
        """Why no new socket can be had for that key, even by evicting: NO_SOCKET, NO_TLS, KEY_FULL; None if it can."""
        if max_per_key is None:
            max_per_key = self.policy.max_per_key
        bucket = self.buckets.get(key)
        if max_per_key is not None and bucket is not None and bucket.open >= max_per_key:
            return KEY_FULL
        tls = context is not None
        if self._over(tls, True):
            if tls and self._tls_over(True):
                return NO_TLS
            return NO_SOCKET
        return None

    def _over(self, tls: bool, evicting: bool) -> bool:
        """Whether one more socket exceeds the budget; with `evicting`, even after closing all that is idle."""
        if tls and self._tls_over(evicting):
            return True
        limit = self.limit
        if self.learned is not None and (limit is None or self.learned < limit):
            limit = self.learned
        if limit is None:
            return False
        used = self.used
        if evicting:
            used -= len(self.idle) + (self.tls_cost - 1) * len(self.idle_tls) + self._held()[0]
        return used + (self.tls_cost if tls else 1) > limit

    def _tls_over(self, evicting: bool) -> bool:
        if self.tls_limit is None:
            return False
        used = self.tls_used
        if evicting:
            used -= len(self.idle_tls) + self._held()[1]
        return used >= self.tls_limit

    def _held(self) -> "tuple[int, int]":
        """The units, and the TLS sockets, of what this decision has doomed so far."""
        units = tls = 0
        for entry in self.doomed:
            units += entry.units
            tls += entry.tls and entry.units > 0
        return units, tls

    def _reserve(self, key: "Hashable", context: "Any") -> Entry:
        tls = context is not None
        # The caller closes these before it connects, so their units are its own.
        for entry in self.doomed:
            self._release(entry)
        while self._over(tls, False):
            self._evict(self.idle_tls if tls and self._tls_over(False) else self.idle, EVICTED)
            self._release(self.doomed[-1])
        bucket = self.buckets.get(key)
        if bucket is None:
            bucket = self.buckets[key] = Bucket(key, context)
        entry = Entry(bucket, tls, self.tls_cost if tls else 1)
        entry.move("reserve")
        bucket.open += 1
        self.connecting[entry] = None
        self.used += entry.units
        self.tls_used += tls
        return entry

    def open(self, entry: Entry, socket: "Any", now: int) -> bool:
        """The connect succeeded. False if the entry was closed meanwhile: the socket is the caller's to let go."""
        if entry.state == CLOSED:
            return False
        entry.move("open")
        del self.connecting[entry]
        entry.socket = socket
        entry.leases = 1
        max_age = self.policy.max_age
        if max_age is not None:
            spread = self.random() if self.random else 0
            entry.expires_at = now + int(max_age * (1000 - 100 * spread))
        self.by_socket[socket] = entry
        self.opened += 1
        open_now = len(self.connecting) + len(self.by_socket)
        if open_now > self.peak:
            self.peak = open_now
        return True

    def fail(self, entry: Entry) -> None:
        """The connect failed, and nothing of it is open."""
        if entry.state != CLOSED:
            self._doom(entry, "fail", FAILED)
            self.doomed.pop()
            self._release(entry)

    def exhausted(self, entry: Entry, now: int) -> bool:
        """The radio said "out of sockets" to a connect: learn its limit, and evict one idle socket if there is one.

        True if one was evicted: close it and try again.
        """
        open_besides = self.used - entry.units
        if open_besides > 0:
            self.learned = open_besides
            self.learned_until = now + LEARNED_MS
            self.sweep_at = min(self.sweep_at, self.learned_until)
        if not self.idle:
            return False
        self._evict(self.idle, EVICTED)
        return True

    # -- giving back

    def find(self, socket: "Any") -> Entry:
        """The entry of a socket that is leased. Raises LeaseError for a stranger's and for one given back before."""
        entry = self.by_socket.get(socket) or self.lost.get(socket)
        if entry is None:
            raise LeaseError("this manager did not lease %r, or it is closed already" % (socket,))
        return entry

    def recycle(self, entry: Entry, now: int, max_idle: "int | None" = None) -> bool:
        """The user is done and the connection is clean: keep it (True), or doom it and say why (False).

        `max_idle`: how many idle sockets the entry's key may have.
        """
        if entry.reason is not None and self.forgotten(entry):
            return False
        bucket = entry.bucket
        most = self.policy.max_idle
        if entry.generation != bucket.generation:
            reason = RETIRED
        elif entry.expires_at is not None and now >= entry.expires_at:
            reason = EXPIRED
        elif (max_idle is not None and len(bucket.idle) >= max_idle) or most == 0:
            reason = SURPLUS
        elif self.limit is not None and self.used > self.limit:
            # The budget shrank while it was leased.
            reason = EVICTED
        elif entry.tls and self.tls_limit is not None and self.tls_used > self.tls_limit:
            reason = EVICTED
        else:
            if entry.state is not LEASED:
                entry.move("recycle")  # which says why not
            entry.state = IDLE
            if most is not None and len(self.idle) >= most:
                self._evict(self.idle, SURPLUS)
            entry.idle_since = now
            bucket.idle[entry] = None
            self.idle[entry] = None
            if entry.tls:
                self.idle_tls[entry] = None
            return True
        self.discard(entry, reason)
        return False

    def discard(self, entry: Entry, reason: str = DISCARDED) -> None:
        """The user is done and the connection is not to be used again."""
        if not self.forgotten(entry):
            self._doom(entry, "discard", reason)

    def forgotten(self, entry: Entry) -> bool:
        """Whether a reset took the entry away from its user, who may give it back like any other."""
        if entry.reason != RESET:
            return False
        self.lost.pop(entry.socket, None)
        return True

    def settle(self, entries: "Iterable[Entry]") -> None:
        """Those entries' sockets are closed now: their units are free."""
        for entry in entries:
            self._release(entry)

    def take_doomed(self) -> "list[Entry]":
        """What the last decision closed; the caller closes the sockets."""
        doomed = self.doomed
        self.doomed = []
        return doomed

    # -- all at once

    def sweep(self, now: int) -> None:
        """Doom what was idle for too long: the least recently used, as long as it is old enough."""
        if self.learned is not None and now >= self.learned_until:
            self.learned = None
        self.sweep_at = now + LEARNED_MS
        if self._idle_ms is None:
            return
        # What gets idle from now on is due later than this.
        due = now + self._idle_ms
        while self.idle:
            due = next(iter(self.idle)).idle_since + self._idle_ms
            if now < due:
                break
            self._evict(self.idle, IDLE_TIMEOUT)
        if due < self.sweep_at:
            self.sweep_at = due

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
            for entry in list(bucket.idle):
                self._remove_idle(entry)
                self._doom(entry, "evict", RETIRED)

    def resize(self, budget: "tuple[int | None, int | None]") -> None:
        """Another budget from now on. Idle sockets beyond it are doomed; leased ones count until given back."""
        self.limit, self.tls_limit = budget
        tls_limit, limit = self.tls_limit, self.limit
        while self.idle_tls and tls_limit is not None and self.tls_used - self._held()[1] > tls_limit:
            self._evict(self.idle_tls, EVICTED)
        while self.idle and limit is not None and self.used - self._held()[0] > limit:
            self._evict(self.idle, EVICTED)

    def reset(self) -> "list[Any]":
        """Forget every socket without closing one: the radio was reset, and its numbers go to others.

        The sockets forgotten. What is leased may still be given back; nothing happens then.
        """
        forgotten = list(self.by_socket)
        for socket, entry in self.by_socket.items():
            if entry.state == LEASED:
                self.lost[socket] = entry
            self._forget(entry)
        for entry in self.connecting:
            self._forget(entry)
        self.by_socket = {}
        self.connecting = {}
        self.buckets = {}
        self.idle = OrderedDict()
        self.idle_tls = OrderedDict()
        return forgotten

    def _forget(self, entry: Entry) -> None:
        # No transition of the table: nothing happened to the socket, the ground under it went.
        entry.state = CLOSED
        entry.reason = RESET
        self.closed[RESET] = self.closed.get(RESET, 0) + 1
        self._release(entry)

    def is_full(self) -> bool:
        """Whether nobody at all can be served: nothing is idle, and no unit is free."""
        return not self.idle and self._over(False, True)

    # -- the steps all of these are made of

    def _evict(self, idle: "OrderedDict[Entry, None]", reason: str) -> None:
        entry = next(iter(idle))
        self._remove_idle(entry)
        self._doom(entry, "evict", reason)

    def _remove_idle(self, entry: Entry) -> None:
        del self.idle[entry]
        del entry.bucket.idle[entry]
        if entry.tls:
            del self.idle_tls[entry]

    def _doom(self, entry: Entry, event: str, reason: str) -> None:
        entry.move(event)
        entry.reason = reason
        self.closed[reason] = self.closed.get(reason, 0) + 1
        self.connecting.pop(entry, None)
        self.by_socket.pop(entry.socket, None)
        bucket = entry.bucket
        bucket.open -= 1
        if not bucket.open and self.buckets.get(bucket.key) is bucket:
            del self.buckets[bucket.key]
        self.doomed.append(entry)

    def _release(self, entry: Entry) -> None:
        if entry.units:
            self.used -= entry.units
            self.tls_used -= entry.tls
            entry.units = 0

    def counts(self) -> "dict[str, int]":
        """How many sockets are in each state, and how many of them have TLS."""
        return {
            "connecting": len(self.connecting),
            "leased": len(self.by_socket) - len(self.idle),
            "idle": len(self.idle),
            "tls": self.tls_used,
        }

    def __repr__(self) -> str:
        return "<Ledger %s of %s>" % (self.counts(), (self.limit, self.tls_limit))
