"""Corners of the sockets: what happens when the world changes in the middle of a call."""

import errno
import socket
import struct
import threading

import pytest

from radiopool.errors import InvalidValueError, NameResolutionError
from radiopool_wiznet5k.lookup import is_address


def test_datagrams_to_a_fixed_peer(pool, driver):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer, pool.socket(type=pool.SOCK_DGRAM) as sock:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(5)
        with pytest.raises(OSError, match="not connected"):
            sock.send(b"to whom?")
        sock.settimeout(5)
        sock.connect(peer.getsockname())
        assert sock.getpeername() == peer.getsockname()
        for word in (b"one", b"two", b""):
            assert sock.send(word) == len(word)
            data, source = peer.recvfrom(10)
            assert data == word
        peer.sendto(b"three", source)
        buffer = bytearray(10)
        assert sock.recv_into(buffer) == 5 and buffer[:5] == b"three"
        sock.settimeout(0.02)
        with pytest.raises(TimeoutError):
            sock.recvfrom_into(buffer)


def test_a_datagram_to_somebody_else_does_not_change_the_fixed_peer(pool):
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as fixed,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
        pool.socket(type=pool.SOCK_DGRAM) as sock,
    ):
        for peer in (fixed, other):
            peer.bind(("127.0.0.1", 0))
            peer.settimeout(5)
        sock.settimeout(5)
        sock.connect(fixed.getsockname())
        for word in (b"one", b"two"):
            sock.sendto(b"aside", other.getsockname())
            sock.send(word)
            assert sock.getpeername() == fixed.getsockname()
            assert fixed.recv(10) == word
            assert other.recv(10) == b"aside"


def test_a_datagram_without_a_peer(pool):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        with pool.socket(type=pool.SOCK_DGRAM) as sock:
            sock.connect(peer.getsockname())
        # The same hardware socket, whose registers still have the peer.
        with pool.socket(type=pool.SOCK_DGRAM) as sock:
            sock.bind(("", 8103))
            for call in (lambda: sock.send(b"to whom?"), sock.getpeername):
                with pytest.raises(OSError, match="not connected") as caught:
                    call()
                assert caught.value.errno == errno.ENOTCONN
        for call in (lambda: sock.send(b"x"), sock.getpeername):
            with pytest.raises(OSError, match="closed") as caught:
                call()
            assert caught.value.errno == errno.EBADF


def test_a_datagram_without_a_link(pool, emulator):
    with pool.socket(type=pool.SOCK_DGRAM) as sock:
        emulator.unplug()
        with pytest.raises(OSError, match="link is down") as caught:
            sock.sendto(b"x", ("127.0.0.1", 9))
        assert caught.value.errno == errno.EHOSTUNREACH
        emulator.plug()
        sock.sendto(b"x", ("127.0.0.1", 9))
        emulator.unplug()
        # Opened already: it waits for ARP, and the next one for it.
        sock.settimeout(0.02)
        sock.sendto(b"x", ("127.0.0.1", 9))
        with pytest.raises(TimeoutError):
            sock.sendto(b"x", ("127.0.0.1", 9))
        emulator.plug()
        assert sock.sendto(b"x", ("127.0.0.1", 9)) == 1


def test_a_client_that_gives_up_before_it_is_accepted(pool, emulator, wait_for):
    with pool.socket() as listening:
        listening.bind((None, 8100))
        listening.listen(1)
        client = socket.create_connection(emulator.door(8100))
        wait_for(lambda: emulator.states[1] == "established")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        wait_for(lambda: emulator.states[1] == "closed")
        listening.setblocking(False)
        with pytest.raises(BlockingIOError):
            listening.accept()
        with socket.create_connection(emulator.door(8100)) as second:
            wait_for(lambda: emulator.states[1] == "established")
            connection, address = listening.accept()
            assert address == second.getsockname()
            connection.close()


def test_an_accept_that_fails_leaks_nothing(pool, emulator, wait_for, read):
    with pool.socket() as listening:
        listening.bind((None, 8101))
        listening.listen(1)
        with socket.create_connection(emulator.door(8101)) as client:
            wait_for(lambda: emulator.states[1] == "established")
            emulator.unplug()
            with pytest.raises(OSError, match="link is down"):
                listening.accept()
            assert emulator.open_sockets == 1
            emulator.plug()
            client.sendall(b"still here")
            connection, _ = listening.accept()
            connection.settimeout(5)
            assert read(connection, 10) == b"still here"
            connection.close()
    with pytest.raises(OSError):
        listening.accept()


