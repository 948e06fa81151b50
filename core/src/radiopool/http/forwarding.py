"""Requests that a proxy forwards: absolute-form, on connections to the proxy. CPython only."""

from __future__ import annotations

from typing import Any

from radiopool.http.connectionpool import HTTPConnectionPool, port_by_scheme
from radiopool.http.errors import LocationValueError
from radiopool.http.header_lines import header_lines, lower
from radiopool.http.proxy import HTTPProxy
from radiopool.http.url import split


class ForwardingPool(HTTPConnectionPool):
    """The requests that one proxy forwards, to any host. Its URLs are absolute (RFC 9112 section 3.2.2)."""

    forwards = True

    def __init__(self, host: str, port: int | None = None, *, route: HTTPProxy, **keywords: Any) -> None:
        super().__init__(host, port, _proxy=route.url, _proxy_headers=route.headers, **keywords)
        self.route = route

    def _connect(self, manager: Any, key: Any, context: Any, timeout: float | None) -> Any:
        """A socket connected to the proxy: the `connect` of `ConnectionManager.acquire`."""
        return self.route.reach(manager, timeout, key.source_address)

    def _tls(self) -> tuple[Any, str | None]:
        # The key names the context, so that the socket counts as one of TLS.
        return (self.route.tls_context(self.manager) if self.route.url.scheme == "https" else None), None

    def is_same_host(self, url: str) -> bool:
        """False for any absolute URL: whose host it is, the proxy knows. Credentials do not survive a redirect."""
        return url[:1] == "/"

    def _lines_of(self, headers: Any) -> tuple[Any, ...]:
        # As the parent's, but for Host, which differs from request to request, and with the proxy's own headers.
        route = self.route
        kept = headers or {}
        if hasattr(kept, "items"):
            kept = {name: value for name, value in kept.items() if lower(name) not in route.header_names}
        text, given = header_lines((("Accept-Encoding", "identity"), ("User-Agent", "radiopool")), kept)
        given.update(route.header_names)
        close = "asked to close" if "close" in given.get("connection", "").lower() else None
        lines: tuple[Any, ...] = (headers and dict(headers), {}, close, text + route.header_lines, given)
        if not headers or type(headers) is dict:
            self._lines = lines
        return lines

    def _target(self, url: str) -> str:
        scheme, host, port, target = split(url)
        if not scheme:
            raise LocationValueError(
                "%r is no absolute URL, which a proxy needs to know where a request is to go" % url
            )
        return scheme + "://" + host + (":%d" % port if port else "") + target

    def _encode(self, method: str, url: str, body: Any, lines: tuple[Any, ...], chunked: bool) -> tuple[bytes, Any]:
        if "host" not in lines[4]:
            scheme, host, port, _ = split(url)
            if port is not None and port != port_by_scheme.get(scheme or ""):
                host += ":%d" % port
            lines = (*lines[:3], "Host: " + host + "\r\n" + lines[3], lines[4])
        return super()._encode(method, url, body, lines, chunked)
