"""The pool manager: requests to any host, each host's on a connection pool that is found by its key."""

from radiopool.http.connectionpool import HTTPConnectionPool, next_serial, port_by_scheme
from radiopool.http.pools import HTTPPoolKey, RecentlyUsedContainer, default_key_normalizer
from radiopool.http.url import split
from radiopool.platform import CPYTHON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from radiopool.driver import Driver
    from radiopool.http.file_response import HTTPResponse
    from radiopool.manager import ConnectionManager

if TYPE_CHECKING or CPYTHON:
    from radiopool.http.form_methods import check_count
    from radiopool.http.https import HTTPSConnectionPool, HTTPSPoolKey
    from radiopool.http.manager_methods import ManagerMethods as RequestMethods
    from radiopool.http.pools import BasePoolKey as BasePoolKey
else:
    from radiopool.http.request_methods import RequestMethods

_REMEMBERED = 256 if CPYTHON else 2

key_fn_by_scheme: "dict[str, Callable[[dict[str, Any]], Any]]" = {
    "http": lambda context: default_key_normalizer(HTTPPoolKey, context)
}
"""How the key of a connection pool is made of a request's context, by scheme; each PoolManager has a copy."""

pool_classes_by_scheme: "dict[str, Any]" = {"http": HTTPConnectionPool}
"""The connection pools of a PoolManager, by scheme; each has a copy."""

if TYPE_CHECKING or CPYTHON:
    key_fn_by_scheme["https"] = lambda context: default_key_normalizer(HTTPSPoolKey, context)
    pool_classes_by_scheme["https"] = HTTPSConnectionPool


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

    _later = ".http.manager_endings"
    if TYPE_CHECKING or CPYTHON:
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
        if CPYTHON:
            check_count("num_pools", num_pools, 1)
        if manager is None:
            from radiopool.finding import manager_for

            manager = manager_for(radio, driver=driver)
        self.manager = manager
        self.headers = headers
        self.connection_pool_kw = connection_pool_kw
        self.key_fn_by_scheme = key_fn_by_scheme.copy()
        self.pool_classes_by_scheme = pool_classes_by_scheme.copy()
        self.pools = RecentlyUsedContainer(num_pools, lambda pool: pool.let_go())
        self._session = next_serial()
        # URL: (pool key, target), as long as what the keys are made of stays the same.
        self._routes: "dict[str, tuple[Any, str]]" = {}
        self._basis: "Any" = None

    def urlopen(self, method: str, url: str, redirect: bool = True, **kw: "Any") -> "HTTPResponse":
        """Send a request to an absolute URL and return its response.

        redirect: whether to follow redirects, across hosts as well. The other keywords, and what is raised, are those
        of `HTTPConnectionPool.urlopen`; URLSchemeUnknown and LocationValueError for a URL that leads nowhere.
        """
        pool, target = self.pool_of(url)
        if self.headers is not None and kw.get("headers") is None:
            kw["headers"] = self.headers
        if CPYTHON:
            body = kw.get("body")
            if body is not None and type(body) is not bytes and type(body) is not str:
                from radiopool.http.body import replayable

                kw["body"] = replayable(body)
            kw["assert_same_host"] = False
            response = pool.urlopen(method, target, redirect=False, **kw)
        else:
            response = pool.urlopen(method, target, **kw)
        if redirect and 300 < response.status < 309:
            if CPYTHON:
                from radiopool.http.resend import follow
            else:
                from radiopool.http.board_redirect import follow

            return follow(self, method, url, response, pool, kw)
        return response  # type: ignore[no-any-return]

    def pool_of(self, url: str) -> "tuple[Any, str]":
        """The connection pool of an absolute URL, and the target that its requests ask for.

        Raises LocationValueError, URLSchemeUnknown.
        """
        routes = self._routes
        basis = (self.connection_pool_kw, self.key_fn_by_scheme)
        if self._basis != basis:
            routes.clear()
            self._basis = (basis[0].copy(), basis[1].copy())
        route: "Any" = routes.get(url)
        pool = route and self.pools.get(route[0])
        if pool is not None:
            return pool, route[1]
        scheme, host, port, target = split(url)
        if not scheme:
            from radiopool.http.failures import bad_scheme

            raise bad_scheme(scheme)
        pool = self.connection_from_host(host, port, scheme)
        if CPYTHON and pool.forwards:
            target = scheme + "://" + host + (":%d" % port if port else "") + target
        if len(routes) >= _REMEMBERED or (CPYTHON and self._may_change_unseen()):
            routes.clear()
        routes[url] = (pool.pool_key, target)
        return pool, target

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
            from radiopool.http.failures import no_host

            raise no_host("")
        context = self.connection_pool_kw.copy()
        if pool_kwargs:
            if CPYTHON:
                self._override(context, pool_kwargs)
            else:
                context.update(pool_kwargs)
        context["scheme"] = scheme = scheme or "http"
        context["host"] = host
        context["port"] = port or port_by_scheme.get(scheme.lower(), 80)
        return self.connection_from_context(context)

    def connection_from_context(self, request_context: "dict[str, Any]") -> "Any":
        """The connection pool that a request context asks for: `scheme`, `host`, `port` and pool settings.

        Raises URLSchemeUnknown if `key_fn_by_scheme` lacks the scheme.
        """
        scheme = request_context["scheme"].lower()
        if not CPYTHON and scheme == "https":
            from radiopool.http.https import prepare

            prepare(self)
        make_key = self.key_fn_by_scheme.get(scheme)
        if make_key is None:
            from radiopool.http.failures import bad_scheme

            raise bad_scheme(scheme)
        key = make_key(request_context)
        if CPYTHON:
            key = self._whole_key(scheme, key, request_context)
        return self.connection_from_pool_key(key, request_context)

    def connection_from_pool_key(self, pool_key: "Any", request_context: "dict[str, Any] | None" = None) -> "Any":
        """The connection pool of a key: a namedtuple of hashable values with at least scheme, host and port."""
        pool = self.pools.get(pool_key)
        if pool is None:
            settings = (self.connection_pool_kw if request_context is None else request_context).copy()
            if CPYTHON:
                settings = self._settings(pool_key, settings)
            pool = self.pool_classes_by_scheme[settings.pop("scheme").lower()](
                settings.pop("host"), settings.pop("port"), manager=self.manager, session=self._session, **settings
            )
            pool.pool_key = pool_key
            # Two threads may make one at once: the first to be stored is everybody's.
            pool = self.pools.setdefault(pool_key, pool)
        return pool
