"""What an account can do more on CPython: wait, tell observers, report leaks, survive a fork and the exit."""

from __future__ import annotations

import atexit
import os
import weakref
from collections import deque
from time import monotonic

from radiopool import observing, platform
from radiopool.account import Account
from radiopool.errors import InvalidValueError, LeaseError, LeaseTimeoutError, OutOfSocketsError
from radiopool.keys import check_timeout
from radiopool.policy import Policy
from radiopool.vocabulary import LEARNED_MS, LEASED
from radiopool.waiting import Line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from radiopool.driver import Driver
    from radiopool.leaks import LeakReport
    from radiopool.recycling import Entry
    from radiopool.waiting import Ticket

FORGOTTEN = "forgotten by its user"


class ThreadedAccount(Account):
    """An account whose lock is real. `lock` guards the line of waiters too."""

    policy: Policy

    def __init__(
        self, socket_pool: Any, driver: Driver, radio: Any, policy: Policy | None, clock: Callable[[], int]
    ) -> None:
        if policy is None:
            policy = Policy()
        if not isinstance(policy, Policy):
            raise InvalidValueError(f"policy must be a radiopool.Policy or None, not {policy!r}")
        if not callable(clock):
            raise InvalidValueError(f"clock must be a function that gives integer milliseconds, not {clock!r}")
        super().__init__(socket_pool, driver, radio, policy, clock)
        self.line = Line()
        self.tickets = self.line.tickets
        self.leaks: LeakReport | None = None
        # Leases that nobody ends any more: the entry, and which of its leases.
        self.dropped: deque[tuple[Entry, int]] = deque()
        if policy.leak_after is not None:
            from radiopool.leaks import LeakReport

            self.leaks = LeakReport(policy.leak_after)
            self.watched = True
        _living[id(self)] = self

    # -- waiting

    def wait(self, key: Any, context: Any, wait: float | None, timeout: float | None, max_per_key: int | None) -> Entry:
        """Wait up to `wait` seconds for an entry; first come, first served. None is the policy's, and by default
        `timeout`; if that is None too a minute, never for ever.

        Raises LeaseTimeoutError, or OutOfSocketsError at once if that is 0 or the line is full.
        """
        check_timeout(wait, "wait")
        check_timeout(timeout)
        self.discard_dropped()
        seconds = wait if wait is not None else timeout if self.policy.wait is None else self.policy.wait
        ticket = None
        with self.lock:
            self.check_open()
            # Something may have been given back since the caller was refused.
            entry = self.ledger.lease(key, context, self.clock(), max_per_key)
            most = self.policy.max_waiting
            if entry is None and seconds != 0 and (most is None or len(self.tickets) < most):
                ticket = self.line.join(key, context, max_per_key)
            doomed = self.ledger.take_doomed()
        if ticket is not None:
            return self._await(ticket, 60.0 if seconds is None else seconds, doomed)
        self.close_for(entry, doomed)
        if entry is None:
            raise self.refusal(key, context, max_per_key)
        return entry

    def _await(self, ticket: Ticket, seconds: float, doomed: list[Entry]) -> Entry:
        try:
            self.close(doomed)
            end = monotonic() + seconds
            while not ticket.served.wait(max(0, min(end - monotonic(), self._next_look()))) and monotonic() < end:
                # Nothing was given back, but a limit that was learned may be forgotten by now.
                self.decide(self.ledger.sweep, self.clock())
            with self.lock:
                self.line.leave(ticket)
        except BaseException:
            self._give_up(ticket)
            raise
        if ticket.entry is not None:
            self.close_for(ticket.entry, ticket.doomed)
            return ticket.entry
        if ticket.closed:
            raise LeaseError("the connection manager was closed while this lease waited")
        raise self.refusal(ticket.key, ticket.context, ticket.max_per_key, LeaseTimeoutError)

    def _give_up(self, ticket: Ticket) -> None:
        """Leave the line; what was handed over meanwhile goes to the next."""
        with self.lock:
            self.line.leave(ticket)
            entry = ticket.entry
        if entry is None:
            return
        self.close_for(entry, ticket.doomed)
        if entry.state is LEASED:
            self.decide(self.ledger.recycle, entry, self.clock())
        else:
            self.decide(self.ledger.discard, entry)

    def _next_look(self) -> float:
        """Seconds until a waiter looks whether a learned limit is forgotten; one that is learned later lasts longer."""
        left = self.ledger.learned_until - self.clock()
        return (min(left, LEARNED_MS) if left > 0 else LEARNED_MS) / 1000

    def serve(self) -> None:
        self.line.serve(self.ledger, self.clock())

    def shut(self) -> None:
        with self.lock:
            self.closed = True
            self.ledger.end()
            self.line.dismiss()

    def _describe(self) -> str:
        text = super()._describe()
        if self.tickets:
            text += f", {len(self.tickets)} waiting"
        if self.leaks is not None:
            text += self.leaks.summary(self.clock())
        return text

    def refusal(
        self, key: Any, context: Any, max_per_key: int | None = None, kind: type | None = None
    ) -> OutOfSocketsError:
        if self.leaks is not None:
            self.leaks.overdue(self.clock())
        with self.lock:
            return super().refusal(key, context, max_per_key, kind)

    # -- leases that nobody ends

    def drop(self, entry: Entry) -> None:
        """Discard the entry of a lease that the garbage collector ends.

        It may run at any line of this very thread, also where the thread holds the lock: then the entry is discarded
        when the next socket is opened, or wanted and not there.
        """
        self.dropped.append((entry, entry.leases))
        if not self.lock.locked():
            self.discard_dropped()

    def discard_dropped(self) -> None:
        """Close what was dropped."""
        while self.dropped:
            try:
                entry, lease = self.dropped.popleft()
            except IndexError:
                break
            self.decide(self._forget, entry, lease)

    def _forget(self, entry: Entry, lease: int) -> None:
        # Unless it was closed with all others meanwhile.
        if entry.state is LEASED and entry.leases == lease:
            self.ledger.discard(entry, FORGOTTEN)

    # -- events

    def opened(self, entry: Entry) -> None:
        try:
            self.discard_dropped()
            observing.debug("opened %s", entry.key)
            if observing.hooks is not None:
                observing.tell("opened", key=entry.key, socket=entry.socket)
            if self.leaks is not None:
                self.leaks.taken(entry, self.clock())
        except BaseException:
            # Ctrl-C in an observer: nobody gets the socket now. (What `reused` raises, its caller sees to.)
            self.decide(self.ledger.discard, entry)
            raise

    def reused(self, entry: Entry) -> None:
        if observing.hooks is not None:
            observing.tell("reused", key=entry.key, socket=entry.socket)
        if self.leaks is not None:
            self.leaks.taken(entry, self.clock())

    def gone(self, entry: Entry) -> None:
        observing.debug("closed %s: %s", entry.key, entry.reason)
        if observing.hooks is not None:
            observing.tell("closed", key=entry.key, socket=entry.socket, reason=entry.reason)


