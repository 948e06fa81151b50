"""The emulated chip, byte by byte, without the vendor's library or our driver."""

import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radiopool_esp32spi.emulator import AccessPoint, Emulator, frames

ERROR = "ef 00 ee 00"


@pytest.fixture
def bare():
    with Emulator(
        hosts={"a.example": "10.0.0.1"}, access_points=(AccessPoint("home", "secret"), AccessPoint("open"))
    ) as emulator:
        emulator.spi.try_lock()
        yield emulator


@pytest.fixture
def joined(bare):
    ask(bare, "e0 10 01 04 6f 70 65 6e ee 00 00 00")
    return bare


def clock_in(emulator, frame):
    emulator.chip_select.value = False
    assert emulator.ready.value is True
    emulator.spi.write(frame)
    emulator.chip_select.value = True


def clock_out(emulator, length=64):
    for _ in range(5000):
        if not emulator.ready.value:
            break
    reply = bytearray(length)
    emulator.chip_select.value = False
    emulator.spi.readinto(reply)
    emulator.chip_select.value = True
    return bytes(reply)


def ask(emulator, command):
    """The reply to a command, both as hexadecimal text; the reply without trailing padding beyond four bytes."""
    clock_in(emulator, bytes.fromhex(command))
    reply = clock_out(emulator)
    end = len(reply.rstrip(b"\0"))
    return reply[: -(-end // 4) * 4].hex(" ")


def connect_command(name, port, number, mode):
    return frames.build_command(
        0x2D, [name.encode(), b"\0\0\0\0", port.to_bytes(2, "big"), bytes([number]), bytes([mode])]
    ).hex()


# -- the wire itself


def test_ready_is_high_while_selected_and_low_when_a_command_or_a_reply_waits(bare):
    assert bare.ready.value is False
    clock_in(bare, bytes.fromhex("e0 20 00 ee"))
    assert bare.ready.value is False
    assert bare._slave.state == "replying"
    clock_out(bare)
    assert bare._slave.state == "waiting"


def test_bytes_beyond_the_reply_are_zeros(bare):
    clock_in(bare, bytes.fromhex("e0 20 00 ee"))
    assert clock_out(bare, 12) == bytes.fromhex("e0 a0 01 01 00 ee 00 00 00 00 00 00")


def test_a_session_without_bytes_is_nothing_to_a_waiting_chip_and_ends_a_reply(bare):
    bare.chip_select.value = False
    bare.chip_select.value = True
    assert ask(bare, "e0 20 00 ee") == "e0 a0 01 01 00 ee 00 00"
    clock_in(bare, bytes.fromhex("e0 20 00 ee"))
    bare.chip_select.value = False
    bare.chip_select.value = True
    assert ask(bare, "e0 20 00 ee") == "e0 a0 01 01 00 ee 00 00"


def test_a_command_sent_while_a_reply_waits_is_lost(bare):
    clock_in(bare, bytes.fromhex("e0 20 00 ee"))
    clock_in(bare, bytes.fromhex("e0 37 00 ee"))
    assert bare._slave.state == "waiting"


def test_bytes_sent_to_a_chip_that_is_not_selected_go_nowhere(bare):
    bare.spi.write(bytes.fromhex("e0 20 00 ee"))
    assert bare._slave.state == "waiting"


def test_the_bus_wants_its_lock_and_mode_0(bare):
    with pytest.raises(ValueError, match="mode 0"):
        bare.spi.configure(baudrate=8000000, polarity=1)
    assert not bare.spi.try_lock()
    bare.spi.unlock()
    with pytest.raises(RuntimeError):
        bare.spi.write(b"x")
    bare.spi.try_lock()


def test_full_duplex_reads_what_write_and_readinto_read(bare):
    clock_in(bare, bytes.fromhex("e0 20 00 ee"))
    reply = bytearray(8)
    bare.chip_select.value = False
    bare.spi.write_readinto(bytes(8), reply)
    bare.chip_select.value = True
    assert reply.hex(" ") == "e0 a0 01 01 00 ee 00 00"
    with pytest.raises(ValueError, match="equal length"):
        bare.spi.write_readinto(bytes(2), reply)


def test_the_trace_counts_always_and_keeps_frames_on_request(bare):
    ask(bare, "e0 20 00 ee")
    assert (bare.trace.chip_selects, bare.trace.bytes_out, bare.trace.bytes_in) == (2, 4, 8)
    assert bare.trace.frames == []
    bare.trace.clear()
    bare.trace.recording = True
    ask(bare, "e0 37 00 ee")
    assert [str(exchange) for exchange in bare.trace.frames] == [
        "> 37 e0 37 00 ee",
        "< 37 e0 b7 01 06 33 2e 33 2e 30 00 ee 00",
    ]
    assert bare.trace.commands == {0x37: 1}
    assert repr(bare.trace) == "<Trace 2 chip selects, 4 bytes out, 12 bytes in>"


# -- commands that are wrong


@pytest.mark.parametrize(
    "command",
    [
        "e0 00 00 ee",  # no such command
        "e0 7f 00 ee",
        "e0 6f 00 ee",
        "00 20 00 ee",  # not a command
        "e0 a0 00 ee",  # a reply's number
        "e0 20 00 00",  # no end
        "e0 20 00",  # not a whole word: the slave's DMA drops it
        "e0",
        "e0 2f 00 ee",  # a parameter missing
        "e0 2f 02 01 00 01 00 ee",  # one too many
        "e0 2f 01 02 00 00 ee 00",  # too long
        "e0 2f 01 ff 00 ee 00 00",  # longer than the frame
        "e0 2f 05 01 00 01 ee 00",
        "e0 44 01 00 01 00 ee 00",  # send without data
        "e0 45 02 00 01 00 00 01 04 ee 00 00",  # a one-byte size
        "e0 2d 03 02 00 50 01 00 01 00 ee 00",  # connect without an address
        "e0 20 01 01 ff ee 00 00",  # a parameter that the command has not
        "e0 3c 01 01 00 ee 00 00",  # a network that no scan saw
    ],
)
def test_a_wrong_command_gets_the_error_reply_and_the_next_one_works(bare, command):
    assert ask(bare, command) == ERROR
    assert ask(bare, "e0 20 00 ee") == "e0 a0 01 01 00 ee 00 00"


@settings(max_examples=200, deadline=None)
@given(st.binary(min_size=1, max_size=80))
def test_no_bytes_put_the_chip_out_of_step(octets):
    with Emulator() as emulator:
        emulator.spi.try_lock()
        clock_in(emulator, octets)
        clock_out(emulator)
        assert ask(emulator, "e0 20 00 ee")[:8] == "e0 a0 01"


def test_a_command_longer_than_the_buffer_is_cut(bare):
    clock_in(bare, frames.build_command(0x44, [b"\0", bytes(5000)]))
    assert clock_out(bare, 4) == frames.ERROR_REPLY


@settings(deadline=None)
@given(
    st.integers(0, 0x7F).filter(lambda number: number not in frames.UNMEASURED_COMMANDS),
    st.lists(st.binary(max_size=255), max_size=6),
)
def test_frames_come_back_as_they_were(number, parameters):
    frame = frames.build_command(number, parameters)
    assert len(frame) % 4 == 0
    assert frames.parse_command(frame) == (number, parameters)


# -- the station


def test_addresses_mac_version_and_time(joined):
    assert ask(joined, "e0 21 01 01 ff ee 00 00") == ("e0 a1 03 04 c0 00 02 02 04 ff ff ff 00 04 c0 00 02 01 ee 00")
    assert ask(joined, "e0 22 01 01 ff ee 00 00") == "e0 a2 01 06 02 00 00 c4 0a 24 ee 00"
    assert ask(joined, "e0 3b 00 ee").startswith("e0 bb 01 08 ")


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("e0 11 02 04 68 6f 6d 65 06 73 65 63 72 65 74 ee", 3),
        ("e0 11 02 04 68 6f 6d 65 05 77 72 6f 6e 67 ee 00", 4),
        ("e0 10 01 04 68 6f 6d 65 ee 00 00 00", 4),
        ("e0 10 01 04 6e 6f 6e 65 ee 00 00 00", 1),
        ("e0 10 01 04 6f 70 65 6e ee 00 00 00", 3),
    ],
)
def test_joining(bare, command, status):
    assert ask(bare, command).startswith("e0 %02x 01 01 01" % (int(command[3:5], 16) | 0x80))
    assert ask(bare, "e0 20 00 ee") == "e0 a0 01 01 %02x ee 00 00" % status


