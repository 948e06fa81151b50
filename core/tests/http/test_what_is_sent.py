"""Requests as the server sees them: lengths, codings and waits that were wrong once."""

import array
import threading

import pytest

from radiopool.http import HTTPConnectionPool, HTTPHeaderDict, PoolManager, ProxyManager, Timeout
from radiopool.http.errors import InvalidHeader

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LONG = 30


def until(connection, end):
    received = b""
    while end not in received:
        piece = connection.recv(65536)
        if not piece:
            break
        received += piece
    return received


def answering(end, seen):
    """A server's talk that answers when `end` has come, and notes what came."""

    def talk(connection):
        while True:
            received = until(connection, end)
            if not received:
                return
            seen.append(received)
            connection.sendall(OK)

    return talk


def test_the_read_timeout_holds_after_expect_continue(talking, manager):
    thinking = threading.Event()

    def talk(connection):
        until(connection, b"\r\n\r\n")
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        until(connection, b"hello")
        thinking.wait(0.6)  # longer than a connect may take
        connection.sendall(OK)

    server = talking(talk)
    with HTTPConnectionPool("127.0.0.1", server.port, manager=manager) as pool:
        timeout = Timeout(connect=0.3, read=LONG)
        headers = {"Expect": "100-continue"}
        response = pool.request("PUT", "/", body=b"hello", headers=headers, timeout=timeout, retries=False)
        assert response.status == 200


def test_arguments_without_names_are_in_the_order_of_urllib3(talking, manager):
    seen = []
    server = talking(answering(b"=body", seen))
    with PoolManager(timeout=LONG, manager=manager) as http, http.connection_from_url(server.url) as pool:
        for whose, url in ((http, server.url), (pool, "/")):
            whose.request("POST", url, b"the=body")
            whose.request("POST", url, None, {"the": "body"}, {"X-Own": "1"}, encode_multipart=False)
    assert [sent.partition(b"\r\n\r\n")[2] for sent in seen] == [b"the=body"] * 4
    assert [b"X-Own: 1\r\n" in sent for sent in seen] == [False, True] * 2


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_chunked_without_a_body_ends(talking, manager, method):
    seen = []
    server = talking(answering(b"0\r\n\r\n", seen))
    with HTTPConnectionPool("127.0.0.1", server.port, timeout=LONG, manager=manager) as pool:
        for _ in range(2):
            response = pool.request(method, "/", headers={"Transfer-Encoding": "chunked"}, retries=False)
            assert response.status == 200
        assert len(seen) == 2 and server.connections == 1
        assert b"content-length" not in seen[0].lower()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_length_without_a_body_is_refused(talking, manager, method):
    server = talking(answering(b"\r\n\r\n", []))
    with HTTPConnectionPool("127.0.0.1", server.port, timeout=LONG, manager=manager) as pool:
        with pytest.raises(InvalidHeader, match="Content-Length 5, and the body has 0"):
            pool.request(method, "/", headers={"Content-Length": "5"}, retries=False)
        assert pool.request(method, "/", headers={"Content-Length": "0"}, retries=False).status == 200


def test_wide_elements_are_counted_in_bytes(talking, manager):
    seen = []
    server = talking(answering(b"DONE", seen))
    numbers = array.array("I", [1, 2])
    octets = numbers.tobytes()
    with HTTPConnectionPool("127.0.0.1", server.port, timeout=LONG, manager=manager) as pool:
        assert pool.request("POST", "/", body=[memoryview(numbers), b"DONE"], retries=False).status == 200
        assert b"\r\n8\r\n" + octets + b"\r\n4\r\nDONE" in seen[0]
        end = array.array("I")
        end.frombytes(b"....DONE")
        headers = {"Content-Length": str(len(end) * end.itemsize)}
        pool.request("POST", "/", body=end, headers=headers, retries=False)
        assert seen[-1].endswith(b"\r\n\r\n....DONE")
        pool.request("POST", "/", body=memoryview(b"D.O.N.E.")[::2], chunked=True, retries=False)
        assert b"\r\n4\r\nDONE" in seen[-1]


def test_a_proxys_header_that_closes_is_read_in_any_case(talking, manager):
    server = talking(answering(b"\r\n\r\n", []))
    proxy = "http://127.0.0.1:%d" % server.port
    with ProxyManager(proxy, proxy_headers={"Connection": "Close"}, manager=manager, timeout=LONG) as http:
        for _ in range(2):
            assert http.request("GET", "http://example.com/", retries=False).status == 200
    assert server.connections == 2


@pytest.mark.parametrize("headers", [[("a", "b")], {1: "x"}])
def test_headers_of_the_wrong_kind_are_refused(talking, manager, headers):
    server = talking(answering(b"\r\n\r\n", []))
    proxy = "http://127.0.0.1:%d" % server.port
    with ProxyManager(proxy, manager=manager) as http, pytest.raises(InvalidHeader):
        http.request("GET", "http://example.com/", headers=headers, retries=False)
    with HTTPConnectionPool("127.0.0.1", server.port, manager=manager) as pool, pytest.raises(InvalidHeader):
        pool.request("GET", "/", headers=headers, retries=False)


def test_headers_equal_the_pairs_that_make_them():
    assert HTTPHeaderDict({"A": "b"}) == [("A", "b")]
    assert HTTPHeaderDict({"A": "b"}) != [("A", "c")]
    assert HTTPHeaderDict({"A": "b"}) != "A"
    assert HTTPHeaderDict({"A": "b"}) != 5
