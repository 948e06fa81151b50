"""Radios of both ports, and real peers on loopback."""

import http.server
import socket
import socketserver
import ssl
import threading

import pytest
import trustme

import wifi

PORTS = ("espressif", "raspberrypi")


@pytest.fixture(params=PORTS)
def radio(request):
    """A radio on loopback, once for each port. A test that leaves a socket open fails."""
    radio = wifi.Radio(request.param, loopback=True)
    yield radio
    assert radio.slots.open == 0, "sockets left open"


@pytest.fixture
def pool(radio):
    import socketpool

    return socketpool.SocketPool(radio)


@pytest.fixture
def espressif():
    radio = wifi.Radio("espressif", loopback=True)
    yield radio
    assert radio.slots.open == 0, "sockets left open"


@pytest.fixture
def raspberrypi():
    radio = wifi.Radio("raspberrypi", loopback=True)
    yield radio
    assert radio.slots.open == 0, "sockets left open"


class Listener:
    """A listening socket of this computer; `connect(pool)` gives both ends of a connection."""

    def __init__(self, family=socket.AF_INET):
        self.socket = socket.create_server(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0), family=family)
        self.socket.settimeout(10)
        self.address = self.socket.getsockname()[:2]
        self.opened = []

    def connect(self, pool, timeout=5):
        """(the pool's socket, the peer's)."""
        client = pool.socket(pool.AF_INET if self.socket.family == socket.AF_INET else pool.AF_INET6)
        try:
            client.settimeout(timeout)
            client.connect(self.address)
            return client, self.accept()
        except BaseException:
            client.close()
            raise

    def accept(self):
        """The peer's end of the next connection."""
        peer, _ = self.socket.accept()
        peer.settimeout(10)
        # Else what a test sends may wait for the acknowledgement of a session ticket.
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.opened.append(peer)
        return peer

    def close(self):
        for peer in self.opened:
            peer.close()
        self.socket.close()


@pytest.fixture
def listener():
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture
def listener6():
    listener = Listener(socket.AF_INET6)
    yield listener
    listener.close()


@pytest.fixture
def in_background():
    """Run functions in threads; what they raise fails the test, and none outlives it."""
    threads = []

    def start(function, *arguments):
        outcome = {}

        def run():
            try:
                outcome["result"] = function(*arguments)
            except BaseException as error:
                outcome["error"] = error

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        threads.append(thread)

        def result():
            thread.join(20)
            assert not thread.is_alive(), "still running"
            if "error" in outcome:
                raise outcome["error"]
            return outcome["result"]

        return result

    yield start
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive(), "still running"


class Handler(http.server.BaseHTTPRequestHandler):
    """GET gives the path back, POST the body."""

    protocol_version = "HTTP/1.1"
    timeout = 20

    def do_GET(self):
        self.answer(self.path.encode() * int(self.headers.get("X-Times", "1")))

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class WebServer(socketserver.ThreadingTCPServer):
    """A real web server; `connections` counts what it accepted."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 32

    def __init__(self, context=None):
        self.connections = 0
        self.open = set()
        super().__init__(("127.0.0.1", 0), Handler)
        self.context = context

    def get_request(self):
        sock, address = super().get_request()
        self.connections += 1
        self.open.add(sock)
        return sock, address

    def finish_request(self, request, client_address):
        try:
            if self.context is None:
                return super().finish_request(request, client_address)
            with self.context.wrap_socket(request, server_side=True) as wrapped:
                self.open.add(wrapped)
                super().finish_request(wrapped, client_address)
        except OSError:
            # What a client does to its connection is the client's business.
            pass

    def close_connections(self):
        """Hang up on everybody."""
        for sock in list(self.open):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def serving(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.close_connections()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def web():
    yield from serving(WebServer())


@pytest.fixture(scope="session")
def authority():
    return trustme.CA()


@pytest.fixture
def server_context(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("secure.test", "localhost", "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def trusting(authority):
    """A client's context that trusts the authority."""
    return ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())


@pytest.fixture
def secure_web(server_context):
    yield from serving(WebServer(server_context))
