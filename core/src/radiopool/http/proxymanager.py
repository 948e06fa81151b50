"""The proxy manager: requests to any host through one proxy. CPython only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from radiopool.errors import InvalidValueError
from radiopool.http.connectionpool import HTTPConnectionPool
from radiopool.http.forwarding import ForwardingPool
from radiopool.http.poolmanager import PoolManager
from radiopool.http.proxy import HTTPProxy, ProxyConfig, parse_proxy_url
from radiopool.http.tunnel import PlainTunnelPool, TunnelPool

_THROUGH_A_PROXY = (ForwardingPool, TunnelPool, PlainTunnelPool)


class ProxyManager(PoolManager):
    """A PoolManager all of whose requests go through a proxy.

    http:// URLs are forwarded: all of them share one connection pool, that of the proxy. https:// URLs go through
    tunnels that the proxy opens with CONNECT, a connection pool for each host and port, with TLS from here to the host
    inside.

    proxy_url: http, https (TLS to the proxy), socks5 or socks5h (the proxy resolves the names; both need PySocks, the
        extra `radiopool[socks]`); user information in it is sent to the proxy as Basic credentials.
    num_pools, headers: as in `PoolManager`.
    proxy_headers: those that the proxy alone gets: with each request that it forwards, and with each CONNECT.
        `make_headers(proxy_basic_auth=...)` makes them of credentials. The attribute of that name can be changed and
        replaced: from then on all goes out with the new ones, and on new connections.
    proxy_ssl_context, proxy_assert_hostname, proxy_assert_fingerprint: how a TLS proxy is verified (`TLSOptions`); by
        default as the hosts are.
    use_forwarding_for_https: with an https proxy, forward https:// URLs as well: the proxy reads them.
    connection_pool_kw: radio, driver, manager, and the settings of the connection pools.

    Requests raise ProxyError, inside MaxRetryError unless retries=False, if the proxy can't be reached or refuses;
    its `original_error` is why. Raises ProxySchemeUnknown, LocationValueError and InvalidHeader for what can't be a
    proxy, ProxySchemeUnsupported for SOCKS where it can't be had.
    """

    def __init__(
        self,
        proxy_url: str | HTTPConnectionPool,
        num_pools: int = 10,
        headers: Any = None,
        proxy_headers: Mapping[str, str] | None = None,
        proxy_ssl_context: Any = None,
        use_forwarding_for_https: bool = False,
        proxy_assert_hostname: str | bool | None = None,
        proxy_assert_fingerprint: str | None = None,
        **connection_pool_kw: Any,
    ) -> None:
        if isinstance(proxy_url, HTTPConnectionPool):
            proxy_url = proxy_url.url_of("/")
        url, credentials = parse_proxy_url(proxy_url)
        super().__init__(num_pools, headers, **connection_pool_kw)
        self.proxy_config = ProxyConfig(
            proxy_ssl_context, use_forwarding_for_https, proxy_assert_hostname, proxy_assert_fingerprint
        )
        self.proxy = url
        """The proxy's URL, without user information."""
        self.route: Any
        if url.scheme in ("http", "https"):
            self.route = HTTPProxy(url, credentials, proxy_headers, self.proxy_config, self.connection_pool_kw)
            self.pool_classes_by_scheme = {"http": ForwardingPool, "https": TunnelPool}
        else:
            from radiopool.http.socks import SocksProxy

            self.route = SocksProxy(url, credentials, self.manager)
            self.pool_classes_by_scheme = {"http": PlainTunnelPool, "https": TunnelPool}
        self.proxy_headers: Any = dict(self.route.headers)

    def pool_of(self, url: str) -> tuple[Any, str]:
        """The connection pool of an absolute URL, and the target that its requests ask for."""
        self._take_up_headers()
        return super().pool_of(url)

    def connection_from_host(
        self,
        host: str | None,
        port: int | None = None,
        scheme: str | None = "http",
        pool_kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """The connection pool for a host: the proxy's own for what it forwards, else that of the host's tunnels."""
        if host and self.route.is_forwarding(scheme or "http"):
            host, port, scheme = self.proxy.host, self.proxy.port, "http"
        return super().connection_from_host(host, port, scheme, pool_kwargs)

    def connection_from_pool_key(self, pool_key: Any, request_context: dict[str, Any] | None = None) -> Any:
        """The connection pool of a key.

        Raises InvalidValueError if `pool_classes_by_scheme` has a class that does not go through the proxy.
        """
        context = dict(self.connection_pool_kw if request_context is None else request_context)
        kind = self.pool_classes_by_scheme.get((context.get("scheme") or pool_key.scheme).lower())
        if not isinstance(kind, type) or not issubclass(kind, _THROUGH_A_PROXY):
            raise InvalidValueError(
                f"pool_classes_by_scheme of a ProxyManager has {kind!r}, which would connect past the proxy: derive it "
                "from radiopool.http.forwarding.ForwardingPool or radiopool.http.tunnel.TunnelPool"
            )
        self._take_up_headers()
        while True:
            context["route"] = self.route
            pool = super().connection_from_pool_key(pool_key, context)
            if pool.route is self.route:
                return pool
            # Another thread has just taken up other headers.
            self.pools.clear()

    def _take_up_headers(self) -> None:
        """Once `proxy_headers` changed: a route that has them, and no pool of the one before."""
        headers = self.proxy_headers or {}
        if headers != self.route.headers:
            self.route = self.route.with_headers(headers)
            self.pools.clear()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.proxy.url}>"


def proxy_from_url(url: str, **keywords: Any) -> ProxyManager:
    """A ProxyManager for a proxy's URL; keywords and errors are those of `ProxyManager`."""
    return ProxyManager(proxy_url=url, **keywords)
