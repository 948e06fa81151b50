"""The vendor's library: each defect that it has without us, and has not with us."""

import errno
import itertools
import threading
import types

import pytest
from adafruit_esp32spi.adafruit_esp32spi_socketpool import SocketPool as VendorPool

from radiopool.errors import ConnectError, error_number


@pytest.fixture
def vendor(chip):
    return VendorPool(chip.radio)


def hold_open(connection):
    connection.recv(1)


def say(*pieces):
    def serve(connection):
        for piece in pieces:
            connection.sendall(piece)
        connection.recv(1)

    return serve


def say_and_close(words):
    return lambda connection: connection.sendall(words)


def vendor_socket(vendor, peer):
    socket = vendor.socket()
    socket.connect((peer.name, peer.port))
    socket.settimeout(5)
    return socket


# -- two sockets made before either connects have the same number


def test_without_us_two_sockets_get_one_number(chip, vendor):
    one, other = vendor.socket(), vendor.socket()
    assert one._socknum == other._socknum


def test_with_us_each_has_its_own(chip):
    peer = chip.serve(hold_open)
    with chip.pool.socket() as one, chip.pool.socket() as other:
        one.connect((peer.name, 80))
        other.connect((peer.name, 80))
        assert (one._number, other._number) == (0, 1)
        assert chip.table.in_use == [0, 1]


# -- the end of the stream


def test_without_us_the_end_of_a_stream_is_a_timeout(chip, vendor):
    peer = chip.serve(say_and_close(b"bye"))
    socket = vendor_socket(vendor, peer)
    buffer = bytearray(3)
    assert socket.recv_into(buffer) == 3
    socket.settimeout(0.02)
    with pytest.raises(OSError) as caught:
        socket.recv_into(buffer)
    assert caught.value.args == (errno.ETIMEDOUT,)
    socket.close()


def test_without_us_whoever_looks_for_the_end_loses_the_number(chip, vendor):
    peer = chip.serve(say_and_close(b"bye"))
    socket = vendor_socket(vendor, peer)
    assert socket.recv_into(bytearray(3)) == 3
    socket.settimeout(0.02)
    with pytest.raises(OSError):
        socket.recv_into(bytearray(1))
    assert chip.table.in_use == [0]
    assert not socket._connected()
    assert chip.table.in_use == []
    assert socket._socknum == vendor.NO_SOCKET_AVAIL
    socket.close()


def test_with_us_it_is_0_again_and_again(chip):
    peer = chip.serve(say_and_close(b"bye"))
    socket = chip.connect(peer)
    buffer = bytearray(3)
    assert socket.recv_into(buffer) == 3
    assert socket.recv_into(buffer) == 0
    assert socket.recv_into(buffer) == 0
    assert chip.table.in_use == []
    socket.close()


def test_with_us_it_is_0_without_a_timeout_and_when_non_blocking(chip, until):
    for timeout in (None, 0):
        socket = chip.connect(chip.serve(lambda connection: None), timeout=timeout)
        until(lambda: not chip.table.slots[0].client.connected())
        assert socket.recv_into(bytearray(1)) == 0
        socket.close()


def test_nothing_that_came_before_the_end_is_lost(chip):
    words = bytes(range(256)) * 100
    socket = chip.connect(chip.serve(say_and_close(words)))
    received = bytearray()
    while piece := socket.recv(7000):
        received += piece
    assert received == words
    socket.close()


# -- non-blocking reads


def test_without_us_a_non_blocking_read_of_nothing_is_0(chip, vendor):
    socket = vendor_socket(vendor, chip.serve(hold_open))
    socket.settimeout(0)
    assert socket.recv_into(bytearray(1)) == 0
    socket.close()


def test_with_us_it_is_eagain(chip):
    with chip.connect(chip.serve(hold_open), timeout=0) as socket:
        with pytest.raises(BlockingIOError) as caught:
            socket.recv_into(bytearray(1))
        assert caught.value.errno == errno.EAGAIN
        assert chip.driver.would_block(caught.value)
        assert not chip.driver.is_timeout(caught.value)


def test_with_us_a_timeout_is_etimedout(chip):
    with chip.connect(chip.serve(hold_open), timeout=0.02) as socket:
        with pytest.raises(TimeoutError) as caught:
            socket.recv_into(bytearray(1))
        assert caught.value.errno == errno.ETIMEDOUT
        assert chip.driver.is_timeout(caught.value)
        assert not chip.driver.would_block(caught.value)


# -- recv(n)


def test_without_us_recv_is_padded_with_zeros(chip, vendor):
    socket = vendor_socket(vendor, chip.serve(say(b"abc")))
    assert socket.recv(8) == b"abc\0\0\0\0\0"
    socket.close()


