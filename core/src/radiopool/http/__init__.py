"""HTTP on leased sockets, with the interface of urllib3's PoolManager.

    from radiopool.http import PoolManager

    with PoolManager() as http:                    # on a board: PoolManager(radio=wifi.radio)
        response = http.request("GET", "http://example.com/")
        print(response.status, response.data)

Every name is loaded when it is first used: a program pays for what it needs.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool.http.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
    from radiopool.http.file_response import HTTPResponse
    from radiopool.http.headers import HTTPHeaderDict
    from radiopool.http.keys import BasePoolKey, HTTPPoolKey, HTTPSPoolKey, default_key_normalizer
    from radiopool.http.poolmanager import PoolManager
    from radiopool.http.recently_used import RecentlyUsedContainer

_PLACES = (
    ("poolmanager", "PoolManager key_fn_by_scheme pool_classes_by_scheme"),
    ("connectionpool", "HTTPConnectionPool HTTPSConnectionPool port_by_scheme"),
    ("keys", "BasePoolKey HTTPPoolKey HTTPSPoolKey default_key_normalizer"),
    ("header_lines", "SKIP_HEADER"),
    ("simple", "connection_from_url request get"),
    ("file_response", "HTTPResponse"),
    ("response", "BaseHTTPResponse"),
    ("headers", "HTTPHeaderDict"),
    ("recently_used", "RecentlyUsedContainer"),
    ("retry", "Retry RequestHistory"),
    ("timeout", "Timeout"),
    ("rfc3986", "Url parse_url"),
    ("request_headers", "make_headers"),
    ("filepost", "encode_multipart_formdata"),
    ("fields", "RequestField"),
    ("exceptions", "exceptions"),
)


def __getattr__(name: str) -> "Any":
    for module, names in _PLACES:
        if name in names.split():
            found = __import__("radiopool.http." + module, None, None, (name,))
            value = found if name == module else getattr(found, name)
            globals()[name] = value
            return value
    # Every error has its place in `exceptions`.
    if name[:1] != "_" and name[:1].isupper():
        exceptions = __import__("radiopool.http.exceptions", None, None, (name,))
        if hasattr(exceptions, name):
            return getattr(exceptions, name)
    raise AttributeError("module 'radiopool.http' has no attribute %r" % name)
