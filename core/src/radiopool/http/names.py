"""Every public name of `radiopool.http` and the module that has it. CPython only."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from radiopool.http import exceptions
    from radiopool.http.connectionpool import HTTPConnectionPool, port_by_scheme
    from radiopool.http.debugging import add_stderr_logger, disable_warnings
    from radiopool.http.environment import proxy_from_environment
    from radiopool.http.exceptions import *  # noqa: F403
    from radiopool.http.fields import RequestField
    from radiopool.http.file_response import HTTPResponse
    from radiopool.http.filepost import encode_multipart_formdata
    from radiopool.http.header_lines import SKIP_HEADER
    from radiopool.http.headers import HTTPHeaderDict
    from radiopool.http.https import HTTPSConnectionPool, HTTPSPoolKey
    from radiopool.http.poolmanager import PoolManager, key_fn_by_scheme, pool_classes_by_scheme
    from radiopool.http.pools import BasePoolKey, HTTPPoolKey, RecentlyUsedContainer, default_key_normalizer
    from radiopool.http.proxymanager import ProxyManager, proxy_from_url
    from radiopool.http.request_headers import make_headers
    from radiopool.http.response import BaseHTTPResponse
    from radiopool.http.retry import RequestHistory, Retry
    from radiopool.http.rfc3986 import Url, parse_url
    from radiopool.http.simple import connection_from_url, get, request
    from radiopool.http.timeout import Timeout

__all__ = [
    "SKIP_HEADER",
    "BaseHTTPResponse",
    "BasePoolKey",
    "HTTPConnectionPool",
    "HTTPHeaderDict",
    "HTTPPoolKey",
    "HTTPResponse",
    "HTTPSConnectionPool",
    "HTTPSPoolKey",
    "PoolManager",
    "ProxyManager",
    "RecentlyUsedContainer",
    "RequestField",
    "RequestHistory",
    "Retry",
    "Timeout",
    "Url",
    "add_stderr_logger",
    "connection_from_url",
    "default_key_normalizer",
    "disable_warnings",
    "encode_multipart_formdata",
    "exceptions",
    "get",
    "key_fn_by_scheme",
    "make_headers",
    "parse_url",
    "pool_classes_by_scheme",
    "port_by_scheme",
    "proxy_from_environment",
    "proxy_from_url",
    "request",
]

_PLACES = {
    "debugging": ("add_stderr_logger", "disable_warnings"),
    "connectionpool": ("HTTPConnectionPool", "port_by_scheme"),
    "fields": ("RequestField",),
    "file_response": ("HTTPResponse",),
    "filepost": ("encode_multipart_formdata",),
    "header_lines": ("SKIP_HEADER",),
    "headers": ("HTTPHeaderDict",),
    "https": ("HTTPSConnectionPool", "HTTPSPoolKey"),
    "pools": ("BasePoolKey", "HTTPPoolKey", "RecentlyUsedContainer", "default_key_normalizer"),
    "environment": ("proxy_from_environment",),
    "proxymanager": ("ProxyManager", "proxy_from_url"),
    "poolmanager": ("PoolManager", "key_fn_by_scheme", "pool_classes_by_scheme"),
    "request_headers": ("make_headers",),
    "response": ("BaseHTTPResponse",),
    "retry": ("RequestHistory", "Retry"),
    "rfc3986": ("Url", "parse_url"),
    "simple": ("connection_from_url", "get", "request"),
    "timeout": ("Timeout",),
}


def find(name: str) -> object:
    """What `radiopool.http` has under that name: a class, a function, an error. Raises AttributeError."""
    for place, names in _PLACES.items():
        if name in names:
            return getattr(import_module("radiopool.http." + place), name)
    # A submodule that the import system is about to look for itself is no error's name: they are capitalised.
    if name == "exceptions" or name[:1].isupper():
        exceptions = import_module("radiopool.http.exceptions")
        if name == "exceptions":
            return exceptions
        if name in exceptions.__all__:
            return getattr(exceptions, name)
    raise AttributeError(f"module 'radiopool.http' has no attribute {name!r}")
