"""requests over any radio: a transport adapter. Needs `radiopool[requests]`.

session = requests.Session()
session.mount("https://", RadiopoolAdapter(radio))
session.mount("http://", session.get_adapter("https://"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import requests
from requests.adapters import HTTPAdapter

from radiopool.http import PoolManager, Retry, Timeout, exceptions

if TYPE_CHECKING:
    from radiopool.driver import Driver
    from radiopool.manager import ConnectionManager


class RadiopoolAdapter(HTTPAdapter):
    """Sends a session's requests over a radio, within its budget.

    radio, driver, manager: what to run on, as `radiopool.http.PoolManager` takes them; by default the host's own
        network. max_retries, pool_connections, pool_maxsize, pool_block: as `requests.adapters.HTTPAdapter` has them.

    `verify` and `cert` of a request are honoured; `verify=True` is the radio's usual trust, or `ssl_context`'s.
    Proxies are not. Errors are requests' own, with ours as their cause.
    """

    def __init__(
        self,
        radio: Any = None,
        *,
        driver: Driver | None = None,
        manager: ConnectionManager | None = None,
        ssl_context: Any = None,
        **settings: Any,
    ) -> None:
        self._place = {"radio": radio, "driver": driver, "manager": manager}
        self._ssl_context = ssl_context
        super().__init__(**settings)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        """Make the PoolManager. Called by the parent's constructor."""
        self._http = PoolManager(connections, **self._place, maxsize=maxsize, block=block, **pool_kwargs)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """Send a request. Raises requests' exceptions."""
        if proxies and requests.utils.select_proxy(request.url or "", proxies):
            raise requests.exceptions.InvalidProxyURL(
                "RadiopoolAdapter knows no proxies: set session.trust_env = False"
            )
        body: Any = request.body
        try:
            connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
            pool, target = self._pool(request.url or "", verify, cert)
            answered = pool.urlopen(
                request.method,
                target,
                body,
                dict(request.headers),
                Retry(0, read=False) if not self.max_retries else Retry.from_int(self.max_retries.total),
                redirect=False,
                assert_same_host=False,
                timeout=Timeout(connect=connect, read=read),
                chunked=bool(body is not None and "Content-Length" not in request.headers),
                preload_content=False,
                decode_content=False,
            )
        except (exceptions.HTTPError, ValueError, OSError) as error:
            _translate(error, request)
        return self.build_response(request, answered)

    def _pool(self, url: str, verify: bool | str, cert: Any) -> Any:
        settings: dict[str, Any] = {}
        if url.lower().startswith("https"):
            settings["ssl_context"] = self._ssl_context if verify is True else None
            if verify is False:
                settings["cert_reqs"] = "CERT_NONE"
            elif verify is not True:
                settings["ca_certs"] = verify
            if cert:
                settings["cert_file"], settings["key_file"] = (cert, None) if isinstance(cert, str) else cert
        settings = {name: value for name, value in settings.items() if value is not None}
        pool = self._http.connection_from_url(url, settings)
        return pool, self._http.pool_of(url)[1] if not settings else _target(url)

    def close(self) -> None:
        """Close the idle connections; those in use when they are given back."""
        self._http.clear()


def _target(url: str) -> str:
    from radiopool.http.url import split

    return split(url)[3]


def _translate(error: Exception, request: requests.PreparedRequest) -> NoReturn:
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
