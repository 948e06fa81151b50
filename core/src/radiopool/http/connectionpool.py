"""Connection pools: the requests to one host, on sockets leased under one pool key."""

from radiopool import platform
from radiopool.errors import RadiopoolError
from radiopool.http import url as urls
from radiopool.http import wire
from radiopool.http.request_methods import RequestMethods
from radiopool.keys import PoolKey, check_timeout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool.manager import ConnectionManager
    from radiopool.recycling import Entry

if TYPE_CHECKING or platform.CPYTHON:
    from radiopool.http.file_response import HTTPResponse
else:
    from radiopool.http.response import BaseHTTPResponse as HTTPResponse

port_by_scheme = {"http": 80, "https": 443}

SKIP_HEADER = "@@@SKIP_HEADER@@@"
"""As the value of Host, User-Agent or Accept-Encoding: leave that header out."""

NOT_GIVEN: "Any" = ...
"""What stands for a timeout that the caller left to the pool."""

_IDEMPOTENT = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE")
_SMALL_BODY = 16384 if platform.CPYTHON else 1024
_TOKEN = "-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+.^_`|~"

_serial = 0


def next_serial() -> int:
    """A number that no other pool or session has."""
    global _serial
    _serial += 1
    return _serial


def _refused(message: str) -> Exception:
    from radiopool.http.errors import InvalidHeader

    return InvalidHeader(message)


