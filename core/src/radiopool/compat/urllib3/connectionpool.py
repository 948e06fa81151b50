"""urllib3's `connectionpool`."""

from __future__ import annotations

import logging
from typing import Any

from radiopool.compat.urllib3.connection import HTTPConnection, HTTPSConnection
from radiopool.compat.urllib3.socket_options import WithSocketOptions
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


class HTTPConnectionPool(WithSocketOptions):
    """`radiopool.http.HTTPConnectionPool`, with `socket_options`: by default those of `ConnectionCls`.

    Nothing else of that class is used: the sockets are the radio's.
    """

    ConnectionCls: Any = HTTPConnection
    ResponseCls = BaseHTTPResponse


class HTTPSConnectionPool(WithSocketOptions, https.HTTPSConnectionPool):
    """`radiopool.http.HTTPSConnectionPool`, with `socket_options`: by default those of `ConnectionCls`."""

    ConnectionCls: Any = HTTPSConnection
    ResponseCls = BaseHTTPResponse


def connection_from_url(url: str, **kw: Any) -> HTTPConnectionPool | HTTPSConnectionPool:
    """A connection pool for a URL's host; the keywords are the pool's. Raises LocationParseError, URLSchemeUnknown."""
    scheme, host, port, _ = urls.split(url)
    if scheme not in ("http", "https", None):
        raise URLSchemeUnknown(scheme)
    return (HTTPSConnectionPool if scheme == "https" else HTTPConnectionPool)(host, port, **kw)
