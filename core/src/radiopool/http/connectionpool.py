"""Connection pools: the requests to one host, on sockets leased under one pool key."""

from radiopool.http.url import split
from radiopool.http.wire import begin, spare
from radiopool.keys import PoolKey, check_timeout
from radiopool.platform import CPYTHON, collect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool.manager import ConnectionManager

if TYPE_CHECKING or CPYTHON:
    from radiopool.http.failures import no_port
    from radiopool.http.fastwire import close_dropped, dropped, shrink
    from radiopool.http.file_response import HTTPResponse
    from radiopool.http.form_methods import check_count
    from radiopool.http.header_lines import ENCODING
    from radiopool.http.pool_methods import PoolMethods as RequestMethods
    from radiopool.http.url import normal_host

    # Accepted, and beside the address without effect: urllib3 has them.
    _OPTIONS = ("source_address", "strict", "blocksize")
else:
    from radiopool.http.request_methods import RequestMethods
    from radiopool.http.response import BaseHTTPResponse as HTTPResponse

port_by_scheme = {"http": 80, "https": 443}

_REMEMBERED = 64 if CPYTHON else 1

_serial = 0


def next_serial() -> int:
    """A number that no other pool or session has."""
    global _serial
    _serial += 1
    return _serial


class HTTPConnectionPool(RequestMethods):
    """The requests to one host and port, over sockets that a ConnectionManager leases.

    host, port: where to; 80 (443 for HTTPS) by default.
    timeout: seconds for connecting and for each wait for bytes; None is no limit. A `Timeout` on CPython.
    maxsize: idle sockets kept; with `block`, sockets there may be at once, else more are leased while the radio's
        budget allows.
    headers: those of requests that bring none.
    retries: those of requests that bring none: a number, False, or a `Retry`.
    manager: the ConnectionManager that leases; by default the host's own.
    session: what separates its sockets from those of other users of the manager.

    Further keywords: source_address, and for HTTPS the TLS options (`tls_options`); one that nobody knows is a
    TypeError when the first socket is leased, unless the pool's key has it.
    """

    _later = ".http.pool_endings"
    scheme = "http"
    if TYPE_CHECKING:

        def _tls(self) -> "tuple[Any, str | None]":
            """The TLS context and the name that the certificate must have (None: the host); of pools for https."""

        def _target(self, url: str) -> str:
            """What the request line asks for; of pools that forward."""

    if TYPE_CHECKING or CPYTHON:
        forwards = False
        """Whether its targets are absolute URLs, of any host, for a proxy to forward."""
        proxy: "Any" = None
        proxy_headers: "Any" = None
        _connect: "Any" = None
        _unkept: "str | None" = None
        """Why its sockets are not kept: once it was closed or let go."""
    _lease_key: "tuple[PoolKey, Any] | None" = None
    _closed = False
    # The headers of the last request and what they became: the next has the same, as a rule. See `_lines_of`.
    _lines: "tuple[Any, ...]" = (0,)

    def __init__(
        self,
        host: str,
        port: "int | None" = None,
        timeout: "Any" = None,
        maxsize: int = 1,
        block: bool = False,
        headers: "Any" = None,
        retries: "Any" = None,
        _proxy: "Any" = None,
        _proxy_headers: "Any" = None,
        *,
        manager: "ConnectionManager | None" = None,
        session: "Any" = None,
        **conn_kw: "Any",
    ) -> None:
        if not host or not isinstance(host, str):
            from radiopool.http.failures import no_host

            raise no_host(host)
        if CPYTHON:
            check_count("maxsize", maxsize, 1 if block else 0)
            if port is not None and (type(port) is not int or not 0 <= port < 65536):
                raise no_port(port)
            host = normal_host(host)
        if manager is None:
            from radiopool.finding import manager_for

            manager = manager_for()
        self.host = host = host.lower().strip("[]")
        self.port = port or port_by_scheme[self.scheme]
        self.timeout = timeout
        self.maxsize = maxsize
        self.block = block
        self.headers = headers
        self.retries = retries
        if CPYTHON and _proxy:
            self.proxy = _proxy
            self.proxy_headers = _proxy_headers
        self.manager = manager
        self.conn_kw = conn_kw
        # A pool by itself is a session by itself; and pools of one manager for the same host share no sockets.
        self._serial = next_serial()
        self._session = session or self._serial
        # Connections opened, requests sent.
        self.num_connections = self.num_requests = 0

    # -- requests

    def request_once(
        self,
        method: str,
        url: str,
        body: "Any" = None,
        headers: "Any" = None,
        timeout: "Any" = ...,
        pool_timeout: "float | None" = None,
        chunked: bool = False,
        preload_content: bool = True,
        decode_content: bool = True,
        enforce_content_length: bool = True,
        retries: "Any" = None,
        redirect: bool = False,
        assert_same_host: bool = True,
        release_conn: "bool | None" = None,
    ) -> "HTTPResponse":
        """One request without retries or redirects; the arguments are `urlopen`'s, and the last four without effect.

        A recycled connection that fails before the first byte of a response was closed by the peer while it was
        idle, as a rule: the request goes out once more, on a fresh connection, if the peer can't have acted on it.
        """
        if self._closed:
            from radiopool.http.failures import closed

            raise closed(self)
        if timeout is ...:
            timeout = self.timeout
        if CPYTHON and pool_timeout is not None:
            check_timeout(pool_timeout, "pool_timeout")
        clock = None
        if timeout is not None and CPYTHON and not (type(timeout) in (int, float) and 0 < timeout < 1e8):
            clock, timeout = self._start_clock(timeout)
        if headers is None:
            headers = self.headers
        lines = self._lines
        if headers != lines[0]:
            lines = self._lines_of(headers)
        request = lines[1].get((method, url)) if body is None else None
        if request is None:
            request, body = self._encode(method, url, body, lines, chunked)
        if CPYTHON and dropped:
            close_dropped()
        manager = self.manager
        again = False
        while True:
            try:
                key, context = self._lease_key or self._make_key()
                most = self.maxsize if self.block else None
                entry = manager.acquire(key, context, timeout, pool_timeout, most, self._connect if CPYTHON else None)
            except OSError as error:
                from radiopool.http.failures import lease_failed

                failure = lease_failed(self, error)
                if CPYTHON and failure is error:
                    raise
                raise failure from error
            recycled = entry.leases > 1
            if not recycled:
                if CPYTHON and self._closed:
                    # While the request waited for a socket. Recycled it can't be: a closed pool keeps none.
                    from radiopool.http.failures import closed  # type: ignore[unreachable]

                    manager.discard(entry, "retired")
                    raise closed(self)
                self.num_connections += 1
            elif again:
                # Another that was idle as long: fresh is what is wanted.
                manager.discard(entry, "stale")
                continue
            exchange = None
            try:
                exchange = begin(self, entry, (lines[2] or self._unkept) if CPYTHON else lines[2])
                exchange.timeout = timeout
                if CPYTHON and clock:
                    left = clock.read_timeout
                    if left == 0:
                        # To a socket 0 means not to wait at all, and to send all the same.
                        raise exchange.failed(TimeoutError())
                    entry.socket.settimeout(left)
                    exchange.timeout = left
                exchange.send(request)
                if body is not None:
                    if type(body) is bytes:
                        exchange.send(body)
                    else:
                        body.send(exchange)
                exchange.receive(method)
                if CPYTHON:
                    break
                # Here, because there may be no memory for it. It is too late to repeat the request.
                recycled = False
                self.num_requests += 1
                return HTTPResponse(exchange, url, preload_content)  # type: ignore[arg-type]
            except BaseException as error:
                if not exchange:
                    # No memory for one.
                    manager.discard(entry)
                    raise
                exchange.abort("interrupted")
                again = recycled and not again
                if again:
                    from radiopool.http.failures import may_repeat

                    again = may_repeat(exchange, method, error)
                spare(exchange)
                if not again:
                    raise
        if CPYTHON:
            self.num_requests += 1
            response = HTTPResponse(exchange, url, method, decode_content, None, enforce_content_length)
            if preload_content:
                response.data  # noqa: B018
            else:
                shrink(exchange)
            return response

    if not CPYTHON:
        # With retries, and redirects within the host, it is in `pool_methods`. On a board redirects are the manager's.
        urlopen = request_once  # type: ignore[assignment]

    def _make_key(self) -> "tuple[PoolKey, Any]":
        """The key of this pool's leases, and the TLS context that it names."""
        if self.conn_kw and CPYTHON:
            self._check_options(_OPTIONS)
        collect()
        context = server_name = None
        if self.scheme == "https" or (CPYTHON and self.forwards):
            context, server_name = self._tls()
        # One assignment: another thread that makes it too must not find the key of one context with the other.
        self._lease_key = made = (
            PoolKey(
                self.scheme,
                self.host,
                self.port,
                self._session,
                context and id(context),
                server_name,
                self.proxy if CPYTHON else None,
                self.conn_kw.get("source_address"),
                self._serial,
            ),
            context,
        )
        return made

    def _lines_of(self, headers: "Any") -> "tuple[Any, ...]":
        """(headers, requests already encoded with them, why to close after a request with them, lines, by name)."""
        host = "[" + self.host + "]" if ":" in self.host else self.host
        if self.port != port_by_scheme[self.scheme]:
            host += ":%d" % self.port
        lines: "tuple[Any, ...]"
        if headers:
            from radiopool.http.header_lines import given_lines

            lines = given_lines(headers, host)
        else:
            text = "Host: " + host + "\r\nUser-Agent: radiopool\r\nAccept-Encoding: identity\r\n"
            lines = (headers, {}, None, text, {})
        if not headers or type(headers) is dict:
            self._lines = lines
        return lines

    def _encode(
        self, method: str, url: str, body: "Any", lines: "tuple[Any, ...]", chunked: bool
    ) -> "tuple[bytes, Any]":
        """The request's head as it is sent, a small body included, and what remains to be sent of the body."""
        target = self._target(url) if CPYTHON and self.forwards else split(url)[3]
        head = method + " " + target + " HTTP/1.1\r\n" + lines[3]
        if (
            body is not None
            or method != "GET"
            or (CPYTHON and ("transfer-encoding" in lines[4] or "content-length" in lines[4]))
        ):
            from radiopool.http.outgoing import encode

            return encode(method, head, body, lines, chunked)
        if len(lines[1]) >= _REMEMBERED:
            lines[1].clear()
        request = lines[1][(method, url)] = (head + "\r\n").encode(ENCODING if CPYTHON else "utf-8")
        return request, None
