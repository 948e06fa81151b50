import errno
from gc import collect

from expect import raises
from radiopool import ConnectionManager, Driver, Traits
from radiopool.errors import InvalidValueError
from radiopool.http import HTTPConnectionPool, HTTPPoolKey, PoolManager, default_key_normalizer
from radiopool.http.board_redirect import join
from radiopool.http.errors import (
    ClosedPoolError,
    IncompleteRead,
    InvalidHeader,
    LocationValueError,
    MaxRetryError,
    ProtocolError,
    ReadTimeoutError,
    URLSchemeUnknown,
)
from radiopool.platform import CPYTHON

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Socket:
    """Answers each request with the next of the pool's answers, `step` bytes at a time; None is a hang-up."""

    def __init__(self, pool):
        self.pool = pool
        self.sent = b""
        self.unread = b""
        self.dead = False
        self.closed = False

    def settimeout(self, timeout):
        self.timeout = timeout

    def connect(self, address):
        pass

    def send(self, data):
        if not self.pool.answers:
            raise OSError(errno.ECONNRESET)
        self.sent += bytes(data)
        self.pool.requests.append(bytes(data))
        answer = self.pool.answers.pop(0)
        if answer is None:
            self.dead = True
        else:
            self.unread += answer
            self.dead = self.dead or self.pool.hangs_up
        return len(data)

    def recv_into(self, buffer, nbytes=0):
        if not self.unread:
            if self.dead:
                return 0
            raise OSError(errno.ETIMEDOUT)
        count = min(nbytes or len(buffer), len(self.unread), self.pool.step)
        memoryview(buffer)[:count] = self.unread[:count]
        self.unread = self.unread[count:]
        return count

    def close(self):
        self.closed = True
        self.unread = b""


class Pool:
    SOCK_STREAM = 1
    kind = Socket

    def __init__(self, answers, step=1000, hangs_up=False):
        self.answers = list(answers)
        self.step = step
        self.hangs_up = hangs_up
        self.requests = []
        self.sockets = []

    def getaddrinfo(self, host, port, family=0, kind=0):
        return [(2, 1, 0, "", (host, port))]

    def socket(self, *args):
        self.sockets.append(self.kind(self))
        return self.sockets[-1]


class Replay(Driver):
    name = "replay"

    def matches(self, radio):
        return False

    def socket_pool(self, radio):
        return radio

    def traits(self, radio):
        return Traits((4, 0))

    def is_alive(self, socket):
        return not socket.unread


def serve(*answers, **settings):
    pool = Pool(answers, **settings)
    manager = ConnectionManager(pool, driver=Replay())
    return pool, manager, PoolManager(manager=manager)


def closed_because(manager):
    return list(manager.stats()["closed"])


def test_a_get_goes_out_in_one_send_and_its_socket_comes_back():
    pool, manager, http = serve(OK, OK)
    for _ in range(2):
        response = http.request("GET", "http://a.example/path?q=1")
        assert response.status == 200
        assert response.reason == "OK"
        assert response.version == 11
        assert response.data == b"ok"
    assert len(pool.sockets) == 1
    assert pool.requests[0] == (
        b"GET /path?q=1 HTTP/1.1\r\nHost: a.example\r\nUser-Agent: radiopool\r\nAccept-Encoding: identity\r\n\r\n"
    )
    assert manager.available_socket_count == 1
    http.clear()
    assert manager.managed_socket_count == 0
    assert pool.sockets[0].closed


def test_a_pool_that_was_let_go_goes_on_and_keeps_no_socket():
    _, manager, http = serve(OK, OK)
    http.connection_pool_kw["block"] = True
    held = http.connection_from_host("a.example")
    http.clear()
    for _ in range(2):
        assert held.request("GET", "/").data == b"ok"
        assert manager.managed_socket_count == 0


def test_headers_and_port_go_out_and_headers_come_back():
    pool, _, http = serve(
        b"HTTP/1.1 404 Not Found\r\nX-One: 1\r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 0\r\n\r\n"
    )
    response = http.request("GET", "http://a.example:8080/", headers={"X-Key": "secret", "User-Agent": "me"})
    assert b"Host: a.example:8080\r\n" in pool.requests[0]
    assert b"X-Key: secret\r\n" in pool.requests[0]
    assert b"User-Agent: me\r\n" in pool.requests[0] and pool.requests[0].count(b"User-Agent") == 1
    assert response.status == 404
    assert response.headers["x-one"] == "1"
    assert response.headers.getlist("SET-COOKIE") == ["a", "b"]
    assert response.headers.get("nothing") is None
    assert [name for name, _ in response.headers.items()] == ["X-One", "Set-Cookie", "Set-Cookie", "Content-Length"]
    assert "x-ONE" in response.headers
    http.clear()