def test_scan(bare):
    ask(bare, "e0 36 00 ee")
    assert ask(bare, "e0 27 00 ee") == "e0 a7 02 04 68 6f 6d 65 04 6f 70 65 6e ee 00 00"
    assert ask(bare, "e0 32 01 01 00 ee 00 00") == "e0 b2 01 04 ce ff ff ff ee 00 00 00"
    assert ask(bare, "e0 33 01 01 00 ee 00 00") == "e0 b3 01 01 04 ee 00 00"
    assert ask(bare, "e0 33 01 01 01 ee 00 00") == "e0 b3 01 01 07 ee 00 00"
    assert ask(bare, "e0 3d 01 01 01 ee 00 00") == "e0 bd 01 01 06 ee 00 00"


def test_a_name_a_quad_and_no_name(joined):
    def look_up(name):
        return ask(joined, frames.build_command(0x34, [name.encode()]).hex())

    assert look_up("a.example") == "e0 b4 01 01 01 ee 00 00"
    assert ask(joined, "e0 35 00 ee") == "e0 b5 01 04 0a 00 00 01 ee 00 00 00"
    assert look_up("10.9.8.7") == "e0 b4 01 01 01 ee 00 00"
    assert ask(joined, "e0 35 00 ee") == "e0 b5 01 04 0a 09 08 07 ee 00 00 00"
    assert look_up("nowhere.example") == "e0 b4 01 01 00 ee 00 00"


