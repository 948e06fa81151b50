"""Requests without a manager of one's own: `request`, `get`, `connection_from_url`."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from radiopool.http import url as urls
from radiopool.http.connectionpool import HTTPConnectionPool
from radiopool.http.errors import URLSchemeUnknown
from radiopool.http.https import HTTPSConnectionPool
from radiopool.http.poolmanager import PoolManager

if TYPE_CHECKING:
    from radiopool.http.file_response import HTTPResponse

_shared: PoolManager | None = None
_making = threading.Lock()


def request(method: str, url: str, **keywords: Any) -> HTTPResponse:
    """One request through a PoolManager that all such requests of the process share, on the host's own network.

    The keywords, and what is raised, are those of `PoolManager.request`.
    """
    global _shared
    with _making:
        # Somebody may have closed the manager of the host's network, which is everybody's.
        if _shared is None or _shared.manager.closed:
            _shared = PoolManager()
        shared = _shared
    return shared.request(method, url, **keywords)  # type: ignore[no-any-return]


def get(url: str, **keywords: Any) -> HTTPResponse:
    """A GET; see `request`."""
    return request("GET", url, **keywords)


def connection_from_url(url: str, **settings: Any) -> HTTPConnectionPool:
    """A connection pool for a URL's host; the keywords are `HTTPConnectionPool`'s.

    Raises LocationParseError, URLSchemeUnknown.
    """
    scheme, host, port, _ = urls.split(url)
    if scheme not in ("http", "https"):
        raise URLSchemeUnknown(scheme)
    return (HTTPSConnectionPool if scheme == "https" else HTTPConnectionPool)(host, port, **settings)