def test_with_us_it_is_what_came(chip):
    with chip.connect(chip.serve(say(b"abc"))) as socket:
        assert socket.recv(8) == b"abc"


# -- accept's port


@pytest.mark.parametrize("ours", [False, True])
def test_the_port_of_an_accepted_visitor(chip, vendor, ours):
    import socket as host

    listener = (chip.pool if ours else vendor).socket()
    listener.bind(("", 8080))
    listener.listen(1)
    if ours:
        listener.settimeout(5)
    with host.create_connection(chip.emulator.address_of(8080)) as visitor:
        port = visitor.getsockname()[1]
        accepted, (address, said) = listener.accept()
        assert address == "127.0.0.1"
        assert said == (port if ours else (port & 0xFF) << 8 | port >> 8)
        accepted.close()
    listener.close()
    if not ours:
        chip.table.slots[0].shut()


def test_without_us_accept_with_nobody_there_is_a_reset_at_once(chip, vendor):
    listener = vendor.socket()
    listener.bind(("", 8081))
    listener.listen(1)
    with pytest.raises(OSError) as caught:
        listener.accept()
    assert caught.value.args == (errno.ECONNRESET,)
    listener.close()
    chip.table.slots[0].shut()


def test_with_us_it_is_a_timeout_or_would_block(chip):
    with chip.pool.socket() as listener:
        listener.bind(("", 8081))
        listener.listen()
        listener.settimeout(0.02)
        with pytest.raises(TimeoutError):
            listener.accept()
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


# -- what is missing


def test_without_us_there_is_no_sendall_and_no_type(chip, vendor):
    socket = vendor.socket()
    assert not hasattr(socket, "sendall")
    assert not hasattr(socket, "type")


def test_with_us_there_is_and_send_may_be_partial(chip):
    received = bytearray()
    words = bytes(range(256)) * 40

    def collect(connection):
        while piece := connection.recv(4096):
            received.extend(piece)
            if len(received) == len(words):
                connection.sendall(b"!")

    with chip.connect(chip.serve(collect)) as socket:
        assert socket.type == chip.pool.SOCK_STREAM
        taken = socket.send(words)
        assert 0 < taken < len(words)
        socket.sendall(memoryview(words)[taken:])
        assert socket.recv(1) == b"!"
    assert received == words


# -- the name is wrong, the port refused


def test_without_us_a_refusal_is_a_broken_pipe_and_a_bad_name_untyped(chip, vendor):
    peer = chip.serve(hold_open)
    peer.close()
    socket = vendor.socket()
    with pytest.raises(BrokenPipeError, match="Expected 01 but got 00"):
        socket.connect((peer.name, 80))
    with pytest.raises(ConnectionError, match="Failed to request hostname"):
        vendor.getaddrinfo("nowhere.example", 80)


def test_with_us_both_are_typed_and_name_the_host(chip, manager):
    peer = chip.serve(hold_open)
    peer.close()
    with pytest.raises(ConnectError, match=r"peer\d+.example:80") as caught:
        manager.get_socket(peer.name, 80, "http:")
    assert caught.value.host == peer.name
    with pytest.raises(ConnectError, match="'nowhere.example' does not resolve") as caught:
        manager.get_socket("nowhere.example", 80, "http:")
    assert type(caught.value).__name__ == "NameResolutionError"
    assert manager.managed_socket_count == 0


# -- datagrams


def test_without_us_a_datagram_of_64_bytes_fails_and_others_are_counted_in_pieces(chip, vendor):
    socket = vendor.socket(type=vendor.SOCK_DGRAM)
    chip.emulator.network.hosts["ntp.example"] = "127.0.0.1"
    socket.connect(("ntp.example", 40000))
    with pytest.raises(ConnectionError, match="Failed to write 2 chunks"):
        socket.send(bytes(64))
    assert socket.send(bytes(100)) == 2
    socket.close()


@pytest.mark.parametrize("size", [0, 1, 64, 100, 128, 1460])
def test_with_us_every_length_goes_and_is_counted_in_bytes(chip, size):
    import socket as host

    with host.socket(type=host.SOCK_DGRAM) as peer, chip.pool.socket(type=chip.pool.SOCK_DGRAM) as socket:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(5)
        assert socket.sendto(bytes(size), peer.getsockname()) == size
        assert peer.recv(2000) == bytes(size)


def test_with_us_one_that_the_chip_would_cut_is_refused(chip):
    with chip.pool.socket(type=chip.pool.SOCK_DGRAM) as socket, pytest.raises(OSError) as caught:
        socket.sendto(bytes(1461), ("10.0.0.1", 1))
    assert caught.value.errno == errno.EMSGSIZE


