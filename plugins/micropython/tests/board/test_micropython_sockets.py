"""Real sockets to a real server, on MicroPython over MicroPythonDriver and on CPython over the host's own driver."""

import os
import ssl

from expect import raises
from radiopool import (
    CertificateError,
    ConnectionManager,
    ConnectTimeoutError,
    NameResolutionError,
    OutOfSocketsError,
    Policy,
    RefusedError,
    manager_for,
    register,
)
from radiopool.http import PoolManager
from radiopool.http.errors import IncompleteRead, ProtocolError, ReadTimeoutError, SSLError
from radiopool.platform import CPYTHON
from radiopool_micropython.sockets import NativeSocket, SocketPool

HOST = "127.0.0.1"

if not CPYTHON:
    from radiopool_micropython import MicroPythonDriver

    register(MicroPythonDriver())


def port():
    """The server's, which is started after this file is imported."""
    return int(os.getenv("RADIOPOOL_BOARD_SERVER").split(":")[1])


def root():
    return "http://%s:%d" % (HOST, port())


class Requests:
    """A PoolManager over the machine's own network; it leaves nothing open behind."""

    def __init__(self, policy=None, **settings):
        self.manager = manager_for(policy=policy)
        self.http = PoolManager(manager=self.manager, retries=False, timeout=settings.pop("timeout", 5), **settings)

    def __enter__(self):
        return self.http

    def __exit__(self, *_):
        self.http.clear()
        assert self.manager.managed_socket_count == 0
        self.manager.close()


def pattern(size):
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def ports():
    with Requests() as http:
        return http.request("GET", root() + "/ports").json()