def test_a_post_says_how_long_its_body_is():
    pool, _, http = serve(OK, OK, OK)
    http.request("POST", "http://a.example/", body=b"abc")
    http.request("POST", "http://a.example/", json={"a": [1, 2]})
    http.request("POST", "http://a.example/")
    assert pool.requests[0].endswith(b"Content-Length: 3\r\n\r\nabc")
    assert pool.requests[1].endswith(b'Content-Length: 11\r\n\r\n{"a":[1,2]}')
    assert b"Content-Type: application/json\r\n" in pool.requests[1]
    assert b"Content-Length: 0\r\n" in pool.requests[2]
    http.clear()


def test_json_and_fields_in_the_url():
    pool, _, http = serve(b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"a": []}')
    assert http.request("GET", "http://a.example/x", fields={"q": "a b"}).json() == {"a": []}
    assert pool.requests[0].startswith(b"GET /x?q=a+b HTTP/1.1\r\n")
    http.clear()


def test_a_buffer_as_the_body_and_bodies_that_only_cpython_sends():
    # Nothing more comes after a second send, where the body goes by itself.
    pool, _, http = serve(OK, b"")
    http.request("POST", "http://a.example/", body=bytearray(b"abc"))
    assert b"".join(pool.requests).endswith(b"Content-Length: 3\r\n\r\nabc")
    asked = (
        ({"body": [b"a", b"b"]}, "list"),
        ({"body": b"abc", "headers": {"Content-Length": "3"}}, "length"),
        ({"fields": {"a": "b"}}, "encode_multipart=False"),
    )
    for keywords, word in () if CPYTHON else asked:
        assert word in str(raises(InvalidValueError, http.request, "POST", "http://a.example/", **keywords))
    http.clear()


def test_bodies_of_every_framing_and_what_becomes_of_the_socket():
    cases = (
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", b"abc", True),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\na\r\n2\r\nbc\r\n0\r\nT: 1\r\n\r\n",
            b"abc",
            True,
        ),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", b"", True),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", b"", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"ok", True),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok", False),
        (b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 2\r\n\r\nok", b"ok", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", b"ok", True),
        (OK + b"more", b"ok", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", b"a", False),
    )
    for answer, body, kept in cases:
        for step in (1, 7, 1000):
            if step != 1000 and answer.endswith(b"more"):
                continue
            pool, manager, http = serve(answer, step=step)
            response = http.request("GET", "http://a.example/")
            assert response.data == body, answer
            assert manager.available_socket_count == kept, answer
            assert pool.sockets[0].closed != kept
            http.clear()


def test_a_body_without_a_length_ends_with_the_connection():
    _, manager, http = serve(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000, hangs_up=True)
    assert http.request("GET", "http://a.example/").data == b"x" * 5000
    assert manager.managed_socket_count == 0


def test_what_follows_a_101_is_not_waited_for():
    upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\n\r\n"
    # The socket says ETIMEDOUT to whoever waits.
    _, manager, http = serve(upgrade + b"hello", upgrade + b"hello")
    with http.request("GET", "http://a.example/", preload_content=False) as response:
        assert response.status == 101
        assert response.data == b""
        assert response.read(5) == b"hello"
    assert manager.managed_socket_count == 0
    with http.request("GET", "http://a.example/") as response:
        assert response.data == b""
    assert manager.managed_socket_count == 0


def test_a_head_request_has_no_body():
    _, manager, http = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
    assert http.request("HEAD", "http://a.example/").data == b""
    assert manager.available_socket_count == 1
    http.clear()


def test_streaming_into_a_buffer():
    body = bytes([i % 251 for i in range(5000)])
    _, manager, http = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + body, step=700)
    response = http.request("GET", "http://a.example/", preload_content=False)
    buffer = bytearray(512)
    received = b""
    while True:
        count = response.readinto(buffer)
        if not count:
            break
        received += bytes(memoryview(buffer)[:count])
        assert manager.available_socket_count == (len(received) == 5000)
    assert received == body
    assert response.read(10) == b""
    http.clear()


def test_reading_in_pieces():
    _, _, http = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789", step=3)
    response = http.request("GET", "http://a.example/", preload_content=False)
    assert response.read(4) == b"0123"
    assert list(response.stream(4)) == [b"4567", b"89"]
    http.clear()


def test_more_may_be_asked_for_than_there_is_memory():
    _, _, http = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789", step=3)
    response = http.request("GET", "http://a.example/", preload_content=False)
    assert response.read(1 << 40) == b"0123456789"
    assert response.read(1 << 40) == b""
    http.clear()


