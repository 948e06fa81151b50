"""SOCKS5 through PySocks, to a server of RFC 1928 and RFC 1929 on loopback."""

import socket
import socketserver
import struct
import sys
import threading

import pytest

from radiopool import manager_for
from radiopool.http import ProxyError, ProxyManager, SSLError
from radiopool.http.errors import NameResolutionError, NewConnectionError
from radiopool.http.exceptions import ProxySchemeUnsupported
from radiopool_cpython import CPythonDriver

pytest.importorskip("socks", reason="PySocks is not installed: it is in the servers group")

USER, PASSWORD = "bob", "hunter2"


class Conversation(socketserver.BaseRequestHandler):
    """One client of the SOCKS server."""

    def handle(self):
        self.request.settimeout(20)
        try:
            self.converse()
        except (ConnectionError, EOFError, TimeoutError):
            pass

    def converse(self):
        server = self.server
        version, count = self.exactly(2)
        methods = self.exactly(count)
        assert version == 5
        if server.silent:
            self.request.recv(1)
            return
        if server.auth:
            if 2 not in methods:
                self.request.sendall(b"\x05\xff")
                return
            self.request.sendall(b"\x05\x02")
            self.exactly(1)
            user = self.exactly(self.exactly(1)[0])
            password = self.exactly(self.exactly(1)[0])
            good = (user, password) == (USER.encode(), PASSWORD.encode())
            self.request.sendall(b"\x01" + (b"\x00" if good else b"\x01"))
            if not good:
                return
        else:
            self.request.sendall(b"\x05\x00")
        _, command, _, kind = self.exactly(4)
        assert command == 1
        if kind == 3:
            host = self.exactly(self.exactly(1)[0]).decode()
        else:
            host = socket.inet_ntop(
                *((socket.AF_INET, self.exactly(4)) if kind == 1 else (socket.AF_INET6, self.exactly(16)))
            )
        (port,) = struct.unpack(">H", self.exactly(2))
        server.asked.append((host, port))
        try:
            far = socket.create_connection((server.names.get(host, host), port))
        except OSError:
            self.request.sendall(b"\x05\x05\x00\x01" + bytes(6))
            return
        with far:
            self.request.sendall(b"\x05\x00\x00\x01" + bytes(6))
            back = threading.Thread(target=self.pump, args=(far, self.request))
            back.start()
            self.pump(self.request, far)
            back.join()

    def exactly(self, size):
        received = b""
        while len(received) < size:
            more = self.request.recv(size - len(received))
            if not more:
                raise EOFError
            received += more
        return received

    @staticmethod
    def pump(source, sink):
        try:
            while received := source.recv(65536):
                sink.sendall(received)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class SocksServer(socketserver.ThreadingTCPServer):
    """`asked` are the (host, port) that clients named; `names` are the hosts it knows."""

    allow_reuse_address = True
    daemon_threads = False

    def __init__(self, address="127.0.0.1"):
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.auth = self.silent = False
        self.asked = []
        self.names = {}
        super().__init__((address, 0), Conversation)
        self.port = self.server_address[1]
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def stop(self):
        self.shutdown()
        self.thread.join()
        # Joins the conversations: every client has closed its end.
        self.server_close()


@pytest.fixture
def server():
    running = SocksServer()
    yield running
    running.stop()


def test_names_are_resolved_there_with_socks5h(server, make_target, authority, radio):
    plain, secure = make_target(), make_target(tls=True)
    server.names["localhost"] = "127.0.0.1"
    with ProxyManager(f"socks5h://127.0.0.1:{server.port}", radio=radio, ca_certs=authority[1]) as http:
        for _ in range(3):
            for target in (plain, secure):
                url = target.url.replace("127.0.0.1", "localhost")
                assert http.request("GET", url + "/x", headers={"Proxy-Authorization": "x"}).data == b"GET /x "
        assert len(http.pools) == 2
        assert manager_for(radio).stats()["idle"] == 2
        held = http.connection_from_url(plain.url.replace("127.0.0.1", "localhost"))
        assert held._lease_key[0].proxy.url == f"socks5h://127.0.0.1:{server.port}"
    assert server.asked == [("localhost", plain.port), ("localhost", secure.port)]
    assert len(plain.accepted) == len(secure.accepted) == 1
    # Requests are for the target: no absolute-form, and no credentials.
    assert [path for _, path, _ in plain.requests] == ["/x"] * 3
    assert not [headers for _, _, headers in plain.requests + secure.requests if "Proxy-Authorization" in headers]


