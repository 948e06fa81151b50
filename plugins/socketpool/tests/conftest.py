"""Radios of both ports, and real peers on loopback."""

import socket
import threading

import pytest
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
