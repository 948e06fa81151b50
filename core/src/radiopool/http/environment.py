"""Proxies from the environment, as the standard library reads it. CPython only, and only where it is asked for."""

from __future__ import annotations

from typing import Any
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

from radiopool.http.poolmanager import PoolManager
from radiopool.http.proxymanager import ProxyManager


class EnvironmentManager(PoolManager):
    """A PoolManager that asks, for each URL, which proxy the environment has for it, if any.

    `proxies` is the environment as it was: schemes and URLs, credentials included, and under "no" what goes past them.
    Each proxy's requests, and the direct ones, are those of a manager of their own, all on one ConnectionManager.
    """

    def __init__(self, proxies: dict[str, str], num_pools: int = 10, headers: Any = None, **keywords: Any) -> None:
        proxy_keywords = {name: keywords.pop(name) for name in list(keywords) if name.startswith("proxy_")}
        super().__init__(num_pools, headers, **keywords)
        shared = {"manager": self.manager, **self.connection_pool_kw}
        self._bypass = {"no": proxies.get("no", "")}
        self._direct = PoolManager(num_pools, headers, **shared)
        self._through: dict[str, ProxyManager] = {}
        known: dict[str, ProxyManager] = {}
        for scheme in ("http", "https"):
            url = proxies.get(scheme)
            if url:
                # `host:port` alone is an HTTP proxy, as it is to urllib.request.
                url = url if "://" in url else "http://" + url
                if url not in known:
                    known[url] = ProxyManager(url, num_pools, headers, **proxy_keywords, **shared)
                self._through[scheme] = known[url]
        for manager in (self._direct, *known.values()):
            # The same settings, not equal ones: they can be changed.
            manager.connection_pool_kw = self.connection_pool_kw
            manager.key_fn_by_scheme = self.key_fn_by_scheme

    def manager_for_host(self, host: str, port: int | None, scheme: str) -> PoolManager:
        """The ProxyManager for that host, or the PoolManager of those that need none."""
        manager = self._through.get(scheme)
        if manager is None:
            return self._direct
        # An IPv6 address stands in no_proxy with brackets, as in a URL, or without.
        bare = host.strip("[]")
        place = f"[{bare}]" if ":" in bare else bare
        if port is not None:
            place += f":{port}"
        bypassed = any(proxy_bypass_environment(name, self._bypass) for name in (place, bare))
        return self._direct if bypassed else manager

    def connection_from_host(
        self,
        host: str | None,
        port: int | None = None,
        scheme: str | None = "http",
        pool_kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """The connection pool for a host, of the manager that its requests go through."""
        manager = self.manager_for_host(host or "", port, (scheme or "http").lower())
        return manager.connection_from_host(host, port, scheme, pool_kwargs)

    def pool_of(self, url: str) -> tuple[Any, str]:
        """The connection pool of an absolute URL, and the target that its requests ask for."""
        from radiopool.http.url import split

        scheme, host, port, _ = split(url)
        return self.manager_for_host(host, port, scheme or "").pool_of(url)

    def clear(self) -> None:
        """Close every connection pool of every manager."""
        self._direct.clear()
        for manager in self._through.values():
            manager.clear()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._through!r}>"


def proxy_from_environment(num_pools: int = 10, headers: Any = None, **keywords: Any) -> EnvironmentManager:
    """A pool manager that goes through the proxies of the environment: http_proxy, https_proxy and no_proxy, in small
    letters or capitals, read once, now, and by the rules of `urllib.request`.

    So a name in small letters wins; HTTP_PROXY is ignored in a CGI program (where a client can set it); no_proxy is
    "*" or names separated by commas, each of which stands for the hosts below it too, with or without a port.

    keywords: those of `PoolManager`, and proxy_headers, proxy_ssl_context, proxy_assert_hostname and
    proxy_assert_fingerprint for every proxy. Raises as `ProxyManager`.
    """
    return EnvironmentManager(getproxies_environment(), num_pools, headers, **keywords)
