"""How connection pools and pool managers are closed, and what they are called. A board loads it when it needs it."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class PoolEndings:
    """The parent of `HTTPConnectionPool`, whose attributes these methods use."""

    if TYPE_CHECKING:
        host: str
        port: int
        manager: Any
        maxsize: int
        _session: Any
        _lease_key: Any
        _closed: bool

    def close(self) -> None:
        """Close the idle sockets, and those in use when they are given back; refuse further requests."""
        self._closed = True
        self.retire()

    def let_go(self) -> None:
        """Close the idle sockets. Who holds the pool still may send requests; none of their sockets is kept."""
        self.maxsize = 0
        self.retire()

    def retire(self) -> None:
        """Close the idle sockets, and those in use when they are given back."""
        if self._lease_key:
            self.manager.retire(self._session, self._lease_key[0])

    def _describe(self) -> str:
        return "%s(host=%r, port=%r)" % (type(self).__name__, self.host, self.port)

    def __repr__(self) -> str:
        return self._describe()


class ManagerEndings:
    """The parent of `PoolManager`, whose attributes these methods use."""

    if TYPE_CHECKING:
        pools: Any

    def clear(self) -> None:
        """Close every connection pool: idle sockets now, those in use when they are given back."""
        self.pools.clear()

    def __enter__(self) -> "Any":
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()
