"""httpx over any radio: a transport. Needs `radiopool[httpx]`.

client = httpx.Client(transport=RadiopoolTransport(radio))
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx

from radiopool.errors import InvalidValueError, RadiopoolError
from radiopool.http import HTTPHeaderDict, PoolManager, Timeout, exceptions
from radiopool.http.header_lines import SKIP_HEADER

if TYPE_CHECKING:
    from radiopool.driver import Driver
    from radiopool.http import HTTPResponse
    from radiopool.manager import ConnectionManager

# The headers that a request of ours has by itself; Host is in each of httpx's.
_OURS = ("user-agent", "accept-encoding")


class RadiopoolTransport(httpx.BaseTransport):
    """Sends a client's requests over a radio, within its budget.

    radio, driver, manager: what to run on, as `radiopool.http.PoolManager` takes them; by default the host's own
        network. settings: PoolManager's further ones: `maxsize`, `block`, `ssl_context`, `cert_reqs`, `ca_certs`.

    The client's `verify`, `cert` and `http2` do not reach a transport: give TLS settings here. Errors are httpx's own,
    with ours as their cause.
    """

    def __init__(
        self,
        radio: Any = None,
        *,
        driver: Driver | None = None,
        manager: ConnectionManager | None = None,
        maxsize: int = 10,
        **settings: Any,
    ) -> None:
        self._http = PoolManager(radio=radio, driver=driver, manager=manager, maxsize=maxsize, **settings)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request. Raises httpx's exceptions, ValueError for a timeout that is none."""
        seconds = request.extensions.get("timeout", {})
        # What httpx does not send, nobody does.
        headers = HTTPHeaderDict((name, SKIP_HEADER) for name in _OURS if name not in request.headers)
        for name, value in request.headers.raw:
            headers.add(name.decode(), value.decode("latin-1"))
        if "transfer-encoding" in headers:
            headers.discard("content-length")
        body: Any = request.stream
        if isinstance(body, httpx.ByteStream):
            body = b"".join(body)
            if not body and "content-length" not in request.headers:
                body = None
        try:
            answered = self._http.urlopen(
                request.method,
                str(request.url),
                redirect=False,
                headers=headers,
                body=body,
                retries=False,
                timeout=Timeout(connect=seconds.get("connect"), read=seconds.get("read")),
                pool_timeout=seconds.get("pool"),
                preload_content=False,
                decode_content=False,
            )
        except RadiopoolError as error:
            raise _translated(error, request) from error
        return httpx.Response(
            answered.status,
            headers=list(answered.headers.iteritems()),
            stream=_Body(answered, request),
            extensions={
                "http_version": answered.version_string.encode(),
                "reason_phrase": answered.reason.encode("latin-1"),
            },
        )

    def close(self) -> None:
        """Close the idle connections; those in use when they are given back."""
        self._http.clear()


class _Body(httpx.SyncByteStream):
    def __init__(self, response: HTTPResponse, request: httpx.Request) -> None:
        self._response = response
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        try:
            # As it comes: whoever reads events does not wait for the next ones.
            while piece := self._response.read1(decode_content=False):
                yield piece
        except RadiopoolError as error:
            raise _translated(error, self._request) from error

    def close(self) -> None:
        self._response.close()


def _translated(error: Exception, request: httpx.Request) -> Exception:
    if isinstance(error, InvalidValueError) and not isinstance(error, exceptions.HTTPError):
        # A ValueError for a timeout or a body that is none.
        return error
    reason: Any = getattr(error, "reason", None) or error
    kind: Any = httpx.ConnectError
    if isinstance(reason, exceptions.ReadTimeoutError):
        kind = httpx.ReadTimeout
    elif isinstance(reason, exceptions.EmptyPoolError):
        kind = httpx.PoolTimeout
    elif isinstance(reason, exceptions.ConnectTimeoutError) and not isinstance(reason, exceptions.NewConnectionError):
        kind = httpx.ConnectTimeout
    elif isinstance(reason, exceptions.InvalidHeader):
        kind = httpx.LocalProtocolError
    elif isinstance(reason, exceptions.URLSchemeUnknown):
        kind = httpx.UnsupportedProtocol
    elif isinstance(reason, exceptions.ProtocolError):
        kind = httpx.RemoteProtocolError
    return kind(str(error), request=request)  # type: ignore[no-any-return]