def trusting():
    """A TLS context that trusts the server's authority, whose certificate comes in DER."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # CPython's default. MicroPython's is to take any certificate.
    context.verify_mode = ssl.CERT_REQUIRED
    with Requests() as http:
        context.load_verify_locations(cadata=http.request("GET", root() + "/ca").data)
    return context


def test_fifty_requests_on_one_connection_as_the_server_counts_them():
    with Requests() as http:
        seen = {http.request("GET", root() + "/connection").data for _ in range(50)}
        stats = http.manager.stats()
    assert len(seen) == 1
    assert (stats["opened"], stats["reused"]) == (1, 49)


def test_post_and_its_echo():
    body = pattern(50000)
    with Requests() as http:
        assert http.request("POST", root() + "/echo", body=body).data == body
        assert http.request("POST", root() + "/echo", json={"a": [1, None]}).json() == {"a": [1, None]}


def test_bodies_of_every_framing():
    with Requests() as http:
        for path in ("/bytes/100000", "/chunked/5000", "/until-close/5000", "/bytes/0"):
            assert http.request("GET", root() + path).data == pattern(int(path.split("/")[2])), path


def test_streaming_into_a_buffer():
    buffer = bytearray(1024)
    view = memoryview(buffer)
    with Requests() as http:
        response = http.request("GET", root() + "/bytes/100000", preload_content=False)
        total = 0
        while True:
            count = response.readinto(view)
            if not count:
                break
            for at in (0, count - 1):
                assert buffer[at] == (total + at) % 251
            total += count
        assert total == 100000
        assert http.manager.available_socket_count == 1


def test_a_connection_that_the_server_closed_is_not_handed_out():
    with Requests() as http:
        first = http.request("GET", root() + "/last").data
        assert first == b"ok"
        # Wait for the end of the stream itself, as poll shows it, and not for a time.
        entry = list(http.manager._account.ledger.by_socket.values())[0]
        while http.manager.driver.is_alive(entry.socket):
            pass
        assert http.request("GET", root() + "/connection").data
        assert http.manager.stats()["closed"] == {"stale": 1}


def test_a_server_that_goes_away_in_the_body():
    with Requests() as http:
        error = raises(IncompleteRead, http.request, "GET", root() + "/cut")
        assert error.expected == 98
        assert isinstance(error, ProtocolError)
        assert http.manager.managed_socket_count == 0


def test_a_server_that_never_answers_is_a_timeout():
    with Requests(timeout=0.1) as http:
        raises(ReadTimeoutError, http.request, "GET", root() + "/never")
        assert http.manager.managed_socket_count == 0


def test_connect_errors_are_typed():
    manager = manager_for()
    try:
        with manager.socket() as placeholder:
            # A port that is bound and does not listen refuses.
            placeholder.bind(("127.0.0.1", 1) if CPYTHON else manager.getaddrinfo("127.0.0.1", 1)[0][-1])
            error = raises(RefusedError, manager.get_socket, "127.0.0.1", 1, "test", timeout=5)
        assert (error.host, error.port) == ("127.0.0.1", 1)
        raises(NameResolutionError, manager.get_socket, "no-such-name.invalid", 80, "test", timeout=5)
        assert manager.managed_socket_count == 0
    finally:
        manager.close()


def test_out_of_sockets_prints_the_counts_and_evicts_what_is_idle():
    manager = manager_for(policy=Policy(budget=2))
    try:
        one = manager.get_socket(HOST, port(), "one", timeout=5)
        two = manager.get_socket(HOST, port(), "two", timeout=5)
        key, _ = manager.key_for(HOST, port(), "three")
        error = raises(OutOfSocketsError, manager.acquire, key, wait=0)
        assert "2 leased" in str(error)
        manager.free_socket(one)
        three = manager.get_socket(HOST, port(), "three", timeout=5)
        assert manager.stats()["closed"] == {"evicted": 1}
        manager.close_socket(two)
        manager.close_socket(three)
        assert manager.managed_socket_count == 0
    finally:
        manager.close()


def test_https_with_a_good_certificate_is_recycled():
    door = ports()["good"]
    with Requests(ssl_context=trusting()) as http:
        url = "https://localhost:%d" % door
        seen = {http.request("GET", url + "/connection").data for _ in range(3)}
        assert len(seen) == 1
        assert http.request("GET", url + "/bytes/60000").data == pattern(60000)
        assert http.request("POST", url + "/echo", body=pattern(40000)).data == pattern(40000)
        assert http.manager.stats()["opened"] == 1
        assert http.manager.stats()["tls"] == 1


def test_what_is_written_to_a_tls_socket_goes_through_tls():
    door = ports()["good"]
    context = trusting()
    manager = manager_for()
    try:
        socket = manager.get_socket("localhost", door, "test", is_ssl=True, ssl_context=context, timeout=5)
        request = b"GET /connection HTTP/1.1\r\nHost: localhost\r\n\r\n"
        assert socket.write(request) == len(request)
        assert socket.recv(8) == b"HTTP/1.1"
        if not CPYTHON:
            assert socket.readinto(bytearray(4), 2) == 2
            for name in ("read", "readline", "makefile", "recvfrom"):
                # The native socket's: they know nothing of TLS.
                raises(AttributeError, getattr, socket, name)
        manager.close_socket(socket)
    finally:
        manager.close()


def test_a_plain_recv_waits_for_what_comes():
    manager = manager_for()
    try:
        socket = manager.get_socket(HOST, port(), "test", timeout=5)
        socket.sendall(b"GET /connection HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert socket.recv(8) == b"HTTP/1.1"
        raises(AttributeError, getattr, socket, "readline")
        manager.close_socket(socket)
    finally:
        manager.close()


def test_https_with_a_bad_certificate_is_refused():
    doors = ports()
    context = trusting()
    manager = manager_for()
    try:
        for door in ("stranger", "elsewhere"):
            error = raises(
                CertificateError,
                manager.get_socket,
                "localhost",
                doors[door],
                "test",
                is_ssl=True,
                ssl_context=context,
                timeout=5,
            )
            assert error.port == doors[door]
            assert manager.managed_socket_count == 0
    finally:
        manager.close()
    with Requests(ssl_context=context) as http:
        raises(SSLError, http.request, "GET", "https://localhost:%d/" % doors["stranger"])


def test_a_handshake_with_a_silent_server_ends_with_the_timeout():
    door = ports()["silent"]
    context = trusting()
    manager = manager_for()
    try:
        raises(
            ConnectTimeoutError,
            manager.get_socket,
            HOST,
            door,
            "test",
            is_ssl=True,
            ssl_context=context,
            timeout=0.1,
        )
        assert manager.managed_socket_count == 0
    finally:
        manager.close()


def test_sockets_that_code_opens_by_itself_count():
    manager = manager_for(policy=Policy(budget=2))
    try:
        with manager.socket() as server:
            server.bind(("127.0.0.1", 0) if CPYTHON else manager.getaddrinfo("127.0.0.1", 0)[0][-1])
            server.listen(1)
            server.settimeout(0)
            error = raises(OSError, server.accept)
            assert manager.driver.would_block(error)
            assert manager.stats()["leased"] == 1
        assert manager.managed_socket_count == 0
    finally:
        manager.close()


def test_two_managers_over_one_socket_pool_share_its_budget():
    manager = manager_for(policy=Policy(budget=1))
    other = ConnectionManager(manager.socket_pool)
    try:
        socket = manager.get_socket(HOST, port(), "one", timeout=5)
        raises(OutOfSocketsError, other.acquire, other.key_for(HOST, port(), "two")[0], wait=0)
        other.close_socket(socket)
    finally:
        manager.close()


class Native:
    """A native socket, or the module that makes them, or TLS over one that has no memory for a goodbye."""

    closed = accepted = 0

    def socket(self, *_):
        return self

    def setblocking(self, flag):
        pass

    def accept(self):
        self.accepted += 1
        return Native(), b"address"

    def close(self):
        self.closed += 1


class NoMemory(Native):
    def close(self):
        raise MemoryError


class Poor(NativeSocket):
    spared = True

    def __init__(self, pool):
        if not Poor.spared:
            raise MemoryError
        super().__init__(pool)


def test_what_there_is_no_memory_for_leaves_no_native_socket_open():
    native = Native()
    made = SocketPool(native).socket()
    made.stream = NoMemory()
    raises(MemoryError, made.close)
    assert native.closed == 1
    made = Poor(SocketPool(native))
    made.take(native)
    # What accepts makes another of its own kind, before there is anything to lose.
    Poor.spared = False
    raises(MemoryError, made.accept)
    assert native.accepted == 0
