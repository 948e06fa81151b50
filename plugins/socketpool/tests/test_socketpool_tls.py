"""The firmware's ssl over these sockets: wrap, then connect."""

import errno
import socket as host_socket
import ssl
import threading

import pytest

import socketpool
import wifi

DOCUMENTED = {
    "accept",
    "bind",
    "close",
    "connect",
    "listen",
    "recv_into",
    "send",
    "setblocking",
    "setsockopt",
    "settimeout",
}


def number_of(function, *arguments):
    with pytest.raises(OSError) as caught:
        function(*arguments)
    return caught.value.errno


@pytest.fixture
def secure(pool, secure_web, trusting):
    """A TLS connection to a web server."""
    with pool.socket() as raw:
        raw.settimeout(5)
        wrapped = trusting.wrap_socket(raw, server_hostname="localhost")
        wrapped.connect(secure_web.server_address)
        yield wrapped
        wrapped.close()


def test_wrap_then_connect(secure):
    secure.send(b"GET /hello HTTP/1.1\r\nHost: secure.test\r\n\r\n")
    received = bytearray()
    buffer = bytearray(4096)
    while not received.endswith(b"/hello"):
        received += buffer[: secure.recv_into(buffer)]
    assert received.startswith(b"HTTP/1.1 200")


def test_only_what_the_firmware_has(secure):
    assert {name for name in dir(secure) if not name.startswith("_")} == DOCUMENTED
    for absent in ("sendall", "type", "recv", "fileno", "getpeercert", "sendto"):
        assert not hasattr(secure, absent)
    with pytest.raises(AttributeError):
        secure.owner = "me"
    with pytest.raises(TypeError, match="wrap_socket"):
        type(secure)()
    assert isinstance(hash(secure), int)


def test_the_rules_of_recv_into_are_the_sockets(secure):
    with pytest.raises(ValueError, match="buffer too small for requested bytes"):
        secure.recv_into(bytearray(4), 5)
    assert secure.recv_into(bytearray()) == 0
    secure.settimeout(0.05)
    assert number_of(secure.recv_into, bytearray(1)) == errno.ETIMEDOUT
    secure.setblocking(False)
    assert number_of(secure.recv_into, bytearray(1)) == errno.EAGAIN
    secure.setblocking(True)
    secure.setsockopt(6, 1, 1)
    secure.send(b"GET / HTTP/1.1\r\n\r\n")
    assert secure.recv_into(bytearray(1), 0) == 1
    assert secure.recv_into(bytearray(4), -1) == 4


def test_a_large_body_both_ways(pool, secure_web, trusting):
    body = bytes(range(256)) * 200
    with pool.socket() as raw, trusting.wrap_socket(raw, server_hostname="localhost") as wrapped:
        wrapped.settimeout(10)
        wrapped.connect(secure_web.server_address)
        request = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        view = memoryview(request)
        while view:
            try:
                view = view[wrapped.send(view) :]
            except OSError as error:
                assert error.errno == errno.EAGAIN
        received, buffer = bytearray(), bytearray(8192)
        while not received.endswith(body):
            received += buffer[: wrapped.recv_into(buffer)]


def test_closed(secure):
    secure.close()
    secure.close()
    assert number_of(secure.recv_into, bytearray(1)) == errno.EBADF
    assert number_of(secure.send, b"x") == errno.EBADF


def test_closing_closes_the_socket_below(pool, radio, secure_web, trusting):
    raw = pool.socket()
    raw.settimeout(5)
    with trusting.wrap_socket(raw, server_hostname="localhost") as wrapped:
        wrapped.connect(secure_web.server_address)
        assert radio.slots.open == radio.personality.tls_cost
    assert number_of(raw.recv_into, bytearray(1)) == errno.EBADF
    assert radio.slots.open == 0


@pytest.mark.parametrize("fault", ["other name", "unknown issuer"])
def test_after_a_failed_handshake_close_does_nothing(pool, radio, secure_web, trusting, fault):
    context, name = (trusting, "other.test") if fault == "other name" else (ssl.create_default_context(), "localhost")
    raw = pool.socket()
    raw.settimeout(5)
    wrapped = context.wrap_socket(raw, server_hostname=name)
    with pytest.raises(ssl.SSLCertVerificationError):
        wrapped.connect(secure_web.server_address)
    wrapped.close()
    assert radio.slots.open == radio.personality.tls_cost, "the socket below is still open"
    assert number_of(wrapped.send, b"x") == errno.EBADF
    raw.close()
    assert radio.slots.open == 0


