"""The checks: plain functions that take a `Bench`. Board-safe.

A check's docstring is the requirement. It raises `Failed` (or lets the driver's error out) when the requirement is not
met, and `Skipped` where it can't be made.
"""

from collections import namedtuple

from radiopool import platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

Check = namedtuple("Check", ("level", "name", "function", "needs"))
"""One check: its level, its name, the function that takes the bench, and the trait that it needs (or None)."""

LEVELS = {
    1: "open, send, receive, close; timeouts and errors; TLS",
    2: "exhaustion and recovery; nothing lost on the way",
    3: "recycling, under a connection manager",
}
"""What each level is about."""


def make_check(level: int, function: "Callable[[Any], None]", needs: "str | None" = None) -> Check:
    """A check of that function, named after it without its `check_`."""
    return Check(level, function.__name__[len("check_") :].replace("_", " "), function, needs)


def all_checks() -> "list[Check]":
    """Every check, level by level. Loads a level's module when it is asked for: a board may run one level alone."""
    return [check for level in sorted(LEVELS) for check in checks_of(level)]


def checks_of(level: int) -> "list[Check]":
    """The checks of one level."""
    pairs: "Any"
    if level == 1:
        from radiopool.testing.checks import exchange, liveness, secure

        pairs = list(exchange.CHECKS) + list(liveness.CHECKS) + list(secure.CHECKS)
    elif level == 2:
        from radiopool.testing.checks import limits

        pairs = list(limits.CHECKS)
        if platform.CPYTHON:
            from radiopool.testing.checks import threads

            pairs += threads.CHECKS_OF_LEVEL_2
    else:
        from radiopool.testing.checks import recycling

        pairs = list(recycling.CHECKS)
        if platform.CPYTHON:
            from radiopool.testing.checks import threads

            pairs += threads.CHECKS_OF_LEVEL_3
    return [make_check(level, function, needs) for function, needs in pairs]


def requirement(check: Check) -> str:
    """What the check requires: its docstring's first paragraph, or its name on boards, which keep none."""
    text = getattr(check.function, "__doc__", None) or check.name
    return " ".join(text.split("\n\n")[0].split())
