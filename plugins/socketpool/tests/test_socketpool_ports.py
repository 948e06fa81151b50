"""Where espressif and raspberrypi differ, row by row, and what both share beyond CircuitPython's page."""

import errno
import gc
import socket as host_socket
import struct

import pytest

import socketpool
import wifi
from radiopool.errors import InvalidValueError
from radiopool_socketpool.personality import ESPRESSIF, firmware_error


def number_of(function, *arguments):
    """The errno that a call raises, as a plain OSError and in both places."""
    with pytest.raises(OSError) as caught:
        function(*arguments)
    assert caught.value.errno == caught.value.args[0]
    assert type(caught.value) in (OSError, BrokenPipeError)
    return caught.value.errno


def reset(peer):
    """Close so that an RST goes out."""
    peer.setsockopt(host_socket.SOL_SOCKET, host_socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


@pytest.fixture
def full_listener():
    """A listener that answers no more: its backlog is full."""
    with host_socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        waiting = []
        for _ in range(3):
            sock = host_socket.socket()
            sock.setblocking(False)
            sock.connect_ex(server.getsockname())
            waiting.append(sock)
        yield server.getsockname()
        for sock in waiting:
            sock.close()


# -- connect


@pytest.mark.parametrize("timeout", [0, 0.05])
def test_connect_timeout(radio, pool, full_listener, timeout):
    expected = {"espressif": errno.ETIMEDOUT, "raspberrypi": errno.EINPROGRESS}[radio.personality.name]
    with pool.socket() as sock:
        sock.settimeout(timeout)
        assert number_of(sock.connect, full_listener) == expected
        assert number_of(sock.connect, full_listener) == errno.EALREADY


def test_a_non_blocking_connect_goes_on_by_itself(radio, pool, listener):
    with pool.socket() as sock:
        sock.setblocking(False)
        assert number_of(sock.connect, listener.address) == radio.personality.connect_timeout
        peer = listener.accept()
        sock.settimeout(5)
        if radio.personality.name == "raspberrypi":
            sock.send(b"x")
            assert peer.recv(1) == b"x"
        else:
            # Its flag is set by connect() alone.
            assert number_of(sock.send, b"x") == errno.EPIPE


def test_refused_is_a_reset_to_lwip(pool):
    with host_socket.socket() as placeholder, pool.socket() as sock:
        placeholder.bind(("127.0.0.1", 0))
        sock.settimeout(5)
        assert number_of(sock.connect, placeholder.getsockname()) == errno.ECONNRESET


def test_connect_twice(pool, listener):
    client, _ = listener.connect(pool)
    with client:
        assert number_of(client.connect, listener.address) == errno.EISCONN


def test_no_route(pool, radio):
    with pool.socket() as sock:
        assert number_of(sock.connect, ("192.0.2.1", 80)) == errno.EHOSTUNREACH


def test_an_unknown_name_is_gaierror_wherever_it_is_given(pool):
    with pool.socket() as stream, pool.socket(pool.AF_INET, pool.SOCK_DGRAM) as datagram:
        for function, arguments in (
            (stream.connect, (("nowhere.test", 80),)),
            (stream.bind, (("nowhere.test", 80),)),
            (datagram.sendto, (b"x", ("nowhere.test", 80))),
        ):
            with pytest.raises(pool.gaierror):
                function(*arguments)


# -- receive


def test_receive_without_blocking_at_the_end_of_the_stream(radio, pool, listener):
    client, peer = listener.connect(pool)
    with client:
        peer.close()
        assert client.recv_into(bytearray(1)) == 0
        client.setblocking(False)
        if radio.personality.name == "espressif":
            assert number_of(client.recv_into, bytearray(1)) == errno.ENOTCONN
        else:
            assert client.recv_into(bytearray(1)) == 0


def test_the_last_bytes_come_before_the_end(pool, listener):
    client, peer = listener.connect(pool)
    with client:
        peer.sendall(b"last words")
        peer.close()
        assert client.recv_into(bytearray(20)) == 10
        assert client.recv_into(bytearray(20)) == 0
        assert client.recv_into(bytearray(20)) == 0


def test_receive_after_a_reset(radio, pool, listener):
    client, peer = listener.connect(pool)
    with client:
        reset(peer)
        client.settimeout(0.1)
        expected = {"espressif": errno.ETIMEDOUT, "raspberrypi": errno.ECONNRESET}[radio.personality.name]
        assert number_of(client.recv_into, bytearray(1)) == expected
        assert number_of(client.recv_into, bytearray(1)) == expected


def test_receive_without_blocking_after_a_reset_deceives_on_espressif(espressif, listener):
    client, _ = listener.connect(socketpool.SocketPool(espressif))
    with client:
        espressif.faults.lose_peer(client)
        client.setblocking(False)
        assert number_of(client.recv_into, bytearray(1)) == errno.EAGAIN
        assert number_of(client.recv_into, bytearray(1)) == errno.ENOTCONN


def test_receive_before_connect(radio, pool):
    with pool.socket() as sock:
        sock.settimeout(0.05)
        expected = {"espressif": errno.ETIMEDOUT, "raspberrypi": errno.ENOTCONN}[radio.personality.name]
        assert number_of(sock.recv_into, bytearray(1)) == expected


def test_a_receive_of_raspberrypi_gives_one_packet_buffer(raspberrypi, listener):
    client, peer = listener.connect(socketpool.SocketPool(raspberrypi))
    with client:
        peer.sendall(bytes(5000))
        assert client.recv_into(bytearray(5000)) <= 1460


# -- send


def test_send_when_the_buffer_is_full(radio, pool, listener):
    client, _ = listener.connect(pool)
    with client:
        client.settimeout(0.1)
        expected = {"espressif": errno.EAGAIN, "raspberrypi": errno.ETIMEDOUT}[radio.personality.name]
        piece = bytes(100_000)
        with pytest.raises(OSError) as caught:
            while True:
                sent = client.send(piece)
                assert 0 < sent <= radio.personality.send_buffer
        assert caught.value.errno == expected
        client.setblocking(False)
        assert number_of(client.send, piece) == errno.EAGAIN


def test_send_after_the_peers_fin(radio, pool, listener):
    client, peer = listener.connect(pool)
    with client:
        peer.shutdown(host_socket.SHUT_WR)
        assert client.recv_into(bytearray(1)) == 0
        if radio.personality.name == "espressif":
            assert client.send(b"still here") == 10
            assert peer.recv(20) == b"still here"
        else:
            assert number_of(client.send, b"still here") == errno.EPIPE


def test_raspberrypi_sees_the_fin_behind_unread_data(raspberrypi, listener):
    client, peer = listener.connect(socketpool.SocketPool(raspberrypi))
    with client:
        peer.sendall(b"unread")
        peer.shutdown(host_socket.SHUT_WR)
        client.recv_into(bytearray(1))
        assert number_of(client.send, b"x") == errno.EPIPE
        assert client.recv_into(bytearray(10)) == 5


def test_send_before_connect_is_a_broken_pipe(pool):
    with pool.socket() as sock:
        for function in (sock.send, sock.sendall):
            with pytest.raises(BrokenPipeError) as caught:
                function(b"x")
            assert caught.value.errno == errno.EPIPE


def test_send_after_a_reset(pool, listener):
    client, peer = listener.connect(pool)
    with client:
        reset(peer)
        numbers = set()
        for _ in range(3):
            try:
                client.send(b"x")
            except OSError as error:
                numbers.add(error.errno)
        assert numbers and numbers <= {errno.ECONNRESET, errno.EPIPE}
        assert number_of(client.send, b"x") == errno.EPIPE


# -- accept


def test_the_timeout_of_an_accepted_socket(radio, pool):
    with pool.socket() as server:
        server.settimeout(0.1)
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        with host_socket.create_connection(server._channel.host.getsockname()):
            accepted, _ = server.accept()
            with accepted:
                expected = {"espressif": errno.EAGAIN, "raspberrypi": errno.ETIMEDOUT}[radio.personality.name]
                assert number_of(accepted.recv_into, bytearray(1)) == expected


def test_accept_with_nobody_there(pool):
    with pool.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        server.settimeout(0.05)
        assert number_of(server.accept) == errno.ETIMEDOUT
        server.setblocking(False)
        assert number_of(server.accept) == errno.EAGAIN


def test_accept_without_listen(radio, pool):
    with pool.socket() as sock:
        sock.settimeout(0.05)
        expected = {"espressif": errno.ETIMEDOUT, "raspberrypi": errno.EINVAL}[radio.personality.name]
        assert number_of(sock.accept) == expected


@pytest.mark.parametrize("port", ["espressif", "raspberrypi"])
def test_accept_when_no_socket_is_left(port):
    radio = wifi.Radio(port, loopback=True, budget=1)
    with socketpool.SocketPool(radio).socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        server.settimeout(0.2)
        with host_socket.create_connection(server._channel.host.getsockname(), 5) as client:
            if port == "raspberrypi":
                with pytest.raises(RuntimeError, match="Out of sockets"):
                    server.accept()
            else:
                assert number_of(server.accept) == errno.ETIMEDOUT
            assert client.recv(1) == b"", "the connection is not left hanging"
    assert radio.slots.open == 0


# -- closed sockets


CALLS = {
    "accept": (),
    "bind": (("127.0.0.1", 0),),
    "connect": (("127.0.0.1", 9),),
    "listen": (1,),
    "recv_into": (bytearray(1),),
    "recvfrom_into": (bytearray(1),),
    "send": (b"x",),
    "sendall": (b"x",),
    "sendto": (b"x", ("127.0.0.1", 9)),
    "setsockopt": (0xFFF, 4, 1),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_closed_socket_is_ebadf(pool, name):
    sock = pool.socket()
    sock.close()
    assert number_of(getattr(sock, name), *CALLS[name]) == errno.EBADF


def test_closing_is_idempotent_and_type_and_timeout_stay(pool):
    sock = pool.socket()
    sock.close()
    sock.close()
    sock.settimeout(1)
    assert sock.type == pool.SOCK_STREAM


@pytest.mark.parametrize("call", ["recv_into", "accept"])
def test_close_by_another_thread_ends_a_wait(pool, listener, in_background, call):
    if call == "recv_into":
        sock, _ = listener.connect(pool, timeout=None)
        result = in_background(sock.recv_into, bytearray(1))
    else:
        sock = pool.socket()
        sock.bind(("127.0.0.1", 0))
        sock.listen(1)
        result = in_background(sock.accept)
    sock.close()
    # An end of stream, if the close came between two looks.
    try:
        assert result() == 0
    except OSError as error:
        assert error.errno == errno.EBADF


def test_a_forgotten_socket_is_closed_with_a_warning(radio, pool):
    sock = pool.socket()
    with pytest.warns(ResourceWarning, match="unclosed <Socket stream"):
        del sock
        gc.collect()
    assert radio.slots.open == 0


# -- budget


@pytest.mark.parametrize(
    ("port", "kind", "limit"),
    [("espressif", 1, 8), ("espressif", 2, 8), ("raspberrypi", 1, 5), ("raspberrypi", 2, 4)],
)
def test_the_budget_of_a_port(port, kind, limit):
    radio = wifi.Radio(port)
    pool = socketpool.SocketPool(radio)
    sockets = [pool.socket(pool.AF_INET, kind) for _ in range(limit)]
    with pytest.raises(RuntimeError) as caught:
        pool.socket(pool.AF_INET, kind)
    assert caught.value.args == ("Out of sockets",)
    assert radio.slots.open == radio.slots.peak == limit
    for sock in sockets:
        sock.close()
    assert radio.slots.open == 0


def test_raspberrypi_has_eight_sockets_in_all():
    pool = socketpool.SocketPool(wifi.Radio("raspberrypi"))
    sockets = [pool.socket() for _ in range(5)] + [pool.socket(type=pool.SOCK_DGRAM) for _ in range(3)]
    with pytest.raises(RuntimeError, match="Out of sockets"):
        pool.socket(type=pool.SOCK_DGRAM)
    for sock in sockets:
        sock.close()


@pytest.mark.parametrize("port", ["espressif", "raspberrypi"])
@pytest.mark.parametrize("budget", [1, 4, 8])
def test_a_budget_of_ones_own(port, budget):
    radio = wifi.Radio(port, budget=budget)
    pool = socketpool.SocketPool(radio)
    sockets = [pool.socket() for _ in range(budget)]
    with pytest.raises(RuntimeError, match="Out of sockets"):
        pool.socket()
    for sock in sockets:
        sock.close()


def test_a_socket_that_could_not_be_made_costs_nothing(radio, pool, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("radiopool_socketpool.channel.socket.socket", refuse)
    with pytest.raises(PermissionError):
        pool.socket(pool.AF_INET, pool.SOCK_RAW, pool.IPPROTO_ICMP)
    assert radio.slots.open == 0


def test_a_socket_type_that_nobody_knows(radio, pool):
    if radio.personality.name == "raspberrypi":
        with pytest.raises(RuntimeError, match="Out of sockets"):
            pool.socket(pool.AF_INET, 0)
        return
    try:
        with pool.socket(pool.AF_INET, 0, pool.IPPROTO_ICMP) as sock:
            assert sock.type == pool.SOCK_RAW
    except PermissionError:
        pytest.skip("this computer does not permit RAW sockets")


# -- options


def test_unknown_options(radio, pool):
    expected = {"espressif": errno.ENOPROTOOPT, "raspberrypi": errno.EOPNOTSUPP}[radio.personality.name]
    with pool.socket() as sock:
        assert number_of(sock.setsockopt, 1, 2, 1) == expected
        assert number_of(sock.setsockopt, pool.IPPROTO_IP, pool.IP_MULTICAST_TTL, 3) == expected


def test_espressif_passes_lwips_options_on(espressif):
    pool = socketpool.SocketPool(espressif)
    with pool.socket(pool.AF_INET, pool.SOCK_DGRAM) as sock:
        sock.setsockopt(pool.SOL_SOCKET, 0x20, 1)
        assert sock._channel.host.getsockopt(host_socket.SOL_SOCKET, host_socket.SO_BROADCAST)
        group = host_socket.inet_aton("224.0.0.251") + host_socket.inet_aton("127.0.0.1")
        sock.setsockopt(pool.IPPROTO_IP, 3, group)


def test_multicast_ttl_as_a_buffer(pool):
    with pool.socket(pool.AF_INET, pool.SOCK_DGRAM) as sock:
        sock.setsockopt(pool.IPPROTO_IP, pool.IP_MULTICAST_TTL, b"\x04")
        assert sock._channel.host.getsockopt(host_socket.IPPROTO_IP, host_socket.IP_MULTICAST_TTL) == 4


# -- strictness


def test_nothing_can_be_set_on_a_socket(pool):
    with pool.socket() as sock, pytest.raises(AttributeError):
        sock.owner = "me"


def test_arguments_are_positional_as_in_the_firmware(pool):
    with pool.socket() as sock:
        with pytest.raises(TypeError):
            sock.recv_into(buffer=bytearray(1))
        with pytest.raises(TypeError):
            sock.settimeout(value=1)


def test_ipv6_addresses_have_four_parts_and_connect_takes_two(espressif, listener6):
    pool = socketpool.SocketPool(espressif)
    family, kind, _, _, address = pool.getaddrinfo(*listener6.address, 0, pool.SOCK_STREAM)[0]
    assert (family, len(address)) == (pool.AF_INET6, 4)
    with pool.socket(family, kind) as sock:
        sock.settimeout(5)
        with pytest.raises(ValueError, match="requested length 2 but object has length 4"):
            sock.connect(address)
        sock.connect(address[:2])


def test_raspberrypi_resolves_to_ipv4_only(raspberrypi):
    pool = socketpool.SocketPool(raspberrypi)
    assert pool.getaddrinfo("localhost", 80, pool.AF_INET6) == [(2, 1, 0, "", ("127.0.0.1", 80))]
    with pytest.raises(pool.gaierror):
        pool.getaddrinfo("::1", 80)


def test_bad_arguments_of_a_radio():
    for keywords in (
        {"personality": "esp8266"},
        {"budget": 0},
        {"budget": "4"},
        {"hosts": {"a.test": "b.test"}},
        {"routes": {("a.test", 80): ("b.test", 80)}},
    ):
        with pytest.raises(InvalidValueError) as caught:
            wifi.Radio(**keywords)
        assert repr(next(iter(keywords.values()))) in str(caught.value) or "test" in str(caught.value)


def test_firmware_errors_are_plain():
    error = firmware_error(errno.ETIMEDOUT)
    assert type(error) is OSError
    assert (error.errno, error.args) == (errno.ETIMEDOUT, (errno.ETIMEDOUT,))
    assert str(error).startswith("[Errno %d]" % errno.ETIMEDOUT)
    assert wifi.Radio(ESPRESSIF).personality is ESPRESSIF


def test_reprs_tell_the_truth(pool, radio, listener):
    client, _ = listener.connect(pool)
    assert repr(client) == "<Socket stream connected to 127.0.0.1 port %d>" % listener.address[1]
    assert repr(radio).endswith("1 of %d sockets open>" % radio.slots.total)
    client.close()
    assert "closed" in repr(client)
