"""The leak report: leases that last longer than they should, and the line that took them. CPython only."""

from __future__ import annotations

import logging
import sys

from radiopool.recycling import Entry
from radiopool.vocabulary import LEASED

log = logging.getLogger("radiopool.leaks")

# A report names this many; the oldest leak says most.
MOST_NAMED = 3


class LeakReport:
    """Leases that last longer than `seconds`. Each is logged once, as a warning, when it is noticed."""

    def __init__(self, seconds: float) -> None:
        self._ms = int(seconds * 1000)
        self._taken: dict[Entry, tuple[int, int, str]] = {}
        self._logged: set[tuple[Entry, int]] = set()

    def taken(self, entry: Entry, now: int) -> None:
        """A lease begins: remember when and where. Notices older ones."""
        self.overdue(now)
        self._taken[entry] = (entry.leases, now, _caller())

    def overdue(self, now: int, log_them: bool = True) -> list[tuple[int, str, Entry]]:
        """The leases that last too long: (milliseconds, "file:line in function", entry), longest first."""
        late = []
        for entry, (lease, since, place) in list(self._taken.items()):
            if entry.state is not LEASED or entry.leases != lease:
                self._taken.pop(entry, None)
                self._logged.discard((entry, lease))
            elif now - since >= self._ms:
                late.append((now - since, place, entry))
                if log_them and (entry, lease) not in self._logged:
                    self._logged.add((entry, lease))
                    log.warning(
                        "a socket to %s is leased for %.1f s, taken at %s", entry.key, (now - since) / 1000, place
                    )
        return sorted(late, key=lambda row: -row[0])

    def summary(self, now: int) -> str:
        """For the error of a lease that found nothing free: who holds the sockets. Logs nothing: it is made under the
        lock, which whoever handles a log record may want."""
        late = self.overdue(now, log_them=False)[:MOST_NAMED]
        return "".join(f"; leased for {ms / 1000:.1f} s by {place}" for ms, place, _ in late)


def _caller() -> str:
    """The nearest line outside this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("radiopool."):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"