@pytest.mark.parametrize("what", ["connect", "accept", "recv", "send"])
def test_closing_ends_the_calls_of_other_threads(pool, emulator, serve, echo, what, wait_for):
    sock = pool.socket()
    began = threading.Event()
    if what == "connect":
        calls = [lambda: sock.connect(("203.0.113.1", 80))]
    elif what == "accept":
        sock.bind((None, 8102))
        sock.listen(1)
        calls = [sock.accept]
    else:
        sock.settimeout(5)
        sock.connect(("127.0.0.1", serve(echo).port))
        sock.settimeout(None)
        calls = [lambda: sock.recv(1)]
        if what == "send":
            emulator.faults.vanish("127.0.0.1")
            calls = [lambda: sock.send(b"x")] * 2
    caught = []

    def work():
        began.set()
        try:
            for call in calls:
                call()
        except OSError as error:
            caught.append(error.errno)

    thread = threading.Thread(target=work)
    thread.start()
    began.wait()
    if what == "connect":
        wait_for(lambda: emulator.states[1] == "syn-sent")
    sock.close(linger=0)
    thread.join()
    emulator.faults.come_back("127.0.0.1")
    assert caught == [errno.EBADF]


@pytest.mark.parametrize("how", ["close", "abandon"])
def test_a_closed_socket_hands_out_and_takes_nothing(pool, radio, serve, echo, how):
    sock = pool.socket()
    sock.settimeout(5)
    sock.connect(("127.0.0.1", serve(echo).port))
    sock.sendall(b"buffered")
    assert sock.recv(1) == b"b"
    getattr(sock, how)()
    calls = [
        lambda: sock.recv(5),
        lambda: sock.recv_into(bytearray(0)),
        lambda: sock.send(b""),
        lambda: sock.sendall(b""),
    ]
    for call in calls:
        with pytest.raises(OSError, match="closed") as caught:
            call()
        assert caught.value.errno == errno.EBADF
    radio.socket_close(1)


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
@pytest.mark.parametrize("step", ["socket_disconnect", "socket_close"])
def test_a_close_that_fails_loses_no_hardware_socket(pool, radio, emulator, serve, echo, monkeypatch, step, error):
    def fail(number):
        raise error

    sock = pool.socket()
    sock.connect(("127.0.0.1", serve(echo).port))
    with monkeypatch.context() as patch:
        patch.setattr(radio, step, fail)
        with pytest.raises(error):
            sock.close()
    assert emulator.open_sockets == 0
    sock.close()
    made = [pool.socket() for _ in range(radio.max_sockets - 1)]
    for one in made:
        one.close()


