"""How a connection pool is closed, and what it is called. A board loads it when it needs it."""

from radiopool.platform import CPYTHON
from radiopool.vocabulary import RETIRED, SURPLUS

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
        block: bool
        _session: Any
        _lease_key: Any
        _closed: bool
        _unkept: str | None

    def close(self) -> None:
        """Close the idle sockets, and those in use when they are given back; refuse further requests."""
        self._closed = True
        if CPYTHON:
            self._unkept = RETIRED
        self.retire()

    def let_go(self) -> None:
        """Close the idle sockets. Who holds the pool still may send requests; none of their sockets is kept."""
        if CPYTHON:
            self._unkept = SURPLUS
        else:
            # With no socket kept there would be none to lease; and a board has no second thread to limit.
            self.maxsize = 0
            self.block = False
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
