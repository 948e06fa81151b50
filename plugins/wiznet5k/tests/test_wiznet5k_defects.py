"""Each defect of the vendor's library, shown without us and not with us, over the same emulated chip."""

import errno
import gc
import socket
import ssl
import sys
import threading

import pytest

from radiopool.errors import NameResolutionError
from radiopool_wiznet5k.emulator import registers

STUCK = 0.2
"""Seconds after which a call that should have returned counts as stuck; whoever is not stuck never waits them."""


class Running:
    """A call in a thread of its own, which the test must get out of its loop before it ends."""

    def __init__(self, call, *arguments):
        self.result = self.error = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(call, arguments))
        self._thread.start()

    def _run(self, call, arguments):
        try:
            self.result = call(*arguments)
        except Exception as error:
            self.error = error
        finally:
            self._ended.set()

    @property
    def is_stuck(self):
        return not self._ended.wait(STUCK)

    def join(self):
        self._thread.join()


@pytest.fixture
def frozen_clock(emulator, monkeypatch):
    """The chip's own time stands still: none of its time-outs ends anything."""
    now = [0.0]
    monkeypatch.setattr(emulator.chip, "clock", lambda: now[0])
    return now


# A number released twice goes to two sockets.


def test_vendor_hands_one_number_to_two_sockets(vendor):
    first = vendor.socket()
    first.close()
    second = vendor.socket()
    del first  # its __del__ releases the number that is second's now
    third = vendor.socket()
    assert second._socknum == third._socknum
    second.close()


def test_no_number_is_handed_out_twice(pool):
    first = pool.socket()
    first.close()
    second = pool.socket()
    del first
    gc.collect()
    third = pool.socket()
    assert second.raw._socknum != third.raw._socknum
    second.close()
    third.close()
    fresh = [pool.socket() for _ in range(pool.radio.max_sockets - 1)]
    assert len({made.raw._socknum for made in fresh}) == len(fresh)
    for made in fresh:
        made.close()


# One list of reservations for all chips.


def test_vendor_shares_reservations_between_chips(chips, start_afresh):
    import adafruit_wiznet5k.adafruit_wiznet5k_socketpool as vendor_pools

    large, small = chips["w5500"], chips["w5100s"]
    settings = small.ifconfig
    start_afresh(large)
    small.sw_reset()  # what the constructor of a second chip does
    small.ifconfig = settings
    pool = vendor_pools.SocketPool(large)
    made = [pool.socket() for _ in range(3)]
    for exhausted in (pool, vendor_pools.SocketPool(small)):
        with no_unraisable(), pytest.raises(RuntimeError, match="All sockets in use"):
            exhausted.socket()
    for one in made:
        one.close()


def test_chips_do_not_share_reservations(chips, driver, start_afresh):
    large, small = chips["w5500"], chips["w5100s"]
    start_afresh(small)
    start_afresh(large)
    made = [driver.socket_pool(large).socket() for _ in range(4)]
    settings = small.ifconfig
    small.sw_reset()
    small.ifconfig = settings
    made += [driver.socket_pool(small).socket() for _ in range(3)]
    made += [driver.socket_pool(large).socket() for _ in range(3)]
    numbers = [one.raw._socknum for one in made]
    assert sorted(numbers[:4] + numbers[7:]) == [1, 2, 3, 4, 5, 6, 7]
    assert sorted(numbers[4:7]) == [1, 2, 3]
    for one in made:
        one.close()


# A socket that could not be made fails once more when it is collected.


class no_unraisable:
    """Collects what `__del__` raises, which pytest would make an error of the test."""

    def __enter__(self):
        self.seen = []
        self._hook, sys.unraisablehook = sys.unraisablehook, lambda report: self.seen.append(report.exc_type)
        return self.seen

    def __exit__(self, *_):
        gc.collect()
        sys.unraisablehook = self._hook


def test_vendor_fails_again_in_del(vendor, radio):
    made = [vendor.socket() for _ in range(radio.max_sockets - 1)]
    with no_unraisable() as seen, pytest.raises(RuntimeError):
        vendor.socket()
    assert set(seen) == {AttributeError}
    for one in made:
        one.close()


def test_exhaustion_is_one_clean_error(pool, driver, radio):
    made = [pool.socket() for _ in range(radio.max_sockets - 1)]
    with no_unraisable() as seen, pytest.raises(OSError, match="all [37] sockets are in use") as caught:
        pool.socket()
    assert driver.is_exhausted(caught.value)
    assert seen == []
    for one in made:
        one.close()


