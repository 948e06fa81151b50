"""A rest for keys whose connects keep failing, so that a dead host does not cost every caller a timeout."""

from collections import OrderedDict

from radiopool.errors import CooldownError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable

    from radiopool.account import Account

# A key may fail once without a rest: a single lost packet is no pattern.
FREE_FAILURES = 1
# The rest is doubled this often at the most.
MOST_DOUBLED = 5
# Keys remembered; the one that failed longest ago goes first.
MOST_KEYS = 256


class Cooldown:
    """After repeated failures a key rests for `seconds`, doubled each time up to 32-fold, less up to half by chance.

    The chance spreads the next attempts of many devices that lost the same server at the same moment.
    """

    def __init__(self, seconds: float) -> None:
        self._ms = int(seconds * 1000)
        self._failures: OrderedDict[Hashable, tuple[int, int]] = OrderedDict()

    def check(self, key: "Hashable", account: "Account") -> None:
        """Raise CooldownError while the key rests, unless an idle socket of it can be had without a connect."""
        now = account.clock()
        _, until = self._failures.get(key, (0, now))
        bucket = account.ledger.buckets.get(key)
        if now < until and not (bucket and bucket.idle):
            raise CooldownError(
                "the last connects to %s:%s failed; the next attempt is due in %.1f s"
                % (getattr(key, "host", ""), getattr(key, "port", ""), (until - now) / 1000)
            )

    def failed(self, key: "Hashable", now: int) -> None:
        """A connect failed."""
        import random

        count = self._failures.pop(key, (0, 0))[0] + 1
        rest = 0
        if count > FREE_FAILURES:
            rest = self._ms << min(count - FREE_FAILURES - 1, MOST_DOUBLED)
            rest -= int(rest * random.random() / 2)
        self._failures[key] = (count, now + rest)
        if len(self._failures) > MOST_KEYS:
            del self._failures[next(iter(self._failures))]

    def succeeded(self, key: "Hashable") -> None:
        """A connect succeeded: all is forgiven."""
        self._failures.pop(key, None)
