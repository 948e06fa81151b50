"""A proxy that fails in every way there is: each has its own error, and no socket stays open."""

import logging
import re
import socket
import ssl
import threading

import pytest
import trustme

from radiopool import manager_for
from radiopool.http import (
    ConnectTimeoutError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ProxyManager,
    ReadTimeoutError,
    SSLError,
)
from radiopool.http.tunnel import ANSWER_LIMIT, TunnelError
from radiopool_cpython import HostNetwork

SECRET = "hunter2-of-the-proxy"
ENCODED = "Ym9iOmh1bnRlcjItb2YtdGhlLXByb3h5"
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class ScriptedProxy:
    """Runs `script(connection, head)` for each connection, then waits until the client has closed its end.

    `heads` are the heads that came; `left_open` counts the connections that the client has not closed.
    """

    def __init__(self, script):
        self.script = script
        self.heads = []
        self.left_open = 0
        self.failures = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://bob:{SECRET}@127.0.0.1:{self.port}"
        self._lock = threading.Lock()
        self._workers = []
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(20)
            with self._lock:
                self.left_open += 1
                worker = threading.Thread(target=self._serve, args=(connection,))
                self._workers.append(worker)
                worker.start()

    def _serve(self, connection):
        try:
            with connection:
                head = b""
                # A ClientHello has no empty line to wait for.
                while b"\r\n\r\n" not in head and head[:1] != b"\x16":
                    received = connection.recv(4096)
                    if not received:
                        break
                    head += received
                self.heads.append(head)
                try:
                    if self.script(connection, head) == "close":
                        self.left_open -= 1
                        return
                    while connection.recv(65536):
                        pass
                except (ConnectionError, ssl.SSLError):
                    pass
            self.left_open -= 1
        except Exception as error:
            self.failures.append(error)

    def join(self):
        """Wait until every connection was closed by the client."""
        with self._lock:
            # None of them is yet to be started.
            workers = list(self._workers)
        for worker in workers:
            worker.join()
        assert not self.failures
        assert self.left_open == 0

    def stop(self):
        # A listener's accept() is woken by shutdown, not by close.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        for worker in self._workers:
            worker.join()


@pytest.fixture
def proxy_that():
    """`proxy_that(script)`: a running ScriptedProxy."""
    made = []

    def make(script):
        made.append(ScriptedProxy(script))
        return made[-1]

    yield make
    for proxy in made:
        proxy.stop()


@pytest.fixture
def radio():
    network = HostNetwork(hosts={"target.example": "127.0.0.1"})
    with manager_for(network):
        yield network


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def trust(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def answers(answer):
    return lambda connection, head: connection.sendall(answer)


def fail(proxy, radio, url="https://target.example/", caplog=None, **keywords):
    """The error of a request through the proxy, after which nothing is open and nothing says the password."""
    keywords = {"retries": False, "timeout": 20, **keywords}
    with ProxyManager(proxy.url, radio=radio) as http:
        with pytest.raises(OSError) as caught:
            http.request("GET", url, **keywords)
        assert manager_for(radio).managed_socket_count == 0
        assert manager_for(radio).stats()["leased"] == 0
    proxy.join()
    error = caught.value
    seen = error
    while seen is not None:
        for text in (str(seen), repr(seen)):
            assert SECRET not in text and ENCODED not in text
        assert seen.__cause__ is not seen
        seen = seen.__cause__
    return error


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n", 407, "Proxy Auth"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", 502, "Bad Gateway"),
        (b"HTTP/1.0 403\r\n\r\n", 403, ""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Later\r\n\r\n", 503, "Later"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000, 403, "Forbidden"),
    ],
)
def test_refusals(answer, status, reason, proxy_that, radio):
    error = fail(proxy_that(answers(answer)), radio)
    assert type(error) is ProxyError
    assert isinstance(error.original_error, TunnelError)
    assert error.original_error.status == status
    assert error.original_error.reason.startswith(reason)
    assert f"Tunnel connection failed: {status}" in str(error)


