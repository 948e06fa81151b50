"""One emulated chip with the vendor's library on it for the whole session; its constructor sleeps 0.8 s."""

import gc
import itertools
import os
import socket
import ssl
import threading
import time

os.environ.setdefault("BLINKA_OS_AGNOSTIC", "1")

import pytest
import trustme

from radiopool import ConnectionManager
from radiopool_esp32spi import ESP32SPIDriver
from radiopool_esp32spi.emulator import Emulator

AUTHORITY = trustme.CA()


@pytest.fixture(scope="session", autouse=True)
def frozen_heap():
    """The vendor's library collects garbage in every send: let it not walk what pytest holds."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


class Peer:
    """A server on loopback that the chip knows by a name and an address of its own."""

    def __init__(self, serve, name, address, port, context=None):
        self.name, self.address, self.port = name, address, port
        self.accepted = 0
        self.errors = []
        self._serve, self._context = serve, context
        self._open = []
        self._threads = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    @property
    def real_port(self):
        return self.listener.getsockname()[1]

    def _accept(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.accepted += 1
            thread = threading.Thread(target=self._handle, args=(connection,))
            self._open.append(connection)
            self._threads.append(thread)
            thread.start()

    def _handle(self, connection):
        try:
            if self._context:
                connection.settimeout(10)
                connection = self._context.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            self._serve(connection)
        except OSError as error:
            self.errors.append(error)
        finally:
            connection.close()

    def hang_up(self):
        """Close the connections, and go on serving."""
        for connection in self._open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        # A shutdown wakes the thread in accept(); a close alone would not.
        for connection in [self.listener, *self._open]:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.close()
        self._accepting.join(10)
        for thread in self._threads:
            thread.join(10)


class Chip:
    """The session's radio, and what every test needs around it."""

    def __init__(self, radio):
        self.radio = radio
        self.emulator = radio.emulator
        self.driver = ESP32SPIDriver()
        self.host_driver = ESP32SPIDriver(tls="host")
        self.pool = self.driver.socket_pool(radio)
        self.peers = []
        self._numbers = itertools.count(1)

    @property
    def trace(self):
        return self.emulator.trace

    @property
    def table(self):
        return self.emulator.table

    def serve(self, serve, port=80, name=None, context=None):
        """Start a peer; `serve(connection)` runs in a thread per connection."""
        number = next(self._numbers)
        peer = Peer(serve, name or "peer%d.example" % number, "10.0.%d.%d" % divmod(number, 250), port, context)
        self.emulator.network.hosts[peer.name] = peer.address
        self.emulator.network.routes[peer.address, port] = peer.real_port
        self.peers.append(peer)
        return peer

    def restart(self, peer):
        """The same server anew: its connections are gone, its name, address and port are not."""
        peer.close()
        again = Peer(peer._serve, peer.name, peer.address, peer.port, peer._context)
        self.emulator.network.routes[peer.address, peer.port] = again.real_port
        self.peers[self.peers.index(peer)] = again
        return again

    def connect(self, peer, timeout=5, driver=None, **options):
        return (driver or self.driver).connect(self.pool, peer.name, peer.port, timeout, **options)


def until(condition):
    """Wait for what the host's network is about to bring."""
    for _ in range(20000):
        if condition():
            return
        time.sleep(0.0005)
    raise AssertionError("it never came to that")


@pytest.fixture(scope="session", name="until")
def until_fixture():
    return until


@pytest.fixture(scope="session")
def session_chip(frozen_heap):
    with Emulator() as emulator:
        AUTHORITY.configure_trust(emulator.trust)
        yield Chip(emulator.radio())


@pytest.fixture
def chip(session_chip):
    """The emulated chip, its table empty before and after."""
    emulator = session_chip.emulator
    assert emulator.table.in_use == []
    emulator.trace.clear()
    yield session_chip
    emulator.faults.clear()
    emulator.firmware.hold = 0.0
    emulator.trace.recording = False
    for peer in session_chip.peers:
        peer.close()
    session_chip.peers.clear()
    emulator.network.hosts.clear()
    emulator.network.routes.clear()
    in_use = emulator.table.in_use
    for slot in emulator.table.slots:
        slot.shut()
    session_chip.pool.numbers.clear()
    session_chip.pool.listened.clear()
    session_chip.radio._tls_socket = None
    assert in_use == [], "the test left numbers in use"


@pytest.fixture
def manager(chip):
    with ConnectionManager(chip.pool, driver=chip.driver, radio=chip.radio) as manager:
        yield manager


@pytest.fixture
def host_manager(chip):
    """A manager whose TLS is made on the host."""
    with ConnectionManager(chip.pool, driver=chip.host_driver, radio=chip.radio) as manager:
        yield manager


@pytest.fixture(scope="session")
def authority():
    return AUTHORITY


@pytest.fixture(scope="session")
def server_context():
    """A TLS server's context with a certificate for those names; `by` another CA is one that nobody trusts."""

    def make(*names, by=AUTHORITY, **options):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        by.issue_cert(*names, **options).configure_cert(context)
        return context

    return make


@pytest.fixture
def client_context(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context