# -- a peer that hangs up at once


def test_without_us_a_peer_that_hangs_up_at_once_costs_three_seconds_and_a_timeout(chip, vendor, monkeypatch, until):
    from adafruit_esp32spi import adafruit_esp32spi as library

    now = itertools.count()
    clock = types.SimpleNamespace(monotonic=lambda: next(now) / 100, sleep=lambda seconds: None)
    monkeypatch.setattr(library, "time", clock)
    socket_open = chip.radio.socket_open

    def open_and_lose(*args, **options):
        socket_open(*args, **options)
        until(lambda: not chip.table.slots[0].client.connected())

    monkeypatch.setattr(chip.radio, "socket_open", open_and_lose)
    peer = chip.serve(lambda connection: None)
    with pytest.raises(TimeoutError, match="Failed to establish connection"):
        vendor.socket().connect((peer.name, 80))


def test_with_us_it_is_a_connection_that_ended(chip):
    with chip.connect(chip.serve(lambda connection: None)) as socket:
        assert socket.recv(1) == b""


# -- leaving a with block


def test_with_us_a_socket_never_connected_leaves_its_block(chip):
    with chip.pool.socket():
        pass
    with chip.pool.socket(type=2):
        pass
    assert chip.trace.chip_selects == 0


# -- the vendor's reset


def test_without_us_a_reset_forgets_to_forget_the_tls_socket(chip, vendor):
    chip.radio._tls_socket = 0
    chip.emulator.reboot()
    chip.radio.connect_AP("emulated", "")
    with pytest.raises(OSError) as caught:
        vendor.socket().connect(("a.example", 443), chip.radio.TLS_MODE)
    assert caught.value.args[0] == 23


def test_with_us_radio_reset_forgets_it(chip, manager, server_context):
    for _ in range(2):
        peer = chip.serve(hold_open, 443, context=server_context("tls.example"), name="tls.example")
        manager.get_socket("tls.example", 443, "https:", is_ssl=True)
        assert repr(chip.table).startswith("<Table 0:tls")
        chip.emulator.reboot()
        chip.radio.connect_AP("emulated", "")
        manager.radio_reset()
        assert chip.pool.numbers == {}
        peer.close()


# -- threads


def test_without_us_two_threads_read_each_others_answers(chip, vendor, monkeypatch):
    """Shown in order: a second thread's whole command between the first one's command and its reply."""
    radio = chip.radio
    wait = radio._wait_response_cmd
    asked = []

    def wait_after_another_thread(cmd, *args, **options):
        if not asked:
            asked.append(cmd)
            thread = threading.Thread(target=other_thread)
            thread.start()
            thread.join()
        return wait(cmd, *args, **options)

    def other_thread():
        try:
            answers.append(radio.firmware_version)
        except OSError as error:
            answers.append(error)

    answers = []
    monkeypatch.setattr(radio, "_wait_response_cmd", wait_after_another_thread)
    with pytest.raises(OSError):
        answers.append(radio.status)
    assert isinstance(answers[0], OSError)
    monkeypatch.undo()
    chip.emulator.reboot()
    radio.connect_AP("emulated", "")


def test_with_us_threads_share_the_chip(chip):
    def echo(connection):
        while piece := connection.recv(4096):
            connection.sendall(piece)

    peer = chip.serve(echo)
    failures = []

    def converse(number):
        try:
            with chip.connect(peer) as socket:
                for turn in range(20):
                    words = b"%d:%d;" % (number, turn) * 30
                    socket.sendall(words)
                    received = bytearray()
                    while len(received) < len(words):
                        received += socket.recv(1000)
                    assert received == words
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=converse, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


# -- exhaustion: the vendor's words, read by us


def test_six_sockets_then_none(chip):
    peer = chip.serve(hold_open)
    sockets = [chip.connect(peer) for _ in range(6)]
    with pytest.raises(OSError) as caught:
        chip.connect(peer)
    assert chip.driver.is_exhausted(caught.value)
    assert error_number(caught.value) == 23
    sockets.pop().close()
    sockets.append(chip.connect(peer))
    for socket in sockets:
        socket.close()


def test_a_second_tls_socket_is_exhaustion_too(chip, server_context):
    peer = chip.serve(hold_open, 443, "a.example", server_context("a.example"))
    context = chip.pool.ssl_context
    with chip.connect(peer, ssl_context=context):
        with pytest.raises(OSError, match="Only one open SSL connection") as caught:
            chip.connect(peer, ssl_context=context)
        assert chip.driver.is_exhausted(caught.value)
