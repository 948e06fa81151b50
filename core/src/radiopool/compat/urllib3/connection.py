"""urllib3's `connection`: one connection, for requests one after another."""

from __future__ import annotations

import datetime
import logging
from typing import Any, ClassVar

from radiopool.compat.urllib3._version import __version__
from radiopool.compat.urllib3.socket_options import NO_DELAY, WithSocketOptions
from radiopool.http import connectionpool, https
from radiopool.http.exceptions import ResponseError
from radiopool.http.proxy import ProxyConfig as ProxyConfig
from radiopool.http.timeout import Timeout

log = logging.getLogger(__name__)

BrokenPipeError = BrokenPipeError
ConnectionError = ConnectionError
port_by_scheme = connectionpool.port_by_scheme
RECENT_DATE = datetime.date(2025, 1, 1)


class _SecurePool(WithSocketOptions, https.HTTPSConnectionPool):
    """The pool of a connection over TLS."""


class HTTPConnection:
    """A connection to one host, leased when it is first needed and kept between requests.

    timeout: seconds for connecting and for each wait for bytes. The other keywords are `HTTPConnectionPool`'s.
    """

    default_port: ClassVar[int] = 80
    default_socket_options: ClassVar[Any] = [NO_DELAY]
    is_verified: bool = False
    proxy_is_verified: bool | None = None
    _pool_class: ClassVar[Any] = WithSocketOptions

    def __init__(
        self,
        host: str,
        port: int | None = None,
        *,
        timeout: Any = Timeout.DEFAULT_TIMEOUT,
        source_address: tuple[str, int] | None = None,
        blocksize: int = 16384,
        socket_options: Any = None,
        proxy: Any = None,
        proxy_config: Any = None,
        **tls: Any,
    ) -> None:
        self.host = host
        self.port = port or self.default_port
        self.timeout = timeout
        self.source_address = source_address
        self.blocksize = blocksize
        self.socket_options = self.default_socket_options if socket_options is None else socket_options
        self.proxy = proxy
        self.proxy_config = proxy_config
        self._pool = self._pool_class(
            host,
            port,
            timeout=timeout,
            source_address=source_address,
            socket_options=self.socket_options,
            **tls,
        )
        self._response: Any = None

    def request(
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: Any = None,
        *,
        chunked: bool = False,
        preload_content: bool = True,
        decode_content: bool = True,
        enforce_content_length: bool = True,
    ) -> None:
        """Send a request; `getresponse` has what came back. Raises HTTPError's children."""
        self._response = self._pool.urlopen(
            method,
            url,
            body,
            headers,
            retries=False,
            redirect=False,
            assert_same_host=False,
            timeout=self.timeout,
            chunked=chunked,
            preload_content=preload_content,
            decode_content=decode_content,
            enforce_content_length=enforce_content_length,
        )

    def request_chunked(self, method: str, url: str, body: Any = None, headers: Any = None) -> None:
        """Send a request with a chunked body."""
        self.request(method, url, body, headers, chunked=True)

    def getresponse(self) -> Any:
        """The response of the last request. Raises ResponseError if there is none."""
        response, self._response = self._response, None
        if response is None:
            raise ResponseError("no request was sent, or its response was taken already")
        return response

    def connect(self) -> None:
        """Nothing: the connection is made when a request needs it."""

    @property
    def is_closed(self) -> bool:
        """Whether it has no connection."""
        return not self.is_connected

    @property
    def is_connected(self) -> bool:
        """Whether a connection was made, and neither side has closed it."""
        manager = self._pool.manager
        leased_under = self._pool._lease_key
        bucket = manager._account.ledger.buckets.get(leased_under and leased_under[0])
        if not bucket or not bucket.open:
            return False
        return all(manager.driver.is_alive(entry.socket) for entry in list(bucket.idle))

    @property
    def has_connected_to_proxy(self) -> bool:
        """False: proxies are the affair of `ProxyManager`."""
        return False

    def close(self) -> None:
        """Close the connection. A later request makes another."""
        self._pool.retire()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(host={self.host!r}, port={self.port!r})"


class HTTPSConnection(HTTPConnection):
    """The same over TLS. The further keywords are `HTTPSConnectionPool`'s TLS options."""

    default_port = 443
    _pool_class = _SecurePool

    cert_reqs: int | str | None = None
    ca_certs: str | None = None
    ca_cert_dir: str | None = None
    ca_cert_data: str | bytes | None = None
    ssl_version: int | str | None = None
    ssl_minimum_version: int | None = None
    ssl_maximum_version: int | None = None
    assert_fingerprint: str | None = None

    @property
    def is_verified(self) -> bool:  # type: ignore[override]
        """Whether the server's certificate was verified: so it was, unless the options say otherwise."""
        return self.is_connected and self._pool.conn_kw.get("cert_reqs") not in ("CERT_NONE", 0)


VerifiedHTTPSConnection = HTTPSConnection


class DummyConnection:
    """What stands for a connection class where there is no TLS."""


def _get_default_user_agent() -> str:
    return f"python-urllib3/{__version__}"
