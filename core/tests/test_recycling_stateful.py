"""The invariants of recycling, against random histories. The machine acts as the manager does, without a socket."""

from __future__ import annotations

import os
from unittest import mock

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from radiopool import Policy, recycling
from radiopool.ledger_methods import TRANSITIONS
from radiopool.recycling import Entry, Ledger
from radiopool.vocabulary import CLOSED, CONNECTING, EVICTED, EXPIRED, IDLE, LEASED, RESET, STALE
from radiopool.waiting import Line, Ticket

HOSTS = st.sampled_from("abcde")
SMALL_BUDGETS = st.tuples(st.integers(1, 5), st.sampled_from([None, None, 0, 1, 2, 3]))
BUDGETS = st.one_of(SMALL_BUDGETS, SMALL_BUDGETS, SMALL_BUDGETS, st.just((None, None)))
TLS = st.sampled_from(["plain", "plain", "TLS one", "TLS two"])
# One context per name, so that a key with a TLS context names it by its identity, as PoolKey does.
CONTEXTS = {"TLS one": object(), "TLS two": object()}


class FakeSocket:
    """Stands for a socket: remembers for which key it was opened, whether its peer lives, how often it was closed."""

    def __init__(self, key: object) -> None:
        self.key = key
        self.alive = True
        self.closes = 0


class WatchedEntry(Entry):
    """An entry that takes no step but those of the table."""

    def __setattr__(self, name: str, value: object) -> None:
        if name == "state":
            before = getattr(self, "state", "new")
            assert (before, value) in TRANSITIONS.values(), f"from {before} to {value}"
        super().__setattr__(name, value)


