"""The driver and its sockets: the contract, the edges of it, and what they leave in the chip's table."""

import errno
import socket as host
import subprocess
import sys
import threading

import pytest
from adafruit_esp32spi.adafruit_esp32spi_socketpool import SocketPool as VendorPool

from radiopool import ConnectionManager, driver_for, manager_for, register, unregister
from radiopool.errors import ConnectTimeoutError, InvalidValueError, NameResolutionError
from radiopool_esp32spi import DatagramSocket, ESP32SPIDriver, StreamSocket, __version__


def hold_open(connection):
    connection.recv(1)


def echo(connection):
    while piece := connection.recv(4096):
        connection.sendall(piece)


# -- the driver itself


def test_it_knows_its_radio_and_pools(chip):
    assert chip.driver.matches(chip.radio)
    assert not chip.driver.matches(chip)
    assert chip.driver.radio_of(chip.pool) is chip.radio
    assert chip.driver.radio_of(VendorPool(chip.radio)) is chip.radio
    assert chip.driver.radio_of(host) is None
    assert chip.driver.socket_pool(chip.radio) is chip.pool
    assert chip.host_driver.socket_pool(chip.radio) is chip.pool
    assert chip.driver.version == __version__


def test_registered_it_is_found_and_the_users_choice_of_tls_stays(chip):
    chosen = register(ESP32SPIDriver(tls="host"))
    try:
        assert driver_for(chip.radio) is chosen
        with manager_for(chip.radio) as manager:
            assert manager.stats()["budget"] == (6, 6)
        with ConnectionManager(VendorPool(chip.radio)) as manager:
            assert manager.driver is chosen
    finally:
        unregister(chosen)


def test_traits(chip):
    assert repr(chip.driver.traits(chip.radio)) == (
        "Traits(budget=(6, 1), tls='chip', udp=True, ipv6=False, listen=True, tls_cost=1)"
    )
    assert chip.host_driver.traits(chip.radio).budget == (6, 6)


def test_another_word_for_tls_is_refused():
    with pytest.raises(InvalidValueError, match="'chip' or 'host', not 'both'"):
        ESP32SPIDriver(tls="both")


def test_what_the_chip_cannot_choose_is_refused(chip):
    with pytest.raises(InvalidValueError, match="chooses its own address"):
        chip.driver.connect(chip.pool, "a.example", 80, source_address=("10.0.0.9", 1))


def test_the_vendors_pool_gives_our_sockets(chip):
    peer = chip.serve(echo)
    with chip.driver.connect(VendorPool(chip.radio), peer.name, 80, 5) as socket:
        assert isinstance(socket, StreamSocket)


# -- the pool


def test_getaddrinfo(chip):
    chip.emulator.network.hosts["a.example"] = "10.0.0.7"
    assert chip.pool.getaddrinfo("a.example", 80) == [(2, 1, 0, "", ("10.0.0.7", 80))]
    chip.trace.clear()
    assert chip.pool.getaddrinfo("10.0.0.7", 80, 0, 2) == [(2, 2, 0, "", ("10.0.0.7", 80))]
    assert chip.trace.chip_selects == 0
    with pytest.raises(NameResolutionError, match="'nowhere.example' does not resolve") as caught:
        chip.pool.getaddrinfo("nowhere.example", 80)
    assert caught.value.host == "nowhere.example"
    with pytest.raises(NameResolutionError, match="IPv4 only"):
        chip.pool.getaddrinfo("a.example", 80, 10)


@pytest.mark.parametrize(("family", "type"), [(10, 1), (2, 3), (2, 0)])
def test_sockets_that_the_chip_has_not(chip, family, type):
    with pytest.raises(InvalidValueError, match="must be"):
        chip.pool.socket(family, type)


def test_sockets_of_both_types(chip):
    assert isinstance(chip.pool.socket(), StreamSocket)
    datagrams = chip.pool.socket(2, 2)
    assert isinstance(datagrams, DatagramSocket)
    assert datagrams.type == 2


# -- streams


