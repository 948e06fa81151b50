"""The with-form of a lease."""

from radiopool.platform import CPYTHON
from radiopool.vocabulary import LEASED, RESET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool.keys import PoolKey
    from radiopool.recycling import Entry


class Lease:
    """A socket for the length of a `with` block."""

    def __init__(
        self, manager: "Any", key: "PoolKey", context: "Any", timeout: "float | None", wait: "float | None"
    ) -> None:
        self._manager = manager
        self._asked = (key, context, timeout, wait)
        self.entry: Entry | None = None
        self._number = 0

    def __enter__(self) -> "Any":
        if self.entry is not None:
            from radiopool.errors import LeaseError

            raise LeaseError("this lease is in use; ask the manager for another one")
        key, context, timeout, wait = self._asked
        self.entry = self._manager.acquire(key, context, timeout=timeout, wait=wait)
        self._number = self.entry.leases
        return self.entry.socket

    def __exit__(self, kind: "Any", *_: object) -> None:
        entry, self.entry = self.entry, None
        # Given back inside the block by hand (and perhaps leased again): nothing is left to do. What a reset took away
        # is given back as well, so that nobody remembers it any longer.
        if entry is not None and (entry.state is LEASED or entry.reason == RESET) and entry.leases == self._number:
            if kind is None:
                try:
                    self._manager.recycle(entry)
                except BaseException:
                    # An interrupt before the entry was given back takes nothing from the budget.
                    if entry.state is LEASED and entry.leases == self._number:
                        self._manager.discard(entry)
                    raise
            elif CPYTHON and kind is GeneratorExit:
                self._manager._account.drop(entry)
            else:
                self._manager.discard(entry)
