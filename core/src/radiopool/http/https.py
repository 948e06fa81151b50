"""HTTPS: its connection pool, and the key that chooses it. A board loads it at the first https URL."""

from collections import namedtuple

from radiopool.http.connectionpool import HTTPConnectionPool
from radiopool.http.pools import FIELDS, HTTPPoolKey, default_key_normalizer
from radiopool.platform import CPYTHON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FIELDS = FIELDS[HTTPPoolKey] + ("key_file", "cert_file", "cert_reqs", "ca_certs", "ssl_version", "ca_cert_dir")

HTTPSPoolKey = namedtuple("HTTPSPoolKey", _FIELDS)  # type: ignore[misc]
"""What chooses the connection pool of an HTTPS request."""

FIELDS[HTTPSPoolKey] = _FIELDS


class HTTPSConnectionPool(HTTPConnectionPool):
    """The HTTPS requests to one host and port. The further keywords are the TLS options (`tls_options`)."""

    scheme = "https"

    def _tls(self) -> "tuple[Any, str | None]":
        options = self.conn_kw
        if options and CPYTHON:
            made = self._tls_options()
            if made:
                self._connect = made.connect
                return made.context, made.server_name
        return options.get("ssl_context") or self.manager.default_ssl_context(), options.get("server_hostname")


def prepare(manager: "Any") -> None:
    """Let a board's PoolManager speak HTTPS."""
    manager.key_fn_by_scheme.setdefault("https", lambda context: default_key_normalizer(HTTPSPoolKey, context))
    manager.pool_classes_by_scheme.setdefault("https", HTTPSConnectionPool)
