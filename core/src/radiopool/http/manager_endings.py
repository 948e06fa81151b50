"""How a pool manager is closed, and what it is called. A board loads it when it needs it."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class ManagerEndings:
    """The parent of `PoolManager`, whose attributes these methods use."""

    if TYPE_CHECKING:
        pools: Any
        manager: Any

    def clear(self) -> None:
        """Close every connection pool: idle sockets now, those in use when they are given back."""
        self.pools.clear()

    def __enter__(self) -> "Any":
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def _describe(self) -> str:
        return "<%s on %r>" % (type(self).__name__, self.manager)

    def __repr__(self) -> str:
        return self._describe()


Half = ManagerEndings
