"""urllib3's `contrib.socks`: SOCKS5 proxies, through PySocks."""

from __future__ import annotations

from typing import Any

from radiopool.compat.urllib3.poolmanager import ProxyManager
from radiopool.http.exceptions import ProxySchemeUnknown

__all__ = ["SOCKSProxyManager"]


class SOCKSProxyManager(ProxyManager):
    """Requests through a SOCKS5 proxy: `socks5://` resolves names here, `socks5h://` at the proxy.

    Raises ProxySchemeUnknown for any other scheme (SOCKS4 is not here), ProxySchemeUnsupported without PySocks.
    """

    def __init__(
        self,
        proxy_url: str,
        username: str | None = None,
        password: str | None = None,
        num_pools: int = 10,
        headers: Any = None,
        **connection_pool_kw: Any,
    ) -> None:
        scheme, mark, rest = proxy_url.partition("://")
        if scheme not in ("socks5", "socks5h"):
            raise ProxySchemeUnknown(scheme if mark else None)
        if username is not None and "@" not in rest:
            rest = f"{username}:{password or ''}@{rest}"
        super().__init__(f"{scheme}://{rest}", num_pools, headers, **connection_pool_kw)
