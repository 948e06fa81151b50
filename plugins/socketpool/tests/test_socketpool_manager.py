"""ConnectionManager and PoolManager over both ports, against real servers, with budgets of 4 and 8."""

import http.client
import socket as host_socket
import threading

import pytest

import socketpool
import wifi
from radiopool import ConnectionManager, manager_for
from radiopool.errors import (
    CertificateError,
    ConnectTimeoutError,
    NameResolutionError,
    OutOfSocketsError,
    RefusedError,
    UnreachableError,
)
from radiopool.http import PoolManager

HOSTS = ("one.test", "two.test", "three.test", "four.test", "five.test", "six.test")
CASES = [(port, budget) for port in ("espressif", "raspberrypi") for budget in (4, 8)]


@pytest.fixture(params=CASES, ids=lambda case: "%s of %d" % case)
def radio(request):
    port, budget = request.param
    hosts = dict.fromkeys((*HOSTS, "secure.test", "localhost"), "127.0.0.1")
    radio = wifi.Radio(port, hosts=hosts, budget=budget, loopback=True)
    yield radio
    assert radio.slots.open == 0, "sockets left open"


@pytest.fixture
def manager(radio):
    with manager_for(radio) as manager:
        yield manager


def get(sock, path="/hello"):
    """A GET on a leased socket; the body."""
    sock.send(b"GET %s HTTP/1.1\r\nHost: test\r\n\r\n" % path.encode())
    received, buffer = bytearray(), bytearray(2048)
    while b"\r\n\r\n" not in received:
        received += buffer[: sock.recv_into(buffer)]
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += buffer[: sock.recv_into(buffer)]
    return body


