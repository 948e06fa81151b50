"""urllib3's `connectionpool`."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from radiopool.compat.urllib3.connection import HTTPConnection, HTTPSConnection
from radiopool.http import connectionpool as ours
from radiopool.http import https
from radiopool.http import url as urls
from radiopool.http.connectionpool import port_by_scheme as port_by_scheme
from radiopool.http.exceptions import URLSchemeUnknown
from radiopool.http.response import BaseHTTPResponse

__all__ = ["ConnectionPool", "HTTPConnectionPool", "HTTPSConnectionPool", "connection_from_url"]

log = logging.getLogger(__name__)

# The parent of both, and of pools of one's own.
ConnectionPool = ours.HTTPConnectionPool


class _WithSocketOptions(ours.HTTPConnectionPool):
    """Pools whose new sockets get `socket_options`: (level, option, value) each."""

    ResponseCls = BaseHTTPResponse

    def __init__(self, *arguments: Any, socket_options: Any = None, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._socket_options = socket_options

    def _make_key(self) -> Any:
        made = super()._make_key()
        if self._socket_options is not None and not isinstance(self._connect, partial):
            self._connect = partial(_connect, self._socket_options, self._connect)
        return made


def _connect(options: Any, inner: Any, manager: Any, key: Any, ssl_context: Any, timeout: float | None) -> Any:
    if inner is not None:
        socket = inner(manager, key, ssl_context, timeout)
    else:
        socket = manager.driver.connect(
            manager.socket_pool, key.host, key.port, timeout, ssl_context, key.server_name, key.source_address
        )
    try:
        for option in options:
            socket.setsockopt(*option)
    except BaseException:
        manager.driver.close(socket)
        raise
    return socket


class HTTPConnectionPool(_WithSocketOptions):
    """`radiopool.http.HTTPConnectionPool`, with `socket_options`."""

    ConnectionCls: Any = HTTPConnection


class HTTPSConnectionPool(_WithSocketOptions, https.HTTPSConnectionPool):
    """`radiopool.http.HTTPSConnectionPool`, with `socket_options`."""

    ConnectionCls: Any = HTTPSConnection


def connection_from_url(url: str, **kw: Any) -> HTTPConnectionPool | HTTPSConnectionPool:
    """A connection pool for a URL's host; the keywords are the pool's. Raises LocationParseError, URLSchemeUnknown."""
    scheme, host, port, _ = urls.split(url)
    if scheme not in ("http", "https", None):
        raise URLSchemeUnknown(scheme)
    return (HTTPSConnectionPool if scheme == "https" else HTTPConnectionPool)(host, port, **kw)