def test_pins(bare):
    ask(bare, "e0 51 02 01 04 01 01 ee")
    assert ask(bare, "e0 53 01 01 04 ee 00 00") == "e0 d3 01 01 01 ee 00 00"
    assert ask(bare, "e0 53 01 01 05 ee 00 00") == "e0 d3 01 01 00 ee 00 00"


# -- sockets


def test_a_tcp_conversation(joined):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        joined.network.routes["10.0.0.1", 80] = listener.getsockname()[1]
        assert ask(joined, "e0 3f 00 ee") == "e0 bf 01 01 00 ee 00 00"
        # Being asked for it reserves nothing.
        assert ask(joined, "e0 3f 00 ee") == "e0 bf 01 01 00 ee 00 00"
        assert ask(joined, "e0 2d 04 04 0a 00 00 01 02 00 50 01 00 01 00 ee") == "e0 ad 01 01 01 ee 00 00"
        assert ask(joined, "e0 3f 00 ee") == "e0 bf 01 01 01 ee 00 00"
        assert repr(joined.table) == "<Table 0:tcp 1:free 2:free 3:free 4:free 5:free>"
        peer, _ = listener.accept()
        with peer:
            assert ask(joined, "e0 2f 01 01 00 ee 00 00") == "e0 af 01 01 04 ee 00 00"
            assert ask(joined, "e0 3a 01 01 00 ee 00 00") == "e0 ba 02 04 0a 00 00 01 02 00 50 ee"
            # Lengths of 16 bits out, a 16-bit count back, least significant byte first.
            assert ask(joined, "e0 44 02 00 01 00 00 03 61 62 63 ee") == "e0 c4 01 02 03 00 ee 00"
            assert ask(joined, "e0 2a 01 01 00 ee 00 00") == "e0 aa 01 01 01 ee 00 00"
            assert peer.recv(10) == b"abc"
            peer.sendall(b"defgh")
            joined.firmware.hold = 5.0
            # Size 3 to read, least significant byte first; the reply's length is 16 bits, the other way round.
            assert ask(joined, "e0 45 02 00 01 00 00 02 03 00 ee 00") == "e0 c5 01 00 03 64 65 66 ee 00 00 00"
            assert ask(joined, "e0 2b 01 01 00 ee 00 00") == "e0 ab 01 02 02 00 ee 00"
            assert ask(joined, "e0 2c 02 01 00 01 01 ee") == "e0 ac 01 01 67 ee 00 00"
            assert ask(joined, "e0 2c 02 01 00 01 00 ee") == "e0 ac 01 01 67 ee 00 00"
            assert ask(joined, "e0 45 02 00 01 00 00 02 00 10 ee 00") == "e0 c5 01 00 01 68 ee 00"
        assert ask(joined, "e0 2e 01 01 00 ee 00 00") == "e0 ae 01 01 01 ee 00 00"
        assert joined.table.in_use == []


def test_a_refused_connection_is_a_reply_without_parameters(joined):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        joined.network.routes["10.0.0.1", 80] = listener.getsockname()[1]
    assert ask(joined, connect_command("a.example", 80, 0, 0)) == "e0 ad 00 ee"
    assert joined.table.in_use == []