# The context manager of a socket that never connected.


def test_vendor_context_manager_hangs(vendor, emulator):
    def use():
        with vendor.socket() as made:
            return made._socknum

    running = Running(use)
    assert running.is_stuck
    emulator.chip.sockets[1].interrupt(registers.DISCON_INT)  # what it waits for
    running.join()


def test_context_manager_closes(pool):
    with pool.socket() as made:
        assert made.raw._socknum == 1
    with pytest.raises(OSError) as caught:
        made.send(b"x")
    assert caught.value.errno == errno.EBADF


# What other sockets have, and what they say.


def test_vendor_sends_2048_bytes_and_has_no_sendall(vendor, deaf):
    assert vendor.AF_INET == 3
    made = vendor.socket()
    made.settimeout(5)
    made.connect(deaf)
    assert made.send(bytes(5000)) == 2048
    assert not hasattr(made, "sendall")
    made.close()


def test_all_is_sent_and_both_families_are_taken(pool, serve, echo, read):
    assert pool.AF_INET == 2
    pool.socket(3).close()
    with pool.socket(pool.AF_INET) as made:
        made.settimeout(5)
        made.connect(("127.0.0.1", serve(echo).port))
        made.sendall(bytes(range(250)) * 20)
        assert read(made, 5000) == bytes(range(250)) * 20


def test_vendor_binds_to_the_chips_own_address_alone(vendor):
    made = vendor.socket()
    with pytest.raises(ValueError, match="must match"):
        made.bind(("0.0.0.0", 8070))
    made.close()


def test_every_address_is_the_chips_own(pool, radio):
    for host in (None, "", "0.0.0.0", radio.ipv4_address):
        with pool.socket() as made:
            made.bind((host, 8070))
            made.listen(1)


# Closing twice.


def test_vendor_refuses_a_second_close(vendor):
    made = vendor.socket()
    made.close()
    with pytest.raises(RuntimeError, match="has been closed"):
        made.close()


def test_closing_twice_is_closing(pool):
    made = pool.socket()
    made.close()
    made.close()


# A peer that takes nothing.


@pytest.fixture
def deaf():
    """The port of a server that never reads, and whose kernel holds little."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()


def fill(sock):
    while True:
        sock.send(bytes(2048))


def test_vendor_raises_runtime_error_when_a_send_stalls(vendor, deaf):
    made = vendor.socket()
    made.settimeout(2)
    made.connect(deaf)
    made.settimeout(0.05)
    with pytest.raises(RuntimeError, match="write data|timed out"):
        fill(made)
    made.close()


def test_a_stalled_send_times_out(pool, deaf, driver):
    with pool.socket() as made:
        made.settimeout(2)
        made.connect(deaf)
        made.settimeout(0.05)
        with pytest.raises(OSError) as caught:
            fill(made)
        assert driver.is_timeout(caught.value)
        made.settimeout(0)
        with pytest.raises(OSError) as caught:
            fill(made)
        assert driver.would_block(caught.value)


def test_a_stalled_send_does_not_stop_the_other_sockets(pool, deaf, serve, echo, read):
    server = serve(echo)
    with pool.socket() as stalled, pool.socket() as other:
        stalled.settimeout(None)
        stalled.connect(deaf)
        other.settimeout(5)
        other.connect(("127.0.0.1", server.port))
        running = Running(fill, stalled)
        assert running.is_stuck
        other.send(b"still here")
        assert read(other, 10) == b"still here"
        stalled.close()
        running.join()
        assert running.error.errno == errno.EBADF


# Timeouts that connect ignores.


def test_vendor_ignores_the_timeout_of_connect(vendor, frozen_clock):
    made = vendor.socket()
    made.settimeout(0.01)
    running = Running(made.connect, ("203.0.113.1", 80))
    assert running.is_stuck
    frozen_clock[0] += 32
    running.join()
    assert isinstance(running.error, ConnectionError)
    made.close()


def test_a_black_hole_costs_the_callers_timeout(pool, driver, frozen_clock, emulator):
    with pytest.raises(OSError) as caught:
        driver.connect(pool, "203.0.113.1", 80, timeout=0.05)
    assert driver.is_timeout(caught.value)
    assert "203.0.113.1:80" in str(caught.value)
    assert emulator.open_sockets == 0


def test_without_a_timeout_the_chips_own_counts(pool, driver, frozen_clock):
    running = Running(driver.connect, pool, "203.0.113.1", 80)
    assert running.is_stuck
    frozen_clock[0] += 32
    running.join()
    assert driver.is_timeout(running.error)


# A peer that closes before the vendor looks.


@pytest.fixture
def quick(emulator, monkeypatch):
    """The port of a server whose FIN reaches the chip together with the end of the handshake."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = threading.Event()
        syn = threading.Event()

        def passes(address):
            if not syn.is_set():
                syn.set()
                return True
            return closed.is_set()

        def accept_and_close():
            with listener.accept()[0] as connection:
                connection.shutdown(socket.SHUT_WR)
                closed.set()
                try:
                    connection.recv(1)
                except ConnectionResetError:
                    pass

        monkeypatch.setattr(emulator.faults, "passes", passes)
        # Counted as reachable when CONNECT is ordered, without using up the first answer.
        monkeypatch.setattr(emulator.chip, "is_local", lambda address: False)
        thread = threading.Thread(target=accept_and_close)
        thread.start()
        yield listener.getsockname()
        thread.join()


