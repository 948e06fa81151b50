"""One emulated chip of each kind for the whole session: the vendor's constructor sleeps 1.1 s."""

import gc
import os
import socket
import ssl
import threading

os.environ.setdefault("BLINKA_OS_AGNOSTIC", "1")

import adafruit_wiznet5k.adafruit_wiznet5k_socketpool as vendor_pools
import pytest
import trustme
from adafruit_wiznet5k.adafruit_wiznet5k import WIZNET5K

from radiopool import ConnectionManager
from radiopool_wiznet5k import WIZNET5KDriver

CHIPS = ("w5500", "w5100s")
AUTHORITY = trustme.CA()


@pytest.fixture(scope="session", autouse=True)
def frozen_heap():
    """The vendor's library collects garbage for every socket: let it not walk what pytest holds."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session")
def driver():
    return WIZNET5KDriver()


@pytest.fixture(scope="session")
def chips(driver):
    radios = {chip: driver.emulated(chip) for chip in CHIPS}
    yield radios
    for radio in radios.values():
        radio.emulator.close()


@pytest.fixture(scope="session")
def start_afresh():
    """Puts the vendor's class-wide state, and ours, as the constructor of a radio left it."""

    def start_afresh(radio):
        WIZNET5K._sockets_reserved = [False] * (radio.max_sockets - 1)
        vendor_pools._global_socketpool.clear()
        vars(radio).pop("_radiopool_sockets", None)

    return start_afresh


@pytest.fixture(params=CHIPS)
def radio(request, chips, start_afresh):
    """A WIZNET5K over an emulated chip with nothing open; it must have nothing open after the test either."""
    radio = chips[request.param]
    emulator = radio.emulator
    start_afresh(radio)
    yield radio
    emulator.plug()
    emulator.faults.dns_silent = emulator.faults.dhcp_silent = False
    left = emulator.states
    for number in range(radio.max_sockets):
        radio.socket_close(number)
    assert set(left) == {"closed"}, "the test left hardware sockets open"


@pytest.fixture
def emulator(radio):
    return radio.emulator


@pytest.fixture
def pool(driver, radio):
    return driver.socket_pool(radio)


@pytest.fixture
def vendor(radio):
    """The vendor's own socket pool, as it is without us."""
    return vendor_pools.SocketPool(radio)


@pytest.fixture
def manager(pool, driver):
    with ConnectionManager(pool, driver=driver) as manager:
        yield manager


class Server:
    """A server on loopback; `serve(connection)` runs in a thread for each connection."""

    def __init__(self, serve, context=None):
        self._serve, self._context = serve, context
        self._connections, self._threads = [], []
        self.errors = []
        self.accepted = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self._start(self._accept)

    def _start(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments)
        thread.start()
        self._threads.append(thread)

    def _accept(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.accepted += 1
            self._connections.append(connection)
            self._start(self._handle, connection)

    def _handle(self, connection):
        try:
            if self._context is not None:
                connection.settimeout(10)
                connection = self._context.wrap_socket(connection, server_side=True)
                self._connections.append(connection)
            self._serve(connection)
        except OSError as error:
            self.errors.append(error)
        finally:
            connection.close()

    def close(self):
        # A shutdown wakes whoever is in accept() or recv(); a close alone would not.
        for connection in [self.listener, *self._connections]:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.close()
        while self._threads:
            self._threads.pop().join()


@pytest.fixture
def serve():
    """`serve(function, context=None)` starts a Server; all are closed after the test."""
    servers = []

    def start(function, context=None):
        servers.append(Server(function, context))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


# pytest's importlib mode has no module to import these from, so they come as fixtures.


@pytest.fixture(scope="session")
def echo():
    """What a Server does that sends back what comes."""

    def echo(connection):
        while data := connection.recv(65536):
            connection.sendall(data)

    return echo


@pytest.fixture(scope="session")
def server_context():
    """`server_context(*names)`: a server's TLS context with a good certificate for these names."""

    def server_context(*names, **limits):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        AUTHORITY.issue_cert(*names, **limits).configure_cert(context)
        return context

    return server_context


@pytest.fixture(scope="session")
def authority():
    return AUTHORITY


@pytest.fixture
def client_context():
    """A TLS context that trusts the test's authority alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    AUTHORITY.configure_trust(context)
    return context


@pytest.fixture(scope="session")
def read():
    """`read(sock, size)`: exactly that many bytes; fewer only at the end of the stream."""

    def read(sock, size):
        buffer = bytearray(size)
        got = 0
        while got < size and (count := sock.recv_into(memoryview(buffer)[got:])):
            got += count
        return bytes(buffer[:got])

    return read


@pytest.fixture(scope="session")
def wait_for():
    """`wait_for(condition)`: until it holds; pytest's own timeout ends it otherwise."""

    def wait_for(condition):
        patience = threading.Event()
        while not condition():
            patience.wait(0.001)

    return wait_for