def test_a_close_that_is_interrupted_twice_is_finished_by_the_next(pool, radio, emulator, serve, echo, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    sock = pool.socket()
    sock.connect(("127.0.0.1", serve(echo).port))
    with monkeypatch.context() as patch:
        patch.setattr(radio, "_write_sncr", interrupt)
        with pytest.raises(KeyboardInterrupt):
            sock.close()
    assert emulator.open_sockets == 1
    sock.close()
    assert emulator.open_sockets == 0
    made = [pool.socket() for _ in range(radio.max_sockets - 1)]
    for one in made:
        one.close()


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(
    "place",
    [
        lambda emulator, pool: (emulator.bus, "try_lock"),
        lambda emulator, pool: (emulator.bus, "configure"),
        lambda emulator, pool: (emulator.bus, "unlock"),
        lambda emulator, pool: (emulator.chip, "select"),
        lambda emulator, pool: (emulator.chip, "exchange"),
        lambda emulator, pool: (pool.chip, "claim_lookup_socket"),
    ],
)
def test_an_interrupt_between_the_vendors_lines_or_the_emulators_leaves_chip_and_bus_usable(
    pool, emulator, serve, echo, place, before
):
    emulator.network.hosts["echo.example"] = "127.0.0.1"
    port = serve(echo).port
    owner, name = place(emulator, pool)
    function = getattr(owner, name)
    with pytest.MonkeyPatch.context() as patch:

        def interrupted(*args, **options):
            patch.undo()
            if not before:
                function(*args, **options)
            raise KeyboardInterrupt

        with pool.socket() as sock:
            patch.setattr(owner, name, interrupted)
            with pytest.raises(KeyboardInterrupt):
                sock.connect(("echo.example", port))
    with pool.socket() as sock:
        sock.settimeout(5)
        sock.connect(("echo.example", port))
        sock.sendall(b"still usable")
        assert sock.recv(20) == b"still usable"
    assert emulator.open_sockets == 0


def test_a_close_on_a_bus_that_fails_leaves_the_number_to_a_reset(pool, radio, emulator, serve, echo, monkeypatch):
    def fail(*_):
        raise OSError(errno.EIO, "the bus")

    sock = pool.socket()
    sock.connect(("127.0.0.1", serve(echo).port))
    with monkeypatch.context() as patch:
        patch.setattr(radio, "_write_sncr", fail)
        with pytest.raises(OSError, match="the bus"):
            sock.close()
    assert repr(sock) == "<StreamSocket closed>"
    with pool.socket() as other:
        assert other.raw._socknum == 2
    radio.socket_close(1)
    with pool.socket() as other:
        assert other.raw._socknum == 1


def test_an_answer_of_the_name_server_that_is_none(pool, emulator, monkeypatch):
    def answers(*replies):
        monkeypatch.setitem(emulator.network.services, 53, lambda query: [reply(query) for reply in replies])

    header = struct.Struct(">HHHHH")
    # SERVFAIL; an answer without addresses; an answer to another question before the right one.
    answers(lambda query: query[:2] + header.pack(0x8182, 1, 0, 0, 0) + query[12:])
    with pytest.raises(NameResolutionError, match="the name server failed"):
        pool.getaddrinfo("a.test", 80)
    answers(lambda query: query[:2] + header.pack(0x8185, 1, 0, 0, 0) + query[12:])
    with pytest.raises(NameResolutionError, match="refused, code 5"):
        pool.getaddrinfo("a.test", 80)
    answers(lambda query: query[:2] + header.pack(0x8180, 1, 0, 0, 0) + query[12:])
    with pytest.raises(NameResolutionError, match="no IPv4 address"):
        pool.getaddrinfo("a.test", 80)
    right = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x09\x08\x07"
    answers(
        lambda query: b"\xff\xff" + query[2:],
        lambda query: query[:2],
        lambda query: query[:2] + header.pack(0x8180, 1, 1, 0, 0) + query[12:] + right,
    )
    assert pool.getaddrinfo("a.test", 80)[0][-1] == ("10.9.8.7", 80)


def test_wrong_answers_without_end_cost_the_callers_timeout(pool, driver, emulator, monkeypatch):
    wrong = [b"\xff\xff" + bytes(30)] * 100
    monkeypatch.setitem(emulator.network.services, 53, lambda query: wrong)
    with pytest.raises(TimeoutError, match="the lookup of 'a.test'"):
        driver.connect(pool, "a.test", 80, timeout=0.05)


def test_a_datagram_the_host_cannot_send_is_lost(pool, emulator):
    emulator.network.add_route("lost.test", 9, ("255.255.255.255", 9))  # not without SO_BROADCAST
    with pool.socket(type=pool.SOCK_DGRAM) as sock:
        assert sock.sendto(b"x", ("lost.test", 9)) == 1


def test_the_emulated_name_server_beyond_addresses(emulator):
    emulator.network.hosts["host.test"] = "192.0.2.1"
    question = b"\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04host\x04test\x00"
    (reply,) = emulator.name_server(question + b"\x00\x1c\x00\x01")  # AAAA: there is the name, and no such record
    assert reply[2:8] == b"\x81\x80\x00\x01\x00\x00"
    (reply,) = emulator.name_server(question[:20])
    assert reply[3] & 0x0F == 1


def test_ports_are_numbers(pool):
    with pytest.raises(InvalidValueError, match="'http'"):
        pool.getaddrinfo("a.test", "http")


@pytest.mark.parametrize("port", [0, -1, 65536, 80 + 65536, True, "80", 80.0, None])
def test_ports_that_are_none_are_refused_before_the_chip_is_asked(pool, emulator, port):
    with pool.socket() as stream, pool.socket(type=pool.SOCK_DGRAM) as datagrams:
        calls = [
            lambda: stream.connect(("127.0.0.1", port)),
            lambda: datagrams.connect(("127.0.0.1", port)),
            lambda: datagrams.sendto(b"x", ("127.0.0.1", port)),
        ]
        if port != 0:
            calls += [lambda: stream.bind(("", port)), lambda: datagrams.bind(("", port))]
        before = emulator.chip_selects
        for call in calls:
            with pytest.raises(InvalidValueError, match="port must be a whole number from"):
                call()
        assert emulator.chip_selects == before


def test_addresses_of_another_shape(pool, emulator, serve, echo):
    port = serve(echo).port
    with pool.socket() as sock:
        sock.settimeout(5)
        for address in (("127.0.0.1", port, 0, 0), ("127.0.0.1",), None, 80):
            with pytest.raises(InvalidValueError, match=r"\(host, port\), not"):
                sock.connect(address)
        assert emulator.open_sockets == 0
        sock.connect(["127.0.0.1", port])
        assert sock.send(b"x") == 1


def test_digits_that_are_none_make_no_address():
    for name in ("1.2.3.\u00b2", "1.2.3.\u0664", "1.2.3." + "0" * 5000):
        assert not is_address(name)
    assert is_address("192.0.2.1")


def test_a_name_may_end_with_the_root(pool, emulator):
    emulator.network.hosts["root.test"] = "192.0.2.9"
    assert pool.getaddrinfo("root.test.", 80)[0][-1] == ("192.0.2.9", 80)
    for name in (".", "root.test.."):
        with pytest.raises(NameResolutionError, match="1 to 63 bytes"):
            pool.getaddrinfo(name, 80)


@pytest.mark.parametrize("host", [None, b"a.example", 5])
def test_hosts_are_text(pool, emulator, host):
    with pool.socket() as stream, pool.socket(type=pool.SOCK_DGRAM) as datagrams:
        for call in (
            lambda: stream.connect((host, 80)),
            lambda: datagrams.connect((host, 80)),
            lambda: datagrams.sendto(b"x", (host, 80)),
            lambda: pool.getaddrinfo(host, 80),
        ):
            with pytest.raises(InvalidValueError, match="host must be a name or an address, not"):
                call()
        assert emulator.open_sockets == 0


def test_who_does_not_listen_accepts_nobody(pool, emulator, serve, echo):
    with pool.socket() as sock:
        sock.settimeout(5)
        for prepare in (lambda: None, lambda: sock.connect(("127.0.0.1", serve(echo).port))):
            prepare()
            with pytest.raises(OSError, match="does not listen") as caught:
                sock.accept()
            assert caught.value.errno == errno.EINVAL
        assert emulator.open_sockets == 1
        sock.bind(("", 8104))
        with pytest.raises(OSError, match="can't listen") as caught:
            sock.listen()
        assert caught.value.errno == errno.EINVAL


def test_listening_twice_is_listening(pool, emulator):
    with pool.socket() as listening:
        listening.settimeout(5)
        listening.bind(("", 8105))
        listening.listen(1)
        listening.listen(2)
        with socket.create_connection(emulator.door(8105)) as client:
            connection, address = listening.accept()
            assert address == client.getsockname()
            with pytest.raises(OSError, match="does not listen"):
                connection.accept()
            connection.close()


def test_the_kit_gets_its_bench(driver):
    from radiopool.testing.peers import Peers

    with Peers() as peers:
        bench = driver.bench(peers, "w5100s")
        try:
            assert bench.radio.chip == bench.name == "w5100s"
            assert bench.open_sockets() == 0
        finally:
            bench.radio.emulator.close()


def test_idle_sockets_make_room_for_who_visits_a_server_on_the_chip(manager, emulator, serve, echo):
    port = serve(echo).port
    with manager.socket() as listening:
        listening.bind((None, 8103))
        listening.listen(1)
        listening.settimeout(30)
        sockets = [
            manager.get_socket("127.0.0.1", port, "echo", str(n)) for n in range(manager.stats()["budget"][0] - 1)
        ]
        for sock in sockets:
            manager.free_socket(sock)
        with socket.create_connection(emulator.door(8103)):
            listening.accept()[0].close()
    assert manager.stats()["leased"] == 0
