"""An HTTP proxy: where it is, what it is told, and how it is reached. CPython only.

Credentials leave this module in `HTTPProxy.headers` only: no URL, no error and no `repr` that is made here has them.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Mapping
from copy import copy
from typing import Any, NamedTuple

from radiopool import errors as core
from radiopool.http.errors import LocationParseError, LocationValueError
from radiopool.http.exceptions import ProxyError, ProxySchemeUnknown
from radiopool.http.failures import lease_failed, masked
from radiopool.http.header_lines import header_lines, lower
from radiopool.http.rfc3986 import Url, check_host, parse_url
from radiopool.http.tls_options import TLSOptions

PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
"""The proxies that there are, by the scheme of their URL, and the port of one that names none."""

UNREACHED = "Unable to connect to proxy"
NO_TLS = (
    UNREACHED + ". Your proxy appears to only use HTTP and not HTTPS, try changing your proxy URL to be HTTP: %s"
    " should be http://"
)

# Who is trusted is the connection pools' setting, for the proxy as for the targets; the client's certificate is not.
_TRUST = ("ca_certs", "ca_cert_dir", "ca_cert_data")


class ProxyConfig(NamedTuple):
    """How a TLS proxy is verified, and whether HTTPS is left to it."""

    ssl_context: Any = None
    use_forwarding_for_https: bool = False
    assert_hostname: str | bool | None = None
    assert_fingerprint: str | None = None


def parse_proxy_url(proxy_url: str) -> tuple[Url, str | None]:
    """(the proxy's URL with its port and without user information, `user:password` decoded or None).

    Raises ProxySchemeUnknown, LocationParseError, LocationValueError.
    """
    if not isinstance(proxy_url, str):
        raise LocationValueError("a proxy's URL must be text, not %s" % type(proxy_url).__name__)
    try:
        parsed = parse_url(proxy_url)
        host = parsed.host and check_host(parsed.host)
    except LocationParseError:
        # Without its cause, which may have the password in it.
        raise LocationParseError(masked(proxy_url)) from None
    if parsed.scheme not in PORTS:
        raise ProxySchemeUnknown(parsed.scheme)
    if not host:
        raise LocationValueError("the proxy's URL names no host")
    if "@" in (parsed.path or "") + (parsed.query or "") + (parsed.fragment or ""):
        # What looks like host and port is the user and half of the password.
        raise LocationValueError(
            "the proxy's URL has an @ behind a /, ? or #: in a user name or password write %2F, %3F, %23"
        )
    return Url(parsed.scheme, None, host, parsed.port or PORTS[parsed.scheme]), parsed.auth_decoded_joined


class HTTPProxy:
    """A proxy that speaks HTTP, over TLS if its `url` is https.

    url: without user information. headers: those that the proxy alone gets, credentials included; lower-case names
        are not required. settings: the connection pools' keywords, of which a TLS proxy takes who is trusted.
    """

    def __init__(
        self,
        url: Url,
        credentials: str | None,
        headers: Mapping[str, str] | None,
        config: ProxyConfig,
        settings: Mapping[str, Any],
    ) -> None:
        self.url = url
        self.host = (url.host or "").strip("[]")
        self.port = url.port or PORTS[url.scheme or "http"]
        self.config = config
        headers = dict(headers or {})
        if credentials is not None and not any(lower(name) == "proxy-authorization" for name in headers):
            # UTF-8, which RFC 7617 section 2.1 has servers ask for.
            headers["Proxy-Authorization"] = "Basic " + b64encode(credentials.encode()).decode()
        self._tell(headers)
        self._trust = {name: settings[name] for name in _TRUST if settings.get(name) is not None}
        if config.ssl_context is None and settings.get("cert_reqs") is not None:
            self._trust["cert_reqs"] = settings["cert_reqs"]
        self._made: tuple[Any, TLSOptions | None] | None = None

    def with_headers(self, headers: Mapping[str, str]) -> HTTPProxy:
        """The same proxy, told these headers and no others. Raises InvalidHeader."""
        other = copy(self)
        other._tell(headers)
        return other

    def _tell(self, headers: Mapping[str, str]) -> None:
        # What can't be sent is refused now, not with the first request.
        self.header_lines, self.header_names = header_lines((), headers)
        self.headers = dict(headers)

    def is_forwarding(self, scheme: str | None) -> bool:
        """Whether requests to URLs of that scheme are handed to the proxy, and not sent through a tunnel."""
        return scheme == "http" or (
            scheme == "https" and self.config.use_forwarding_for_https and self.url.scheme == "https"
        )

    def reach(self, manager: Any, timeout: float | None, source_address: Any = None) -> Any:
        """A socket connected to the proxy, after the TLS handshake with it if it wants one; `timeout` in seconds.

        Raises ProxyError, whose `original_error` is why; the driver's own error if no socket is left.
        """
        driver = manager.driver
        socket = None
        try:
            context, options = self._tls(manager) if self.url.scheme == "https" else (None, None)
            socket = driver.connect(manager.socket_pool, self.host, self.port, timeout, context, None, source_address)
            if options:
                options.check(socket, self.host)
        except BaseException as error:
            if socket is not None:
                driver.close(socket)
            if not isinstance(error, Exception) or driver.is_exhausted(error):
                raise
            if isinstance(error, core.InvalidValueError):
                raise
            raise self.unreached(driver, error) from error
        return socket

    def unreached(self, driver: Any, error: Exception) -> ProxyError:
        """The ProxyError for what connecting to the proxy raised."""
        cause = lease_failed(self, core.connect_error(error, self, driver.is_timeout(error)))
        plain = self.url.scheme == "https" and "speak TLS" in str(error)
        return ProxyError(NO_TLS % self if plain else UNREACHED, cause)

    def tunnel_to(self, pool: Any, host: str, port: int, timeout: float | None) -> Any:
        """A socket that reaches that host and port by CONNECT (RFC 9110 section 9.3.6), for a connection pool.

        Raises ProxyError, ReadTimeoutError; the driver's own error if no socket is left.
        """
        from radiopool.http import tunnel

        deadline = Deadline(timeout)
        manager = pool.manager
        socket = self.reach(manager, timeout, pool.conn_kw.get("source_address"))
        try:
            tunnel.ask(self, pool, socket, host, port, deadline)
        except BaseException:
            manager.driver.close(socket)
            raise
        return socket

    def tls_context(self, manager: Any) -> Any:
        """The context of the proxy's own TLS."""
        return self._tls(manager)[0]

    def _tls(self, manager: Any) -> tuple[Any, TLSOptions | None]:
        """The context of the proxy's TLS, and the checks that it can't make."""
        if self._made is None:
            keywords = {
                "ssl_context": self.config.ssl_context,
                "assert_hostname": self.config.assert_hostname,
                "assert_fingerprint": self.config.assert_fingerprint,
                **self._trust,
            }
            options = TLSOptions.for_driver(manager.driver.traits(manager.radio).tls, keywords)
            context = options.context if options else self.config.ssl_context or manager.default_ssl_context()
            self._made = context, options
        return self._made

    def __str__(self) -> str:
        return self.url.url

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


class Deadline:
    """When a connection that takes several steps must stand; `timeout` in seconds, None is never."""

    def __init__(self, timeout: float | None) -> None:
        self._end = None if timeout is None else time.monotonic() + timeout

    def arm(self, socket: Any) -> None:
        """Give the socket what is left. Raises TimeoutError if nothing is."""
        if self._end is None:
            socket.settimeout(None)
            return
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        socket.settimeout(left)

    def left(self) -> float | None:
        """Seconds, at least a microsecond, so that it is never "do not block"; None without an end."""
        return None if self._end is None else max(self._end - time.monotonic(), 1e-6)
