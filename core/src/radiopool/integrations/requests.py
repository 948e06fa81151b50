"""requests over any radio: a transport adapter. Needs `radiopool[requests]`.

session = requests.Session()
session.mount("https://", RadiopoolAdapter(radio))
session.mount("http://", session.get_adapter("https://"))
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import requests
from requests.adapters import HTTPAdapter

from radiopool.errors import InvalidValueError
from radiopool.http import HTTPResponse, PoolManager, Retry, Timeout, exceptions
from radiopool.http.url import split

if TYPE_CHECKING:
    from radiopool.driver import Driver
    from radiopool.manager import ConnectionManager


class RadiopoolAdapter(HTTPAdapter):
    """Sends a session's requests over a radio, within its budget.

    radio, driver, manager: what to run on, as `radiopool.http.PoolManager` takes them; by default the host's own
        network. pool_connections, pool_maxsize, pool_block: as `requests.adapters.HTTPAdapter` has them. max_retries:
        a number, or a `Retry` of radiopool or urllib3, of which the settings are taken.

    `verify` and `cert` of a request are honoured; `verify=True` is the radio's usual trust, or `ssl_context`'s.
    Proxies are not. Errors are requests' own, with ours as their cause.
    """

    # What is pickled with a session; where it can't be, as sockets can't, that fails.
    __attrs__ = [*HTTPAdapter.__attrs__, "_place", "_ssl_context"]

    def __init__(
        self,
        radio: Any = None,
        *,
        driver: Driver | None = None,
        manager: ConnectionManager | None = None,
        ssl_context: Any = None,
        max_retries: Any = 0,
        **settings: Any,
    ) -> None:
        self._place = {"radio": radio, "driver": driver, "manager": manager}
        self._ssl_context = ssl_context
        if isinstance(max_retries, Retry):
            super().__init__(**settings)
            self.max_retries: Any = max_retries
        else:
            super().__init__(max_retries=max_retries, **settings)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        """Make the PoolManager. Called by the parent's constructor, and for a session that was pickled."""
        self._pool_connections = connections
        self._pool_maxsize = maxsize
        self._pool_block = block
        self.poolmanager: Any = PoolManager(connections, **self._place, maxsize=maxsize, block=block, **pool_kwargs)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """Send a request. Raises requests' exceptions, ValueError for a timeout that is none."""
        if proxies and requests.utils.select_proxy(request.url or "", proxies):
            raise requests.exceptions.InvalidProxyURL(
                "RadiopoolAdapter knows no proxies: set session.trust_env = False"
            )
        body: Any = request.body
        limit = _timeout(timeout)
        try:
            pool, target = self._pool(request.url or "", verify, cert)
            answered = pool.urlopen(
                request.method,
                target,
                body,
                dict(request.headers),
                _retry(self.max_retries),
                redirect=False,
                assert_same_host=False,
                timeout=limit,
                chunked=bool(body is not None and "Content-Length" not in request.headers),
                preload_content=False,
                decode_content=False,
            )
        except OSError as error:
            _translate(error, request)
        # A pool makes responses of its own class only.
        answered.__class__ = _Response
        return self.build_response(request, answered)

    def _pool(self, url: str, verify: bool | str, cert: Any) -> Any:
        settings: dict[str, Any] = {}
        if url.lower().startswith("https"):
            settings["ssl_context"] = self._ssl_context if verify is True else None
            if verify is False:
                settings["cert_reqs"] = "CERT_NONE"
            elif verify is not True:
                settings["ca_cert_dir" if verify and os.path.isdir(verify) else "ca_certs"] = verify
            if cert:
                settings["cert_file"], settings["key_file"] = cert if isinstance(cert, (tuple, list)) else (cert, None)
        settings = {name: value for name, value in settings.items() if value is not None}
        pool = self.poolmanager.connection_from_url(url, settings)
        return pool, self.poolmanager.pool_of(url)[1] if not settings else split(url)[3]

    def close(self) -> None:
        """Close the idle connections; those in use when they are given back."""
        self.poolmanager.clear()


class _Response(HTTPResponse):
    """A response as requests reads it."""

    @property
    def _original_response(self) -> HTTPResponse:
        # Of this requests asks for `msg`, the headers, and takes the cookies from them.
        return self

    def stream(self, amt: int | None = 65536, decode_content: bool | None = None) -> Iterator[bytes]:
        """The rest of the body in pieces. Raises requests' exceptions."""
        try:
            yield from super().stream(amt, decode_content)
        except exceptions.HTTPError as error:
            if isinstance(error, exceptions.ReadTimeoutError):
                kind: Any = requests.exceptions.ConnectionError
            elif isinstance(error, exceptions.DecodeError):
                kind = requests.exceptions.ContentDecodingError
            else:
                kind = requests.exceptions.ChunkedEncodingError
            raise kind(error) from error


def _timeout(given: Any) -> Timeout:
    """What requests, and so urllib3, have for a timeout, as one of ours."""
    if isinstance(given, Timeout):
        return given
    if hasattr(given, "resolve_default_timeout"):
        connect, read = map(given.resolve_default_timeout, (given._connect, given._read))
        return Timeout(total=given.total, connect=connect, read=read)
    if not isinstance(given, tuple):
        given = (given, given)
    if len(given) != 2:
        raise ValueError(f"timeout must be seconds, or a tuple of those to connect and those to read, not {given!r}")
    return Timeout(connect=given[0], read=given[1])


def _retry(given: Any) -> Retry:
    """urllib3's Retry as one of ours, with the same settings."""
    if isinstance(given, Retry):
        return given
    names = inspect.signature(Retry).parameters
    return Retry(**{name: getattr(given, name) for name in names if hasattr(given, name)})


def _translate(error: OSError, request: requests.PreparedRequest) -> NoReturn:
    if isinstance(error, InvalidValueError) and not isinstance(error, exceptions.HTTPError):
        # A ValueError, as requests raises for the same.
        raise error
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, exceptions.ReadTimeoutError):
        kind: Any = requests.exceptions.ReadTimeout
    elif isinstance(reason, exceptions.SSLError):
        kind = requests.exceptions.SSLError
    elif isinstance(reason, exceptions.ConnectTimeoutError) and not isinstance(reason, exceptions.NewConnectionError):
        kind = requests.exceptions.ConnectTimeout
    elif isinstance(reason, exceptions.ResponseError):
        kind = requests.exceptions.RetryError
    elif isinstance(reason, exceptions.LocationValueError):
        kind = requests.exceptions.InvalidURL
    elif isinstance(reason, exceptions.InvalidHeader):
        kind = requests.exceptions.InvalidHeader
    else:
        kind = requests.exceptions.ConnectionError
    raise kind(error, request=request) from error