def test_nothing_leaves_loopback_without_a_route(joined):
    assert ask(joined, "e0 2d 04 04 0a 00 00 09 02 00 50 01 00 01 00 ee") == "e0 ad 00 ee"
    assert ask(joined, "e0 2d 04 04 0a 00 00 09 02 00 7b 01 00 01 01 ee") == "e0 ad 01 01 01 ee 00 00"
    assert ask(joined, "e0 39 01 01 00 ee 00 00") == "e0 b9 01 01 01 ee 00 00"


def test_a_black_hole_costs_three_seconds_of_the_chips_clock(joined):
    now = [0.0]
    joined.table.slots[0].client._clock = lambda: now[0]
    joined._slave._clock = lambda: now[0]
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        # Two connects fill a backlog of 0 on Linux; the third gets no answer.
        fillers = [socket.create_connection(listener.getsockname())]
        pending = socket.socket()
        pending.setblocking(False)
        pending.connect_ex(listener.getsockname())
        joined.network.routes["10.0.0.1", 80] = listener.getsockname()[1]
        clock_in(joined, bytes.fromhex(connect_command("a.example", 80, 0, 0)))
        assert joined.ready.value is True
        now[0] = 2.9
        assert joined.ready.value is True
        now[0] = 3.1
        assert clock_out(joined)[:4].hex(" ") == "e0 ad 00 ee"
        for filler in (*fillers, pending):
            filler.close()


def test_numbers_beyond_the_table_do_nothing(joined):
    assert ask(joined, "e0 2f 01 01 ff ee 00 00") == "e0 af 01 01 00 ee 00 00"
    assert ask(joined, "e0 2b 01 01 ff ee 00 00") == "e0 ab 01 02 00 00 ee 00"
    assert ask(joined, "e0 2e 01 01 ff ee 00 00") == "e0 ae 01 01 01 ee 00 00"
    assert ask(joined, "e0 44 02 00 01 ff 00 01 61 ee 00 00") == "e0 c4 01 02 00 00 ee 00"
    assert ask(joined, "e0 45 02 00 01 ff 00 02 0a 00 ee 00") == "e0 c5 01 00 00 ee 00 00"
    assert ask(joined, "e0 3a 01 01 ff ee 00 00") == "e0 ba 02 04 00 00 00 00 02 00 00 ee"
    assert ask(joined, "e0 39 01 01 ff ee 00 00") == "e0 b9 01 01 00 ee 00 00"


def test_the_table_runs_full_at_six(joined):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        joined.network.routes["10.0.0.1", 80] = listener.getsockname()[1]
        for number in range(6):
            assert ask(joined, connect_command("a.example", 80, number, 0)).startswith("e0 ad 01 01 01")
        assert ask(joined, "e0 3f 00 ee") == "e0 bf 01 01 ff ee 00 00"
        joined.reboot()
        assert joined.table.in_use == []


def test_udp_out_and_in(joined):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(5)
        joined.network.routes["10.0.0.1", 123] = peer.getsockname()
        assert ask(joined, "e0 28 03 02 04 00 01 00 01 01 ee 00") == "e0 a8 01 01 01 ee 00 00"
        assert ask(joined, "e0 2d 04 04 0a 00 00 01 02 00 7b 01 00 01 01 ee") == "e0 ad 01 01 01 ee 00 00"
        assert ask(joined, "e0 46 02 00 01 00 00 02 68 69 ee 00") == "e0 c6 01 01 01 ee 00 00"
        assert ask(joined, "e0 39 01 01 00 ee 00 00") == "e0 b9 01 01 01 ee 00 00"
        datagram, sender = peer.recvfrom(100)
        assert datagram == b"hi"
        assert sender == joined.address_of(1024, "udp")
        peer.sendto(b"hello", sender)
        # A packet is taken in after a command, so the command that finds it is the second.
        assert ask(joined, "e0 2b 01 01 00 ee 00 00") == "e0 ab 01 02 00 00 ee 00"
        assert joined.gpio0.value is True
        assert ask(joined, "e0 2b 01 01 00 ee 00 00") == "e0 ab 01 02 05 00 ee 00"
        assert ask(joined, "e0 3a 01 01 00 ee 00 00") == "e0 ba 02 04 0a 00 00 01 02 00 7b ee"
        assert ask(joined, "e0 45 02 00 01 00 00 02 05 00 ee 00") == "e0 c5 01 00 05 68 65 6c 6c 6f ee 00"
        assert joined.gpio0.value is False


