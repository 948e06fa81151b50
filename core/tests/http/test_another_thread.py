"""A response that one thread reads and another ends: `HTTPResponse.shutdown`, and `close`."""

import socket
import ssl
import threading

import pytest
import trustme

from radiopool import ConnectionManager, GenericDriver, tls
from radiopool.http import PoolManager
from radiopool.http.errors import HTTPError, IncompleteRead, ProtocolError, ReadTimeoutError
from radiopool.http.fastwire import shut_down

HEAD = b"HTTP/1.1 200 OK\r\n"
LENGTH = HEAD + b"Content-Length: 10\r\n\r\n"
LONG = 30
"""Seconds: no test waits for them."""


@pytest.fixture
def serve(talking):
    """Starts a server that sends `answer` to each request; `ended` is set when a client has gone."""

    def start(answer, context=None):
        ended = threading.Event()

        def talk(connection):
            try:
                if context:
                    connection = context.wrap_socket(connection, server_side=True)
                with connection:
                    while connection.recv(65536):
                        connection.sendall(answer)
            finally:
                ended.set()

        server = talking(talk)
        server.ended = ended
        return server

    return start


class Reader(threading.Thread):
    """Calls `read`; `result` is what it returned or raised."""

    def __init__(self, read):
        super().__init__()
        self.read = read
        self.result = None
        self.start()

    def run(self):
        try:
            self.result = self.read()
        except Exception as error:
            self.result = error


def all_of(response):
    return response.read()


def into(response):
    buffer = bytearray(20)
    return [response.readinto(buffer), response.readinto(buffer)]


def pieces(response):
    return list(response.stream(2))


def line(response):
    return response.readline()


def ended_by(end, response, read):
    """What a thread gets that reads, and waits, while this one calls `end`."""
    waits = threading.Event()
    leased = response.connection
    inner = response._source.socket = Announcing(leased, waits)
    reader = Reader(lambda: read(response))
    assert waits.wait(LONG)
    assert inner is response._source.socket
    end()
    reader.join(LONG)
    assert not reader.is_alive()
    return reader.result


class Announcing:
    """A socket that says when a second read begins: the first finds what has come."""

    def __init__(self, raw, waits):
        self.raw = raw
        self.waits = waits

    def recv_into(self, buffer, size=0):
        self.waits.set()
        return self.raw.recv_into(buffer, size)

    def __getattr__(self, name):
        return getattr(self.raw, name)


def opened(http, url):
    response = http.request("GET", url, preload_content=False)
    # What came with the head is read first, so that each further read waits for the peer.
    assert response.read(2) == b"ab"
    return response


@pytest.mark.parametrize("read", [all_of, into, pieces, line])
def test_shutdown_ends_another_threads_read(serve, manager, read):
    server = serve(LENGTH + b"ab")
    with PoolManager(timeout=LONG, manager=manager) as http:
        response = opened(http, f"http://127.0.0.1:{server.port}/")
        found = ended_by(response.shutdown, response, read)
        assert isinstance(found, IncompleteRead), found
        assert (found.partial if isinstance(found.partial, int) else 2 + len(found.partial)) == 2
        assert server.ended.wait(LONG)
        stats = manager.stats()
        assert (stats["leased"], stats["idle"]) == (0, 0)
        response.shutdown()
        response.close()


def test_shutdown_is_the_end_of_a_body_without_a_length(serve, manager):
    server = serve(HEAD + b"\r\nab")
    with PoolManager(timeout=LONG, manager=manager) as http:
        response = opened(http, f"http://127.0.0.1:{server.port}/")
        assert ended_by(response.shutdown, response, all_of) == b""
        assert manager.stats()["idle"] == 0


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def test_shutdown_ends_a_read_over_tls(serve, manager, authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    server = serve(LENGTH + b"ab", context)
    with PoolManager(timeout=LONG, manager=manager, ssl_context=trusting) as http:
        response = opened(http, f"https://localhost:{server.port}/")
        found = ended_by(response.shutdown, response, all_of)
        assert isinstance(found, (IncompleteRead, ProtocolError)), found
        assert server.ended.wait(LONG)
        assert manager.stats()["leased"] == 0


def test_shutdown_of_one_that_has_ended_leaves_the_next_alone(serve, manager):
    server = serve(LENGTH + b"0123456789")
    with PoolManager(timeout=LONG, manager=manager) as http:
        url = f"http://127.0.0.1:{server.port}/"
        first = http.request("GET", url, preload_content=False)
        assert first.read() == b"0123456789"
        second = http.request("GET", url, preload_content=False)
        first.shutdown()
        assert second.read() == b"0123456789"
        first.shutdown()
        assert http.request("GET", url).data == b"0123456789"
        assert manager.stats()["opened"] == 1


def test_what_was_shut_down_is_not_recycled(serve, manager):
    server = serve(LENGTH + b"0123456789")
    with PoolManager(timeout=LONG, manager=manager) as http:
        response = http.request("GET", f"http://127.0.0.1:{server.port}/", preload_content=False)
        response.shutdown()
        # It had come already.
        assert response.read() == b"0123456789"
        stats = manager.stats()
        assert (stats["leased"], stats["idle"], stats["closed"]) == (0, 0, {"response closed early": 1})


class ChipSocket:
    """A socket as a chip's driver makes it: it has no `shutdown`."""

    def __init__(self, *arguments):
        self.inside = socket.socket(*arguments)
        for name in ("settimeout", "connect", "send", "recv_into", "close"):
            setattr(self, name, getattr(self.inside, name))


class ChipPool:
    AF_INET = socket.AF_INET
    SOCK_STREAM = socket.SOCK_STREAM
    getaddrinfo = staticmethod(socket.getaddrinfo)
    socket = ChipSocket


def test_a_chips_socket_is_closed(serve):
    server = serve(LENGTH + b"ab")
    manager = ConnectionManager(ChipPool(), driver=GenericDriver())
    with PoolManager(timeout=1, manager=manager) as http:
        response = opened(http, f"http://127.0.0.1:{server.port}/")
        found = ended_by(response.shutdown, response, all_of)
        assert isinstance(found, HTTPError), found
        assert response.closed and manager.stats()["leased"] == 0


@pytest.mark.parametrize("timeout", [0.5, 1])
def test_close_while_another_thread_reads_is_an_error_of_http(serve, manager, timeout):
    server = serve(LENGTH + b"ab")
    with PoolManager(timeout=timeout, manager=manager) as http:
        url = f"http://127.0.0.1:{server.port}/"
        response = opened(http, url)
        source = response._source
        found = ended_by(response.close, response, all_of)
        assert isinstance(found, (ProtocolError, ReadTimeoutError)), found
        assert manager.stats()["leased"] == 0
        # The reader may have filled its buffer at any time: nobody else gets it.
        other = http.request("GET", url, preload_content=False)
        assert other._source is not source
        other.close()


def test_tls_over_another_socket_is_shut_down_below():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(LONG)
        assert shut_down(tls.TLSSocket(ours, ssl.create_default_context(), "example.com"))
        assert theirs.recv(1) == b""
        # The peer was faster.
        assert shut_down(ours)
    assert not shut_down(object())
