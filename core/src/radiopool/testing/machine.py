"""Random use of a connection manager over a live driver: Hypothesis's stateful test. CPython only."""

from __future__ import annotations

import functools
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from radiopool.errors import ConnectError, LeaseTimeoutError, OutOfSocketsError
from radiopool.policy import Policy
from radiopool.testing.bench import Bench, Clock, require

HOSTS = ("a", "b")
IDLE_TIMEOUT = 30
MOST_OPEN = 4


class Use(RuleBasedStateMachine):
    """What a program may do with a manager, in any order.

    The model knows only what was leased: which sockets its user holds, which of those the peer has spoilt, and under
    which key each socket was opened. Everything else is asked of the witnesses.
    """

    def __init__(self, bench: Bench, contexts: tuple[Any, ...]) -> None:
        super().__init__()
        self.bench = bench
        self.contexts = contexts
        self.limit = min(bench.budget(), MOST_OPEN)
        self.tls_limit = bench.traits.budget[1]
        self.clock = Clock()
        policy = Policy(budget=(self.limit, self.tls_limit), idle_timeout=IDLE_TIMEOUT)
        self.manager = bench.manager(policy, self.clock)
        self.leased: list[Any] = []
        self.spoilt: set[int] = set()
        # The sockets too, so that no identity is used a second time.
        self.keys: dict[int, tuple[Any, Any]] = {}

    @initialize(hosts=st.lists(st.sampled_from(HOSTS), min_size=1, max_size=MOST_OPEN), idle=st.integers(0, MOST_OPEN))
    def begin(self, hosts: list[str], idle: int) -> None:
        """A history that begins with sockets gets further than one that begins with none."""
        for host in hosts:
            self.lease(host, 0)
        for _ in range(min(idle, len(self.leased))):
            self.give_back(0)

    # -- what a user does

    @rule(host=st.sampled_from(HOSTS), tls=st.integers(0, 2))
    def lease(self, host: str, tls: int) -> None:
        context = self.contexts[tls % len(self.contexts)]
        self.bench.driver.peak = 0
        served = self.has_room(context)
        try:
            entry = self.bench.lease(self.manager, host, context)
        except OutOfSocketsError:
            require(not served, "a lease was refused with %s", self.manager)
            return
        require(served, "a lease was granted beyond the budget: %s", self.manager)
        socket = entry.socket
        require(all(socket is not held.socket for held in self.leased), "a socket was handed out twice at once")
        require(id(socket) not in self.spoilt, "a socket that the peer has spoilt was handed out")
        known = self.keys.setdefault(id(socket), (entry.key, socket))
        require(known[0] == entry.key, "a socket of %s was handed out for %s", known[0], entry.key)
        require(
            self.bench.driver.peak <= self.limit,
            "%d sockets were open under a budget of %d",
            self.bench.driver.peak,
            self.limit,
        )
        self.bench.echoes(socket)
        self.leased.append(entry)

    def has_room(self, context: Any) -> bool:
        """Whether the budget has room for one more beside what is leased: idle ones can go."""
        cost = self.bench.traits.tls_cost
        held = sum(cost if entry.tls else 1 for entry in self.leased)
        secured = sum(1 for entry in self.leased if entry.tls)
        if context is None:
            return held + 1 <= self.limit
        return held + cost <= self.limit and (self.tls_limit is None or secured < self.tls_limit)

    @precondition(lambda self: self.leased)
    @rule(which=st.integers(0, 9))
    def give_back(self, which: int) -> None:
        self.manager.recycle(self.take(which))

    @precondition(lambda self: self.leased)
    @rule(which=st.integers(0, 9))
    def discard(self, which: int) -> None:
        self.manager.discard(self.take(which))

    def take(self, which: int) -> Any:
        return self.leased.pop(which % len(self.leased))

    @rule()
    def connect_fails(self) -> None:
        key, _ = self.manager.key_for(self.bench.peer.host, self.bench.port("refused"), "refused")
        served = self.has_room(None)
        try:
            self.manager.acquire(key, timeout=self.bench.patience, wait=0)
        except OutOfSocketsError:
            require(not served, "a lease was refused with %s", self.manager)
        except ConnectError:
            require(served, "a connect was tried beyond the budget: %s", self.manager)
        else:
            require(False, "a connect to a closed port succeeded")

    @rule(host=st.sampled_from(HOSTS))
    def wait_in_vain(self, host: str) -> None:
        if self.has_room(None):
            return
        key, _ = self.manager.key_for(self.bench.peer.host, self.bench.port("plain"), host, host)
        try:
            self.manager.acquire(key, timeout=self.bench.patience, wait=0.001)
        except LeaseTimeoutError:
            require(self.manager.stats()["waiting"] == 0, "a waiter that gave up still stands in line")
        else:
            require(False, "a lease was granted beyond the budget: %s", self.manager)

    # -- what the peer does

    @precondition(lambda self: self.leased)
    @rule(which=st.integers(0, 9), how=st.sampled_from((b"bye 0\n", b"send 3\n")))
    def peer_spoils_and_it_is_given_back(self, which: int, how: bytes) -> None:
        entry = self.take(which)
        socket = entry.socket
        self.bench.send(socket, how)
        self.bench.until(lambda: not self.bench.driver.is_alive(socket), "is_alive() stays true after %r", how)
        self.spoilt.add(id(socket))
        self.manager.recycle(entry)

    @precondition(lambda self: self.leased)
    @rule(which=st.integers(0, 9))
    def peer_closes_while_idle(self, which: int) -> None:
        entry = self.take(which)
        socket = entry.socket
        self.bench.send(socket, b"hold 5 0\n")
        self.spoilt.add(id(socket))
        self.manager.recycle(entry)
        if id(socket) in self.bench.driver.open:
            self.bench.until(lambda: not self.bench.driver.is_alive(socket), "is_alive() stays true after an end")

    # -- what time and the program's own decisions do

    @rule(seconds=st.sampled_from((1, IDLE_TIMEOUT // 2, IDLE_TIMEOUT + 1)))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)
        self.manager.sweep()
        if seconds > IDLE_TIMEOUT:
            require(self.manager.available_socket_count == 0, "idle sockets outlived their timeout")

    @rule()
    def close_all(self) -> None:
        self.manager.close_all()
        require(self.manager.available_socket_count == 0, "idle sockets outlived close_all()")

    @rule(host=st.sampled_from(HOSTS))
    def retire(self, host: str) -> None:
        self.manager.retire(host)

    @rule(limit=st.integers(1, MOST_OPEN))
    def budget_changes(self, limit: int) -> None:
        self.limit = min(limit, self.bench.budget(), MOST_OPEN)
        self.manager.set_budget((self.limit, self.tls_limit))

    # -- what holds after every step

    @invariant()
    def counts_agree(self) -> None:
        stats = self.manager.stats()
        opened = self.bench.driver.open
        require(stats["connecting"] == 0, "something still connects: %r", stats)
        require(stats["leased"] == len(self.leased), "%d are leased: %r", len(self.leased), stats)
        require(stats["leased"] + stats["idle"] == len(opened), "%d are open: %r", len(opened), stats)
        require(len(opened) <= max(self.limit, len(self.leased)), "the budget is exceeded: %r", stats)
        count = self.bench.open_sockets
        if count is not None:
            self.bench.until(
                lambda: count() == len(opened),
                "the radio's own table does not have the %d sockets that are open",
                len(opened),
            )

    @invariant()
    def leased_sockets_are_open(self) -> None:
        for entry in self.leased:
            require(id(entry.socket) in self.bench.driver.open, "a leased socket was closed: %r", entry)

    def teardown(self) -> None:
        while self.leased:
            self.manager.discard(self.take(0))
        self.manager.close()
        left = len(self.bench.driver.open)
        self.bench.tidy()
        require(left == 0, "%d sockets stayed open at the end", left)


def run_machine(bench: Bench) -> None:
    """Run `bench.examples` sequences of up to `bench.steps` steps; the same ones each time."""
    contexts: tuple[Any, ...] = (None,)
    if bench.traits.tls is not None and bench.traits.budget[1] != 0:
        contexts = (None, bench.context(), bench.context())
    made: Any = functools.partial(Use, bench, contexts)
    run_state_machine_as_test(
        made,
        settings=settings(
            max_examples=bench.examples,
            stateful_step_count=bench.steps,
            deadline=None,
            database=None,
            derandomize=True,
            # Shrinking would repeat what failed some hundred times, each with its waiting.
            phases=(Phase.generate,),
            verbosity=Verbosity.quiet,
            suppress_health_check=list(HealthCheck),
        ),
    )
    bench.nothing_stays_open()