def test_the_manager_knows_the_radio_and_its_budget(manager, radio):
    assert manager.driver.name == "socketpool"
    assert manager.radio is radio
    assert manager.socket_pool is socketpool.SocketPool(radio)
    cost = radio.personality.tls_cost
    assert manager.stats()["budget"] == (radio.slots.total, radio.slots.total // cost)
    assert ConnectionManager(socketpool.SocketPool(radio)).driver is manager.driver


def test_sockets_are_leased_bare_and_recycled(manager, web):
    port = web.server_address[1]
    leased = []
    for _ in range(10):
        with manager.lease("one.test", port, timeout=5) as sock:
            assert type(sock) is socketpool.Socket
            assert get(sock) == b"/hello"
            leased.append(sock)
    assert len(set(map(id, leased))) == 1
    assert web.connections == 1


def test_more_hosts_than_sockets_evict_the_least_recently_used(manager, radio, web):
    port = web.server_address[1]
    for _ in range(5):
        for host in HOSTS:
            with manager.lease(host, port, timeout=5) as sock:
                assert get(sock) == b"/hello"
    assert radio.slots.peak <= radio.slots.total
    assert (web.connections > len(HOSTS)) == (radio.slots.total < len(HOSTS))


def test_tls_and_plain_share_the_budget(manager, radio, web, secure_web, trusting):
    for _ in range(3):
        for host in HOSTS[:3]:
            with manager.lease(host, web.server_address[1], timeout=5) as sock:
                assert get(sock) == b"/hello"
            with manager.lease(
                "secure.test", secure_web.server_address[1], host, timeout=5, is_ssl=True, ssl_context=trusting
            ) as sock:
                assert get(sock, "/secret") == b"/secret"
    assert radio.slots.peak <= radio.slots.total


def test_out_of_sockets_names_the_counts(manager, radio, web):
    port = web.server_address[1]
    leased = [manager.acquire(*manager.key_for("one.test", port), timeout=5) for _ in range(radio.slots.total)]
    with pytest.raises(OutOfSocketsError, match=str(radio.slots.total)):
        manager.acquire(*manager.key_for("two.test", port), timeout=5, wait=0)
    for entry in leased:
        manager.recycle(entry)


@pytest.mark.parametrize("fault", ["out_of_sockets", "out_of_memory"])
def test_exhaustion_evicts_an_idle_socket_and_goes_on(manager, radio, web, fault):
    port = web.server_address[1]
    for host in HOSTS[:3]:
        with manager.lease(host, port, timeout=5) as sock:
            get(sock)
    getattr(radio.faults, fault)()
    with manager.lease("four.test", port, timeout=5) as sock:
        assert get(sock) == b"/hello"
    assert manager.stats()["opened"] == 4
    assert manager.managed_socket_count == 3


@pytest.mark.parametrize("how", ["reset", "end"])
def test_a_stale_socket_is_replaced_before_anything_is_sent(manager, radio, web, how):
    port = web.server_address[1]
    for _ in range(2):
        with manager.lease("one.test", port, timeout=5) as sock:
            assert get(sock) == b"/hello"
        radio.faults.lose_peer(how=how)
    assert web.connections == 2


def test_the_server_hangs_up_on_idle_connections(manager, web):
    port = web.server_address[1]
    for _ in range(3):
        with manager.lease("one.test", port, timeout=5) as sock:
            assert get(sock) == b"/hello"
        web.close_connections()
        # Readable, so the end has arrived.
        assert sock._channel.poll(1, 5)
    assert web.connections == 3


def test_errors_say_what_happened(manager, radio, web, secure_web, trusting, listener):
    with host_socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        with pytest.raises(RefusedError):
            manager.get_socket("127.0.0.1", placeholder.getsockname()[1], "", timeout=5)
    with pytest.raises(NameResolutionError):
        manager.get_socket("nowhere.test", 80, "", timeout=5)
    with pytest.raises(UnreachableError):
        manager.get_socket("192.0.2.1", 80, "", timeout=5)
    with pytest.raises(CertificateError):
        manager.get_socket("one.test", secure_web.server_address[1], "", timeout=5, is_ssl=True, ssl_context=trusting)
    with pytest.raises(ConnectTimeoutError):
        manager.get_socket("one.test", listener.address[1], "", timeout=0.1, is_ssl=True, ssl_context=trusting)
    radio.faults.delay("connect", 60)
    with pytest.raises(ConnectTimeoutError):
        manager.get_socket("one.test", web.server_address[1], "", timeout=0.05)
    radio.faults.clear()
    radio.faults.drop_network()
    with pytest.raises(NameResolutionError):
        manager.get_socket("one.test", web.server_address[1], "", timeout=5)
    radio.faults.restore_network()
    assert radio.slots.open == 0


def test_threads_share_the_budget(manager, radio, web):
    port = web.server_address[1]
    failures = []

    def work(number):
        try:
            for turn in range(15):
                with manager.lease(HOSTS[(number + turn) % len(HOSTS)], port, timeout=20) as sock:
                    assert get(sock) == b"/hello"
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert radio.slots.peak <= radio.slots.total


def test_sockets_of_the_managers_face_count(manager, radio):
    sockets = [manager.socket() for _ in range(radio.slots.total)]
    with pytest.raises(OutOfSocketsError):
        manager.socket()
    for sock in sockets:
        sock.close()
    with manager.socket(manager.AF_INET, manager.SOCK_DGRAM) as datagrams:
        assert datagrams.type == manager.SOCK_DGRAM


def test_tls_over_the_face(manager, server_context, trusting, in_background):
    """What an HTTPS server does that was given a manager for a socket pool."""
    with manager.socket() as sock:
        server = server_context.wrap_socket(sock, server_side=True)
        server.settimeout(10)
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        port = sock._channel.host.getsockname()[1]

        def talk():
            connection = http.client.HTTPSConnection("localhost", port, context=trusting, timeout=10)
            connection.request("GET", "/")
            try:
                return connection.getresponse().read()
            finally:
                connection.close()

        answer = in_background(talk)
        client, _ = server.accept()
        with client:
            client.settimeout(10)
            client.recv_into(bytearray(500))
            client.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            assert answer() == b"hello"


def test_pool_manager_over_plain_and_tls(radio, manager, web, secure_web, trusting):
    with PoolManager(radio=radio, ssl_context=trusting, timeout=10, retries=False) as http_pool:
        for _ in range(3):
            for host in HOSTS:
                answer = http_pool.request("GET", "http://%s:%d/%s" % (host, web.server_address[1], host))
                assert (answer.status, answer.data) == (200, b"/" + host.encode())
            answer = http_pool.request("GET", "https://secure.test:%d/safe" % secure_web.server_address[1])
            assert answer.data == b"/safe"
        for body in (b"small", bytes(range(256)) * 16):
            for scheme, host, server in (("http", "one.test", web), ("https", "secure.test", secure_web)):
                answer = http_pool.request("POST", "%s://%s:%d/" % (scheme, host, server.server_address[1]), body=body)
                assert answer.data == body
    manager.close_all()
    assert radio.slots.peak <= radio.slots.total


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_pool_manager_sends_and_reads_more_than_a_buffer_holds(radio, manager, web, secure_web, trusting, scheme):
    server, host = (web, "one.test") if scheme == "http" else (secure_web, "secure.test")
    body = bytes(range(256)) * 4000
    with PoolManager(radio=radio, ssl_context=trusting, timeout=5, retries=False) as http_pool:
        answer = http_pool.request("POST", "%s://%s:%d/" % (scheme, host, server.server_address[1]), body=body)
        assert answer.data == body
    manager.close_all()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_threads_share_a_pool_manager(radio, manager, web, secure_web, trusting, scheme):
    server = web if scheme == "http" else secure_web
    host = "one.test" if scheme == "http" else "secure.test"
    failures = []
    with PoolManager(radio=radio, ssl_context=trusting, timeout=20, retries=False) as http_pool:

        def work(number):
            try:
                for turn in range(5):
                    path = "/%d-%d" % (number, turn)
                    url = "%s://%s:%d%s" % (scheme, host, server.server_address[1], path)
                    assert http_pool.request("GET", url).data == path.encode()
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures
    assert radio.slots.peak <= radio.slots.total
    manager.close_all()
