"""The module functions of adafruit_requests 2 (`set_socket`, `get`, `post`, ...) over its current release.

    from radiopool.compat import adafruit_requests as requests

Current releases have sessions only; this is one session for the process. Everything else is the library's own.
"""

import adafruit_requests as _library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_session: "Any" = None


def set_socket(sock: "Any", iface: "Any" = None) -> None:
    """Choose what the functions of this module run on: a `ConnectionManager`, or a socket pool.

    `iface` is taken and means nothing: the connection manager knows its radio.
    """
    global _session
    _session = _library.Session(sock, getattr(sock, "ssl_context", None))


def request(method: str, url: str, *arguments: "Any", **keywords: "Any") -> "Any":
    """Send a request; the further arguments are those of `adafruit_requests.Session.request`.

    Raises RuntimeError before `set_socket`.
    """
    if _session is None:
        raise RuntimeError("call set_socket(manager) before the first request")
    return _session.request(method, url, *arguments, **keywords)


def head(url: str, **keywords: "Any") -> "Any":
    """Send a HEAD request."""
    return request("HEAD", url, **keywords)


def get(url: str, **keywords: "Any") -> "Any":
    """Send a GET request."""
    return request("GET", url, **keywords)


def post(url: str, **keywords: "Any") -> "Any":
    """Send a POST request."""
    return request("POST", url, **keywords)


def patch(url: str, **keywords: "Any") -> "Any":
    """Send a PATCH request."""
    return request("PATCH", url, **keywords)


def put(url: str, **keywords: "Any") -> "Any":
    """Send a PUT request."""
    return request("PUT", url, **keywords)


def delete(url: str, **keywords: "Any") -> "Any":
    """Send a DELETE request."""
    return request("DELETE", url, **keywords)


def __getattr__(name: str) -> "Any":
    return getattr(_library, name)