# -- fork and exit: every account that lives

_living: weakref.WeakValueDictionary[int, ThreadedAccount] = weakref.WeakValueDictionary()
_held: list[ThreadedAccount] = []
_forking = platform.Lock()


def _all() -> list[ThreadedAccount]:
    # In one step: while a WeakSet is iterated, another thread that makes a manager would change its size.
    return [account for account in (living() for living in _living.valuerefs()) if account is not None]


def _before_fork() -> None:
    # With every lock held no other thread is half way through a decision when the memory is copied. Two threads that
    # fork take turns.
    _forking.acquire()
    _held.extend(_all())
    for account in _held:
        account.lock.acquire()


def _after_fork_in_parent() -> None:
    while _held:
        _held.pop().lock.release()
    _forking.release()


def _after_fork_in_child() -> None:
    # The sockets are the parent's: the child lets go of them without a word on the wire, and starts with none.
    global _forking
    _forking = platform.Lock()
    for account in _held:
        account.lock = platform.Lock()
        account.tickets.clear()
    while _held:
        account = _held.pop()
        sockets = account.ledger.reset()
        # What another thread was closing holds units too, and nobody here will say that it is closed.
        account.ledger.used = account.ledger.tls_used = 0
        for socket in sockets:
            try:
                account.driver.abandon(socket)
            except Exception:
                pass  # the other sockets are to go all the same


def _at_exit() -> None:
    for account in _all():
        account.decide(account.ledger.retire_all)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
atexit.register(_at_exit)
