"""Running the checks, and what came of them. Board-safe."""

from radiopool.testing.bench import Failed, Skipped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from radiopool.testing.bench import Bench
    from radiopool.testing.checks import Check

PASSED = "passed"
FAILED = "failed"
SKIPPED = "skipped"
UNDECLARED = "works undeclared"


class Result:
    """What came of one check: its `status` (PASSED, FAILED, SKIPPED, UNDECLARED), and the `reason` unless it passed."""

    def __init__(self, check: "Check", status: str, reason: str = "", error: "BaseException | None" = None) -> None:
        self.check = check
        self.status = status
        self.reason = reason
        self.error = error

    def as_dict(self) -> "dict[str, Any]":
        """For JSON."""
        return {
            "level": self.check.level,
            "check": self.check.name,
            "needs": self.check.needs,
            "status": self.status,
            "reason": self.reason,
        }

    def __repr__(self) -> str:
        reason = ": " + self.reason if self.reason else ""
        return "%d %s: %s%s" % (self.check.level, self.check.name, self.status, reason)


class Report:
    """The results of one bench, in the order of the checks."""

    def __init__(self, bench: "Bench") -> None:
        self.driver = bench.driver.name
        self.bench = bench.name
        self.traits = bench.traits
        self.results: "list[Result]" = []

    def with_status(self, status: str) -> "list[Result]":
        """The results of that status."""
        return [result for result in self.results if result.status == status]

    @property
    def ok(self) -> bool:
        """Whether something was checked and nothing failed."""
        return bool(self.with_status(PASSED)) and not self.with_status(FAILED)

    def as_dict(self) -> "dict[str, Any]":
        """For JSON."""
        return {
            "driver": self.driver,
            "bench": self.bench,
            "traits": repr(self.traits),
            "ok": self.ok,
            "results": [result.as_dict() for result in self.results],
        }

    def __repr__(self) -> str:
        counts = ["%d %s" % (len(self.with_status(s)), s) for s in (PASSED, FAILED, SKIPPED, UNDECLARED)]
        return "<Report of %s %s: %s>" % (self.driver, self.bench, ", ".join(counts))


def run(
    bench: "Bench",
    level: int = 3,
    checks: "Iterable[Check] | None" = None,
    progress: "Callable[[Result], None] | None" = None,
) -> Report:
    """Run the checks up to that level (by default all there are) on a bench; `progress` is told of each result."""
    if checks is None:
        from radiopool.testing.checks import all_checks

        checks = all_checks()
    report = Report(bench)
    for check in checks:
        if check.level <= level:
            result = run_check(bench, check)
            report.results.append(result)
            if progress is not None:
                progress(result)
    return report


def run_check(bench: "Bench", check: "Check") -> Result:
    """Run one check. It leaves nothing open, whatever came of it.

    A check whose trait the driver does not declare is tried all the same: that it fails is no fault then, and that it
    works is worth telling.
    """
    declared = check.needs is None or has_trait(bench.traits, check.needs)
    patience = bench.patience
    if not declared:
        # What nobody promised gets less time to come.
        bench.patience = min(patience, 1)
    skipped = None
    try:
        try:
            check.function(bench)
        except Skipped as skip:
            skipped = str(skip)
        finally:
            bench.patience = patience
            bench.tidy()
    except Exception as error:
        if not declared:
            return Result(check, SKIPPED, "%s is not declared" % check.needs)
        text = str(error) if isinstance(error, Failed) else "%s: %s" % (type(error).__name__, error)
        return Result(check, FAILED, text, error)
    if skipped is not None:
        return Result(check, SKIPPED, skipped)
    if not declared:
        return Result(check, UNDECLARED, "%s works, and the driver's traits do not say so" % check.needs)
    return Result(check, PASSED)


def has_trait(traits: "Any", word: str) -> bool:
    """Whether the traits declare that word: "tls", "udp", "ipv6", "listen" or "budget"."""
    if word == "budget":
        return traits.budget[0] is not None
    if word == "tls" and traits.budget[1] == 0:
        return False
    return bool(getattr(traits, word))