class Recycling(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.watched = mock.patch.object(recycling, "Entry", WatchedEntry)
        self.watched.start()
        self.now = 1_000
        self.sockets: list[FakeSocket] = []
        self.connecting: list[Entry] = []
        self.leased: list[Entry] = []
        self.lost: list[Entry] = []  # leased when the radio was reset
        self.closing: list[Entry] = []  # doomed, and not yet closed by the "thread" that took them
        self.waiting: list[Ticket] = []
        self.lru: list[Entry] = []  # what is idle by this test's own count, least recently used first
        self.retired: set[Entry] = set()  # leased when their key was retired
        self.steps = 0

    @initialize(
        budget=BUDGETS,
        tls_cost=st.integers(1, 2),
        max_per_key=st.one_of(st.none(), st.integers(1, 3)),
        max_idle=st.one_of(st.none(), st.integers(0, 3)),
        max_age=st.one_of(st.none(), st.integers(1, 20)),
    )
    def begin(self, budget, tls_cost, max_per_key, max_idle, max_age):
        policy = Policy(max_per_key=max_per_key, max_idle=max_idle, max_age=max_age, idle_timeout=10)
        self.ledger = Ledger(policy, budget, tls_cost, random=lambda: 0.5)
        self.line = Line()
        self.shrunk = False

    # -- what the manager does with a decision

    def serve(self) -> None:
        """Hand freed units to the waiters; whoever is passed over could not have been served before the other."""
        before = list(self.waiting)
        self.line.serve(self.ledger, self.now)
        for ticket in before:
            if ticket.entry is not None:
                self.take_over(ticket.entry, ticket.key)
                self.close_now(ticket.doomed)
                self.waiting.remove(ticket)
        for ticket in self.waiting:
            assert self.ledger.shortage(ticket.key, ticket.context) is not None, "a waiter was passed over"

    def take_over(self, entry: Entry, key: object) -> None:
        assert entry.key == key
        if entry.state == LEASED:
            assert entry.socket.key == key, "a socket opened for another key"
            assert entry in self.lru, "what is handed out was idle"
            assert self.now < entry.expires_at, "too old"
            assert self.now - entry.idle_since < 10_000, "idle for too long"
            self.lru.remove(entry)
            self.leased.append(entry)
        else:
            assert entry.state == CONNECTING
            self.connecting.append(entry)

    def close_now(self, entries: list[Entry]) -> None:
        """Close victims at once, as whoever evicts them does before it connects."""
        for entry in entries:
            assert entry.state == CLOSED and entry.reason
            if entry in self.lru:
                self.lru.remove(entry)
            entry.socket.closes += 1
            assert entry.socket.closes == 1, "closed twice"
        self.ledger.settle(entries)

    def take_doomed(self, at_once: bool = False) -> None:
        doomed = self.ledger.take_doomed()
        for entry in doomed:
            if entry in self.lru:
                self.lru.remove(entry)
        if at_once:
            self.close_now(doomed)
        else:
            self.closing += doomed

    def decide(self) -> None:
        self.serve()
        self.take_doomed()

    # -- the rules

    def ask(self, host, tls):
        context = CONTEXTS.get(tls)
        return (host, context and id(context)), context

    @rule(host=HOSTS, tls=TLS)
    def use(self, host, tls):
        """What most of life is: lease, connect if need be, give back. More of it fills the ledger."""
        before = len(self.connecting), len(self.leased)
        self.lease(host, tls, False)
        if len(self.connecting) > before[0]:
            entry = self.connecting.pop()
            self.sockets.append(FakeSocket(entry.key))
            assert self.ledger.open(entry, self.sockets[-1], self.now)
            self.leased.append(entry)
        if len(self.leased) > before[1]:
            entry = self.leased.pop()
            if self.ledger.recycle(entry, self.now):
                self.lru.append(entry)
            self.decide()

    @rule(host=HOSTS, tls=TLS)
    def use_again(self, host, tls):
        self.use(host, tls)

    @rule(host=HOSTS, tls=TLS)
    def use_often(self, host, tls):
        self.use(host, tls)

    @rule(host=HOSTS, tls=TLS, patient=st.booleans())
    def lease(self, host, tls, patient):
        key, context = self.ask(host, tls)
        idle_before = list(self.lru)
        limit = self.ledger.in_force
        free_before = self.ledger.used + self.ledger.tls_cost <= limit
        entry = self.ledger.lease(key, context, self.now)
        victims = [e for e in self.ledger.doomed if e.reason == EVICTED]
        if entry is None:
            assert self.ledger.shortage(key, context) is not None
            assert not victims, "evicted for nothing"
            if patient:
                self.waiting.append(self.line.join(key, context, None))
            self.take_doomed()
            return
        if entry.state == LEASED:
            assert not victims
        elif victims:
            assert not (free_before and self.ledger.budget[1] is None), "evicted although there was room"
            # Each victim is the least recently used of all, or of those with TLS if TLS was short.
            for victim in victims:
                older = idle_before[: idle_before.index(victim)]
                assert all(e in victims or e.state == CLOSED or (victim.tls and not e.tls) for e in older)
                assert not victim.tls or context is not None or all(e.tls or e in victims for e in older)
        self.take_over(entry, key)
        self.take_doomed(at_once=entry.state == CONNECTING)
        if entry.state == LEASED and not entry.socket.alive:
            # The manager looked: the peer closed it meanwhile. It is replaced before anything is sent.
            self.leased.remove(entry)
            self.ledger.discard(entry, STALE)
            fresh = self.ledger.lease(key, context, self.now)
            if fresh is not None:
                self.take_over(fresh, key)
            else:
                assert self.shrunk, "replacing a stale socket needs no more than its own unit"
            self.take_doomed(at_once=fresh is not None and fresh.state == CONNECTING)

    @precondition(lambda self: self.connecting)
    @rule(data=st.data())
    def connected(self, data):
        entry = self.connecting.pop(data.draw(st.integers(0, len(self.connecting) - 1)))
        socket = FakeSocket(entry.key)
        if self.ledger.open(entry, socket, self.now):
            self.sockets.append(socket)
            self.leased.append(entry)
        else:
            assert entry.reason == RESET

    @precondition(lambda self: self.connecting)
    @rule(data=st.data())
    def connect_fails(self, data):
        entry = self.connecting.pop(data.draw(st.integers(0, len(self.connecting) - 1)))
        self.ledger.fail(entry)
        self.decide()

    @precondition(lambda self: self.connecting)
    @rule()
    def radio_is_exhausted(self):
        entry = self.connecting[0]
        if entry.state != CONNECTING:
            return
        if self.ledger.exhausted(entry, self.now):
            (victim,) = self.ledger.take_doomed()
            assert victim is self.lru[0]
            self.close_now([victim])
        else:
            assert not self.lru
            self.connecting.remove(entry)
            self.ledger.fail(entry)
        self.shrunk = True
        self.decide()

    @precondition(lambda self: self.leased)
    @rule(data=st.data(), max_idle=st.one_of(st.none(), st.integers(0, 2)))
    def give_back(self, data, max_idle):
        entry = self.leased.pop(data.draw(st.integers(0, len(self.leased) - 1)))
        if self.ledger.recycle(entry, self.now, max_idle):
            assert entry.state == IDLE
            assert entry not in self.retired, "its session ended while it was leased"
            self.lru.append(entry)
        self.decide()

    @precondition(lambda self: self.leased)
    @rule(data=st.data())
    def discard(self, data):
        entry = self.leased.pop(data.draw(st.integers(0, len(self.leased) - 1)))
        self.ledger.discard(entry)
        self.decide()

    @precondition(lambda self: self.lost)
    @rule(recycle=st.booleans())
    def give_back_after_reset(self, recycle):
        entry = self.lost.pop()
        if recycle:
            assert not self.ledger.recycle(entry, self.now)
        else:
            self.ledger.discard(entry)
        assert not self.ledger.doomed, "a forgotten socket is not closed"

    @precondition(lambda self: self.closing)
    @rule()
    def close_what_was_doomed(self):
        entries, self.closing = self.closing, []
        self.close_now(entries)
        self.decide()

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def waiter_gives_up(self, data):
        ticket = self.waiting.pop(data.draw(st.integers(0, len(self.waiting) - 1)))
        self.line.leave(ticket)
        assert ticket.entry is None

    @precondition(lambda self: self.lru)
    @rule(data=st.data())
    def peer_dies(self, data):
        data.draw(st.sampled_from(self.lru)).socket.alive = False

    @rule(seconds=st.sampled_from([1, 1, 2, 3, 5, 11]))
    def clock_moves(self, seconds):
        self.now += seconds * 1000
        self.ledger.sweep(self.now)
        self.decide()
        assert all(self.now < entry.expires_at for entry in self.lru), "idle, and older than it may get"

    @rule(host=HOSTS)
    def retire_key(self, host):
        self.retired.update(entry for entry in self.leased + self.connecting if entry.key == (host, None))
        self.ledger.retire(None, (host, None))
        self.decide()
        assert not any(entry.key == (host, None) for entry in self.lru)

    @precondition(lambda self: self.steps % 7 == 0)
    @rule()
    def close_all(self):
        self.retired.update(self.leased + self.connecting)
        self.ledger.retire_all()
        self.decide()
        assert not self.lru

    @precondition(lambda self: self.steps % 7 == 0)
    @rule(budget=BUDGETS)
    def budget_changes(self, budget):
        self.ledger.resize(budget)
        self.shrunk = True
        self.decide()

    @precondition(lambda self: self.steps % 7 == 0)
    @rule()
    def radio_is_reset(self):
        forgotten = self.ledger.reset()
        assert len(forgotten) == len(self.leased) + len(self.lru)
        self.lost += self.leased
        self.lru = []
        self.leased = []
        self.decide()

    # -- the invariants

    @invariant()
    def counts_agree(self):
        self.steps += 1
        if not hasattr(self, "ledger"):
            return
        counts = self.ledger.counts()
        connecting = [entry for entry in self.connecting if entry.state == CONNECTING]
        assert counts["connecting"] == len(connecting)
        assert counts["leased"] == len(self.leased)
        assert counts["idle"] == len(self.lru) == len(self.ledger.idle)
        assert list(self.ledger.idle) == self.lru, "least recently used first"
        assert list(self.ledger.idle_tls) == [entry for entry in self.lru if entry.tls]
        assert all(entry.state == LEASED for entry in self.leased)
        assert all(entry.state == IDLE for entry in self.lru)
        held = connecting + self.leased + self.lru + [entry for entry in self.closing if entry.units]
        assert self.ledger.used == sum(entry.units for entry in held)
        assert self.ledger.tls_used == sum(entry.tls for entry in held)
        assert not self.ledger.doomed, "every decision's victims were taken"

    @invariant()
    def budget_holds(self):
        if not hasattr(self, "ledger"):
            return
        limit, tls_limit = self.ledger.limit, self.ledger.tls_limit
        # What was leased when the budget shrank stays over it until it is given back; what is idle never does.
        closing = [entry for entry in self.closing if entry.units]
        if limit is not None and self.ledger.used - sum(entry.units for entry in closing) > limit:
            assert self.shrunk and not self.lru
        if tls_limit is not None and self.ledger.tls_used - sum(entry.tls for entry in closing) > tls_limit:
            assert self.shrunk and not self.ledger.idle_tls

    @invariant()
    def nothing_is_kept_for_nobody(self):
        if hasattr(self, "ledger"):
            entries = self.leased + self.lru + [e for e in self.connecting if e.state == CONNECTING]
            # A key without sockets costs nothing, so nothing grows with the hosts ever seen.
            assert set(self.ledger.buckets) == {entry.key for entry in entries}
            for key, bucket in self.ledger.buckets.items():
                assert bucket.open == sum(entry.key == key for entry in entries)

    def teardown(self):
        self.watched.stop()
        if not hasattr(self, "ledger"):
            return
        for entry in self.leased + self.lost:
            self.ledger.discard(entry)
        for entry in self.connecting:
            self.ledger.fail(entry)
        for ticket in self.waiting:
            self.line.leave(ticket)
        self.ledger.retire_all()
        self.close_now(self.ledger.take_doomed() + self.closing)
        assert self.ledger.used == self.ledger.tls_used == 0
        assert not self.ledger.buckets and not self.ledger.by_socket
        assert EXPIRED not in self.ledger.closed or self.ledger.max_age


TestRecycling = Recycling.TestCase
TestRecycling.settings = settings(
    max_examples=int(os.environ.get("RADIOPOOL_EXAMPLES", "150")),
    stateful_step_count=60,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