def test_what_is_left_unread_is_drained_if_small_and_closed_if_not():
    for size, kept in ((1000, True), (100000, False)):
        _, manager, http = serve(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
        response = http.request("GET", "http://a.example/", preload_content=False)
        response.drain_conn()
        assert manager.available_socket_count == kept
        http.clear()
    _, manager, http = serve(OK)
    with http.request("GET", "http://a.example/", preload_content=False):
        assert manager.available_socket_count == 0
    assert manager.managed_socket_count == 0


def test_heads_larger_than_the_buffer():
    _, _, http = serve(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 6000 + b"\r\nContent-Length: 2\r\n\r\nok", step=999)
    response = http.request("GET", "http://a.example/")
    assert response.data == b"ok"
    assert len(response.headers["x"]) == 6000
    http.clear()


def test_responses_that_break_the_rules_are_refused_and_their_socket_closed():
    for answer in (
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n: b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA B: c\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA : c\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: \0\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\rC: d\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\nC: d\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1_0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n bad\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200000,
        b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100,
    ):
        pool, manager, http = serve(answer)
        raises((ProtocolError, InvalidHeader), http.request, "GET", "http://a.example/", retries=False)
        assert manager.managed_socket_count == 0, answer
        assert pool.sockets[0].closed
        assert len(pool.requests) == 1


def test_a_body_cut_short_says_how_much_came():
    _, manager, http = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 1234, hangs_up=True)
    try:
        http.request("GET", "http://a.example/", retries=False)
    except IncompleteRead as error:
        assert error.expected == 5000 - 1234
        came = error.partial
        assert (came if isinstance(came, int) else len(came)) == 1234
    else:
        raise AssertionError("no error")
    assert manager.managed_socket_count == 0


def test_what_is_no_error_of_a_socket_ends_the_lease_too():
    class OutOfMemory(Socket):
        def recv_into(self, buffer, nbytes=0):
            if not self.unread:
                raise MemoryError("memory allocation failed")
            return Socket.recv_into(self, buffer, nbytes)

    pool, manager, http = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart", OK)
    pool.kind = OutOfMemory
    raises(MemoryError, http.request, "GET", "http://a.example/", retries=False)
    collect()
    assert manager.managed_socket_count == 0 and pool.sockets[0].closed
    assert http.request("GET", "http://a.example/").data == b"ok"


def test_silence_is_a_timeout():
    _, manager, http = serve(b"")
    raises(ReadTimeoutError, http.request, "GET", "http://a.example/", retries=False, timeout=5)
    assert manager.managed_socket_count == 0


def test_a_stale_connection_is_replaced_once_and_never_for_a_post_that_may_have_arrived():
    pool, _, http = serve(OK, None, OK)
    assert http.request("GET", "http://a.example/").status == 200
    assert http.request("GET", "http://a.example/").status == 200
    assert len(pool.sockets) == 2 and len(pool.requests) == 3
    http.clear()
    pool, _, http = serve(OK, None, None, OK)
    http.request("GET", "http://a.example/")
    raises(ProtocolError, http.request, "GET", "http://a.example/", retries=False)
    assert len(pool.requests) == 3
    http.clear()
    pool, _, http = serve(OK, None, OK)
    http.request("GET", "http://a.example/")
    raises(ProtocolError, http.request, "POST", "http://a.example/", body=b"1", retries=False)
    assert len(pool.requests) == 2
    http.clear()
    # The head arrived, and its body did not.
    pool, _, http = serve(OK, b"")
    http.request("GET", "http://a.example/")
    body = b"1" * 20000
    raises((ProtocolError, ReadTimeoutError), http.request, "POST", "http://a.example/", body=body, retries=False)
    assert len(pool.requests) == 2 and len(pool.sockets) == 1
    http.clear()


def test_a_head_in_pieces_after_an_interim_one():
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    for step in (1, 3, len(interim), len(interim) + 4, 1000):
        _, manager, http = serve(interim + OK, interim + interim + OK, OK, step=step)
        for _ in range(3):
            response = http.request("GET", "http://a.example/", retries=False)
            assert (response.status, response.data) == (200, b"ok")
        assert manager.stats()["opened"] == 1


def test_bytes_of_the_last_response_are_none_of_the_next():
    # The buffer still has them.
    pool, _, http = serve(OK, b"HTTP/1.1 200 OK\r\n", step=1000)
    http.request("GET", "http://a.example/")
    raises(ReadTimeoutError, http.request, "POST", "http://a.example/", body=b"1", retries=False)
    assert len(pool.requests) == 2


def test_what_can_not_be_sent_is_refused_before_anything_is():
    pool, _, http = serve(OK)
    for headers in ({"a b": "c"}, {"": "c"}, {"a": "b\r\nc: d"}, {"a": "b\0"}, {"a\n": "b"}, {"a": 1.5}):
        raises(InvalidHeader, http.request, "GET", "http://a.example/", headers=headers)
    raises(InvalidHeader, http.request, "GE T", "http://a.example/")
    for url in ("a.example", "/x", "", "http://", "http:///x", "http://a.example:99999/", "http://a.example:x/"):
        raises((LocationValueError, URLSchemeUnknown), http.request, "GET", url)
    raises(URLSchemeUnknown, http.request, "GET", "ftp://a.example/")
    assert pool.sockets == []


