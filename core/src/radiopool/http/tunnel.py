"""Tunnels: CONNECT over a leased socket, and TLS with the target inside. CPython only."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from radiopool import errors as core
from radiopool.http.connectionpool import HTTPConnectionPool
from radiopool.http.errors import ProtocolError, ReadTimeoutError
from radiopool.http.exceptions import ProxyError, ProxySchemeUnsupported
from radiopool.http.fastwire import is_head
from radiopool.http.https import HTTPSConnectionPool
from radiopool.http.proxy import UNREACHED, Deadline, HTTPProxy
from radiopool.tls_errors import handshake_error

if TYPE_CHECKING:
    from radiopool.http.tls_options import TLSOptions

ANSWER_LIMIT = 16384
"""Bytes of the head of a proxy's answer, at most."""


class TunnelError(core.ConnectError):
    """The proxy answered CONNECT with a refusal: its `status`, a number, and its words, `reason`."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(f"Tunnel connection failed: {status} {reason}".rstrip())


def ask(proxy: HTTPProxy, pool: Any, socket: Any, host: str, port: int, deadline: Deadline) -> None:
    """Ask a proxy for a tunnel on a socket connected to it; returns once it stands. Leaves the socket open.

    Raises ProxyError (`original_error` is a TunnelError if the proxy refused), ReadTimeoutError.
    """
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = proxy.header_lines
    if "host" not in proxy.header_names:
        lines = f"Host: {target}\r\n{lines}"
    try:
        _send(socket, f"CONNECT {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1"), deadline)
        head = _final_head(socket, deadline)
    except ProtocolError as error:
        raise ProxyError(UNREACHED, ProtocolError(f"{proxy}: {error} (CONNECT {target})")) from error
    except (OSError, RuntimeError) as error:
        if pool.manager.driver.is_timeout(error):
            raise ReadTimeoutError(
                pool, None, f"Read timed out: the proxy {proxy} did not answer CONNECT {target} in time."
            ) from error
        raise ProxyError(
            UNREACHED, ProtocolError(f"{proxy}: the connection broke during CONNECT {target}: {error}")
        ) from error
    status = int(head[9:12])
    if not 200 <= status < 300:
        # Whatever body comes with a refusal is not read: the connection is closed.
        raise ProxyError(UNREACHED, TunnelError(status, head[13 : head.find(b"\r")].decode("latin-1").strip()))


def _send(socket: Any, request: bytes, deadline: Deadline) -> None:
    rest = memoryview(request)
    while rest:
        deadline.arm(socket)
        rest = rest[socket.send(rest) :]


def _final_head(socket: Any, deadline: Deadline) -> bytes:
    """The head of the first answer that is not interim (1xx)."""
    received = bytearray()
    buffer = bytearray(4096)
    while True:
        end = received.find(b"\r\n\r\n") + 4
        if end > 3:
            head = bytes(received[:end])
            del received[:end]
            if not is_head(head):
                raise _no_head(head)
            if head[9:10] == b"1":
                continue
            if received and head[9:10] == b"2":
                # In TLS the client speaks first, so this is nothing that the target sent.
                raise ProtocolError("the proxy sent bytes of its own after the tunnel's head")
            return head
        # No end of a head comes from what speaks something else, or first: SSH, mail, TLS.
        if not b"HTTP/1.".startswith(bytes(received[:7])):
            raise _no_head(bytes(received))
        if b"\n\n" in received:
            raise ProtocolError("lines of the proxy's answer end in LF without CR")
        if len(received) > ANSWER_LIMIT:
            raise ProtocolError(f"the head of the proxy's answer is over {ANSWER_LIMIT} bytes")
        deadline.arm(socket)
        count = socket.recv_into(buffer, 0)
        if not count:
            raise ProtocolError("the proxy closed the connection before it answered")
        received += buffer[:count]


def _no_head(answer: bytes) -> ProtocolError:
    # Its first line only: an echo of the request has credentials in another.
    return ProtocolError(f"the proxy's answer is not HTTP/1: {answer.splitlines()[0][:80]!r}")


class TunnelPool(HTTPSConnectionPool):
    """The HTTPS requests to one host and port, each connection through a tunnel of `route`'s."""

    def __init__(self, host: str, port: int | None = None, *, route: Any, **keywords: Any) -> None:
        super().__init__(host, port, _proxy=route.url, _proxy_headers=route.headers, **keywords)
        self.route = route
        self._checks: TLSOptions | None = None

    def _tls(self) -> tuple[Any, str | None]:
        manager = self.manager
        if manager.driver.traits(manager.radio).tls == "chip":
            raise ProxySchemeUnsupported(
                f"HTTPS through a proxy needs TLS over a connection that stands, and the TLS of this radio's chip "
                f"(driver {manager.driver.name}) opens its own; use http:// URLs, or use_forwarding_for_https"
            )
        options = self.conn_kw
        self._checks = self._tls_options() if options else None
        if self._checks:
            return self._checks.context, self._checks.server_name
        return manager.default_ssl_context(), None

    def _connect(self, manager: Any, key: Any, context: Any, timeout: float | None) -> Any:
        """A socket with TLS to the target: the `connect` of `ConnectionManager.acquire`."""
        deadline = Deadline(timeout)
        driver = manager.driver
        raw = socket = self.route.tunnel_to(self, key.host, key.port, timeout)
        try:
            deadline.arm(raw)
            socket = driver.wrap(raw, context, key.server_name or key.host)
            if hasattr(socket, "do_handshake"):
                socket.do_handshake()
            if self._checks:
                self._checks.check(socket, key.server_name or key.host)
            socket.settimeout(timeout)
        except BaseException as error:
            driver.close(socket)
            driver.close(raw)
            if not isinstance(error, OSError) or isinstance(error, core.RadiopoolError) or driver.is_exhausted(error):
                raise
            raise self._refused(error, key, driver.is_timeout(error)) from error
        return socket

    def _refused(self, error: OSError, key: Any, timed_out: bool) -> core.ConnectError:
        """The error of a handshake with the target, which names the proxy as well: either may be to blame."""
        if timed_out and not isinstance(error, TimeoutError):
            error = TimeoutError(str(error))
        found = handshake_error(error, key.host, key.port)
        if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError)):
            text = f"the tunnel to {key.host} port {key.port} was closed in the TLS handshake, by the target or by"
        else:
            text = f"{found}; this is the target's TLS, inside the tunnel of"
        refused = type(found)(f"{text} the proxy {self.route}")
        refused.host, refused.port, refused.errno = found.host, found.port, found.errno
        return refused

    def _lines_of(self, headers: Any) -> tuple[Any, ...]:
        return super()._lines_of(without_credentials(headers))


class PlainTunnelPool(HTTPConnectionPool):
    """The plain HTTP requests to one host and port, each connection through a tunnel of `route`'s."""

    def __init__(self, host: str, port: int | None = None, *, route: Any, **keywords: Any) -> None:
        super().__init__(host, port, _proxy=route.url, _proxy_headers=route.headers, **keywords)
        self.route = route

    def _connect(self, manager: Any, key: Any, context: Any, timeout: float | None) -> Any:
        """A connected socket: the `connect` of `ConnectionManager.acquire`."""
        socket = self.route.tunnel_to(self, key.host, key.port, timeout)
        socket.settimeout(timeout)
        return socket

    def _lines_of(self, headers: Any) -> tuple[Any, ...]:
        return super()._lines_of(without_credentials(headers))


def without_credentials(headers: Any) -> Any:
    """Headers without Proxy-Authorization: what goes through a tunnel reaches the target as it is."""
    if headers and any(_is_credentials(name) for name in headers):
        return {name: value for name, value in headers.items() if not _is_credentials(name)}
    return headers


def _is_credentials(name: Any) -> bool:
    text = name.decode("latin-1") if isinstance(name, bytes) else str(name)
    return text.lower() == "proxy-authorization"