def test_a_bytewise_reader_costs_no_transaction_a_byte(chip, until):
    peer = chip.serve(lambda connection: (connection.sendall(b"x" * 1000), connection.recv(1)))
    with chip.connect(peer) as socket:
        until(lambda: chip.table.slots[0].client.available() == 1000)
        chip.trace.clear()
        one = bytearray(1)
        assert sum(socket.recv_into(one) for _ in range(1000)) == 1000
        assert chip.trace.commands == {0x45: 1}


def test_recv_into_takes_nbytes_and_no_more(chip, until):
    with chip.connect(chip.serve(lambda connection: (connection.sendall(b"abcdef"), connection.recv(1)))) as socket:
        buffer = bytearray(b"......")
        until(lambda: chip.table.slots[0].client.available() == 6)
        assert socket.recv_into(buffer, 2) == 2
        assert buffer == b"ab...."
        view = memoryview(buffer)
        assert socket.recv_into(view[2:], 3) == 3
        assert buffer == b"abcde."
        assert socket.recv_into(bytearray(0)) == 0
        with pytest.raises(ValueError, match="from 0 to 6"):
            socket.recv_into(buffer, 7)
        with pytest.raises(ValueError, match="from 0 to 6"):
            socket.recv_into(buffer, -1)


def test_use_before_connecting_after_closing_and_twice(chip):
    peer = chip.serve(hold_open)
    socket = chip.pool.socket()
    for use in (lambda: socket.send(b"x"), lambda: socket.recv(1), socket.getpeername):
        with pytest.raises(OSError) as caught:
            use()
        assert caught.value.errno == errno.ENOTCONN
    assert socket.raw is None
    socket.connect((peer.name, 80))
    assert socket.getpeername() == (peer.name, 80)
    assert type(socket.raw).__module__.startswith("adafruit_esp32spi")
    assert socket.raw._socknum == 0
    with pytest.raises(OSError) as caught:
        socket.connect((peer.name, 80))
    assert caught.value.errno == errno.EALREADY
    assert socket.send(b"") == 0
    socket.close()
    socket.close()
    assert repr(socket) == "<StreamSocket closed>"
    for use in (lambda: socket.send(b"x"), lambda: socket.recv(1), lambda: socket.connect((peer.name, 80))):
        with pytest.raises(OSError) as caught:
            use()
        assert caught.value.errno == errno.EBADF


def test_timeouts_are_checked_and_told(chip):
    socket = chip.pool.socket()
    for bad in (-1, -0.1, float("nan")):
        with pytest.raises(ValueError, match="timeout must be"):
            socket.settimeout(bad)
    socket.settimeout(2.5)
    assert socket.gettimeout() == 2.5
    socket.setblocking(True)
    assert socket.gettimeout() is None


def test_options(chip):
    socket = chip.pool.socket()
    socket.setsockopt(chip.pool.SOL_SOCKET, chip.pool.SO_REUSEADDR, 1)
    with pytest.raises(OSError) as caught:
        socket.setsockopt(6, 1, 1)
    assert caught.value.errno == errno.EINVAL


def test_sockets_are_told_apart_by_identity(chip):
    one, other = chip.pool.socket(), chip.pool.socket()
    assert one != other
    assert len({one, other, one}) == 2