def header_lines(host: str, headers: "Any") -> "tuple[str, dict[str, str]]":
    """The header lines of a request as text, and the headers by lower-case name.

    Host, Accept-Encoding and User-Agent get a default. Raises InvalidHeader for a name or a value that can't be sent.
    """
    given = {}
    text = ""
    if headers:
        for name, value in headers.items():
            if isinstance(name, bytes):
                name = name.decode()
            if isinstance(value, bytes):
                value = value.decode("latin-1")
            elif not isinstance(value, str):
                if not isinstance(value, int):
                    raise _refused("header %r must have text for a value, not %r" % (name, value))
                value = str(value)
            if not name or name.strip(_TOKEN):
                raise _refused("header name %r is no token (RFC 9110 section 5.1)" % name)
            if "\r" in value or "\n" in value or "\0" in value:
                raise _refused("header %s has a line end or a NUL in its value" % name)
            low = name.lower()
            given[low] = value
            if value != SKIP_HEADER:
                text += name + ": " + value + "\r\n"
            elif low not in ("host", "user-agent", "accept-encoding"):
                raise _refused("header %s can't be skipped" % name)
    if "accept-encoding" not in given:
        text = "Accept-Encoding: identity\r\n" + text
    if "user-agent" not in given:
        text = "User-Agent: radiopool\r\n" + text
    if "host" not in given:
        text = "Host: " + host + "\r\n" + text
    return text, given


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

    scheme = "http"
    _known: "tuple[str, ...]" = ("source_address", "strict", "blocksize", "socket_options")

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
            from radiopool.http.errors import LocationValueError

            raise LocationValueError("No host specified." if not host else "host must be text, not %r" % (host,))
        if manager is None:
            from radiopool.manager import manager_for

            manager = manager_for()
        self.host = host = host.lower().strip("[]")
        self.port = port or port_by_scheme[self.scheme]
        self.timeout = timeout
        self.maxsize = maxsize
        self.block = block
        self.headers = headers
        self.retries = retries
        self.proxy = _proxy
        self.proxy_headers = _proxy_headers
        self.manager = manager
        self.conn_kw = conn_kw
        self.num_connections = 0
        """Connections opened."""
        self.num_requests = 0
        """Requests sent."""
        # A pool by itself is a session by itself; and pools of one manager for the same host share no sockets.
        self._serial = next_serial()
        self._session = session or self._serial
        self._lease_key: "tuple[PoolKey, Any] | None" = None
        self._closed = False
        # The header lines of the last request and the headers they came from: the next has the same, as a rule.
        self._lines: "tuple[Any, ...]" = (0,)

    # -- requests

    def urlopen(
        self,
        method: str,
        url: str,
        body: "Any" = None,
        headers: "Any" = None,
        retries: "Any" = None,
        redirect: bool = True,
        assert_same_host: bool = True,
        timeout: "Any" = NOT_GIVEN,
        pool_timeout: "float | None" = None,
        release_conn: "bool | None" = None,
        chunked: bool = False,
        body_pos: "Any" = None,
        preload_content: bool = True,
        decode_content: bool = True,
        enforce_content_length: bool = True,
    ) -> "HTTPResponse":
        """Send a request and return its response.

        url: the request's target, or an absolute URL of this host.
        body: bytes, text; on CPython also a file or an iterable of them, sent chunked if its length is not known.
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
        asked = (
            method, url, body, headers, timeout, pool_timeout, chunked, preload_content, decode_content,
            enforce_content_length,
        )  # fmt: skip
        if assert_same_host and url[:1] != "/":
            self._check_same_host(url, retries)
        failure = response = None
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
            if retries is False or not platform.CPYTHON:
                raise
            failure = error
        from radiopool.http.resend import settle

        return settle(self, response, failure, retries, redirect, assert_same_host, asked)

    def request_once(
        self,
        method: str,
        url: str,
        body: "Any",
        headers: "Any",
        timeout: "Any",
        pool_timeout: "float | None",
        chunked: bool,
        preload_content: bool,
        decode_content: bool,
        enforce_content_length: bool,
    ) -> "HTTPResponse":
        """One request without retries or redirects; the arguments are `urlopen`'s."""
        if self._closed:
            from radiopool.http.errors import ClosedPoolError

            raise ClosedPoolError(self, "Pool is closed.")
        if timeout is NOT_GIVEN:
            timeout = self.timeout
        clock = None
        if timeout is not None and not (type(timeout) in (int, float) and 0 < timeout < 1e8):
            clock, timeout = _seconds(timeout)
        request, body = self._encode(method, url, body, self.headers if headers is None else headers, chunked, timeout)
        exchange = self._exchange(method, request, body, timeout, clock, pool_timeout)
        response = HTTPResponse(exchange, url, method, decode_content, None, enforce_content_length)
        if preload_content:
            response.data  # noqa: B018
        return response

    def _exchange(
        self, method: str, request: bytes, body: "Any", timeout: "float | None", clock: "Any",
        pool_timeout: "float | None",
    ) -> "wire.Exchange":  # fmt: skip
        """Send the request on a leased socket and receive the head of its response.

        A recycled connection that fails before the first byte of a response was closed by the peer while it was
        idle, as a rule: the request goes out once more, on a fresh connection, if the peer can't have acted on it.
        """
        again = False
        while True:
            entry = self._lease(timeout, pool_timeout)
            recycled = entry.leases > 1
            if recycled and again:
                self.manager.discard(entry, reason="stale")
                continue
            exchange = wire.begin(self, entry)
            try:
                if clock:
                    entry.socket.settimeout(clock.read_timeout)
                exchange.send(request)
                if body is not None:
                    if type(body) is bytes:
                        exchange.send(body)
                    else:
                        body.send(exchange)
                exchange.receive(method)
                self.num_requests += 1
                return exchange
            except BaseException as error:
                exchange.abort("interrupted")
                stale = (
                    recycled
                    and not again
                    and not exchange.stop
                    and exchange.close != "timeout"
                    and (method in _IDEMPOTENT or not exchange.sent)
                    and isinstance(error, OSError)
                )
                wire.spare(exchange)
                if not stale:
                    raise
                again = True

    def _lease(self, timeout: "float | None", pool_timeout: "float | None") -> "Entry":
        try:
            key, context = self._lease_key or self._make_key()
            entry = self.manager.acquire(
                key,
                context,
                timeout=timeout,
                wait=pool_timeout,
                max_per_key=self.maxsize if self.block else None,
                connect=self._connect,
            )
        except RadiopoolError as error:
            from radiopool.http.failures import lease_failed

            raise lease_failed(self, error) from error
        if entry.leases == 1:
            self.num_connections += 1
        return entry

    _connect: "Any" = None

    def _make_key(self) -> "tuple[PoolKey, Any]":
        """The key of this pool's leases, and the TLS context that it names."""
        for name in self.conn_kw:
            if name not in self._known:
                raise TypeError("%s got an unexpected keyword argument %r" % (type(self).__name__, name))
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
                None,
                self.conn_kw.get("source_address"),
                self._serial,
            ),
            context,
        )
        return made

    def _tls(self) -> "tuple[Any, str | None]":
        """The TLS context and the name that the certificate must have (None: the host)."""
        return None, None

    def _encode(
        self, method: str, url: str, body: "Any", headers: "Any", chunked: bool, timeout: "Any"
    ) -> "tuple[bytes, Any]":
        """The request's head as it is sent, a small body included, and what remains to be sent of the body."""
        lines = self._lines
        if headers != lines[0]:
            lines = (headers and dict(headers),) + header_lines(self._authority(), headers)
            if not headers or type(headers) is dict:
                self._lines = lines
        if method.strip(_TOKEN) or not method:
            raise _refused("method %r is no token (RFC 9110 section 9.1)" % method)
        head = method + " " + urls.split(url)[3] + " HTTP/1.1\r\n" + lines[1]
        given = lines[2]
        if isinstance(body, str):
            body = body.encode()
        if body is None:
            # RFC 9110 section 8.6: a method that means a body says that there is none.
            if method in ("POST", "PUT", "PATCH") and "content-length" not in given:
                head += "Content-Length: 0\r\n"
        elif type(body) is bytes and not chunked and "transfer-encoding" not in given and "expect" not in given:
            length = given.get("content-length")
            if length is None:
                head += "Content-Length: %d\r\n" % len(body)
            elif length != str(len(body)):
                raise _refused("Content-Length %s, and the body has %d bytes" % (length, len(body)))
            if len(body) <= _SMALL_BODY:
                return (head + "\r\n").encode("latin-1") + body, None
        else:
            from radiopool.http.sending import Outgoing

            body = Outgoing(body, chunked, given, timeout)
            head += body.lines
        return (head + "\r\n").encode("latin-1"), body

    def _authority(self) -> str:
        """Host and port as the Host header has them."""
        host = "[" + self.host + "]" if ":" in self.host else self.host
        return host if self.port == port_by_scheme[self.scheme] else host + ":%d" % self.port

    # -- the pool

    def url_of(self, url: str) -> str:
        """A target of this pool as an absolute URL; an absolute URL as it is."""
        return self.scheme + "://" + self._authority() + url if url[:1] == "/" else url

    def is_same_host(self, url: str) -> bool:
        """Whether a URL is of this pool: a target without a host, or of the same scheme, host and port."""
        if url[:1] == "/":
            return True
        scheme, host, port, _ = urls.split(url)
        return (scheme, host.strip("[]"), port or port_by_scheme.get(scheme or "")) == (
            self.scheme,
            self.host,
            self.port,
        )

    def _check_same_host(self, url: str, retries: "Any") -> None:
        if not self.is_same_host(url):
            from radiopool.http.exceptions import HostChangedError

            raise HostChangedError(self, url, retries)

    def close(self) -> None:
        """Close the idle sockets, and those in use when they are given back; refuse further requests."""
        self._closed = True
        if self._lease_key:
            self.manager.retire(self._session, self._lease_key[0])

    def __enter__(self) -> "HTTPConnectionPool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return "%s(host=%r, port=%r)" % (type(self).__name__, self.host, self.port)


