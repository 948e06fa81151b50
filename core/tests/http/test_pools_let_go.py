"""Connection pools that their manager let go, or that were closed, while somebody still holds them."""

import threading
import time

import pytest

from radiopool.http import HTTPConnectionPool, PoolManager, Retry
from radiopool.http.errors import ClosedPoolError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LONG = 30
"""Seconds: no test waits for them."""


@pytest.fixture
def serve(talking):
    """Starts a server that answers each request with what `answer()` returns, and counts the requests."""

    def start(answer=lambda: OK):
        def talk(connection):
            while connection.recv(65536):
                server.requests += 1
                connection.sendall(answer())

        server = talking(talk)
        server.requests = 0
        return server

    return start


@pytest.mark.parametrize("block", [True, False])
def test_a_pool_that_was_evicted_goes_on_and_keeps_no_socket(serve, manager, block):
    first, second = serve(), serve()
    with PoolManager(1, manager=manager, block=block, maxsize=2) as http:
        pool = http.connection_from_url(first.url)
        assert http.request("GET", first.url).status == 200
        http.connection_from_url(second.url)
        assert len(http.pools) == 1
        for _ in range(2):
            assert pool.request("GET", "/", pool_timeout=1, retries=False).data == b"ok"
        assert pool.maxsize == 2
        stats = manager.stats()
        assert stats["idle"] == stats["leased"] == 0
        assert first.requests == 3


def test_a_pool_that_was_evicted_has_as_many_sockets_as_before(serve, manager):
    server = serve()
    with PoolManager(1, manager=manager, block=True) as http:
        pool = http.connection_from_url(server.url)
        http.clear()
        response = pool.request("GET", "/", preload_content=False)
        served = []
        waiting = threading.Thread(target=lambda: served.append(pool.request("GET", "/", pool_timeout=LONG).data))
        waiting.start()
        while not manager._account.tickets and waiting.is_alive():
            time.sleep(0.001)
        assert not served
        assert response.data == b"ok"
        waiting.join()
        assert served == [b"ok"] and manager.stats()["idle"] == 0


def test_a_request_between_two_attempts_survives_that_its_pool_is_let_go(serve, manager):
    server = serve(lambda: OK if server.requests > 1 else OK.replace(b"200", b"503"))

    class Clearing(Retry):
        def sleep(self, *_):
            http.clear()

    with PoolManager(manager=manager, block=True) as http:
        retries = Clearing(3, status_forcelist=[503])
        assert http.request("GET", server.url, pool_timeout=1, retries=retries).status == 200
    assert server.requests == 2


def test_a_request_that_waits_while_its_pool_is_closed_is_not_sent(serve, manager):
    server = serve()
    failures = []
    pool = HTTPConnectionPool("127.0.0.1", server.port, block=True, manager=manager)

    def ask():
        try:
            pool.request("GET", "/", pool_timeout=LONG)
        except ClosedPoolError as error:
            failures.append(error)

    response = pool.request("GET", "/", preload_content=False)
    waiting = threading.Thread(target=ask)
    waiting.start()
    while not manager._account.tickets and waiting.is_alive():
        time.sleep(0.001)
    pool.close()
    assert response.data == b"ok"
    waiting.join()
    stats = manager.stats()
    assert len(failures) == server.requests == 1 and stats["idle"] == stats["leased"] == 0
