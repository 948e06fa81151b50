"""What a connection pool offers on CPython beyond a board's needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from radiopool.http import url as urls
from radiopool.http.form_methods import FormMethods

if TYPE_CHECKING:
    from radiopool.http.connectionpool import HTTPConnectionPool
    from radiopool.http.timeout import Timeout
    from radiopool.http.tls_options import TLSOptions

_PORTS = {"http": 80, "https": 443}


class PoolMethods(FormMethods):
    """The parent of `HTTPConnectionPool`, whose attributes these methods use."""

    scheme: str
    host: str
    port: int
    manager: Any
    conn_kw: dict[str, Any]

    def is_same_host(self, url: str) -> bool:
        """Whether a URL is of this pool: a target without a host, or of the same scheme, host and port."""
        if url[:1] == "/":
            return True
        scheme, host, port, _ = urls.split(url)
        return (scheme, host.strip("[]"), port or _PORTS.get(scheme or "")) == (self.scheme, self.host, self.port)

    def url_of(self, url: str) -> str:
        """A target of this pool as an absolute URL; an absolute URL as it is."""
        if url[:1] != "/":
            return url
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{url}"

    def _check_same_host(self, url: str, retries: Any) -> None:
        if not self.is_same_host(url):
            from radiopool.http.exceptions import HostChangedError

            raise HostChangedError(self, url, retries)

    def _start_clock(self, timeout: Any) -> tuple[Timeout, float | None]:
        """The running clock of a `timeout=` that is no plain number, and the seconds to connect in.

        Raises InvalidValueError for what is no number of seconds above 0.
        """
        from radiopool.http.timeout import Timeout

        clock = timeout.clone() if isinstance(timeout, Timeout) else Timeout.from_float(timeout)
        clock.start_connect()
        return clock, Timeout.resolve_default_timeout(clock.connect_timeout)

    def _tls_options(self) -> TLSOptions | None:
        from radiopool.http.tls_options import TLSOptions

        return TLSOptions.for_driver(self.manager.driver.traits(self.manager.radio).tls, self.conn_kw)

    def _check_options(self, known: tuple[str, ...]) -> None:
        """Raise TypeError for a keyword that nobody knows."""
        from radiopool.http.tls_options import NAMES

        for name in self.conn_kw:
            if name not in known and (self.scheme == "http" or name not in NAMES):
                raise TypeError(f"{type(self).__name__} got an unexpected keyword argument {name!r}")

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> HTTPConnectionPool:
        return self  # type: ignore[return-value]

    def __exit__(self, *_: object) -> None:
        self.close()
