"""How a ledger recycles: the numbers a user may choose."""

from radiopool.errors import InvalidValueError
from radiopool.vocabulary import NEVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from radiopool.account import Account
    from radiopool.recycling import Ledger


class Policy:
    """How the sockets of a radio are recycled. Times in seconds; None is "no limit".

    budget: (sockets, TLS sockets) open at once, or only the first number; None takes the driver's.
    max_per_key: sockets open at once under one pool key.
    max_idle: idle sockets kept in all; the least recently used goes first.
    idle_timeout: how long a socket may wait for its next lease.
    max_age: how old a socket may get; each gets up to a tenth less, so that they do not all go at once.
    wait: how long a lease waits for a socket by default; None is "as long as its timeout".
    max_waiting: how many leases may wait at once.
    leak_after: report a lease that lasts longer, with the place that took it.
    cooldown: after repeated connect failures a key rests this long, doubled for each further failure; None is off.

    Waiting and the leak report need CPython. Raises InvalidValueError.
    """

    def __init__(
        self,
        budget: "int | tuple[int | None, int | None] | None" = None,
        max_per_key: "int | None" = None,
        max_idle: "int | None" = None,
        idle_timeout: "float | None" = 60,
        max_age: "float | None" = None,
        wait: "float | None" = None,
        max_waiting: "int | None" = None,
        leak_after: "float | None" = None,
        cooldown: "float | None" = None,
    ) -> None:
        self.budget = None if budget is None else check_budget(budget)
        self.max_per_key = max_per_key
        self.max_idle = max_idle
        self.idle_timeout = idle_timeout
        self.max_age = max_age
        self.wait = wait
        self.max_waiting = max_waiting
        self.leak_after = leak_after
        self.cooldown = cooldown
        _refuse_below(1, (("max_per_key", max_per_key),))
        _refuse_below(
            0,
            (
                ("max_idle", max_idle),
                ("idle_timeout", idle_timeout),
                ("max_age", max_age),
                ("wait", wait),
                ("max_waiting", max_waiting),
                ("leak_after", leak_after),
                ("cooldown", cooldown),
            ),
        )

    def prepare(self, account: "Account") -> "Callable[[], float] | None":
        """Give an account what is asked for beside the ledger's rules; the source of chance for ages, if they end."""
        if self.cooldown:
            from radiopool.cooldown import Cooldown

            account.cooldown = Cooldown(self.cooldown)
        if self.max_age is None:
            return None
        from random import random

        return random

    def rule(self, ledger: "Ledger", random: "Callable[[], float] | None") -> "tuple[int | None, int | None] | None":
        """Give a ledger its rules; the budget, if this policy has one."""
        ledger.max_per_key = self.max_per_key
        ledger.max_idle = self.max_idle
        ledger.max_age = self.max_age
        ledger.idle_ms = NEVER if self.idle_timeout is None else int(self.idle_timeout * 1000)
        ledger.random = random
        return self.budget

    def __repr__(self) -> str:
        return "Policy(budget=%r, max_per_key=%r, max_idle=%r, idle_timeout=%r, max_age=%r)" % (
            self.budget,
            self.max_per_key,
            self.max_idle,
            self.idle_timeout,
            self.max_age,
        )


def check_budget(budget: object) -> "tuple[int | None, int | None]":
    """The budget as a pair. Raises InvalidValueError unless each part is None or a whole number from 1 up.

    Only the TLS part may be 0: a radio without TLS.
    """
    pair = budget if isinstance(budget, (tuple, list)) else (budget, None)
    if len(pair) == 2 and _is_count(pair[0], 1) and _is_count(pair[1], 0):
        return (pair[0], pair[1])
    raise InvalidValueError(
        "budget must be a number of sockets from 1 up, or a pair (sockets, TLS sockets), not %r" % (budget,)
    )


def _is_count(value: object, least: int) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= least)


def _refuse_below(least: int, named: "Iterable[tuple[str, float | None]]") -> None:
    for name, value in named:
        if value is None:
            continue
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not least <= value < 1e12:
            raise InvalidValueError("%s must be None or a number from %d up, not %r" % (name, least, value))