def test_pools_are_kept_by_recency():
    pool, manager, http = serve(OK, OK, OK, OK)
    http.pools.maxsize = 2
    for host in ("a", "b", "a", "c"):
        http.request("GET", "http://" + host + ".example/")
    assert len(http.pools) == 2
    # a was used after b, so b went when c came, and its socket with it.
    assert manager.available_socket_count == 2
    assert [socket.closed for socket in pool.sockets] == [False, True, False]
    http.clear()


def test_pools_of_other_managers_are_left_alone():
    pool, manager, http = serve(OK, OK)
    other = PoolManager(manager=manager)
    http.request("GET", "http://a.example/")
    other.request("GET", "http://a.example/")
    assert len(pool.sockets) == 2
    http.clear()
    assert manager.available_socket_count == 1
    other.clear()
    assert manager.available_socket_count == 0


def test_a_connection_pool_by_itself():
    pool, manager, _ = serve(OK, OK)
    host = HTTPConnectionPool("a.example", manager=manager)
    host.request("GET", "/1")
    host.request("GET", "/2")
    assert host.num_requests == 2 and host.num_connections == 1
    assert b"GET /2 HTTP/1.1\r\n" in pool.requests[1]
    host.close()
    assert manager.managed_socket_count == 0
    raises(ClosedPoolError, host.request, "GET", "/")


def test_the_normaliser_takes_the_fields_of_a_key_as_an_argument():
    fields = ("scheme", "host", "port", "mine")
    key = default_key_normalizer(lambda *values: values, {"scheme": "HTTP", "host": "A", "port": 80, "mine": 5}, fields)
    assert key == ("http", "a", 80, 5)
    plain = default_key_normalizer(HTTPPoolKey, {"scheme": "HTTP", "host": "A", "port": 80, "mine": 5})
    assert (plain.scheme, plain.host, plain.port, plain.timeout) == ("http", "a", 80, None)


def moved(location, status=302):
    return b"HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, location)


def test_redirects_are_followed_and_credentials_stay_with_their_host():
    pool, _, http = serve(moved(b"/b?c=d"), moved(b"http://b.example/", 303), OK)
    headers = {"Authorization": "secret", b"Cookie": b"secret", "X-Other": "1", "Content-Type": "text/plain"}
    response = http.request("POST", "http://a.example/x", body=b"1", headers=headers)
    assert response.status == 200
    assert pool.requests[1].startswith(b"POST /b?c=d HTTP/1.1\r\n") and b"secret" in pool.requests[1]
    assert pool.requests[2].startswith(b"GET / HTTP/1.1\r\n")
    assert b"secret" not in pool.requests[2] and b"X-Other: 1" in pool.requests[2]
    assert b"Content-Type" in pool.requests[1] and b"Content-Type" not in pool.requests[2]
    http.clear()
    pool, _, http = serve(moved(b"c"))
    assert http.request("GET", "http://a.example/x", redirect=False).status == 302
    http.clear()


def test_urls_with_capitals_and_paths_with_dots():
    pool, manager, http = serve(OK, OK)
    http.request("GET", "http://A.Example/.well-known/x")
    http.request("GET", "http://a.example/.y")
    assert pool.requests[0].startswith(b"GET /.well-known/x HTTP/1.1\r\n")
    assert b"Host: a.example\r\n" in pool.requests[0]
    assert manager.stats()["opened"] == 1
    http.clear()


def test_a_pool_manager_says_what_it_is_on():
    _, manager, http = serve()
    assert repr(http) == "<PoolManager on %r>" % manager


def test_a_redirect_loop_ends():
    _, manager, http = serve(*([moved(b"/")] * 9))
    error = raises(MaxRetryError, http.request, "GET", "http://a.example/")
    assert "redirects" in str(error)
    assert manager.stats()["leased"] == 0
    http.clear()


def test_relative_locations():
    for url, location, target in (
        ("http://a/b/c?d", "e", "http://a/b/e"),
        ("http://a/b/c", "/e?x=://", "http://a/e?x=://"),
        ("http://a", "e", "http://a/e"),
        ("http://a/b", "//c/d", "http://c/d"),
        ("http://a/b", "https://c/d", "https://c/d"),
        ("http://a/b/c?d=/", "?e", "http://a/b/c?e"),
        ("http://a?d", "?e", "http://a/?e"),
        ("http://a/b/c?d", "e#f", "http://a/b/e"),
        ("http://a/b/c?d", "#f", "http://a/b/c?d"),
        ("http://a/b", "//c/d#/e?f", "http://c/d"),
    ):
        assert join(url, location) == target
