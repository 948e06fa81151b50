"""SOCKS5 proxies (RFC 1928), through PySocks: the extra `radiopool[socks]`. The host's own sockets only."""

from __future__ import annotations

import socket as system
from typing import Any

from radiopool import errors as core
from radiopool.http.exceptions import ProxyError, ProxySchemeUnsupported
from radiopool.http.failures import lease_failed
from radiopool.http.proxy import UNREACHED, Deadline
from radiopool.http.rfc3986 import Url


class SocksProxy:
    """A SOCKS5 proxy; with the scheme socks5h it resolves the targets' names, else they are resolved here.

    url: without user information. Raises ProxySchemeUnsupported where PySocks is missing, or the radio's sockets are
    not the operating system's.
    """

    def __init__(self, url: Url, credentials: str | None, manager: Any) -> None:
        kind = getattr(manager.socket_pool, "socket", None)
        if not isinstance(kind, type) or not issubclass(kind, system.socket):
            raise ProxySchemeUnsupported(
                f"a {url.scheme} proxy needs the operating system's sockets, and those of driver "
                f"{manager.driver.name!r} are not: use an http:// proxy"
            )
        try:
            import socks
        except ImportError:
            raise ProxySchemeUnsupported(f"a {url.scheme} proxy needs PySocks: pip install radiopool[socks]") from None
        self._socks = socks
        self.url = url
        self.headers: dict[str, str] = {}
        self.host = (url.host or "").strip("[]")
        self.port = url.port
        self._user, colon, self._password = (credentials or "").partition(":")

    def with_headers(self, headers: dict[str, str]) -> SocksProxy:
        """Itself: SOCKS knows no headers."""
        self.headers = dict(headers)
        return self

    def is_forwarding(self, scheme: str | None) -> bool:
        """Never: SOCKS knows nothing of HTTP."""
        return False

    def tunnel_to(self, pool: Any, host: str, port: int, timeout: float | None) -> Any:
        """A socket that reaches that host and port through the proxy, for a connection pool; `timeout` in seconds.

        Raises ProxyError, whose `original_error` is why, and NameResolutionError for a target that has no address;
        the system's own error if no socket is left.
        """
        manager = pool.manager
        deadline = Deadline(timeout)
        if self.url.scheme == "socks5":
            host = self._address(manager, host, port)
        opened = None
        try:
            # PySocks resolves the proxy's name itself, past the radio's names and routes, and as IPv4 alone.
            infos = manager.socket_pool.getaddrinfo(self.host, self.port, 0, system.SOCK_STREAM)
            family, *_, near = min(infos, key=lambda info: info[0] != system.AF_INET)
            opened = self._socks.socksocket(family, system.SOCK_STREAM)
            opened.set_proxy(
                self._socks.SOCKS5, near[0], near[1], True, self._user or None, self._password if self._user else None
            )
            source = pool.conn_kw.get("source_address")
            if source:
                opened.bind(source)
            opened.settimeout(deadline.left())
            opened.connect((host, port))
            # A plain socket from here on: PySocks has done its part.
            return system.socket(opened.family, opened.type, opened.proto, fileno=opened.detach())
        except OSError as error:
            cause = getattr(error, "socket_err", None) or error
            if manager.driver.is_exhausted(cause):
                raise cause from None
            raise self._failed(manager.driver, cause) from error
        finally:
            if opened is not None:
                opened.close()

    def _address(self, manager: Any, host: str, port: int) -> str:
        pool = manager.socket_pool
        try:
            return str(pool.getaddrinfo(host, port, 0, pool.SOCK_STREAM)[0][4][0])
        except OSError as error:
            if manager.driver.is_exhausted(error):
                raise
            raise core.NameResolutionError(
                f"{host!r} does not resolve: {error}; socks5h:// leaves it to the proxy"
            ) from error

    def _failed(self, driver: Any, error: OSError) -> ProxyError:
        if isinstance(error, self._socks.ProxyError):
            # PySocks's sentence: authentication, a rule, the target refused or out of reach.
            return ProxyError(UNREACHED, core.ConnectError(f"{self}: {error.msg}"))
        return ProxyError(UNREACHED, lease_failed(self, core.connect_error(error, self, driver.is_timeout(error))))

    def __str__(self) -> str:
        return self.url.url

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"