def test_vendor_waits_for_ever_for_a_peer_that_closed(vendor, quick, emulator):
    made = vendor.socket()
    made.settimeout(0.01)
    running = Running(made.connect, quick)
    assert running.is_stuck
    assert emulator.states[1] == "close-wait"
    emulator.chip.sockets[1].write(registers.CR, bytes((registers.CLOSE,)))
    running.join()


def test_a_peer_that_closed_is_connected_and_at_its_end(pool, quick):
    with pool.socket() as made:
        made.settimeout(5)
        made.connect(quick)
        assert made.recv(1) == b""


# Names.


def test_vendor_asks_once_and_waits_for_five_refusals(radio, emulator, monkeypatch):
    from adafruit_wiznet5k import adafruit_wiznet5k_dns as vendor_dns

    # Its clock a hundred times faster, to see the end of its 5 seconds.
    real = vendor_dns.ticks_ms
    monkeypatch.setattr(vendor_dns, "ticks_ms", lambda: real() * 100)
    emulator.name_server.questions.clear()
    with pytest.raises(RuntimeError, match="Failed to resolve hostname"):
        radio.get_host_by_name("nobody.test")
    assert emulator.name_server.questions == ["nobody.test"]
    assert vendor_dns._TIMED_OUT == -1


def test_a_refused_name_is_told_at_once(pool, emulator):
    emulator.name_server.questions.clear()
    with pytest.raises(NameResolutionError, match="'nobody.test': no such name"):
        pool.getaddrinfo("nobody.test", 80)
    assert emulator.name_server.questions == ["nobody.test"]


def test_a_silent_name_server_costs_the_callers_timeout(pool, driver, emulator):
    emulator.faults.dns_silent = True
    with pytest.raises(OSError) as caught:
        driver.connect(pool, "nobody.test", 80, timeout=0.05)
    assert driver.is_timeout(caught.value)


# Datagrams.


