"""The driver, without a manager."""

import errno
import os
import socket as host_socket
import ssl
import struct

import pytest

import socketpool
import wifi
from radiopool import InvalidValueError
from radiopool.registry import check_driver, driver_for
from radiopool_socketpool import SocketPoolDriver, __version__
from radiopool_socketpool.driver import _meaning


@pytest.fixture
def driver():
    return SocketPoolDriver()


def test_it_keeps_the_contract(driver):
    check_driver(driver)
    assert (driver.name, driver.version, driver.contract) == ("socketpool", __version__, (1, 0))


@pytest.mark.parametrize("settings", [{"budget": 4}, {"budget": "few"}, {"tls_cost": "2"}])
def test_figures_of_the_wrong_shape_are_refused(settings):
    with pytest.raises(InvalidValueError, match="must be a"):
        SocketPoolDriver(**settings)


def test_it_claims_native_radios_and_no_others(driver):
    class Derived(wifi.Radio):
        pass

    assert driver.matches(wifi.radio) and driver.matches(Derived())
    for other in (object(), host_socket, None, "wifi.Radio"):
        assert not driver.matches(other)


def test_the_registry_finds_it_for_a_radio():
    assert isinstance(driver_for(wifi.Radio()), SocketPoolDriver)


def test_one_socket_pool_for_a_radio(driver, radio):
    pool = driver.socket_pool(radio)
    assert pool is driver.socket_pool(radio) is socketpool.SocketPool(radio)
    assert driver.radio_of(pool) is radio
    for other in (host_socket, object(), None):
        assert driver.radio_of(other) is None


def test_the_hosts_network_stays_cpythons_default(driver):
    assert driver.default_radio() is None


@pytest.mark.parametrize(
    ("options", "budget", "cost", "ipv6"),
    [
        ({"personality": "espressif"}, (8, 4), 2, True),
        ({"personality": "espressif", "budget": 4}, (4, 2), 2, True),
        ({"personality": "espressif", "budget": 1}, (1, 1), 2, True),
        ({"personality": "raspberrypi"}, (5, 5), 1, False),
        ({"personality": "raspberrypi", "budget": 8}, (8, 8), 1, False),
    ],
)
def test_traits_per_port(driver, options, budget, cost, ipv6):
    traits = driver.traits(wifi.Radio(**options))
    assert (traits.budget, traits.tls_cost, traits.ipv6) == (budget, cost, ipv6)
    assert (traits.tls, traits.udp, traits.listen) == ("host", True, True)


def test_traits_can_be_overridden():
    traits = SocketPoolDriver(budget=(3, 1), tls_cost=3).traits(wifi.Radio())
    assert (traits.budget, traits.tls_cost) == ((3, 1), 3)


@pytest.mark.parametrize(
    ("platform", "machine", "budget", "cost"),
    [
        ("Espressif", "Metro ESP32S3 with ESP32S3", (4, 2), 2),
        ("Espressif", "Feather ESP32S2 with ESP32S2", (8, 4), 2),
        ("RP2040", "Raspberry Pi Pico W with rp2040", (5, 5), 1),
        ("RP2350", "Raspberry Pi Pico 2 W with rp2350a", (5, 5), 1),
    ],
)
def test_traits_on_a_board(driver, monkeypatch, platform, machine, budget, cost):
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr("os.uname", lambda: type("uname", (), {"machine": machine}))
    traits = driver.traits(object())
    assert (traits.budget, traits.tls_cost) == (budget, cost)


def test_ssl_context_is_pythons_own(driver, radio):
    assert isinstance(driver.ssl_context(radio), ssl.SSLContext)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Out of sockets"),
        MemoryError("memory allocation failed, allocating 16717 bytes"),
        OSError(errno.ENOMEM),
        OSError(errno.ENFILE, "Too many open files"),
        OSError(-0x7F00),
        OSError(-0x2880, "MBEDTLS_ERR_X509_ALLOC_FAILED"),
        OSError(-(0x2880 + 0x6A)),
    ],
)
def test_every_form_of_exhausted(driver, error):
    assert driver.is_exhausted(error)


@pytest.mark.parametrize(
    "error",
    [RuntimeError("Invalid socket for TLS"), OSError(errno.ECONNRESET), OSError(-0x2700), OSError(-2), OSError("x")],
)
def test_nothing_else_is_exhausted(driver, error):
    assert not driver.is_exhausted(error)


def test_timeouts_and_would_block_as_the_sockets_raise_them(driver, pool, listener):
    client, _ = listener.connect(pool, timeout=0.02)
    with client:
        with pytest.raises(OSError) as caught:
            client.recv_into(bytearray(1))
        assert driver.is_timeout(caught.value) and not driver.would_block(caught.value)
        client.settimeout(0)
        with pytest.raises(OSError) as caught:
            client.recv_into(bytearray(1))
        assert driver.would_block(caught.value) and not driver.is_timeout(caught.value)


def test_sockets_are_leased_bare_with_nodelay(driver, pool, listener):
    with driver.connect(pool, *listener.address, 5) as sock:
        assert type(sock) is socketpool.Socket
        assert sock._channel.host.getsockopt(host_socket.IPPROTO_TCP, host_socket.TCP_NODELAY)


def test_connect_over_ipv6(driver, espressif, listener6):
    driver.connect(driver.socket_pool(espressif), *listener6.address, 5).close()


def test_connect_from_a_source_address(driver, pool, listener):
    with driver.connect(pool, *listener.address, 5, source_address=("127.0.0.1", 0)):
        assert listener.accept().getpeername()[0] == "127.0.0.1"


