"""What a pool manager offers on CPython beyond a board's needs."""

from __future__ import annotations

import functools
from collections import namedtuple
from collections.abc import Mapping
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
# So do these, which every connection pool takes. A setting that none takes does so only with a key of its own.
_BESIDE = ("maxsize", "headers", "_proxy", "_proxy_headers")
_TLS = _UNLISTED + HTTPSPoolKey._fields[8:]
_PLACE = ("scheme", "host", "port")
_SETTINGS = HTTPSPoolKey._fields + _UNLISTED


@functools.cache
def _with_settings(key_class: Any) -> Any:
    """A key class with one more field, for the settings that have none."""
    return namedtuple(key_class.__name__, (*key_class._fields, "further_settings"))


def _hashable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return tuple(value.items())
    return tuple(value) if isinstance(value, list) else value


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
        listed = getattr(key, "_fields", ())
        names = _BESIDE + _UNLISTED if scheme == "https" else _BESIDE
        unlisted = [(n, _hashable(context[n])) for n in names if context.get(n) is not None and n not in listed]
        if not unlisted:
            return key
        # Such a set keeps its hash, which every request asks for.
        settings = frozenset(unlisted)
        kind: Any = type(key)
        return _with_settings(kind)(*key, settings) if listed else (key, settings)

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