def test_a_server(joined):
    assert ask(joined, "e0 28 03 02 00 50 01 00 01 00 ee 00") == "e0 a8 01 01 01 ee 00 00"
    assert ask(joined, "e0 29 01 01 00 ee 00 00") == "e0 a9 01 01 01 ee 00 00"
    assert repr(joined.table).startswith("<Table 0:listening")
    assert ask(joined, "e0 2b 01 01 00 ee 00 00") == "e0 ab 01 02 ff 00 ee 00"
    with socket.create_connection(joined.address_of(80)) as visitor:
        assert ask(joined, "e0 2b 01 01 00 ee 00 00") == "e0 ab 01 02 01 00 ee 00"
        port = visitor.getsockname()[1]
        assert ask(joined, "e0 3a 01 01 01 ee 00 00") == "e0 ba 02 04 7f 00 00 01 02 %02x %02x ee" % divmod(port, 256)
        # The same port again, on another number.
        assert ask(joined, "e0 28 03 02 00 50 01 02 01 00 ee 00") == "e0 a8 01 01 00 ee 00 00"


# -- the firmware's own defects, kept


def test_defect_a_dead_connections_number_is_free_but_its_socket_lives_on(joined, until):
    """getClientStateTcp and stopClientTcp, CommandHandler.cpp: the state frees the number and stops nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        joined.network.routes["10.0.0.1", 80] = listener.getsockname()[1]
        ask(joined, connect_command("a.example", 80, 0, 0))
        listener.accept()[0].close()
        client = joined.table.slots[0].client
        until(lambda: not client.connected())
        assert ask(joined, "e0 45 02 00 01 00 00 02 0a 00 ee 00") == "e0 c5 01 00 00 ee 00 00"
        assert ask(joined, "e0 2f 01 01 00 ee 00 00") == "e0 af 01 01 00 ee 00 00"
        assert joined.table.in_use == []
        ask(joined, "e0 2e 01 01 00 ee 00 00")
        assert client.carrier is not None


def test_defect_the_state_forgets_what_the_client_has_buffered(joined, until):
    """NetworkClient::connected looks at the socket, not at the 1436 bytes its own buffer may hold."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        joined.network.routes["10.0.0.1", 80] = listener.getsockname()[1]
        ask(joined, connect_command("a.example", 80, 0, 0))
        peer = listener.accept()[0]
        peer.sendall(b"last words")
        client = joined.table.slots[0].client
        until(lambda: client.available() == 10)
        peer.close()
        assert ask(joined, "e0 45 02 00 01 00 00 02 04 00 ee 00") == "e0 c5 01 00 04 6c 61 73 74 ee 00 00"
        assert ask(joined, "e0 2b 01 01 00 ee 00 00") == "e0 ab 01 02 06 00 ee 00"
        until(lambda: not client.connected())
        assert ask(joined, "e0 2f 01 01 00 ee 00 00") == "e0 af 01 01 00 ee 00 00"
        assert ask(joined, "e0 45 02 00 01 00 00 02 0a 00 ee 00") == "e0 c5 01 00 00 ee 00 00"


def test_defect_a_lost_network_counts_as_connected_until_bytes_are_counted(joined):
    """NetworkClient::connected: EBADF is not on its list of ends. Counting the bytes stops the client; so the command
    itself does, or the look at all sockets that follows every command."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        joined.network.routes["10.0.0.1", 80] = listener.getsockname()[1]
        ask(joined, connect_command("a.example", 80, 0, 0))
        joined.lose_access_point()
        assert ask(joined, "e0 2f 01 01 00 ee 00 00") == "e0 af 01 01 04 ee 00 00"
        assert ask(joined, "e0 2f 01 01 00 ee 00 00") == "e0 af 01 01 00 ee 00 00"
        assert ask(joined, "e0 20 00 ee") == "e0 a0 01 01 05 ee 00 00"
        joined.find_access_point()
        assert ask(joined, "e0 20 00 ee") == "e0 a0 01 01 03 ee 00 00"


def test_defect_a_number_that_has_listened_is_no_use_for_a_client(joined):
    """stopClientTcp stops the slot's client, never its server; availDataTcp then takes the client for the server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        joined.network.routes["10.0.0.1", 80] = listener.getsockname()[1]
        ask(joined, "e0 28 03 02 1f 90 01 00 01 00 ee 00")
        ask(joined, "e0 2e 01 01 00 ee 00 00")
        assert ask(joined, "e0 3f 00 ee") == "e0 bf 01 01 00 ee 00 00"
        assert ask(joined, "e0 29 01 01 00 ee 00 00") == "e0 a9 01 01 01 ee 00 00"
        ask(joined, connect_command("a.example", 80, 0, 0))
        listener.accept()[0].close()
        assert ask(joined, "e0 2b 01 01 00 ee 00 00") == "e0 ab 01 02 ff 00 ee 00"
        joined.reboot()
        assert ask(joined, "e0 29 01 01 00 ee 00 00") == "e0 a9 01 01 00 ee 00 00"


