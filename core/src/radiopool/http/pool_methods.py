"""What a connection pool offers on CPython beyond a board's needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from radiopool.http import url as urls
from radiopool.http.form_methods import FormMethods
from radiopool.http.pool_endings import PoolEndings

if TYPE_CHECKING:
    from radiopool.http.connectionpool import HTTPConnectionPool
    from radiopool.http.file_response import HTTPResponse
    from radiopool.http.timeout import Timeout
    from radiopool.http.tls_options import TLSOptions

_PORTS = {"http": 80, "https": 443}


class PoolMethods(PoolEndings, FormMethods):
    """The parent of `HTTPConnectionPool`, whose attributes these methods use."""

    scheme: str
    conn_kw: dict[str, Any]
    retries: Any
    timeout: Any

    def request_once(self, *asked: Any) -> HTTPResponse:
        raise NotImplementedError

    def urlopen(
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: Any = None,
        retries: Any = None,
        redirect: bool = True,
        assert_same_host: bool = True,
        timeout: Any = ...,
        pool_timeout: float | None = None,
        release_conn: bool | None = None,
        chunked: bool = False,
        body_pos: Any = None,
        preload_content: bool = True,
        decode_content: bool = True,
        enforce_content_length: bool = True,
    ) -> HTTPResponse:
        """Send a request and return its response.

        url: the request's target, or an absolute URL of this host.
        body: bytes, text; on CPython also a file or an iterable of them, sent chunked if its length is not known.
        body_pos: where in a file the body starts; by default where the file stands.
        headers: in place of the pool's.
        retries: None the pool's or the default, False none at all, a number or a `Retry` (CPython).
        redirect: whether to follow redirects within this host.
        timeout: seconds for connecting and for each wait for bytes.
        pool_timeout: seconds to wait for a socket when none may be opened.
        preload_content: read the body now; without it the response holds its socket until it is read or closed.

        Raises HTTPError's children: MaxRetryError when retries are spent, InvalidHeader and LocationParseError before
        anything is sent, EmptyPoolError, ClosedPoolError, NewConnectionError, ProtocolError, ReadTimeoutError.
        """
        if retries is None:
            retries = self.retries
        if body is not None and type(body) is not bytes and type(body) is not str:
            from radiopool.http.body import replayable

            body = replayable(body)
            if body_pos is not None:
                body.start_at(body_pos)
        asked = (
            method, url, body, headers, timeout, pool_timeout, chunked, preload_content, decode_content,
            enforce_content_length,
        )  # fmt: skip
        if assert_same_host and url[:1] != "/":
            self._check_same_host(url, retries)
        failure: Exception | None = None
        response: HTTPResponse | None = None
        try:
            response = self.request_once(*asked)
            # A plain number of retries only matters once something failed.
            if response.status < 300 and (retries is None or isinstance(retries, int)):
                if retries is not None:
                    response._retries = retries
                return response
        except OSError as error:
            if getattr(error, "url", error) is None:
                error.url = url  # type: ignore[attr-defined]
            if retries is False:
                raise
            failure = error
        from radiopool.http.resend import settle

        return settle(cast("HTTPConnectionPool", self), response, failure, retries, redirect, assert_same_host, asked)

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
        from radiopool.http.timeout import DEFAULT_TIMEOUT, Timeout

        if timeout is DEFAULT_TIMEOUT:
            timeout = self.timeout
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

    def __enter__(self) -> HTTPConnectionPool:
        return self  # type: ignore[return-value]

    def __exit__(self, *_: object) -> None:
        self.close()
