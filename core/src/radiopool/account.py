"""What every manager over one socket pool shares: the ledger, its lock, the driver."""

from radiopool import platform
from radiopool.errors import LeaseError, OutOfSocketsError
from radiopool.recycling import KEY_FULL, Ledger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from radiopool.driver import Driver
    from radiopool.policy import Policy
    from radiopool.recycling import Entry


class Account:
    """One radio's books. `lock` guards `ledger` and `closed`; nothing here does I/O while it is held.

    On CPython it is a `ThreadedAccount`, which can also wait, report leaks and tell observers; the methods that do
    nothing here are its seams.
    """

    # Whether anybody wants to hear of reused sockets.
    watched = False

    def __init__(
        self, socket_pool: "Any", driver: "Driver", radio: "Any", policy: "Policy", clock: "Callable[[], int]"
    ) -> None:
        traits = driver.traits(radio)
        self.socket_pool = socket_pool
        self.driver = driver
        self.radio = radio
        self.policy = policy
        self.clock = clock
        random: "Any" = None
        if policy.max_age is not None:
            from random import random
        self.ledger = Ledger(policy, traits.budget, traits.tls_cost, random)
        self.lock = platform.Lock()
        self.closed = False
        # Those who wait, in their order; nobody can, here.
        self.tickets: "Any" = ()
        self.cooldown: Any = None
        if policy.cooldown:
            from radiopool.cooldown import Cooldown

            self.cooldown = Cooldown(policy.cooldown)

    def wait(self, key: "Any", context: "Any", seconds: "float | None", max_per_key: "int | None") -> "Entry":
        """An entry as `Ledger.lease` gives it, when there is one. Here nobody else runs, so waiting is no use.

        Raises OutOfSocketsError with the counts.
        """
        raise self.refusal(key, context, max_per_key)

    def refusal(
        self, key: "Any", context: "Any", max_per_key: "int | None" = None, kind: "type" = OutOfSocketsError
    ) -> OutOfSocketsError:
        """The error that says what is short, with the counts."""
        reason = self.ledger.shortage(key, context, max_per_key) or "a socket was not free in time"
        return kind(  # type: ignore[no-any-return]
            "%s for %s:%s: %s. %s"
            % (
                reason,
                getattr(key, "host", "socket()"),
                getattr(key, "port", ""),
                self.describe(),
                "Raise max_per_key (or maxsize), or give one back."
                if reason == KEY_FULL
                else "Give one back (free_socket, or leave the `with`), or raise the budget.",
            )
        )

    def describe(self) -> str:
        """The counts, for errors and `repr`."""
        ledger = self.ledger
        counts = ledger.counts()
        return "%d leased, %d idle, %d connecting (%d with TLS) of a budget of %s sockets and %s with TLS" % (
            counts["leased"],
            counts["idle"],
            counts["connecting"],
            counts["tls"],
            "any number of" if ledger.limit is None else ledger.limit,
            "any number" if ledger.tls_limit is None else ledger.tls_limit,
        )

    def check_open(self) -> None:
        """Raise LeaseError once the manager was closed."""
        if self.closed:
            raise LeaseError("the connection manager is closed; make a new one")

    def shut(self) -> None:
        """Refuse every lease from now on."""
        with self.lock:
            self.closed = True

    def decide(self, decision: "Callable[..., Any]", *arguments: "Any") -> None:
        """Let the ledger decide under the lock, hand on what that freed, and close outside what it doomed."""
        with self.lock:
            decision(*arguments)
            if self.tickets:
                self.serve()
            doomed = self.ledger.doomed and self.ledger.take_doomed()
        if doomed:
            self.close_sockets(doomed)

    def serve(self) -> None:
        """Units were freed: lease to those who wait. Called under the lock."""

    def opened(self, entry: "Entry") -> None:
        """A socket was opened and leased."""

    def reused(self, entry: "Entry") -> None:
        """An idle socket was leased again."""

    def gone(self, entry: "Entry") -> None:
        """A socket was closed; `entry.reason` says why."""

    def close_sockets(self, entries: "list[Entry]") -> None:
        """Close the sockets of what the ledger doomed, outside the lock, and free their units."""
        unsettled = False
        for entry in entries:
            self.driver.close(entry.socket)
            unsettled = unsettled or entry.units > 0
            self.gone(entry)
        if unsettled:
            self.decide(self.ledger.settle, entries)
