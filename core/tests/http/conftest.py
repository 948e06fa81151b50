"""Servers on loopback for the tests of HTTP, and a manager with books of its own."""

import socket
import threading

import pytest

from radiopool import manager_for
from radiopool_cpython import HostNetwork

LONG = 30
"""Seconds: no test waits for them."""


class TalkingServer:
    """Runs `talk(connection)` for each connection, each in a thread; `connections` counts them."""

    def __init__(self, talk):
        self.talk = talk
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self.threads = []
        self.start(self.accept)

    def start(self, target, *arguments):
        self.threads.append(threading.Thread(target=target, args=arguments))
        self.threads[-1].start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self.start(self.serve, connection)

    def serve(self, connection):
        connection.settimeout(LONG)
        with connection:
            try:
                self.talk(connection)
            except OSError:
                pass

    def close(self):
        # A listener's accept() is woken by shutdown, not by close.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(LONG)
            assert not thread.is_alive()


@pytest.fixture
def talking():
    """Starts servers, `talking(talk)`; they end with the test."""
    servers = []

    def start(talk):
        servers.append(TalkingServer(talk))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def manager(talking):
    """It is closed before the servers are."""
    with manager_for(HostNetwork()) as made:
        yield made