class HTTPSConnectionPool(HTTPConnectionPool):
    """The HTTPS requests to one host and port. The further keywords are the TLS options (`tls_options`)."""

    scheme = "https"

    _known = HTTPConnectionPool._known + (
        "ssl_context", "server_hostname", "assert_hostname", "assert_fingerprint", "cert_reqs", "ca_certs",
        "ca_cert_data", "ca_cert_dir", "cert_file", "key_file", "key_password", "ssl_minimum_version",
        "ssl_maximum_version", "ssl_version",
    )  # fmt: skip

    def _tls(self) -> "tuple[Any, str | None]":
        options = self.conn_kw
        if options and platform.CPYTHON:
            from radiopool.http.tls_options import TLSOptions

            made = TLSOptions.for_driver(self.manager.driver.traits(self.manager.radio).tls, options)
            if made:
                self._connect = made.connect
                return made.context, made.server_name
        return options.get("ssl_context") or self.manager.default_ssl_context(), options.get("server_hostname")


def _seconds(timeout: "Any") -> "tuple[Any, Any]":
    """The running clock of a `Timeout` (None without one) and the seconds to connect in.

    Raises InvalidValueError for what is no number of seconds above 0.
    """
    if not platform.CPYTHON:
        check_timeout(timeout)
        return None, timeout
    from radiopool.http.timeout import Timeout

    if not isinstance(timeout, Timeout):
        timeout = Timeout.from_float(timeout)
    clock = timeout.clone()
    clock.start_connect()
    return clock, Timeout.resolve_default_timeout(clock.connect_timeout)
