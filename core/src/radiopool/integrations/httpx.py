"""httpx over any radio: a transport. Needs `radiopool[httpx]`.

client = httpx.Client(transport=RadiopoolTransport(radio))
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx

from radiopool.http import PoolManager, Timeout, exceptions

if TYPE_CHECKING:
    from radiopool.driver import Driver
    from radiopool.http import HTTPResponse
    from radiopool.manager import ConnectionManager

# The framing of the body is ours to choose, whatever httpx proposed.
_FRAMING = (b"content-length", b"transfer-encoding")


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
        """Send one request. Raises httpx's exceptions."""
        seconds = request.extensions.get("timeout", {})
        headers = {name.decode(): value.decode("latin-1") for name, value in request.headers.raw}
        body: Any = request.stream
        length = request.headers.get("content-length")
        chunked = "transfer-encoding" in request.headers
        if not chunked:
            body = b"".join(body) or None if length is not None else None
        try:
            answered = self._http.urlopen(
                request.method,
                str(request.url),
                redirect=False,
                headers={name: value for name, value in headers.items() if name.lower().encode() not in _FRAMING},
                body=body,
                chunked=chunked,
                retries=False,
                timeout=Timeout(connect=seconds.get("connect"), read=seconds.get("read")),
                pool_timeout=seconds.get("pool"),
                preload_content=False,
                decode_content=False,
            )
        except (exceptions.HTTPError, ValueError, OSError) as error:
            raise _translated(error, request) from error
        return httpx.Response(
            answered.status,
            headers=list(answered.headers.iteritems()),
            stream=_Body(answered, request),
            extensions={"http_version": b"HTTP/1.1", "reason_phrase": (answered.reason or "").encode("latin-1")},
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
            yield from self._response.stream(decode_content=False)
        except (exceptions.HTTPError, OSError) as error:
            raise _translated(error, self._request) from error

    def close(self) -> None:
        self._response.close()


def _translated(error: Exception, request: httpx.Request) -> Exception:
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
