"""The pool manager: requests to any host, each host's on a connection pool that is found by its key."""

from radiopool.http import url as urls
from radiopool.http.connectionpool import HTTPConnectionPool, HTTPSConnectionPool, next_serial, port_by_scheme
from radiopool.http.keys import HTTPPoolKey, HTTPSPoolKey, default_key_normalizer
from radiopool.http.recently_used import RecentlyUsedContainer
from radiopool.http.request_methods import RequestMethods

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from radiopool.driver import Driver
    from radiopool.http.file_response import HTTPResponse
    from radiopool.manager import ConnectionManager


def _http_key(context: "dict[str, Any]") -> "Any":
    return default_key_normalizer(HTTPPoolKey, context)


def _https_key(context: "dict[str, Any]") -> "Any":
    return default_key_normalizer(HTTPSPoolKey, context)


key_fn_by_scheme: "dict[str, Callable[[dict[str, Any]], Any]]" = {"http": _http_key, "https": _https_key}
"""How the key of a connection pool is made of a request's context, by scheme; each PoolManager has a copy."""

pool_classes_by_scheme: "dict[str, Any]" = {"http": HTTPConnectionPool, "https": HTTPSConnectionPool}
"""The connection pools of a PoolManager, by scheme; each has a copy."""

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


_TLS = _UNLISTED + ("key_file", "cert_file", "cert_reqs", "ca_certs", "ssl_version", "ca_cert_dir")
_SETTINGS = _TLS + ("timeout", "retries", "strict", "block", "source_address", "maxsize")