@pytest.fixture
def two_datagrams():
    """The address of a UDP server that answers each datagram with two."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        seen = []

        def answer():
            while True:
                data, source = server.recvfrom(2048)
                if data == b"stop":
                    return
                seen.append(source)
                server.sendto(b"one", source)
                server.sendto(b"two", source)

        thread = threading.Thread(target=answer)
        thread.start()
        yield server.getsockname(), seen
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stopper:
            stopper.sendto(b"stop", server.getsockname())
        thread.join()


def received(emulator, number):
    return int.from_bytes(emulator.chip.sockets[number].read(registers.RX_RSR, 2), "big")


def test_vendor_joins_datagrams(vendor, two_datagrams, emulator, wait_for):
    made = vendor.socket(type=vendor.SOCK_DGRAM)
    made.settimeout(5)
    made.sendto(b"?", two_datagrams[0])
    wait_for(lambda: received(emulator, 1) == 22)
    buffer = bytearray(100)
    assert made.recv_into(buffer) == 6
    assert buffer[:6] == b"onetwo"
    made.close()


def test_datagrams_stay_apart(pool, two_datagrams, emulator, wait_for):
    with pool.socket(type=pool.SOCK_DGRAM) as made:
        made.settimeout(5)
        made.sendto(b"?", two_datagrams[0])
        wait_for(lambda: received(emulator, 1) == 22)
        assert made.recvfrom(100) == (b"one", two_datagrams[0])
        assert made.recvfrom(2) == (b"tw", two_datagrams[0])
        made.settimeout(0)
        with pytest.raises(BlockingIOError):
            made.recv(1)


def test_vendor_cuts_a_datagram(vendor):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        made = vendor.socket(type=vendor.SOCK_DGRAM)
        made.sendto(bytes(3000), receiver.getsockname())
        assert len(receiver.recv(4000)) == 2048
        made.close()


def test_a_datagram_goes_whole_or_not_at_all(pool):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver, pool.socket(type=pool.SOCK_DGRAM) as made:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        made.settimeout(5)
        with pytest.raises(OSError, match="at most 1472 bytes") as caught:
            made.sendto(bytes(1473), receiver.getsockname())
        assert caught.value.errno == errno.EMSGSIZE
        payload = bytes(range(256)) * 5 + bytes(range(192))
        assert made.sendto(payload, receiver.getsockname()) == 1472
        assert receiver.recv(4000) == payload


def test_vendor_changes_the_local_port_with_each_datagram(vendor, two_datagrams):
    made = vendor.socket(type=vendor.SOCK_DGRAM)
    made.settimeout(5)
    for _ in range(2):
        made.sendto(b"?", two_datagrams[0])
        assert made.recv(3)
    assert len(set(two_datagrams[1])) == 2
    made.close()


def test_the_local_port_stays(pool, two_datagrams):
    with pool.socket(type=pool.SOCK_DGRAM) as made:
        made.settimeout(5)
        for _ in range(2):
            made.sendto(b"?", two_datagrams[0])
            assert made.recv(3)
        assert len(set(two_datagrams[1])) == 1


def test_vendor_breaks_its_scratch_buffer_on_an_empty_socket(radio, pool):
    with pool.socket(type=pool.SOCK_DGRAM) as made:
        made.bind((None, 5002))
        scratch = radio._pbuff
        radio._pbuff = bytearray(8)
        radio.read_udp(made.raw._socknum, 10)
        assert len(radio._pbuff) == 0
        radio._pbuff = scratch
        made.settimeout(0)
        with pytest.raises(BlockingIOError):
            made.recv(10)
        assert len(radio._pbuff) == 8


# Servers.


def half_closed_client(door):
    client = socket.create_connection(door)
    client.sendall(b"question")
    client.shutdown(socket.SHUT_WR)
    return client


def test_vendor_drops_a_client_that_has_said_all(vendor, emulator, wait_for):
    made = vendor.socket()
    made.bind((None, 8082))
    made.listen()
    with half_closed_client(emulator.door(8082)):
        wait_for(lambda: emulator.states[1] == "close-wait")
        made.settimeout(0.05)
        with pytest.raises((OSError, RuntimeError)):
            made.accept()
    emulator.chip.sockets[1].write(registers.CR, bytes((registers.CLOSE,)))
    if not made._socket_closed:
        made.close()


def test_a_client_that_has_said_all_is_served(pool, emulator, read):
    with pool.socket() as listening:
        listening.bind(("0.0.0.0", 8083))
        listening.listen(1)
        with half_closed_client(emulator.door(8083)) as client:
            listening.settimeout(5)
            connection, address = listening.accept()
            with connection:
                assert address == client.getsockname()
                connection.settimeout(5)
                assert read(connection, 100) == b"question"
                connection.sendall(b"answer")
            assert client.recv(100) == b"answer"


# TLS.


def test_vendor_sockets_are_refused_by_ssl(vendor):
    made = vendor.socket()
    with pytest.raises(AttributeError, match="getsockopt"):
        ssl.create_default_context().wrap_socket(made, server_hostname="a.test")
    made.close()


def test_adafruits_manager_has_no_tls_for_it_and_leaks_the_socket(vendor, emulator, serve, echo, server_context):
    import adafruit_connection_manager as incumbent

    emulator.network.add_route("secure.test", 443, serve(echo, server_context("secure.test")).port)
    context = incumbent.get_radio_ssl_context(vendor._interface)
    with pytest.raises(ValueError, match="does not support TLS") as caught:
        incumbent.get_connection_manager(vendor).get_socket("secure.test", 443, "https:", ssl_context=context)
    # Nobody closed it: it is open for as long as anybody has the error, and on a board, without finalizers, for good.
    assert vendor._interface._sockets_reserved[0]
    del caught
    incumbent.connection_manager_close_all(vendor, release_references=True)


def test_tls_over_our_sockets(pool, driver, serve, emulator, echo, read, server_context, client_context):
    server = serve(echo, server_context("secure.test"))
    emulator.network.add_route("secure.test", 443, server.port)
    wrapped = driver.connect(pool, "secure.test", 443, timeout=5, ssl_context=client_context)
    wrapped.sendall(b"secret")
    assert read(wrapped, 6) == b"secret"
    assert driver.is_alive(wrapped)
    wrapped.close()
