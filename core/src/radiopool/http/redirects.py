"""Redirects: what is asked for next, and what of the request may go there (RFC 9110, 15.4).

The rules, each a function: where to (`target`), with what method and body (`reshape`), with which headers
(`without`). Whether at all, and how often, is `Retry`'s.
"""

import re
from collections.abc import Collection
from typing import Any
from urllib.parse import urljoin

from radiopool.http.errors import LocationParseError, URLSchemeUnknown
from radiopool.http.header_lines import lower
from radiopool.http.headers import HTTPHeaderDict
from radiopool.http.portable import masked
from radiopool.http.rfc3986 import Url, parse_url

# What describes a body, and means nothing or worse without it.
_OF_THE_BODY = frozenset(
    (
        "content-encoding",
        "content-language",
        "content-length",
        "content-location",
        "content-type",
        "digest",
        "expect",
        "last-modified",
        "transfer-encoding",
    )
)
_SCHEME = re.compile("[A-Za-z][A-Za-z0-9+.-]*:")
_PORTS = {"http": 80, "https": 443}


def target(url: str, location: str) -> Url:
    """The absolute URL that `location` means in a response from `url`.

    Raises URLSchemeUnknown if it leads out of HTTP (`file:`, `ftp:`), LocationParseError if it leads nowhere.
    """
    try:
        # Servers write UTF-8, header fields are read as Latin-1.
        location = location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        pass
    joined: str | None = None
    try:
        # With a scheme it is absolute: urljoin would take `http:///path` for a path of this host.
        joined = location if _SCHEME.match(location) else urljoin(url, location)
    except ValueError:
        pass  # it quotes the user information, which may be a password
    if joined is None:
        raise LocationParseError("%s (from Location)" % masked(location))
    following = parse_url(joined)
    if following.scheme not in _PORTS:
        raise URLSchemeUnknown(following.scheme)
    if not following.host:
        raise LocationParseError("%s (no host in Location)" % masked(location))
    return following


def same_origin(one: Url, other: Url) -> bool:
    """Whether both URLs have the same scheme, host and port (RFC 6454)."""
    return _origin(one) == _origin(other)


def _origin(url: Url) -> "tuple[Any, ...]":
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme or "")


def reshape(status: int, method: str, body: Any, headers: Any) -> "tuple[str, Any, Any]":
    """(method, body, headers) of the next request.

    303 asks for the result of this one: GET (HEAD stays HEAD), no body, and none of the headers that describe it.
    All other redirects ask for the same again.
    """
    if status != 303:
        return method, body, headers
    return "HEAD" if method == "HEAD" else "GET", None, without(headers, _OF_THE_BODY)


def without(headers: Any, names: "Collection[str]") -> Any:
    """A copy of the headers without those of `names` (lower case). The same object if it has none of them."""
    doomed = [name for name in headers or () if lower(name) in names]
    if not doomed:
        return headers
    # A mapping need not have copy() and pop(): http.client's and email's messages have neither.
    headers = headers.copy() if hasattr(headers, "copy") and hasattr(headers, "pop") else HTTPHeaderDict(headers)
    for name in doomed:
        headers.pop(name, None)
    return headers
