"""How a connection pool is closed, and what it is called. A board loads it when it needs it."""

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


Half = PoolEndings