def test_defect_the_state_of_a_datagram_socket_frees_its_number(joined):
    ask(joined, "e0 28 03 02 04 00 01 00 01 01 ee 00")
    assert joined.table.in_use == [0]
    assert ask(joined, "e0 2f 01 01 00 ee 00 00") == "e0 af 01 01 00 ee 00 00"
    assert joined.table.in_use == []


def test_defect_the_accept_flag_is_read_from_the_padding(joined):
    """availDataTcp reads command[6] whether it was sent or not; without it a visitor that finds no room is dropped."""
    ask(joined, "e0 28 03 02 00 50 01 00 01 00 ee 00")
    for number in range(1, 6):
        joined.table.slots[number].mode = 1
    with socket.create_connection(joined.address_of(80)) as visitor:
        visitor.settimeout(5)
        # With the flag, the visitor goes on waiting.
        assert ask(joined, "e0 2b 01 01 00 ee 01 00") == "e0 ab 01 02 ff 00 ee 00"
        assert ask(joined, "e0 2b 01 01 00 ee 00 00") == "e0 ab 01 02 ff 00 ee 00"
        assert visitor.recv(1) == b""


def test_defect_input_on_one_number_keeps_datagrams_from_a_later_one(joined):
    """updateGpio0Pin stops at the first number with input, and takes datagrams in nowhere else."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(type=socket.SOCK_DGRAM) as peer:
        joined.network.routes["10.0.0.1", 80] = listener.getsockname()[1]
        ask(joined, connect_command("a.example", 80, 0, 0))
        ask(joined, "e0 28 03 02 04 00 01 01 01 01 ee 00")
        visitor = listener.accept()[0]
        visitor.sendall(b"x")
        peer.sendto(b"datagram", joined.address_of(1024, "udp"))
        for _ in range(5):
            assert ask(joined, "e0 2b 01 01 01 ee 00 00") == "e0 ab 01 02 00 00 ee 00"
        ask(joined, "e0 45 02 00 01 00 00 02 0a 00 ee 00")
        assert ask(joined, "e0 2b 01 01 01 ee 00 00") == "e0 ab 01 02 08 00 ee 00"
        visitor.close()


# -- faults


def test_ready_stuck_either_way(bare):
    bare.faults.ready = True
    assert bare.ready.value is True
    bare.faults.ready = False
    bare.chip_select.value = False
    assert bare.ready.value is False
    bare.chip_select.value = True
    bare.faults.clear()
    assert bare.ready.value is False


def test_a_deaf_chip_comes_back_by_reset_only(bare):
    bare.faults.deaf = True
    clock_in(bare, bytes.fromhex("e0 20 00 ee"))
    assert clock_out(bare, 4) == bytes(4)
    bare.reset.value = False
    assert bare.ready.value is True
    bare.reset.value = True
    assert ask(bare, "e0 20 00 ee") == "e0 a0 01 01 00 ee 00 00"


def test_a_mute_chip_answers_nothing_but_errors(bare):
    bare.faults.mute = True
    assert ask(bare, "e0 20 00 ee") == ERROR


def test_a_slow_chip_is_busy_for_as_long_as_told(bare):
    now = [0.0]
    bare._slave._clock = lambda: now[0]
    bare.faults.delay = 0.5
    clock_in(bare, bytes.fromhex("e0 20 00 ee"))
    assert bare.ready.value is True
    now[0] = 0.6
    assert bare.ready.value is False
    assert clock_out(bare)[:4].hex(" ") == "e0 a0 01 01"


def test_a_failure_of_the_emulator_itself_is_logged_and_answered(bare, caplog):
    bare.firmware._handlers[0x20] = (lambda _: 1 / 0, ((),))
    assert ask(bare, "e0 20 00 ee") == ERROR
    assert "ZeroDivisionError" in caplog.text
