"""PoolManager and servers that do wrong: each a typed error that names it, and no socket left open."""

import gc
import socket
import threading

import pytest

from radiopool import ConnectionManager, manager_for
from radiopool.http import HTTPConnectionPool, PoolManager, exceptions
from radiopool.http.errors import (
    ClosedPoolError,
    EmptyPoolError,
    IncompleteRead,
    InvalidHeader,
    LocationValueError,
    MaxRetryError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    URLSchemeUnknown,
)
from radiopool_cpython import HostNetwork

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Runs `talk(connection, number)` for each connection, each in a thread."""

    def __init__(self, talk):
        self.talk = talk
        self.connections = 0
        self.errors = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self.serve, args=(connection, self.connections))
            self.threads.append(thread)
            thread.start()

    def serve(self, connection, number):
        connection.settimeout(20)
        with connection:
            try:
                self.talk(connection, number)
            except (BrokenPipeError, ConnectionResetError):
                pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive()


def read_request(connection):
    """The head of the next request, or b"" at the end."""
    head = b""
    while b"\r\n\r\n" not in head:
        received = connection.recv(1 << 16)
        if not received:
            return b""
        head += received
    return head


@pytest.fixture
def serve():
    servers = []

    def start(talk):
        servers.append(Server(talk))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def manager():
    with manager_for(HostNetwork()) as made:
        yield made
        assert made.stats()["leased"] == made.stats()["connecting"] == 0


@pytest.fixture
def http(manager):
    with PoolManager(manager=manager, retries=False) as made:
        yield made


def answering(*answers):
    def talk(connection, _):
        for answer in answers:
            if not read_request(connection):
                return
            connection.sendall(answer)
        read_request(connection)

    return talk


def test_a_server_that_sends_nothing(serve, http, manager):
    server = serve(lambda connection, _: connection.recv(1) and connection.recv(1 << 16) and connection.recv(1))
    with pytest.raises(ReadTimeoutError, match="timed out"):
        http.request("GET", server.url, timeout=0.1)
    assert manager.managed_socket_count == 0


def test_a_server_that_sends_a_header_for_ever(serve, http, manager):
    def talk(connection, _):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X-More: and more\r\n" * 100)

    with pytest.raises(ProtocolError, match="over 65536 bytes of response head"):
        http.request("GET", serve(talk).url)
    assert manager.managed_socket_count == 0


def test_a_server_that_sends_one_endless_line(serve, http):
    def talk(connection, _):
        read_request(connection)
        while True:
            connection.sendall(b"H" * 10000)

    with pytest.raises(ProtocolError):
        http.request("GET", serve(talk).url)


@pytest.mark.parametrize("framing", [b"Content-Length: 100000", b"Transfer-Encoding: chunked"])
def test_a_server_that_closes_mid_body(serve, http, manager, framing):
    def talk(connection, _):
        read_request(connection)
        start = b"186a0\r\n" if b"chunked" in framing else b""
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n" + start + b"x" * 40000)

    with pytest.raises(IncompleteRead) as caught:
        http.request("GET", serve(talk).url)
    assert caught.value.partial == b"x" * 40000
    assert caught.value.expected == 60000
    assert isinstance(caught.value, exceptions.ProtocolError)
    assert manager.managed_socket_count == 0


def test_a_body_cut_short_while_streaming(serve, http):
    def talk(connection, _):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")

    response = http.request("GET", serve(talk).url, preload_content=False)
    assert response.read(5) == b"12345"
    with pytest.raises(IncompleteRead, match=r"5 bytes read, 5 more expected"):
        response.read()


def test_a_server_that_resets(serve, http, manager):
    def talk(connection, _):
        read_request(connection)
        # Zero seconds of lingering: close() sends RST.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with pytest.raises(ProtocolError, match="Connection aborted"):
        http.request("GET", serve(talk).url)
    assert manager.managed_socket_count == 0


def test_a_server_that_is_not_there(http):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NewConnectionError, match=str(port)):
        http.request("GET", f"http://127.0.0.1:{port}/")
    with pytest.raises(MaxRetryError) as caught:
        http.request("GET", f"http://127.0.0.1:{port}/", retries=0)
    assert isinstance(caught.value.reason, NewConnectionError)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("example.com/", URLSchemeUnknown),
        ("", LocationValueError),
        ("http://", LocationValueError),
        ("http://:80/", LocationValueError),
        ("gopher://example.com/", URLSchemeUnknown),
        ("http://example.com:65536/", LocationValueError),
        ("http://example.com:-1/", LocationValueError),
        ("http://exa mple.com/", LocationValueError),
        ("http://[::1/", LocationValueError),
    ],
)
def test_urls_that_lead_nowhere(http, url, kind):
    with pytest.raises(kind):
        http.request("GET", url)
    assert isinstance(kind("x"), ValueError)


@pytest.mark.parametrize(
    "headers",
    [
        {"a b": "c"},
        {"a:": "c"},
        {"": "c"},
        {"é": "c"},
        {"a": "b\r\nx: y"},
        {"a": "b\n"},
        {"a": "\0"},
        {b"a\r": b"c"},
        {"a": None},
    ],
)
def test_headers_that_can_not_be_sent(http, manager, headers):
    with pytest.raises(InvalidHeader) as caught:
        http.request("GET", "http://127.0.0.1:1/", headers=headers)
    assert isinstance(caught.value, ValueError)
    assert manager.stats()["opened"] == 0


def test_secrets_are_not_in_errors(http):
    with pytest.raises(InvalidHeader) as caught:
        http.request("GET", "http://127.0.0.1:1/", headers={"Authorization": "hush\n"})
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("method", ["", "GE T", "GET\r\n", "GET\0", "GÄT"])
def test_methods_that_are_none(http, method):
    with pytest.raises(InvalidHeader):
        http.request(method, "http://127.0.0.1:1/")


@pytest.mark.parametrize("length", ["4", "2", "x", "-1"])
def test_a_content_length_that_disagrees_with_the_body(http, manager, length):
    with pytest.raises(InvalidHeader, match="Content-Length"):
        http.request("POST", "http://127.0.0.1:1/", body=b"abc", headers={"Content-Length": length})
    assert manager.stats()["opened"] == 0


def test_an_unknown_keyword(http):
    with pytest.raises(TypeError, match="bogus"):
        http.request("GET", "http://127.0.0.1:1/", bogus=1)
    with PoolManager(manager=http.manager, bogus=1) as other, pytest.raises(TypeError, match="bogus"):
        other.request("GET", "http://127.0.0.1:1/")


def test_one_stale_connection_is_replaced_without_a_word(serve, http):
    """The second connection closes when the second request has come, without a word; the third answers."""

    def talk(connection, number):
        if number > 1:
            return answering(OK)(connection, number)
        read_request(connection)
        connection.sendall(OK)
        read_request(connection)
        return None

    server = serve(talk)
    http.request("GET", server.url)
    assert http.request("GET", server.url).data == b"ok"
    assert server.connections == 2


def test_a_post_that_may_have_arrived_is_not_sent_again(serve, http):
    def talk(connection, number):
        read_request(connection)
        connection.sendall(OK)
        read_request(connection)

    server = serve(talk)
    http.request("GET", server.url)
    with pytest.raises(ProtocolError):
        http.request("POST", server.url, body=b"once")
    assert server.connections == 1


def test_leftovers_cost_the_connection(serve, http, manager):
    server = serve(answering(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", OK))
    assert http.request("GET", server.url).data == b"ok"
    assert manager.managed_socket_count == 0
    assert "bytes after the response" in manager.stats()["closed"]


def test_what_servers_send_is_no_reason_of_its_own_to_close(talking, http, manager):
    ok = b"HTTP/1.1 200 OK\r\n"
    heads = [b"HTTP/1.1 20%d\t OK\r\n\r\n", ok + b"Content-Length: -%d\r\n\r\n"]
    chunked = ok + b"Transfer-Encoding: chunked\r\n\r\n"
    for answer in (*heads, chunked + b"-%d\r\n", chunked + b"0\r\nbad trailer %d\r\n\r\n"):
        for number in range(3):

            def talk(connection, answer=answer % number):
                while connection.recv(65536):
                    connection.sendall(answer)

            with pytest.raises((ProtocolError, InvalidHeader), match=str(number)):
                http.request("GET", talking(talk).url, retries=False)
    assert sorted(manager.stats()["closed"].values()) == [3, 3, 3, 3]


def test_asking_to_close_is_kept_to(serve, http, manager):
    server = serve(answering(OK))
    http.request("GET", server.url, headers={"Connection": "close"})
    assert manager.managed_socket_count == 0


def test_a_response_that_nobody_holds_gives_its_socket_up(serve, http, manager):
    server = serve(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfew"))
    http.request("GET", server.url, preload_content=False)
    gc.collect()
    assert manager.managed_socket_count == 0
    assert manager.stats()["closed"] == {"response dropped": 1}


def test_a_dropped_response_found_under_the_managers_lock_does_not_deadlock(serve, http, manager):
    server = serve(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfew"))
    held = [http.request("GET", server.url, preload_content=False)]
    with manager._account.lock:
        held.clear()
    assert manager.stats()["leased"] == 1
    with pytest.raises(NewConnectionError):
        http.request("GET", "http://127.0.0.1:1/")
    assert manager.stats()["leased"] == 0


def test_a_blocking_pool_that_is_empty(serve, manager):
    server = serve(answering(OK, OK))
    with HTTPConnectionPool("127.0.0.1", server.port, maxsize=1, block=True, manager=manager, retries=False) as pool:
        first = pool.request("GET", "/", preload_content=False)
        with pytest.raises(EmptyPoolError):
            pool.request("GET", "/", pool_timeout=0.01)
        first.drain_conn()
        assert pool.request("GET", "/").data == b"ok"
        assert pool.num_connections == 1
    with pytest.raises(ClosedPoolError):
        pool.request("GET", "/")


def test_beyond_maxsize_connections_overflow_and_are_not_kept(serve, manager):
    server = serve(answering(OK, OK))
    with HTTPConnectionPool("127.0.0.1", server.port, maxsize=1, manager=manager) as pool:
        responses = [pool.request("GET", "/", preload_content=False) for _ in range(3)]
        assert manager.managed_socket_count == 3
        assert [response.read() for response in responses] == [b"ok"] * 3
        assert manager.managed_socket_count == 1


def test_an_evicted_pool_still_serves_whoever_holds_it(serve, manager):
    server = serve(answering(OK, OK))
    with PoolManager(1, manager=manager) as http:
        pool = http.connection_from_url(server.url)
        pool.request("GET", "/")
        http.connection_from_url("http://other.example/")
        assert manager.managed_socket_count == 0
        assert pool.request("GET", "/").data == b"ok"
        assert manager.managed_socket_count == 0


def test_many_threads_share_a_pool(serve, manager):
    def talk(connection, _):
        while read_request(connection):
            connection.sendall(OK)

    server = serve(talk)
    failures = []
    with PoolManager(manager=manager, maxsize=8) as http:

        def work():
            try:
                for _ in range(50):
                    assert http.request("GET", server.url).data == b"ok"
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert len(http.pools) == 1
        pool = http.connection_from_url(server.url)
        assert manager.managed_socket_count <= 8
        assert server.connections == pool.num_connections <= 50


def test_exceptions_in_the_middle_of_a_thousand_responses_leak_nothing(serve, http, manager):
    def talk(connection, _):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nfew")

    server = serve(talk)
    for _ in range(200):
        with pytest.raises(ZeroDivisionError), http.request("GET", server.url, preload_content=False) as response:
            response.read(1)
            raise ZeroDivisionError
    assert manager.managed_socket_count == 0


def test_over_a_socket_pool_that_is_the_socket_module(serve):
    server = serve(answering(OK))
    with ConnectionManager(socket) as manager, PoolManager(manager=manager) as http:
        assert http.request("GET", server.url).data == b"ok"