def test_refused_is_said_so(driver, pool):
    with host_socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError) as caught:
            driver.connect(pool, *placeholder.getsockname(), 5)
    assert caught.value.errno == errno.ECONNREFUSED


def test_connecting_for_too_long_is_a_timeout(driver, pool, radio, listener):
    radio.faults.delay("connect", 60)
    with pytest.raises(OSError) as caught:
        driver.connect(pool, *listener.address, 0.02)
    assert driver.is_timeout(caught.value)


def test_the_next_address_is_tried(driver, listener):
    radio = wifi.Radio(hosts={"both.test": ("::1", "127.0.0.1")}, loopback=True)
    with driver.connect(driver.socket_pool(radio), "both.test", listener.address[1], 5):
        pass
    assert radio.slots.open == 0


@pytest.mark.parametrize("call", ["connect", "wrap_socket", "socket", "send"])
def test_a_connect_that_fails_leaks_nothing(driver, pool, radio, secure_web, trusting, call):
    radio.faults.fail(call, OSError(errno.EIO, "broken") if call != "socket" else RuntimeError("Out of sockets"))
    with pytest.raises((OSError, RuntimeError)):
        driver.connect(pool, "127.0.0.1", secure_web.server_address[1], 5, trusting)
    assert radio.slots.open == 0


def test_the_raw_socket_is_closed_after_a_failed_handshake(driver, pool, radio, secure_web, trusting):
    with pytest.raises(ssl.SSLCertVerificationError):
        driver.connect(pool, "127.0.0.1", secure_web.server_address[1], 5, trusting, "other.test")
    assert radio.slots.open == 0


def test_what_mbedtls_means():
    assert "CERT" in str(_meaning(OSError(-0x2700), True, True))
    named = OSError(-0x2700, "MBEDTLS_ERR_X509_CERT_VERIFY_FAILED")
    assert _meaning(named, True, True) is named
    assert "MBEDTLS" in str(_meaning(OSError(-0x7780), True, True))
    untouched = OSError(errno.ECONNRESET)
    assert _meaning(untouched, True, True) is untouched


# -- is_alive


@pytest.fixture(params=["plain", "tls"])
def connection(request, driver, radio, pool, listener, trusting, server_context, in_background):
    """(the leased socket, the peer's end), idle."""
    if request.param == "plain":
        client, peer = listener.connect(pool)
    else:

        def serve():
            wrapped = server_context.wrap_socket(listener.accept(), server_side=True)
            listener.opened.append(wrapped)
            return wrapped

        served = in_background(serve)
        client = driver.connect(pool, *listener.address, 5, trusting, "localhost")
        peer = served()
    yield client, peer
    client.close()


def test_idle_is_alive_again_and_again(driver, connection):
    client, peer = connection
    for _ in range(3):
        assert driver.is_alive(client)
    client.settimeout(5)
    peer.sendall(b"fresh")
    buffer = bytearray(5)
    assert client.recv_into(buffer) == 5 and buffer == b"fresh"
    assert driver.is_alive(client)


def test_an_unread_byte_is_not_alive(driver, connection, radio):
    client, peer = connection
    peer.sendall(b"unread")
    raw = getattr(client, "_socket", client)
    assert raw._channel.poll(1, 5)
    assert not driver.is_alive(client)


def test_ended_is_not_alive(driver, connection):
    client, peer = connection
    peer.close()
    raw = getattr(client, "_socket", client)
    assert raw._channel.poll(1, 5)
    assert not driver.is_alive(client)


def test_reset_is_not_alive(driver, connection):
    client, peer = connection
    raw = getattr(client, "_socket", client)
    peer.setsockopt(host_socket.SOL_SOCKET, host_socket.SO_LINGER, struct.pack("ii", 1, 0))
    if isinstance(peer, ssl.SSLSocket):
        os.close(peer.detach())
    else:
        peer.close()
    assert raw._channel.poll(1, 5)
    assert not driver.is_alive(client)


@pytest.mark.parametrize("how", ["reset", "end"])
def test_a_lost_peer_is_not_alive(driver, connection, radio, how):
    radio.faults.lose_peer(how=how)
    assert not driver.is_alive(connection[0])


def test_closed_is_not_alive(driver, connection):
    connection[0].close()
    assert not driver.is_alive(connection[0])


# -- abandon


def test_abandoning_says_nothing_on_the_wire(driver, pool, radio, listener):
    client, peer = listener.connect(pool)
    keeper = client._channel.host.dup()
    driver.abandon(client)
    assert radio.slots.open == 0
    peer.settimeout(0.05)
    # Another holder of the connection is not disturbed, as after fork.
    with pytest.raises(TimeoutError):
        peer.recv(1)
    keeper.close()


def test_a_child_process_does_not_end_its_parents_connection(pool, listener):
    client, peer = listener.connect(pool)
    with client:
        child = os.fork()
        if child == 0:
            try:
                client.close()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        client.send(b"still mine")
        assert peer.recv(20) == b"still mine"


# -- emulated, doctor


def test_emulated_is_a_radio_on_loopback(driver):
    radio = driver.emulated("raspberrypi", {"a.test": "127.0.0.1"}, budget=4)
    assert driver.matches(radio) and radio.names.loopback
    assert driver.traits(radio).budget == (4, 4)
    assert driver.socket_pool(radio).getaddrinfo("a.test", 80)[0][4] == ("127.0.0.1", 80)
    assert driver.emulated() is not driver.emulated()
    assert {driver.emulated(which).personality.name for which in driver.emulations} == {"espressif", "raspberrypi"}


def test_doctor_finds_nothing_wrong_here(driver):
    assert driver.doctor() == []
