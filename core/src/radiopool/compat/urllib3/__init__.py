"""urllib3 2's names where urllib3 has them, on radiopool: `from radiopool.compat import urllib3`.

Every module here is thin: `radiopool.http` does the work. CPython only. docs/urllib3.md lists what differs.
"""

from __future__ import annotations

import logging
from typing import Any, TextIO

from radiopool.compat.urllib3 import (
    connection,
    connectionpool,
    exceptions,
    fields,
    filepost,
    poolmanager,
    response,
    util,
)
from radiopool.compat.urllib3._collections import HTTPHeaderDict
from radiopool.compat.urllib3._version import __version__
from radiopool.compat.urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool, connection_from_url
from radiopool.compat.urllib3.filepost import encode_multipart_formdata
from radiopool.compat.urllib3.poolmanager import PoolManager, ProxyManager, proxy_from_url
from radiopool.compat.urllib3.response import BaseHTTPResponse, HTTPResponse
from radiopool.compat.urllib3.util.request import make_headers
from radiopool.compat.urllib3.util.retry import Retry
from radiopool.compat.urllib3.util.timeout import Timeout
from radiopool.http import debugging
from radiopool.http.debugging import disable_warnings

__author__ = "the radiopool authors"
__license__ = "MIT"

__all__ = (
    "BaseHTTPResponse",
    "HTTPConnectionPool",
    "HTTPHeaderDict",
    "HTTPResponse",
    "HTTPSConnectionPool",
    "PoolManager",
    "ProxyManager",
    "Retry",
    "Timeout",
    "__version__",
    "add_stderr_logger",
    "connection",
    "connection_from_url",
    "connectionpool",
    "disable_warnings",
    "encode_multipart_formdata",
    "exceptions",
    "fields",
    "filepost",
    "make_headers",
    "poolmanager",
    "proxy_from_url",
    "request",
    "response",
    "util",
)

logging.getLogger(__name__).addHandler(logging.NullHandler())

_DEFAULT_POOL = PoolManager()


def add_stderr_logger(level: int = logging.DEBUG) -> logging.StreamHandler[TextIO]:
    """Log to the standard error stream, from that level up. Returns the log handler."""
    return debugging.add_stderr_logger(level, __name__)


def request(
    method: str,
    url: str,
    *,
    body: Any = None,
    fields: Any = None,
    headers: Any = None,
    preload_content: bool | None = True,
    decode_content: bool | None = True,
    redirect: bool | None = True,
    retries: Any = None,
    timeout: Any = 3,
    json: Any = None,
) -> Any:
    """One request through a PoolManager that all such requests share; see `PoolManager.request`."""
    global _DEFAULT_POOL
    # Somebody may have closed the manager of the host's network, which is everybody's.
    if _DEFAULT_POOL.manager.closed:
        _DEFAULT_POOL = PoolManager()
    return _DEFAULT_POOL.request(
        method,
        url,
        body=body,
        fields=fields,
        headers=headers,
        preload_content=preload_content,
        decode_content=decode_content,
        redirect=redirect,
        retries=retries,
        timeout=timeout,
        json=json,
    )
