"""Real servers on the loopback, and what the driver's tests share."""

import contextlib
import socket
import ssl
import threading

import pytest
import trustme

from radiopool_cpython import CPythonDriver

SECONDS = 20
AUTHORITY = trustme.CA()


def echo(connection):
    while received := connection.recv(65536):
        connection.sendall(received)


class Server:
    """Hands each connection to `serve(connection)` in a thread; TLS first if there is a context."""

    def __init__(self, serve=echo, context=None, family=socket.AF_INET):
        self.errors = []
        self._serve, self._context = serve, context
        host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
        self._listener = socket.create_server((host, 0), family=family)
        self.address = self._listener.getsockname()[:2]
        self._closing = False
        self._lock = threading.Lock()
        self._threads = []
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def _accept(self):
        while True:
            connection, _ = self._listener.accept()
            if self._closing:
                connection.close()
                return
            connection.settimeout(SECONDS)
            thread = threading.Thread(target=self._run, args=(connection,))
            with self._lock:
                self._threads.append(thread)
                thread.start()

    def _run(self, connection):
        with connection:
            try:
                if self._context:
                    connection = self._context.wrap_socket(connection, server_side=True, suppress_ragged_eofs=False)
                with connection:
                    self._serve(connection)
            except OSError as error:
                self.errors.append(error)

    def finish(self):
        with self._lock:
            # None of them is yet to be started.
            threads = list(self._threads)
        for thread in threads:
            thread.join()

    def close(self):
        self._closing = True
        socket.create_connection(self.address).close()
        self._accepting.join()
        self._listener.close()
        self.finish()


@pytest.fixture
def serve():
    """serve(handler=echo, context=None, family=AF_INET) -> a Server, closed after the test."""
    servers = []

    def start(*arguments, **options):
        servers.append(Server(*arguments, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def authority():
    """The CA of the tests' certificates."""
    return AUTHORITY


@pytest.fixture
def server_context():
    """server_context(*names, maximum_version=…) -> a server's TLS context with a certificate for them."""

    def make(*names, maximum_version=ssl.TLSVersion.TLSv1_3, **options):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = maximum_version
        AUTHORITY.issue_cert(*names or ("localhost",), **options).configure_cert(context)
        return context

    return make


@pytest.fixture
def client_context():
    """A client's TLS context that trusts the tests' CA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    AUTHORITY.configure_trust(context)
    return context


@pytest.fixture
def driver():
    return CPythonDriver()


@pytest.fixture
def connect(driver):
    """connect(radio, host, port, timeout=20, …) -> the driver's socket, closed after the test."""
    opened = []

    def open_connection(radio, host, port, timeout=SECONDS, *arguments, **options):
        opened.append(driver.connect(driver.socket_pool(radio), host, port, timeout, *arguments, **options))
        return opened[-1]

    yield open_connection
    for connection in opened:
        connection.close()


@pytest.fixture
def dead_address():
    """(address, port) that never answers: a listener whose backlog is full, so that Linux drops further SYNs."""
    with socket.socket() as listener, contextlib.ExitStack() as filling:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        while True:
            filler = filling.enter_context(socket.socket())
            filler.settimeout(0.1)
            try:
                filler.connect(listener.getsockname())
            except TimeoutError:
                break
        yield listener.getsockname()


@pytest.fixture
def refusing_address():
    """(address, port) that nobody listens on, and nobody will during the test."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()
