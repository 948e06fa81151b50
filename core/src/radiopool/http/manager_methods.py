"""What a pool manager offers on CPython beyond a board's needs."""

from __future__ import annotations

from typing import Any

from radiopool.http import url as urls
from radiopool.http.form_methods import FormMethods
from radiopool.http.https import HTTPSPoolKey
from radiopool.http.manager_endings import ManagerEndings

# Settings that decide about TLS and stand in no documented key: they choose the pool all the same.
_UNLISTED = (
    "ssl_context",
    "server_hostname",
    "assert_hostname",
    "assert_fingerprint",
    "ca_cert_data",
    "key_password",
    "ssl_minimum_version",
    "ssl_maximum_version",
)
_TLS = _UNLISTED + HTTPSPoolKey._fields[8:]
_PLACE = ("scheme", "host", "port")
_SETTINGS = HTTPSPoolKey._fields + _UNLISTED


class ManagerMethods(ManagerEndings, FormMethods):
    """The parent of `PoolManager`, whose attributes these methods use."""

    connection_pool_kw: dict[str, Any]

    def connection_from_host(
        self, host: str | None, port: int | None = None, scheme: str | None = "http", pool_kwargs: Any = None
    ) -> Any:
        raise NotImplementedError

    def connection_from_url(self, url: str, pool_kwargs: dict[str, Any] | None = None) -> Any:
        """The connection pool of a URL's host; `connection_from_host` says the rest."""
        scheme, host, port, _ = urls.split(url)
        return self.connection_from_host(host, port, scheme, pool_kwargs)

    def _override(self, context: dict[str, Any], pool_kwargs: dict[str, Any]) -> None:
        for name, value in pool_kwargs.items():
            context[name] = value
            if value is None:
                del context[name]

    def _may_change_unseen(self) -> bool:
        # A setting that is a dict or a list can change without being replaced.
        return any(isinstance(value, (dict, list)) for value in self.connection_pool_kw.values())

    def _whole_key(self, scheme: str, key: Any, context: dict[str, Any]) -> Any:
        """The key under which the pool is kept: the documented one, unless more decides."""
        unlisted = [(name, context[name]) for name in _UNLISTED if context.get(name) is not None]
        return (key, tuple(unlisted)) if unlisted and scheme == "https" else key

    def _settings(self, key: Any, context: dict[str, Any]) -> dict[str, Any]:
        """What the pool of that key is made with: the context, without what is for the key alone."""
        fields = getattr(key, "_fields", ())
        settings = {name: value for name, value in context.items() if name in _SETTINGS or name not in fields}
        for name in _PLACE:
            settings[name] = settings.get(name) or getattr(key, name)
        if settings["scheme"].lower() == "http":
            for name in _TLS:
                settings.pop(name, None)
        return settings
