"""Faults on demand."""

import errno
import time

import pytest

import socketpool
import wifi
from radiopool.errors import InvalidValueError


def number_of(function, *arguments):
    with pytest.raises(OSError) as caught:
        function(*arguments)
    return caught.value.errno


def test_out_of_sockets_at_the_nth_call(radio, pool):
    radio.faults.out_of_sockets(at=2)
    pool.socket().close()
    with pytest.raises(RuntimeError, match="Out of sockets"):
        pool.socket()
    pool.socket().close()
    assert radio.faults.calls["socket"] == 3


def test_out_of_memory_at_the_nth_call(radio, pool, listener):
    client, _ = listener.connect(pool)
    with client:
        radio.faults.out_of_memory("recv_into", times=2)
        for _ in range(2):
            with pytest.raises(MemoryError):
                client.recv_into(bytearray(1))
        client.settimeout(0)
        assert number_of(client.recv_into, bytearray(1)) == errno.EAGAIN
    radio.faults.out_of_memory(times=None)
    for _ in range(3):
        with pytest.raises(MemoryError):
            pool.socket()
    radio.faults.clear()
    pool.socket().close()


@pytest.mark.parametrize("call", ["getaddrinfo", "connect", "send", "accept", "bind", "listen", "sendto"])
def test_any_call_can_fail(radio, pool, listener, call):
    radio.faults.fail(call, OSError(errno.EIO, "broken"))
    with pool.socket() as sock, pool.socket(type=pool.SOCK_DGRAM) as datagrams:
        sock.settimeout(5)
        calls = {
            "getaddrinfo": lambda: pool.getaddrinfo("localhost", 80),
            "connect": lambda: sock.connect(listener.address),
            "send": lambda: (sock.connect(listener.address), sock.send(b"x")),
            "accept": sock.accept,
            "bind": lambda: sock.bind(("127.0.0.1", 0)),
            "listen": lambda: sock.listen(1),
            "sendto": lambda: datagrams.sendto(b"x", ("127.0.0.1", 9)),
        }
        assert number_of(calls[call]) == errno.EIO


def test_bad_plans():
    faults = wifi.Radio().faults
    with pytest.raises(InvalidValueError, match="'sokcet'"):
        faults.out_of_memory("sokcet")
    with pytest.raises(InvalidValueError, match="at must"):
        faults.out_of_sockets(at=0)
    with pytest.raises(InvalidValueError, match="times must"):
        faults.out_of_sockets(times=0)
    with pytest.raises(InvalidValueError, match="seconds must"):
        faults.delay("connect", -1)
    with pytest.raises(InvalidValueError, match="how must"):
        faults.lose_peer(how="sadly")


def test_a_delay_longer_than_the_timeout_is_a_timeout(radio, pool, listener):
    radio.faults.delay("connect", 60)
    with pool.socket() as sock:
        sock.settimeout(0.02)
        assert number_of(sock.connect, listener.address) == radio.personality.connect_timeout
    radio.faults.delay("connect", 0)
    client, peer = listener.connect(pool, timeout=0.02)
    with client:
        peer.sendall(b"x")
        radio.faults.delay("recv_into", 60)
        assert number_of(client.recv_into, bytearray(1)) == errno.ETIMEDOUT


def test_a_short_delay_passes(radio, pool, listener):
    radio.faults.delay("connect", 0.03)
    began = time.monotonic()
    client, _ = listener.connect(pool)
    client.close()
    assert time.monotonic() - began >= 0.03


def test_the_peer_is_lost_by_a_reset(radio, pool, listener):
    client, _ = listener.connect(pool, timeout=0.05)
    other, peer = listener.connect(pool)
    with client, other:
        radio.faults.lose_peer(client)
        expected = {"espressif": errno.ETIMEDOUT, "raspberrypi": errno.ECONNRESET}[radio.personality.name]
        assert number_of(client.recv_into, bytearray(1)) == expected
        peer.sendall(b"x")
        assert other.recv_into(bytearray(1)) == 1


def test_the_peer_is_lost_by_an_end(radio, pool, listener):
    client, _ = listener.connect(pool)
    with client:
        radio.faults.lose_peer(how="end")
        assert client.recv_into(bytearray(1)) == 0


def test_the_peer_is_lost_in_silence(radio, pool, listener):
    client, peer = listener.connect(pool, timeout=0.05)
    with client:
        radio.faults.lose_peer(how="silence")
        peer.sendall(b"unheard")
        assert number_of(client.recv_into, bytearray(1)) == errno.ETIMEDOUT
        assert client.send(b"hello?") == 6
        peer.settimeout(0.05)
        with pytest.raises(TimeoutError):
            peer.recv(1)


def test_all_peers_are_lost(radio, pool, listener):
    clients = [listener.connect(pool)[0] for _ in range(3)]
    radio.faults.lose_peer(how="end")
    for client in clients:
        assert client.recv_into(bytearray(1)) == 0
        client.close()


def test_the_network_drops_and_comes_back(radio, pool, listener, in_background):
    client, peer = listener.connect(pool, timeout=0.05)
    with client:
        radio.faults.drop_network()
        assert not radio.connected and radio.ipv4_address is None
        with pytest.raises(ConnectionError, match="No network with that ssid"):
            radio.connect("desk")
        peer.sendall(b"while away")
        assert number_of(client.recv_into, bytearray(20)) == errno.ETIMEDOUT
        assert client.send(b"kept for later") == 14
        with pytest.raises(pool.gaierror):
            pool.getaddrinfo("localhost", 80)
        with pool.socket() as another:
            assert number_of(another.connect, listener.address) == errno.EHOSTUNREACH
        client.settimeout(10)
        received = in_background(client.recv_into, bytearray(20))
        radio.faults.restore_network()
        assert received() == 10
        assert peer.recv(20) == b"kept for later"


def test_a_buffer_fills_while_the_network_is_down(radio, pool, listener):
    client, _ = listener.connect(pool, timeout=0.05)
    with client:
        radio.faults.drop_network()
        size = radio.personality.send_buffer
        assert client.send(bytes(size - 1)) == size - 1
        assert client.send(bytes(10)) == 1
        expected = {"espressif": errno.EAGAIN, "raspberrypi": errno.ETIMEDOUT}[radio.personality.name]
        assert number_of(client.send, b"x") == expected
        radio.faults.clear()


def test_nobody_is_accepted_while_the_network_is_down(radio, pool, listener):
    with pool.socket() as server:
        server.settimeout(0.05)
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        radio.faults.drop_network()
        assert number_of(server.accept) == errno.ETIMEDOUT


def test_faults_of_one_radio_are_not_anothers(listener):
    broken, sound = wifi.Radio(), wifi.Radio()
    broken.faults.out_of_sockets(times=None)
    with pytest.raises(RuntimeError):
        socketpool.SocketPool(broken).socket()
    socketpool.SocketPool(sound).socket().close()