def test_names_are_resolved_here_with_socks5(server, make_target, radio):
    target = make_target()
    radio.hosts["named.example"] = ("127.0.0.1",)
    with ProxyManager(f"socks5://127.0.0.1:{server.port}", radio=radio, retries=False) as http:
        assert http.request("GET", f"http://named.example:{target.port}/").status == 200
        with pytest.raises(NameResolutionError, match="socks5h"):
            http.request("GET", "http://no-such-host.invalid/")
    assert server.asked == [("127.0.0.1", target.port)]
    assert target.requests[0][2]["Host"] == f"named.example:{target.port}"


def test_the_leased_socket_is_plain(server, make_target, radio):
    target = make_target()
    with (
        ProxyManager(f"socks5://127.0.0.1:{server.port}", radio=radio, timeout=7) as http,
        http.request("GET", target.url + "/", preload_content=False) as response,
    ):
        (leased,) = manager_for(radio)._account.ledger.by_socket
        assert type(leased) is socket.socket
        assert leased.gettimeout() == 7
        response.read()


def test_credentials(server, make_target, radio):
    target = make_target()
    server.auth = True
    for user in ("", "bob:wrong@"):
        with ProxyManager(f"socks5://{user}127.0.0.1:{server.port}", radio=radio, retries=False) as http:
            with pytest.raises(ProxyError) as caught:
                http.request("GET", target.url + "/")
            assert "wrong" not in str(caught.value) + repr(http) + repr(http.route)
            assert manager_for(radio).managed_socket_count == 0
    assert not target.requests
    with ProxyManager(f"socks5://{USER}:{PASSWORD}@127.0.0.1:{server.port}", radio=radio) as http:
        assert http.request("GET", target.url + "/").status == 200


@pytest.mark.skipif(not CPythonDriver().traits(None).ipv6, reason="the loopback has no IPv6")
def test_a_proxy_with_an_ipv6_address(make_target, radio):
    target = make_target()
    server = SocksServer("::1")
    radio.hosts["proxy.example"] = ("::1",)
    try:
        for host in ("[::1]", "proxy.example"):
            with ProxyManager(f"socks5h://{host}:{server.port}", radio=radio) as http:
                assert http.request("GET", target.url + "/").status == 200
    finally:
        server.stop()
    assert server.asked == [("127.0.0.1", target.port)] * 2


def test_failures(server, make_target, authority, radio):
    secure = make_target(tls=True, certificate=authority[0].issue_cert("elsewhere.example"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = listener.getsockname()[1]
    options = {"radio": radio, "retries": False, "ca_certs": authority[1]}
    with ProxyManager(f"socks5://127.0.0.1:{server.port}", **options) as http:
        with pytest.raises(ProxyError, match="Connection refused"):
            http.request("GET", f"http://127.0.0.1:{nobody}/")
        with pytest.raises(SSLError, match="the target's TLS, inside the tunnel of the proxy socks5://127.0.0.1"):
            http.request("GET", secure.url + "/")
        server.silent = True
        with pytest.raises(ProxyError, match="timed out"):
            http.request("GET", f"http://127.0.0.1:{nobody}/", timeout=0.05)
    with ProxyManager(f"socks5://127.0.0.1:{nobody}", **options) as http, pytest.raises(ProxyError) as caught:
        http.request("GET", secure.url + "/")
    assert type(caught.value.original_error) is NewConnectionError
    assert manager_for(radio).managed_socket_count == 0


def test_without_pysocks(radio, monkeypatch):
    monkeypatch.setitem(sys.modules, "socks", None)
    with pytest.raises(ProxySchemeUnsupported, match=r"pip install radiopool\[socks\]"):
        ProxyManager("socks5h://127.0.0.1:1", radio=radio)
