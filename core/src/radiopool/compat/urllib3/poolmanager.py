"""urllib3's `poolmanager`: pool managers whose pools are chosen by urllib3 2's `PoolKey`."""

from __future__ import annotations

import functools
import logging
from collections import namedtuple
from collections.abc import Callable
from typing import Any

from radiopool.compat.urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from radiopool.http import poolmanager as ours
from radiopool.http import proxymanager

__all__ = ["PoolManager", "ProxyManager", "proxy_from_url"]

log = logging.getLogger(__name__)

SSL_KEYWORDS = (
    "key_file",
    "cert_file",
    "cert_reqs",
    "ca_certs",
    "ca_cert_data",
    "ssl_version",
    "ssl_minimum_version",
    "ssl_maximum_version",
    "ca_cert_dir",
    "ssl_context",
    "key_password",
    "server_hostname",
    "assert_hostname",
    "assert_fingerprint",
)

_DEFAULT_BLOCKSIZE = 16384

PoolKey = namedtuple(
    "PoolKey",
    """key_scheme key_host key_port key_timeout key_retries key_block key_source_address key_key_file key_key_password
    key_cert_file key_cert_reqs key_ca_certs key_ca_cert_data key_ssl_version key_ssl_minimum_version
    key_ssl_maximum_version key_ca_cert_dir key_ssl_context key_maxsize key_headers key__proxy key__proxy_headers
    key__proxy_config key_socket_options key__socks_options key_assert_hostname key_assert_fingerprint
    key_server_hostname key_blocksize""",
)
"""Everything that chooses a connection pool; a key class of one's own has these fields at least."""


def _default_key_normalizer(key_class: Any, request_context: dict[str, Any]) -> Any:
    """A `key_class` made of a request context: scheme and host in lower case, mappings and lists hashable.

    Raises TypeError for a setting that the key class lacks.
    """
    context = request_context.copy()
    context["scheme"] = context["scheme"].lower()
    context["host"] = context["host"].lower()
    for name in ("headers", "_proxy_headers", "_socks_options"):
        if context.get(name) is not None:
            context[name] = frozenset(context[name].items())
    if context.get("socket_options") is not None:
        context["socket_options"] = tuple(context["socket_options"])
    named = {"key_" + name: value for name, value in context.items()}
    for field in key_class._fields:
        named.setdefault(field, None)
    if named.get("key_blocksize") is None:
        named["key_blocksize"] = _DEFAULT_BLOCKSIZE
    return key_class(**named)


key_fn_by_scheme: dict[str, Callable[[dict[str, Any]], Any]] = {
    "http": functools.partial(_default_key_normalizer, PoolKey),
    "https": functools.partial(_default_key_normalizer, PoolKey),
}
pool_classes_by_scheme: dict[str, Any] = {"http": HTTPConnectionPool, "https": HTTPSConnectionPool}


class PoolManager(ours.PoolManager):
    """`radiopool.http.PoolManager`, its pools chosen by `PoolKey`."""

    def __init__(self, num_pools: int = 10, headers: Any = None, **connection_pool_kw: Any) -> None:
        super().__init__(num_pools, headers, **connection_pool_kw)
        self.key_fn_by_scheme = key_fn_by_scheme.copy()
        self.pool_classes_by_scheme = pool_classes_by_scheme.copy()

    def _whole_key(self, scheme: str, key: Any, context: Any) -> Any:
        # This key leaves nothing out.
        return key


class ProxyManager(proxymanager.ProxyManager, PoolManager):
    """`radiopool.http.ProxyManager`, its pools chosen by `PoolKey`."""


def proxy_from_url(url: str, **kw: Any) -> ProxyManager:
    """A ProxyManager for that proxy."""
    return ProxyManager(proxy_url=url, **kw)
