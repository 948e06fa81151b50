"""A server that answers anything, and the drop-in without what earlier tests left in it."""

import socket
import ssl
import threading

import pytest
import trustme

from radiopool.compat import adafruit
from radiopool_cpython import HostNetwork


class Greeter:
    """Accepts; says `greeting`; then echoes. With a context, over TLS."""

    def __init__(self, context=None, greeting=b""):
        self.context = context
        self.greeting = greeting
        self.accepted = []
        self._lock = threading.Lock()
        self._threads = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def _accept(self):
        while True:
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            self.accepted.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            with self._lock:
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection):
        try:
            if self.context:
                connection.settimeout(10)
                connection = self.context.wrap_socket(connection, server_side=True)
                self.accepted.append(connection)
            connection.sendall(self.greeting)
            while heard := connection.recv(1000):
                connection.sendall(heard)
        except OSError:
            pass
        finally:
            connection.close()

    def hang_up(self):
        for connection in self.accepted:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        with self._lock:
            # None of them is yet to be started.
            threads = list(self._threads)
        for thread in threads:
            thread.join(10)

    def close(self):
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        self._accepting.join(10)
        self.hang_up()
        for connection in self.accepted:
            connection.close()


@pytest.fixture(scope="session")
def authority():
    return trustme.CA()


@pytest.fixture
def client_context(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def greeters(authority):
    made = []

    def make(tls=False, **settings):
        context = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("host.example", "127.0.0.1", "localhost").configure_cert(context)
        made.append(Greeter(context, **settings))
        return made[-1]

    yield make
    for greeter in made:
        greeter.close()


@pytest.fixture
def greeter(greeters):
    return greeters()


@pytest.fixture
def pool(greeters):
    """A socket pool of a radio of the test's own; nothing of it is open afterwards."""
    pool = HostNetwork(hosts={"host.example": "127.0.0.1"}).socket_pool
    yield pool
    manager = adafruit.get_connection_manager(pool)
    adafruit.connection_manager_close_all(pool, release_references=True)
    counts = manager.stats()
    manager.close()
    assert (counts["leased"], counts["idle"]) == (0, 0), counts
