"""The timeout= of a request: the default's name, and a total that is spent before anything is sent."""

import socket
import threading

import pytest

from radiopool import manager_for
from radiopool.http import HTTPConnectionPool, Timeout
from radiopool.http.errors import ReadTimeoutError
from radiopool_cpython import HostNetwork

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def pool():
    """A pool with a timeout of its own and one idle connection, to a server that answers as long as it is open."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        connection.settimeout(30)
        with connection:
            while connection.recv(65536):
                connection.sendall(OK)

    server = threading.Thread(target=serve)
    server.start()
    with manager_for(HostNetwork()) as manager:
        made = HTTPConnectionPool("127.0.0.1", listener.getsockname()[1], timeout=17, manager=manager)
        assert made.request("GET", "/").status == 200
        yield made
    server.join()
    listener.close()


def test_the_default_timeout_is_the_pools(pool):
    assert pool.request("GET", "/", timeout=Timeout.DEFAULT_TIMEOUT).data == b"ok"
    (leased,) = pool.manager._account.ledger.by_socket
    assert leased.gettimeout() == 17


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_total_that_is_spent_is_a_read_timeout(pool, method):
    with pytest.raises(ReadTimeoutError):
        pool.request(method, "/", timeout=Timeout(total=1e-9), retries=False)
    assert pool.manager.stats()["closed"] == {"timeout": 1}
    assert (pool.num_connections, pool.num_requests) == (1, 1)