def test_a_refusal_is_retried_as_often_as_retries_says(proxy_that, radio):
    proxy = proxy_that(answers(b"HTTP/1.1 502 Bad Gateway\r\n\r\n"))
    error = fail(proxy, radio, retries=2)
    assert type(error) is MaxRetryError
    assert type(error.reason) is ProxyError
    assert len(proxy.heads) == 3


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (lambda connection, head: "close", "closed the connection before it answered"),
        (answers(b"HTTP/1.1 200 OK\r\nX: " + b"y" * (ANSWER_LIMIT + 5000)), "over %d bytes" % ANSWER_LIMIT),
        (answers(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "is not HTTP/1"),
        (answers(b"220 mail.example ESMTP\r\n"), "is not HTTP/1: b'220 mail.example"),
        (answers(b"\x15\x03\x01\x00\x02\x02\x46"), "is not HTTP/1: b'"),
        (lambda connection, head: connection.sendall(head[:-2]), "is not HTTP/1: b'CONNECT target.example:443 HTTP"),
        (answers(b"HTTP/1.0 200 OK\nVia: old\n\n"), "end in LF without CR"),
        (answers(b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n"), "is not HTTP/1"),
        (answers(ESTABLISHED + b"surprise"), "sent bytes of its own after the tunnel's head"),
    ],
    ids=["closes", "endless head", "no HTTP", "mail", "TLS", "echo", "no CR", "bad head", "bytes of its own"],
)
def test_answers_that_are_none(script, message, proxy_that, radio):
    error = fail(proxy_that(script), radio)
    assert type(error) is ProxyError
    assert isinstance(error.original_error, ProtocolError)
    assert message in str(error) and "CONNECT target.example:443" in str(error)


def test_a_proxy_that_closes_after_connects_head(proxy_that, radio):
    def script(connection, head):
        connection.sendall(ESTABLISHED)
        connection.shutdown(socket.SHUT_WR)

    error = fail(proxy_that(script), radio)
    assert isinstance(error, SSLError)
    assert "the tunnel to target.example port 443 was closed in the TLS handshake" in str(error)
    assert "the proxy http://127.0.0.1:" in str(error)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 ", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_a_proxy_that_hangs_in_connect(answer, proxy_that, radio):
    error = fail(proxy_that(answers(answer)), radio, timeout=0.05)
    assert type(error) is ReadTimeoutError
    assert "did not answer CONNECT target.example:443 in time" in str(error)


def test_a_proxy_that_drips_is_held_to_one_deadline(proxy_that, radio):
    def script(connection, head):
        connection.settimeout(0.01)
        connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            connection.sendall(b"y")
            try:
                if not connection.recv(1):
                    return
            except TimeoutError:
                pass

    error = fail(proxy_that(script), radio, timeout=0.2)
    assert type(error) is ReadTimeoutError


def test_a_forwarding_proxy_that_hangs_or_closes(proxy_that, radio):
    error = fail(proxy_that(answers(b"")), radio, "http://target.example/", timeout=0.05)
    assert type(error) is ReadTimeoutError
    error = fail(proxy_that(lambda connection, head: "close"), radio, "http://target.example/")
    assert type(error) is ProtocolError


def test_a_tunnel_that_hangs_in_the_handshake(proxy_that, radio):
    error = fail(proxy_that(answers(ESTABLISHED)), radio, timeout=0.05)
    assert isinstance(error, ConnectTimeoutError)
    assert "inside the tunnel of the proxy http://127.0.0.1:" in str(error)


@pytest.mark.parametrize("url", ["http://target.example/", "https://target.example/"])
def test_a_proxy_where_nobody_listens(url, radio):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with ProxyManager(f"http://bob:{SECRET}@127.0.0.1:{port}", radio=radio) as http:
        with pytest.raises(ProxyError, match="refused") as caught:
            http.request("GET", url, retries=False)
        assert type(caught.value.original_error) is NewConnectionError
        with pytest.raises(MaxRetryError) as retried:
            http.request("GET", url, retries=1)
        assert type(retried.value.reason) is ProxyError
        assert SECRET not in str(retried.value)


def test_a_proxy_whose_name_does_not_resolve(radio):
    with ProxyManager("http://no-such-proxy.invalid:3128", radio=radio) as http, pytest.raises(ProxyError) as caught:
        http.request("GET", "https://target.example/", retries=False)
    assert isinstance(caught.value.original_error, NameResolutionError)
    assert "'no-such-proxy.invalid'" in str(caught.value)


def test_https_to_a_proxy_that_speaks_http(proxy_that, radio):
    proxy = proxy_that(answers(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    proxy.url = proxy.url.replace("http://", "https://")
    for url in ("http://target.example/", "https://target.example/"):
        error = fail(proxy, radio, url)
        assert type(error) is ProxyError and isinstance(error.original_error, SSLError)
        assert "Your proxy appears to only use HTTP and not HTTPS" in str(error)


def test_the_target_has_a_wrong_certificate_inside_a_good_tunnel(proxy_that, radio, authority, trust):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("other.example").configure_cert(server)

    def script(connection, head):
        connection.sendall(ESTABLISHED)
        server.wrap_socket(connection, server_side=True).close()
        return "close"

    proxy = proxy_that(script)
    with (
        ProxyManager(proxy.url, radio=radio, ssl_context=trust) as http,
        pytest.raises(SSLError, match="the certificate of target.example port 443 is refused") as caught,
    ):
        http.request("GET", "https://target.example/", retries=False)
    assert "this is the target's TLS, inside the tunnel of the proxy http://127.0.0.1:" in str(caught.value)
    assert not isinstance(caught.value, ProxyError)
    assert manager_for(radio).managed_socket_count == 0


def test_an_interrupted_handshake_closes_the_socket(proxy_that, radio, trust, monkeypatch):
    def interrupted(self, block=False):
        raise KeyboardInterrupt

    proxy = proxy_that(answers(ESTABLISHED))
    monkeypatch.setattr(ssl.SSLSocket, "do_handshake", interrupted)
    with ProxyManager(proxy.url, radio=radio, ssl_context=trust) as http, pytest.raises(KeyboardInterrupt) as caught:
        http.request("GET", "https://target.example/")
    # While the traceback, which holds what there was, is still there.
    proxy.join()
    assert caught.value.__traceback__ is not None
    assert manager_for(radio).managed_socket_count == 0


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"], ids=["head", "body"])
def test_tls_that_breaks_in_an_answer(answer, proxy_that, radio, authority, trust):
    """As by the alert with which TLS 1.3 refuses a client's certificate."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("target.example").configure_cert(server)

    def script(connection, head):
        connection.sendall(ESTABLISHED)
        with server.wrap_socket(connection, server_side=True) as secure:
            secure.recv(4096)
            secure.sendall(answer)
            with socket.socket(fileno=socket.dup(secure.fileno())) as raw:
                raw.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
                raw.recv(4096)
        return "close"

    proxy = proxy_that(script)
    with (
        ProxyManager(proxy.url, radio=radio, ssl_context=trust) as http,
        pytest.raises(SSLError, match="TunnelPool.host='target.example'.*(BAD_RECORD_MAC|bad record mac)"),
    ):
        http.request("GET", "https://target.example/", retries=False)
    assert manager_for(radio).managed_socket_count == 0


@pytest.mark.parametrize("option", [{"assert_hostname": "other.example"}, {"assert_fingerprint": "00" * 32}])
def test_options_are_checked_inside_the_tunnel(option, proxy_that, radio, authority, trust):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("target.example").configure_cert(server)

    def script(connection, head):
        connection.sendall(ESTABLISHED)
        with server.wrap_socket(connection, server_side=True) as secure:
            secure.recv(1)
        return "close"

    with (
        ProxyManager(proxy_that(script).url, radio=radio, ssl_context=trust, **option) as http,
        pytest.raises(SSLError),
    ):
        http.request("GET", "https://target.example/", retries=False)
    assert manager_for(radio).managed_socket_count == 0


def test_407_and_then_with_credentials(proxy_that, radio):
    def script(connection, head):
        if b"Proxy-Authorization: Basic " + ENCODED.encode() in head:
            connection.sendall(b"HTTP/1.1 418 No tea\r\n\r\n")
        else:
            connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

    proxy = proxy_that(script)
    for url, status in ((re.sub("//.*@", "//", proxy.url), 407), (proxy.url, 418)):
        with ProxyManager(url, radio=radio) as http:
            with pytest.raises(ProxyError) as caught:
                http.request("GET", "https://target.example/", retries=False)
            assert caught.value.original_error.status == status
    proxy.join()


def test_no_password_in_logs(proxy_that, radio, caplog):
    caplog.set_level(logging.DEBUG)
    fail(proxy_that(answers(b"HTTP/1.1 407 No\r\n\r\n")), radio, retries=1)
    fail(proxy_that(lambda connection, head: "close"), radio, url="http://target.example/", retries=1)
    assert SECRET not in caplog.text and ENCODED not in caplog.text


def test_a_budget_of_one_is_shared_with_what_failed(proxy_that, radio):
    proxy = proxy_that(answers(b"HTTP/1.1 502 Bad Gateway\r\n\r\n"))
    manager_for(radio).set_budget(1)
    with ProxyManager(proxy.url, radio=radio, retries=False) as http:
        for _ in range(3):
            with pytest.raises(ProxyError):
                http.request("GET", "https://target.example/")
    proxy.join()