class PoolManager(RequestMethods):
    """Requests to any host. It keeps a connection pool for each of the hosts used last.

    num_pools: connection pools kept; one more closes the least recently used.
    headers: those of requests that bring none.
    radio: what it runs on: any radio that a registered driver knows; the host's own network by default.
    driver: the driver, where the registry is not to choose.
    manager: the ConnectionManager itself, in place of `radio` and `driver`.
    connection_pool_kw: the settings of the connection pools (`HTTPConnectionPool`); they can be changed, and what
        stands in the pool keys then makes new pools.

    Sockets are leased under a session of its own: closing its pools touches nobody else's.
    """

    proxy: "Any" = None

    def __init__(
        self,
        num_pools: int = 10,
        headers: "Any" = None,
        *,
        radio: "Any" = None,
        driver: "Driver | None" = None,
        manager: "ConnectionManager | None" = None,
        **connection_pool_kw: "Any",
    ) -> None:
        if manager is None:
            from radiopool.manager import manager_for

            manager = manager_for(radio, driver=driver)
        self.manager = manager
        self.headers = headers
        self.connection_pool_kw = connection_pool_kw
        self.key_fn_by_scheme = key_fn_by_scheme.copy()
        self.pool_classes_by_scheme = pool_classes_by_scheme.copy()
        self.pools = RecentlyUsedContainer(num_pools, _close)
        self._session = next_serial()
        # The pool key last used for (scheme, host, port), as long as what it was made of stays the same.
        self._keys: "dict[Any, Any]" = {}
        self._made_of: "Any" = None

    def urlopen(self, method: str, url: str, redirect: bool = True, **kw: "Any") -> "HTTPResponse":
        """Send a request to an absolute URL and return its response.

        redirect: whether to follow redirects, across hosts as well. The other keywords, and what is raised, are those
        of `HTTPConnectionPool.urlopen`; URLSchemeUnknown and LocationValueError for a URL that leads nowhere.
        """
        pool, target = self.pool_of(url)
        if kw.get("headers") is None:
            kw["headers"] = self.headers
        body = kw.get("body")
        if body is not None and type(body) is not bytes and type(body) is not str:
            from radiopool.http.body import replayable

            kw["body"] = replayable(body)
        response = pool.urlopen(method, target, redirect=False, assert_same_host=False, **kw)
        if redirect and 300 < response.status < 309:
            from radiopool.http.resend import follow

            return follow(self, method, url, response, pool, kw)
        return response  # type: ignore[no-any-return]

    def pool_of(self, url: str) -> "tuple[Any, str]":
        """The connection pool of an absolute URL, and the target that its requests ask for."""
        scheme, host, port, target = urls.split(url)
        if not scheme:
            from radiopool.http.errors import URLSchemeUnknown

            raise URLSchemeUnknown(scheme)
        return self.connection_from_host(host, port, scheme), target

    def connection_from_host(
        self,
        host: "str | None",
        port: "int | None" = None,
        scheme: "str | None" = "http",
        pool_kwargs: "dict[str, Any] | None" = None,
    ) -> "Any":
        """The connection pool of a host. Without a port, the scheme's.

        pool_kwargs: settings that override `connection_pool_kw`; None removes one.
        Raises LocationValueError without a host, URLSchemeUnknown.
        """
        if not host:
            from radiopool.http.errors import LocationValueError

            raise LocationValueError("No host specified.")
        made_of = self._made_of
        if pool_kwargs is not None or not made_of or made_of != (self.connection_pool_kw, self.key_fn_by_scheme):
            made_of = self._remember_settings()
        place = (scheme, host, port)
        pool = self.pools.get(self._keys.get(place)) if pool_kwargs is None and made_of else None
        if pool is None:
            context = self._merge_pool_kwargs(pool_kwargs)
            context["scheme"] = scheme or "http"
            context["port"] = port or port_by_scheme.get(context["scheme"].lower(), 80)
            context["host"] = host
            pool = self.connection_from_context(context, place if pool_kwargs is None and made_of else None)
        return pool

    def connection_from_context(self, request_context: "dict[str, Any]", _place: "Any" = None) -> "Any":
        """The connection pool that a request context asks for: `scheme`, `host`, `port` and pool settings.

        Raises URLSchemeUnknown if `key_fn_by_scheme` lacks the scheme.
        """
        scheme = request_context["scheme"].lower()
        make_key = self.key_fn_by_scheme.get(scheme)
        if make_key is None:
            from radiopool.http.errors import URLSchemeUnknown

            raise URLSchemeUnknown(scheme)
        key = make_key(request_context)
        unlisted = [(name, request_context[name]) for name in _UNLISTED if request_context.get(name) is not None]
        if unlisted and scheme == "https":
            key = (key, tuple(unlisted))
        if _place:
            if len(self._keys) > 1000:
                self._keys.clear()
            self._keys[_place] = key
        return self.connection_from_pool_key(key, request_context)

    def connection_from_pool_key(self, pool_key: "Any", request_context: "dict[str, Any] | None" = None) -> "Any":
        """The connection pool of a key: a namedtuple of hashable values with at least scheme, host and port."""
        pool = self.pools.get(pool_key)
        if pool is None:
            if request_context is None:
                request_context = self.connection_pool_kw.copy()
            scheme = request_context.get("scheme") or pool_key.scheme
            pool = self._new_pool(
                scheme,
                request_context.get("host") or pool_key.host,
                request_context.get("port") or pool_key.port,
                {
                    name: value
                    for name, value in request_context.items()
                    # What only a key of the user's own has is for the key alone.
                    if name in _SETTINGS or name not in getattr(pool_key, "_fields", ())
                },
            )
            # Two threads may make one at once: the first to be stored is everybody's.
            pool = self.pools.setdefault(pool_key, pool)
        return pool

    def connection_from_url(self, url: str, pool_kwargs: "dict[str, Any] | None" = None) -> "Any":
        """The connection pool of a URL's host; `connection_from_host` says the rest."""
        scheme, host, port, _ = urls.split(url)
        return self.connection_from_host(host, port, scheme, pool_kwargs)

    def _new_pool(self, scheme: str, host: str, port: int, request_context: "dict[str, Any]") -> "Any":
        settings = request_context.copy()
        for name in ("scheme", "host", "port") + (_TLS if scheme.lower() == "http" else ()):
            settings.pop(name, None)
        return self.pool_classes_by_scheme[scheme.lower()](
            host, port, manager=self.manager, session=self._session, **settings
        )

    def _merge_pool_kwargs(self, override: "dict[str, Any] | None") -> "dict[str, Any]":
        """The pool settings with some overridden; None removes one."""
        merged = self.connection_pool_kw.copy()
        for name, value in (override or {}).items():
            merged[name] = value
            if value is None:
                del merged[name]
        return merged

    def _remember_settings(self) -> "Any":
        """Forget the keys made of other settings; what they are made of now, None if that could change unseen."""
        self._keys = {}
        for value in self.connection_pool_kw.values():
            if isinstance(value, (dict, list)):
                return None
        self._made_of = (self.connection_pool_kw.copy(), self.key_fn_by_scheme.copy())
        return self._made_of

    def clear(self) -> None:
        """Close every connection pool: idle sockets now, those in use when they are given back."""
        self.pools.clear()

    def __enter__(self) -> "PoolManager":
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()


def _close(pool: "Any") -> None:
    pool.close()
