"""What every manager over one socket pool shares: the ledger, its lock, the driver."""

from radiopool.platform import CPYTHON, Lock
from radiopool.recycling import Ledger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from radiopool.driver import Driver
    from radiopool.policy import Policy
    from radiopool.recycling import Entry

if TYPE_CHECKING or CPYTHON:
    # The half that a board loads later: see `platform.Later`.
    from radiopool.account_methods import AccountMethods as Later
else:
    from radiopool.platform import Later


class Account(Later):
    """One radio's books. `lock` guards `ledger` and `closed`; nothing here does I/O while it is held.

    The ledger of a closed one has no room: who asks for a lease has to `wait`, and learns it there.

    On CPython it is a `ThreadedAccount`, which can also wait, report leaks and tell observers. What is seldom called,
    and a board loads when it is, stands in `account_methods`.
    """

    _later = ".account_methods"
    closed = False
    cooldown: "Any" = None

    def __init__(
        self,
        socket_pool: "Any",
        driver: "Driver",
        radio: "Any",
        policy: "Policy | None",
        clock: "Callable[[], int]",
    ) -> None:
        self.socket_pool = socket_pool
        self.driver = driver
        self.radio = radio
        self.policy = policy
        self.clock = clock
        traits = driver.traits(radio)
        if CPYTHON and not hasattr(traits, "tls_cost"):
            from radiopool.errors import DriverError

            raise DriverError("traits() of driver %r must return radiopool.Traits, not %r" % (driver.name, traits))
        self.ledger = Ledger(policy, traits.budget, traits.tls_cost, policy and policy.prepare(self))
        self.lock = Lock()

    def decide(self, decision: "Callable[..., Any]", *arguments: "Any") -> "Any":
        """Let the ledger decide under the lock, hand on what that freed, and close outside what it doomed.

        Returns what the decision did.
        """
        if CPYTHON:
            with self.lock:
                decided = decision(*arguments)
                if self.tickets:
                    self.serve()
                # As soon as the lock is free, the ledger's own list may get what another thread will close.
                doomed = self.ledger.take_doomed() if self.ledger.doomed else None
            if doomed:
                self.close(doomed)
        else:
            decided = decision(*arguments)
            if self.ledger.doomed:
                self.close(self.ledger.doomed)
        return decided

    def close(self, entries: "list[Entry]") -> None:
        """Close the sockets of what the ledger doomed, outside the lock, and free their units.

        What interrupts it (Ctrl-C) is raised when that is done.
        """
        if CPYTHON:
            closed = 0
        try:
            for entry in entries:
                if entry.socket is not None:
                    self.driver.close(entry.socket)
                    if CPYTHON:
                        self.gone(entry)
                if CPYTHON:
                    closed += 1
            if CPYTHON:
                self.decide(self.ledger.settle, entries)
            else:
                self.ledger.settle(entries)
                # Most often the ledger's own list: there may be no memory for another.
                entries.clear()
        except:  # bare, which is shorter on a board
            if CPYTHON:
                self.finish(entries, closed)
            else:
                self.finish(entries)
            raise
