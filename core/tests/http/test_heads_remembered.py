"""A response whose head is the last one's again is framed without reading it again, and to the same end."""

import socket
import threading

import pytest

from radiopool import manager_for
from radiopool.http import HTTPConnectionPool, ProtocolError
from radiopool_cpython import HostNetwork

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BOTH = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
CLOSES = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
BROKEN = b"HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\n"
CHUNKS = b"3\r\nabc\r\n0\r\n\r\n"


@pytest.fixture
def ask():
    """ask(method, answer, **keywords): a request that is answered with those bytes; on a new connection if need be."""
    listener = socket.create_server(("127.0.0.1", 0))
    answers = []

    def serve(connection):
        with connection:
            while connection.recv(65536):
                connection.sendall(answers.pop())

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=serve, args=(connection,)))
            threads[-1].start()

    threads = [threading.Thread(target=accept)]
    threads[0].start()
    with manager_for(HostNetwork()) as manager:
        pool = HTTPConnectionPool("127.0.0.1", listener.getsockname()[1], manager=manager, timeout=20, retries=False)

        def ask(method, answer, **keywords):
            answers.append(answer)
            return pool.request(method, "/", **keywords)

        ask.manager = manager
        yield ask
        assert manager.stats()["leased"] == 0
        pool.close()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def test_each_has_its_own_body_on_the_same_connection(ask):
    for head, body in (LENGTH, b"abc"), (LENGTH, b"def"), (CHUNKED, CHUNKS), (CHUNKED, CHUNKS), (LENGTH, b"ghi"):
        response = ask("GET", head + body)
        assert response.data == (body if head is LENGTH else b"abc")
        assert response.tell() == 3
    assert ask.manager.stats()["opened"] == 1


def test_a_head_says_another_thing_after_another_method(ask):
    for _ in range(2):
        assert ask("GET", LENGTH + b"abc").data == b"abc"
        assert ask("HEAD", LENGTH).data == b""
        assert ask("HEAD", LENGTH).data == b""
    assert ask.manager.stats()["opened"] == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (CLOSES + b"abc", "the peer closes"),
        (BOTH + CHUNKS, "both Content-Length and Transfer-Encoding"),
        (LENGTH + b"abcdef", "bytes after the response"),
    ],
)
def test_what_may_not_be_recycled_never_is(ask, answer, reason):
    for count in 1, 2, 3:
        assert ask("GET", answer).data == b"abc"
        assert ask.manager.stats()["closed"] == {reason: count}


def test_asking_to_close_counts_after_a_remembered_head(ask):
    ask("GET", LENGTH + b"abc")
    ask("GET", LENGTH + b"abc", headers={"Connection": "close"})
    assert ask.manager.stats()["closed"] == {"asked to close": 1}
    ask("GET", LENGTH + b"abc")
    assert ask.manager.stats()["idle"] == 1


def test_a_head_that_was_refused_is_refused_again(ask):
    for answer in LENGTH + b"abc", BROKEN + b"abc":
        for _ in range(2):
            if answer.startswith(LENGTH):
                ask("GET", answer)
                continue
            with pytest.raises(ProtocolError):
                ask("GET", answer)