def test_sending_to_a_peer_that_is_gone(chip):
    gone = threading.Event()

    def reset(connection):
        connection.recv(1)
        connection.setsockopt(host.SOL_SOCKET, host.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
        gone.set()

    socket = chip.connect(chip.serve(reset))
    socket.send(b"x")
    assert gone.wait(5)
    with pytest.raises(ConnectionResetError):
        for _ in range(1000):
            socket.send(b"x")
    assert chip.table.in_use == []
    with pytest.raises(ConnectionResetError):
        socket.send(b"x")
    assert socket.recv(1) == b""
    socket.close()


def test_closing_while_another_thread_reads(chip):
    socket = chip.connect(chip.serve(hold_open), timeout=None)
    outcome = []

    def read():
        try:
            outcome.append(socket.recv(1))
        except OSError as error:
            outcome.append(error.errno)

    thread = threading.Thread(target=read)
    thread.start()
    socket.close()
    thread.join(10)
    assert outcome == [errno.EBADF]


def test_closing_a_socket_that_ended_closes_nobody_elses(chip):
    first = chip.connect(chip.serve(lambda connection: None))
    assert first.recv(1) == b""
    with chip.connect(chip.serve(echo)) as second:
        assert second._number == 0
        first.close()
        second.sendall(b"still here")
        assert second.recv(20) == b"still here"


def test_after_a_reset_behind_our_back_old_sockets_close_nobody_elses(chip):
    old = chip.connect(chip.serve(hold_open))
    chip.emulator.reboot()
    chip.radio.connect_AP("emulated", "")
    with chip.connect(chip.serve(echo)) as new:
        assert new._number == 0
        assert not chip.driver.is_alive(old)
        old.close()
        new.sendall(b"still here")
        assert new.recv(20) == b"still here"


def test_a_reset_behind_our_back_does_not_cost_tls_for_good(chip, manager, server_context):
    secure = chip.serve(echo, 443, "a.example", server_context("a.example"))
    manager.free_socket(manager.get_socket("a.example", 443, "https:", is_ssl=True))
    # What the vendor's `connected` does when the chip gives no answer.
    chip.radio.reset()
    chip.radio.connect_AP("emulated", "")
    with chip.connect(chip.serve(echo)) as plain:
        assert plain._number == 0
        with manager.lease("a.example", 443, "https:", is_ssl=True) as socket:
            socket.sendall(b"x")
            assert socket.recv(1) == b"x"
        assert secure.accepted == 2
        plain.sendall(b"y")
        assert plain.recv(1) == b"y"


def test_it_loads_neither_the_vendors_library_nor_the_emulator():
    script = (
        "import sys, radiopool_esp32spi as plugin; plugin.ESP32SPIDriver().matches(object());"
        "print([name for name in sys.modules if 'adafruit' in name or 'emulator' in name or name == 'ssl'])"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "[]\n"


# -- liveness


def test_alive_while_idle_at_four_chip_selects(chip):
    with chip.connect(chip.serve(hold_open)) as socket:
        chip.trace.clear()
        assert chip.driver.is_alive(socket)
        assert chip.trace.chip_selects == 4


def test_not_alive_with_unread_bytes_here_or_on_the_chip(chip):
    with chip.connect(chip.serve(lambda connection: (connection.sendall(b"xy"), connection.recv(1)))) as socket:
        while chip.driver.is_alive(socket):
            pass
        assert socket.recv(1) == b"x"
        chip.trace.clear()
        assert not chip.driver.is_alive(socket)
        assert chip.trace.chip_selects == 0


def test_not_alive_when_the_peer_closed_or_we_did(chip):
    socket = chip.connect(chip.serve(lambda connection: None))
    while chip.driver.is_alive(socket):
        pass
    assert chip.table.in_use == []
    assert not chip.driver.is_alive(socket)
    socket.close()
    assert not chip.driver.is_alive(socket)


def test_not_alive_after_the_access_point_was_lost(chip):
    socket = chip.connect(chip.serve(hold_open))
    chip.emulator.lose_access_point()
    chip.emulator.find_access_point()
    assert not chip.driver.is_alive(socket)
    assert chip.table.in_use == []
    socket.close()


# -- serving


def test_a_server_on_the_chip(chip):
    with chip.pool.socket() as listener:
        listener.bind(("", 0))
        listener.listen(2)
        listener.settimeout(5)
        port = listener.getsockname()[1]
        assert port >= 49152
        with host.create_connection(chip.emulator.address_of(port), 5) as visitor:
            accepted, address = listener.accept()
            assert address == visitor.getsockname()
            assert accepted.getpeername() == address
            visitor.sendall(b"hello")
            accepted.settimeout(5)
            assert accepted.recv(10) == b"hello"
            accepted.sendall(b"welcome")
            assert visitor.recv(10) == b"welcome"
            accepted.close()
            assert visitor.recv(10) == b""
        with pytest.raises(OSError) as caught:
            listener.recv(1)
        assert caught.value.errno == errno.ENOTCONN
    assert chip.table.in_use == []


def test_a_number_that_has_listened_serves_clients_and_its_first_port(chip):
    def listen(port=8080):
        listener = chip.pool.socket()
        listener.bind(("", port))
        listener.listen()
        listener.settimeout(5)
        return listener

    listener = listen()
    listener.close()
    with chip.connect(chip.serve(echo)) as socket:
        assert socket._number == 0
        assert chip.driver.is_alive(socket)
        socket.sendall(b"x")
        assert socket.recv(1) == b"x"
        with pytest.raises(OSError, match="is in use") as caught:
            listen()
        assert caught.value.errno == errno.EADDRINUSE
        while chip.driver.is_alive(socket):
            socket.sendall(b"y")
    with listen(8081) as other:
        assert other._number == 1
    with host.create_connection(chip.emulator.address_of(8080), 5) as too_early:
        while not chip.table.slots[0].server.has_client():
            pass
        listener = listen()
        assert listener._number == 0
        # Whoever came while nobody listened is not served later.
        assert too_early.recv(1) == b""
    with host.create_connection(chip.emulator.address_of(8080), 5):
        listener.accept()[0].close()
    listener.close()
    chip.emulator.reboot()
    chip.radio.connect_AP("emulated", "")
    with listen(8082) as anew:
        assert anew._number == 0


def test_the_numbers_for_listening_run_out(chip):
    for port in range(8080, 8086):
        with chip.pool.socket() as listener:
            listener.bind(("", port))
            listener.listen()
    with chip.pool.socket() as listener:
        listener.bind(("", 8086))
        with pytest.raises(OSError, match="has listened on another port") as caught:
            listener.listen()
        assert chip.driver.is_exhausted(caught.value)
    sockets = [chip.connect(chip.serve(hold_open)) for _ in range(6)]
    for socket in sockets:
        socket.close()


def test_a_socket_without_a_port_cannot_tell_it(chip):
    with pytest.raises(OSError, match="not bound"):
        chip.pool.socket().getsockname()
    with pytest.raises(OSError, match="does not listen"):
        chip.pool.socket().accept()


# -- datagrams


def test_datagrams_both_ways_with_their_bounds_and_senders(chip):
    with host.socket(type=host.SOCK_DGRAM) as peer, chip.pool.socket(2, 2) as socket:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(5)
        chip.emulator.network.routes["10.0.0.9", 123] = peer.getsockname()
        socket.settimeout(5)
        with pytest.raises(OSError) as caught:
            socket.recv(1)
        assert caught.value.errno == errno.ENOTCONN
        socket.connect(("10.0.0.9", 123))
        assert socket.send(b"time?") == 5
        words, sender = peer.recvfrom(100)
        assert words == b"time?"
        peer.sendto(b"first, and long", sender)
        peer.sendto(b"second", sender)
        buffer = bytearray(5)
        assert socket.recvfrom_into(buffer) == (5, ("10.0.0.9", 123))
        assert buffer == b"first"
        assert socket.recvfrom(100) == (b"second", ("10.0.0.9", 123))
        socket.settimeout(0)
        with pytest.raises(BlockingIOError):
            socket.recv_into(buffer)


def test_a_bound_datagram_socket_is_reached(chip):
    with host.socket(type=host.SOCK_DGRAM) as peer, chip.pool.socket(2, 2) as socket:
        socket.bind(("", 5353))
        socket.settimeout(5)
        peer.bind(("127.0.0.1", 0))
        peer.sendto(b"anyone?", chip.emulator.address_of(5353, "udp"))
        assert socket.recvfrom(100) == (b"anyone?", peer.getsockname())


def test_a_datagram_without_a_network_is_an_error(chip):
    with chip.pool.socket(2, 2) as socket:
        socket.bind(("", 5353))
        chip.emulator.lose_access_point()
        with pytest.raises(OSError, match="did not send"):
            socket.sendto(b"x", ("10.0.0.9", 123))
        chip.emulator.find_access_point()
        with pytest.raises(OSError) as caught:
            chip.pool.socket(2, 2).send(b"x")
        assert caught.value.errno == errno.ENOTCONN


# -- what the caller gets wrong


@pytest.mark.parametrize("port", [70000, -1, "80", None])
def test_a_port_that_is_none_is_refused_by_name(chip, port):
    stream, datagram = chip.pool.socket(), chip.pool.socket(2, 2)
    for use in (
        lambda: stream.connect(("10.0.0.1", port)),
        lambda: stream.bind(("", port)),
        lambda: datagram.bind(("", port)),
        lambda: datagram.connect(("10.0.0.1", port)),
        lambda: datagram.sendto(b"x", ("10.0.0.1", port)),
    ):
        with pytest.raises(InvalidValueError, match="from 0 to 65535, not %r" % (port,)):
            use()
    assert chip.trace.chip_selects == 0


@pytest.mark.parametrize("name", ["1.2.3.²", "١.2.3.4"])
def test_digits_of_other_scripts_are_refused_by_name(chip, name):
    with pytest.raises(InvalidValueError, match=name):
        chip.pool.socket().connect((name, 80))
    with pytest.raises(InvalidValueError, match=name):
        chip.pool.getaddrinfo(name, 80)


@pytest.mark.parametrize("size", [-5, 11])
def test_a_datagram_is_not_read_into_more_or_less_than_there_is(chip, size):
    with chip.pool.socket(2, 2) as socket, pytest.raises(ValueError, match="not %d" % size):
        socket.recvfrom_into(bytearray(10), size)


@pytest.mark.parametrize("name", ["send", "sendall"])
def test_sending_nothing_on_a_closed_socket_is_an_error(chip, name):
    with chip.connect(chip.serve(hold_open)) as socket:
        getattr(socket, name)(b"")
    with pytest.raises(OSError) as caught:
        getattr(socket, name)(b"")
    assert caught.value.errno == errno.EBADF


# -- a chip that does not answer


class QuickClock:
    """Ten of the vendor's seconds pass while it looks at its clock a few hundred times."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        self.now += 0.05
        return self.now

    monotonic_ns = None

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def impatient(monkeypatch):
    from adafruit_esp32spi import adafruit_esp32spi as vendor

    monkeypatch.setattr(vendor, "time", QuickClock())


def test_a_handshake_longer_than_the_vendors_patience_loses_nothing_for_good(chip, impatient):
    """The vendor gives up after 10 s, the chip after 120; then they are out of step until somebody ends the reply."""
    released = threading.Event()
    peer = chip.serve(lambda connection: released.wait(20), 443)
    bystander = chip.connect(chip.serve(echo))
    with pytest.raises(ConnectTimeoutError, match="did not answer"):
        chip.connect(peer, ssl_context=chip.pool.ssl_context)
    assert chip.emulator._slave.state == "busy"
    # Still busy: others wait in vain, too, and are told.
    with pytest.raises(TimeoutError, match="ESP32 not responding"):
        bystander.send(b"x")
    released.set()
    peer.close()
    while chip.emulator.ready.value:
        pass
    bystander.sendall(b"still in step")
    assert bystander.recv(20) == b"still in step"
    assert chip.table.in_use == [0]
    bystander.close()


def test_a_socket_closed_while_the_chip_is_stuck_is_closed_when_it_answers(chip, impatient):
    first, second = chip.connect(chip.serve(hold_open)), chip.connect(chip.serve(echo))
    chip.emulator.faults.ready = True
    with pytest.raises(TimeoutError, match="ESP32 not responding"):
        first.send(b"x")
    first.close()
    second_error = pytest.raises(TimeoutError, second.recv, 1)
    assert "ESP32" in str(second_error.value)
    chip.emulator.faults.clear()
    second.sendall(b"x")
    assert second.recv(1) == b"x"
    assert chip.table.in_use == [1]
    second.close()


CLOSE = 0x2E


@pytest.fixture
def unanswered_close(chip, impatient, monkeypatch):
    """The ready pin sticks in the next command that closes a number: before it is sent, or before it is answered."""

    def stick(where):
        said = getattr(chip.radio, where)

        def say(command, *args, **options):
            if command == CLOSE:
                monkeypatch.setattr(chip.radio, where, said)
                chip.emulator.faults.ready = True
            return said(command, *args, **options)

        monkeypatch.setattr(chip.radio, where, say)

    return stick


UNANSWERED = pytest.mark.parametrize("where", ["_send_command", "_wait_response_cmd"])


def assert_only_the_bystander_is_left(chip, bystander):
    assert chip.emulator.faults.ready
    chip.emulator.faults.clear()
    bystander.sendall(b"still in step")
    assert bystander.recv(20) == b"still in step"
    assert chip.table.in_use == [bystander._number]
    assert chip.pool.numbers == {bystander._number: bystander}


@UNANSWERED
def test_a_close_that_is_not_answered_is_made_up_for(chip, unanswered_close, where):
    with chip.connect(chip.serve(echo)) as bystander:
        socket = chip.connect(chip.serve(hold_open))
        unanswered_close(where)
        socket.close()
        assert_only_the_bystander_is_left(chip, bystander)


@UNANSWERED
def test_and_so_it_is_after_a_connection_that_failed(chip, unanswered_close, where):
    peer = chip.serve(hold_open)
    peer.close()
    with chip.connect(chip.serve(echo)) as bystander:
        unanswered_close(where)
        with pytest.raises(OSError):
            chip.connect(peer)
        assert_only_the_bystander_is_left(chip, bystander)


@UNANSWERED
def test_and_after_a_send_that_failed(chip, unanswered_close, monkeypatch, where):
    with chip.connect(chip.serve(echo)) as bystander, chip.connect(chip.serve(hold_open)) as socket:

        def fail(number, octets):
            raise OSError("Failed to verify data sent")

        with monkeypatch.context() as patch:
            patch.setattr(chip.radio, "socket_write", fail)
            unanswered_close(where)
            with pytest.raises(TimeoutError, match="ESP32"):
                socket.send(b"x")
        assert_only_the_bystander_is_left(chip, bystander)
        with pytest.raises(ConnectionResetError):
            socket.send(b"x")


@UNANSWERED
def test_and_at_the_end_of_a_tls_stream(chip, unanswered_close, server_context, where):
    peer = chip.serve(lambda connection: None, 443, "a.example", server_context("a.example"))
    with chip.connect(chip.serve(echo)) as bystander, chip.connect(peer, ssl_context=chip.pool.ssl_context) as socket:
        unanswered_close(where)
        with pytest.raises(TimeoutError, match="ESP32"):
            socket.recv(1)
        assert_only_the_bystander_is_left(chip, bystander)
        assert socket.recv(1) == b""
        chip.connect(peer, ssl_context=chip.pool.ssl_context).close()


@UNANSWERED
def test_and_while_it_is_being_made_up_for(chip, unanswered_close, where):
    with chip.connect(chip.serve(echo)) as bystander:
        first, second = chip.connect(chip.serve(hold_open)), chip.connect(chip.serve(hold_open))
        chip.emulator.faults.ready = True
        with pytest.raises(TimeoutError):
            first.send(b"x")
        first.close()
        second.close()
        chip.emulator.faults.clear()
        unanswered_close(where)
        with pytest.raises(TimeoutError, match="ESP32"):
            bystander.send(b"x")
        assert_only_the_bystander_is_left(chip, bystander)


@pytest.mark.parametrize("where", ["_send_command", "_wait_response_cmd", "_read_byte"])
def test_an_interrupt_in_the_middle_of_a_command_loses_nothing(chip, monkeypatch, where):
    def interrupt(*_, **__):
        monkeypatch.undo()
        raise KeyboardInterrupt

    peer = chip.serve(echo)
    with chip.connect(peer) as bystander:
        monkeypatch.setattr(chip.radio, where, interrupt)
        with pytest.raises(KeyboardInterrupt):
            chip.connect(peer)
        bystander.sendall(b"still in step")
        assert bystander.recv(20) == b"still in step"
        assert chip.table.in_use == [0]
        chip.connect(peer).close()


def interrupt_once(patch, owner, name, before=False):
    """Ctrl-C in the next call of that function, when its work is done or (`before`) not begun."""
    function = getattr(owner, name)

    def interrupted(*args, **options):
        patch.undo()
        if not before:
            function(*args, **options)
        raise KeyboardInterrupt

    patch.setattr(owner, name, interrupted)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(
    "place",
    [
        lambda chip: (chip.emulator.spi, "try_lock"),
        lambda chip: (chip.emulator.spi, "configure"),
        lambda chip: (chip.emulator.spi, "unlock"),
        lambda chip: (chip.emulator._slave, "select"),
        lambda chip: (chip.emulator._slave, "deselect"),
        lambda chip: (chip.emulator._slave, "_begin"),
        lambda chip: (chip.emulator._slave, "_finish"),
        lambda chip: (chip.emulator.firmware, "handle"),
        lambda chip: (chip.pool, "take"),
        lambda chip: (chip.pool, "drop"),
    ],
)
def test_an_interrupt_between_the_vendors_lines_or_the_emulators_leaves_chip_and_bus_usable(chip, place, before):
    peer = chip.serve(echo)
    with chip.connect(peer) as bystander:
        with pytest.MonkeyPatch.context() as patch:
            interrupt_once(patch, *place(chip), before=before)
            with pytest.raises(KeyboardInterrupt):
                socket = chip.connect(peer)
                interrupt_once(patch, *place(chip), before=before)
                socket.close()
        if "drop" in place(chip):
            socket.close()
        bystander.sendall(b"still in step")
        assert bystander.recv(20) == b"still in step"
        assert chip.table.in_use == [0]
        chip.connect(peer).close()


@pytest.mark.parametrize("command", ["_send_command", "_wait_response_cmd"])
def test_a_visitor_whose_number_was_not_heard_is_closed(chip, until, command):
    with chip.pool.socket() as listener, chip.connect(chip.serve(echo)) as bystander:
        listener.bind(("", 8080))
        listener.listen()
        listener.settimeout(5)
        with host.create_connection(chip.emulator.address_of(8080), 5) as visitor:
            until(lambda: chip.table.slots[listener._number].server.has_client())
            with pytest.MonkeyPatch.context() as patch:
                interrupt_once(patch, chip.radio, command)
                with pytest.raises(KeyboardInterrupt):
                    listener.accept()
            bystander.sendall(b"still here")
            assert bystander.recv(20) == b"still here"
            assert len(chip.table.in_use) == 2, "the visitor has no number"
            visitor.settimeout(5)
            assert visitor.recv(1) == b""
        with host.create_connection(chip.emulator.address_of(8080), 5):
            listener.accept()[0].close()


def test_an_interrupt_while_connecting_leaves_no_number(chip, monkeypatch):
    socket_open = chip.radio.socket_open

    def open_and_interrupt(*args, **options):
        socket_open(*args, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(chip.radio, "socket_open", open_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        chip.connect(chip.serve(hold_open))
    monkeypatch.undo()
    with chip.connect(chip.serve(echo)):
        assert len(chip.table.in_use) == 1


def interrupt_in(chip, monkeypatch, name, doing):
    """Ctrl-C when that command has been served."""
    command = getattr(chip.radio, name)

    def serve_and_interrupt(*args, **options):
        command(*args, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(chip.radio, name, serve_and_interrupt)
        with pytest.raises(KeyboardInterrupt):
            doing()


def assert_no_number_is_lost(chip):
    with chip.connect(chip.serve(echo)) as socket:
        assert chip.table.in_use == [socket._number]
        assert chip.pool.numbers == {socket._number: socket}


@pytest.mark.parametrize("where", ["_send_command", "_wait_for_ready"])
def test_an_interrupt_while_closing_leaves_no_number(chip, monkeypatch, where):
    socket = chip.connect(chip.serve(hold_open))
    interrupt_in(chip, monkeypatch, where, socket.close)
    socket.close()
    assert_no_number_is_lost(chip)


def test_an_interrupt_while_a_close_waits_for_its_turn_leaves_no_number(chip, monkeypatch):
    socket = chip.connect(chip.serve(hold_open))
    interrupt_in(chip, monkeypatch, "_send_command", lambda: chip.pool.resolve("a.example"))
    interrupt_in(chip, monkeypatch, "_wait_for_ready", socket.close)
    assert_no_number_is_lost(chip)


def test_an_interrupt_while_opening_a_port_leaves_no_number(chip, monkeypatch):
    with chip.pool.socket(2, 2) as socket:
        interrupt_in(chip, monkeypatch, "start_server", lambda: socket.bind(("", 5353)))
    assert_no_number_is_lost(chip)
    with chip.pool.socket() as listener:
        listener.bind(("", 8080))
        interrupt_in(chip, monkeypatch, "start_server", listener.listen)
    assert_no_number_is_lost(chip)
    assert chip.pool.listened == {0: 8080}


def test_an_interrupt_while_accepting_leaves_no_number(chip, monkeypatch):
    with chip.pool.socket() as listener:
        listener.bind(("", 8080))
        listener.listen()
        listener.settimeout(5)
        with host.create_connection(chip.emulator.address_of(8080)):
            interrupt_in(chip, monkeypatch, "get_remote_data", listener.accept)
    assert_no_number_is_lost(chip)


def test_closing_while_connecting_leaves_no_number(chip, monkeypatch):
    socket_open = chip.radio.socket_open
    peer = chip.serve(hold_open)
    socket = chip.pool.socket()

    def open_and_close(*args, **options):
        socket_open(*args, **options)
        socket.close()

    monkeypatch.setattr(chip.radio, "socket_open", open_and_close)
    with pytest.raises(OSError) as caught:
        socket.connect((peer.name, 80))
    assert caught.value.errno == errno.EBADF
    assert chip.table.in_use == []


def test_a_peer_that_is_gone_on_demand(chip, server_context):
    plain = chip.connect(chip.serve(hold_open))
    secure = chip.connect(
        chip.serve(hold_open, 443, "a.example", server_context("a.example")), ssl_context=chip.pool.ssl_context
    )
    for number, socket in enumerate((plain, secure)):
        assert chip.driver.is_alive(socket)
        chip.emulator.lose_peer(number)
        assert socket.recv(1) == b""
    assert chip.table.in_use == []
    with pytest.raises(LookupError, match="number 0 has no connection"):
        chip.emulator.lose_peer(0)
    plain.close()
    secure.close()


def test_a_slow_chip_only_takes_longer(chip):
    with chip.connect(chip.serve(echo)) as socket:
        chip.emulator.faults.delay = 0.01
        socket.sendall(b"slow")
        assert socket.recv(4) == b"slow"


def test_a_chip_that_crashed_is_told_and_works_after_a_reset(chip, manager):
    peer = chip.serve(echo)
    socket = manager.get_socket(peer.name, 80, "http:", timeout=5)
    chip.emulator.faults.deaf = True
    with pytest.raises(TimeoutError, match="SPI char"):
        socket.send(b"x")
    chip.radio.reset()
    manager.radio_reset()
    chip.radio.connect_AP("emulated", "")
    socket = manager.get_socket(peer.name, 80, "http:", timeout=5)
    socket.sendall(b"again")
    assert socket.recv(9) == b"again"
    assert chip.table.in_use == [0]
    manager.close_socket(socket)


def test_a_mute_chip_is_an_error_and_no_number_is_lost(chip):
    peer = chip.serve(hold_open)
    chip.emulator.faults.mute = True
    with pytest.raises(OSError):
        chip.connect(peer)
    chip.emulator.faults.clear()
    chip.connect(peer).close()


def test_a_server_on_a_chip_full_of_idle_sockets_gets_room_for_its_visitor(chip, manager):
    peer = chip.serve(lambda connection: connection.recv(1))
    with manager.socket() as listener:
        listener.bind(("", 8081))
        listener.listen(1)
        listener.settimeout(0)
        sockets = [manager.get_socket(peer.name, peer.port, "idle", str(number)) for number in range(5)]
        for socket in sockets:
            manager.free_socket(socket)
        with pytest.raises(OSError):
            listener.accept()
        listener.settimeout(30)
        with host.create_connection(chip.emulator.address_of(8081), 5):
            listener.accept()[0].close()
        assert manager.stats()["closed"]["evicted"] == 1