def test_a_failed_connect_is_no_failed_handshake(pool, radio, trusting):
    with host_socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        raw = pool.socket()
        raw.settimeout(5)
        wrapped = trusting.wrap_socket(raw, server_hostname="localhost")
        assert number_of(wrapped.connect, placeholder.getsockname()) == errno.ECONNRESET
    wrapped.close()
    assert radio.slots.open == 0


def test_a_silent_server_times_out(pool, radio, listener, trusting):
    with pool.socket() as raw:
        raw.settimeout(0.1)
        wrapped = trusting.wrap_socket(raw, server_hostname="localhost")
        with pytest.raises(OSError) as caught:
            wrapped.connect(listener.address)
        assert caught.value.errno == errno.ETIMEDOUT and type(caught.value) is OSError


def test_wrap_wants_a_stream(pool, trusting):
    with pool.socket(type=pool.SOCK_DGRAM) as datagrams, pytest.raises(RuntimeError, match="Invalid socket for TLS"):
        trusting.wrap_socket(datagrams, server_hostname="localhost")


def test_tls_costs_two_sockets_on_espressif(trusting):
    radio = wifi.Radio("espressif", budget=4)
    pool = socketpool.SocketPool(radio)
    raws = [pool.socket(), pool.socket()]
    for raw in raws:
        trusting.wrap_socket(raw, server_hostname="localhost")
    assert radio.slots.open == 4
    with pytest.raises(RuntimeError, match="Out of sockets"):
        pool.socket()
    raws.pop().close()
    raws += [pool.socket(), pool.socket()]
    with pytest.raises(MemoryError):
        trusting.wrap_socket(raws[-1], server_hostname="localhost")
    for raw in raws:
        raw.close()
    assert radio.slots.open == 0


def test_planned_to_fail(pool, radio, trusting):
    radio.faults.out_of_memory("wrap_socket")
    with pool.socket() as raw:
        with pytest.raises(MemoryError):
            trusting.wrap_socket(raw, server_hostname="localhost")
        trusting.wrap_socket(raw, server_hostname="localhost")


def test_the_server_side(pool, server_context, trusting, in_background):
    with pool.socket() as raw:
        server = server_context.wrap_socket(raw, server_side=True)
        server.settimeout(10)
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        address = raw._channel.host.getsockname()

        def talk():
            with (
                host_socket.create_connection(address, 10) as sock,
                trusting.wrap_socket(sock, server_hostname="localhost") as client,
            ):
                client.sendall(b"hello")
                return client.recv(10)

        answer = in_background(talk)
        connection, peer = server.accept()
        with connection:
            connection.settimeout(10)
            assert peer[0] == "127.0.0.1"
            buffer = bytearray(5)
            assert connection.recv_into(buffer) == 5 and buffer == b"hello"
            connection.send(b"world")
            assert answer() == b"world"


def test_the_server_side_leaks_nothing_when_the_handshake_fails(pool, radio, server_context, in_background):
    with pool.socket() as raw:
        server = server_context.wrap_socket(raw, server_side=True)
        server.settimeout(10)
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        open_before = radio.slots.open
        with host_socket.create_connection(raw._channel.host.getsockname(), 10) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            with pytest.raises(ssl.SSLError):
                server.accept()
        assert radio.slots.open == open_before


def test_cpythons_own_sockets_are_wrapped_as_ever(secure_web, trusting):
    with (
        host_socket.create_connection(secure_web.server_address, 5) as sock,
        trusting.wrap_socket(sock, server_hostname="localhost") as wrapped,
    ):
        assert type(wrapped) is ssl.SSLSocket
        wrapped.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert wrapped.recv(100).startswith(b"HTTP/1.1 200")


def test_installing_twice_changes_nothing():
    from radiopool_socketpool import tls

    before = ssl.SSLContext.sslsocket_class
    tls.install()
    assert ssl.SSLContext.sslsocket_class is before


def test_receive_and_send_in_two_threads(secure):
    received = threading.Event()

    def receive():
        secure.recv_into(bytearray(1))
        received.set()

    thread = threading.Thread(target=receive)
    thread.start()
    secure.send(b"GET / HTTP/1.1\r\n\r\n")
    assert received.wait(10)
    thread.join()
