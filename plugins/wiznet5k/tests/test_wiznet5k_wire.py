"""The emulator at its wire, byte by byte, without the vendor's library: what the datasheets say a chip does.

The host side is written from the datasheets alone (W5500 1.0.9, W5100S 1.2): frames, addresses, commands.
"""

import select
import socket
import struct
import threading

import pytest

from radiopool_wiznet5k.emulator import Bus, Emulator

# Sn_SR and Sn_IR values, W5500 datasheet, section 4.2.
CLOSED, INIT, LISTEN, SYNSENT, ESTABLISHED, FIN_WAIT, CLOSE_WAIT, UDP = 0x00, 0x13, 0x14, 0x15, 0x17, 0x18, 0x1C, 0x22
CON, DISCON, RECV, TIMEOUT, SENDOK = 1, 2, 4, 8, 16


class Clock:
    """Seconds that pass when told."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Host:
    """A microcontroller with a W5500 on its bus."""

    def __init__(self, emulator):
        self.emulator = emulator
        emulator.chip_select.switch_to_output(value=True)

    def transfer(self, outgoing, count=0):
        bus, pin = self.emulator.bus, self.emulator.chip_select
        assert bus.try_lock()
        pin.value = False
        bus.write(outgoing)
        incoming = bytearray(count)
        if count:
            bus.readinto(incoming)
        pin.value = True
        bus.unlock()
        return bytes(incoming)

    def read(self, block, address, count=1):
        return self.transfer(struct.pack(">HB", address, block << 3), count)

    def write(self, block, address, data):
        self.transfer(struct.pack(">HB", address, block << 3 | 0b100) + data)

    # A socket's registers and rings.

    def get(self, number, register, count=1):
        return int.from_bytes(self.read(4 * number + 1, register, count), "big")

    def set(self, number, register, value, count=1):
        self.write(4 * number + 1, register, value.to_bytes(count, "big"))

    def read_rx(self, number, pointer, count):
        return self.read(4 * number + 3, pointer, count)

    def write_tx(self, number, pointer, data):
        self.write(4 * number + 2, pointer, data)

    def common(self, address, count=1):
        return self.read(0, address, count)

    def set_common(self, address, data):
        self.write(0, address, data)

    rtr_at, link_at, interrupts_at, sockets = 0x19, 0x2E, 0x17, 8


class W5100SHost(Host):
    """A microcontroller with a W5100S."""

    rtr_at, link_at, interrupts_at, sockets = 0x17, 0x3C, 0x15, 4

    def read(self, block, address, count=1):
        return self.transfer(struct.pack(">BH", 0x0F, address), count)

    def write(self, block, address, data):
        self.transfer(struct.pack(">BH", 0xF0, address) + data)

    def get(self, number, register, count=1):
        return int.from_bytes(self.read(None, 0x400 + 0x100 * number + register, count), "big")

    def set(self, number, register, value, count=1):
        self.write(None, 0x400 + 0x100 * number + register, value.to_bytes(count, "big"))

    def read_rx(self, number, pointer, count):
        return b"".join(self.read(None, 0x6000 + 0x800 * number + (pointer + i) % 0x800) for i in range(count))

    def write_tx(self, number, pointer, data):
        for i, byte in enumerate(data):
            self.write(None, 0x4000 + 0x800 * number + (pointer + i) % 0x800, bytes((byte,)))


HOSTS = {"w5500": Host, "w5100s": W5100SHost}


@pytest.fixture(params=HOSTS)
def chip(request):
    clock = Clock()
    with Emulator(request.param, clock=clock) as emulator:
        host = HOSTS[request.param](emulator)
        host.clock = clock
        yield host


@pytest.fixture
def w5500():
    with Emulator("w5500") as emulator:
        yield Host(emulator)


@pytest.fixture
def w5100s():
    with Emulator("w5100s") as emulator:
        yield W5100SHost(emulator)


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def command(host, number, code):
    host.set(number, 0x01, code)
    assert host.get(number, 0x01) == 0, "Sn_CR reads 0 once the command was accepted"


def until(host, number, status):
    """Poll Sn_SR, which the host's kernel changes within moments."""
    for _ in range(2000):
        if host.get(number, 0x03) == status:
            return
        select.select([], [], [], 0.001)
    assert host.get(number, 0x03) == status


def until_received(host, number, count):
    for _ in range(2000):
        if host.get(number, 0x26, 2) >= count:
            return
        select.select([], [], [], 0.001)
    assert host.get(number, 0x26, 2) == count


def open_tcp(host, number, port=5000):
    host.set(number, 0x00, 0x01)
    host.set(number, 0x04, port, 2)
    command(host, number, 0x01)
    assert host.get(number, 0x03) == INIT


def connect(host, number, address):
    open_tcp(host, number)
    host.set(number, 0x0C, int.from_bytes(socket.inet_aton(address[0]), "big"), 4)
    host.set(number, 0x10, address[1], 2)
    command(host, number, 0x04)


def connected(host, number, listener):
    connect(host, number, listener.getsockname())
    peer = listener.accept()[0]
    until(host, number, ESTABLISHED)
    return peer


def send(host, number, data):
    pointer = host.get(number, 0x24, 2)
    host.write_tx(number, pointer, data)
    host.set(number, 0x24, (pointer + len(data)) & 0xFFFF, 2)
    command(host, number, 0x20)


def receive(host, number, count):
    pointer = host.get(number, 0x28, 2)
    data = host.read_rx(number, pointer, count)
    host.set(number, 0x28, (pointer + count) & 0xFFFF, 2)
    command(host, number, 0x40)
    return data


# Frames.


def test_w5500_values_after_reset(w5500):
    assert w5500.common(0x00) == b"\x00"
    assert w5500.common(0x39) == b"\x04"  # VERSIONR
    assert w5500.common(0x19, 3) == b"\x07\xd0\x08"  # RTR 2000, RCR 8
    assert w5500.common(0x2E)[0] & 0x01  # PHYCFGR: link
    assert w5500.get(0, 0x1E) == w5500.get(7, 0x1F) == 2
    assert w5500.get(3, 0x06, 6) == 0xFFFFFFFFFFFF
    assert w5500.get(3, 0x20, 2) == 2048


def test_w5100s_values_after_reset(w5100s):
    assert w5100s.common(0x00) == b"\x03"
    assert w5100s.common(0x80) == b"\x51"  # VERR
    assert w5100s.common(0x17, 3) == b"\x07\xd0\x08"
    assert w5100s.common(0x1A, 2) == b"\x55\x55"  # RMSR, TMSR: 2 KiB each
    assert w5100s.common(0x3C)[0] & 0x01  # PHYSR0: link


def test_frames_may_come_in_any_pieces(w5500):
    bus, pin = w5500.emulator.bus, w5500.emulator.chip_select
    whole = b"\x00\x0f\x04\xc0\xa8\x00\x07"
    for cut in range(1, len(whole)):
        w5500.set_common(0x0F, bytes(4))
        assert bus.try_lock()
        pin.value = False
        bus.write(whole[:cut])
        bus.write(whole[cut:])
        pin.value = True
        bus.unlock()
        assert w5500.common(0x0F, 4) == b"\xc0\xa8\x00\x07"


def test_a_frame_in_one_full_duplex_exchange(w5500):
    bus, pin = w5500.emulator.bus, w5500.emulator.chip_select
    assert bus.try_lock()
    pin.value = False
    incoming = bytearray(4)
    bus.write_readinto(b"\x00\x39\x00\xff", incoming)
    pin.value = True
    bus.unlock()
    assert incoming[3] == 0x04


def test_w5500_fixed_length_frames_follow_each_other_in_one_session(w5500):
    # Operation mode 01: one byte of data. SUBR (0005) and GAR (0001) written without raising chip select.
    w5500.transfer(b"\x00\x05\x05\xff" + b"\x00\x01\x05\x0a")
    assert w5500.common(0x05, 2) == b"\xff\x00"
    assert w5500.common(0x01, 2) == b"\x0a\x00"
    assert w5500.transfer(b"\x00\x05\x02", 2) == b"\xff\x00"  # mode 10: two bytes


def test_w5100s_ignores_other_control_bytes(w5100s):
    w5100s.transfer(b"\xf0\x00\x01\x0a")
    w5100s.transfer(b"\xf1\x00\x01\x63")
    assert w5100s.common(0x01) == b"\x0a"
    assert w5100s.transfer(b"\x0e\x00\x01", 1) == b"\x00"


def test_addresses_increment_across_registers(chip):
    chip.set_common(0x01, bytes(range(1, 19)))
    assert chip.common(0x01, 18) == bytes(range(1, 19))
    assert chip.common(0x09, 6) == bytes(range(9, 15))


def test_chip_selects_and_bytes_are_counted(w5500):
    emulator = w5500.emulator
    before = emulator.chip_selects, emulator.bus.bytes_out, emulator.bus.bytes_in
    w5500.common(0x01, 4)
    assert (emulator.chip_selects, emulator.bus.bytes_out, emulator.bus.bytes_in) == (
        before[0] + 1,
        before[1] + 3,
        before[2] + 4,
    )


def test_a_chip_that_is_not_selected_hears_nothing():
    bus = Bus()
    with Emulator("w5500", bus=bus) as one, Emulator("w5100s", bus=bus) as other:
        Host(one).set_common(0x01, b"\x01\x02\x03\x04")
        W5100SHost(other).set_common(0x01, b"\x05\x06\x07\x08")
        assert Host(one).common(0x01, 4) == b"\x01\x02\x03\x04"
        assert W5100SHost(other).common(0x01, 4) == b"\x05\x06\x07\x08"
        assert bus.try_lock()
        nothing = bytearray(2)
        bus.readinto(nothing)
        bus.unlock()
        assert nothing == b"\xff\xff"


def test_the_bus_must_be_locked(w5500):
    with pytest.raises(RuntimeError, match="requires lock"):
        w5500.emulator.bus.write(b"\x00")


def test_software_reset(chip):
    chip.set_common(0x0F, b"\x0a\x00\x00\x02")
    open_tcp(chip, 1)
    chip.set_common(0x00, b"\x80")
    assert chip.common(0x0F, 4) == bytes(4)
    assert chip.get(1, 0x03) == CLOSED
    assert chip.common(0x00)[0] & 0x80 == 0


def test_reset_pin(chip):
    chip.set_common(0x0F, b"\x0a\x00\x00\x02")
    chip.emulator.reset.switch_to_output(value=True)
    chip.emulator.reset.value = False
    chip.emulator.reset.value = True
    assert chip.common(0x0F, 4) == bytes(4)


def test_version_and_status_are_read_only(chip):
    version = 0x39 if chip.sockets == 8 else 0x80
    before = chip.common(version)
    chip.set_common(version, b"\xaa")
    assert chip.common(version) == before
    chip.set(0, 0x03, 0x17)
    assert chip.get(0, 0x03) == CLOSED


# Rings.


def test_w5500_rings_wrap_by_themselves(w5500):
    w5500.write(4 * 2 + 2, 0x07FE, b"abcd")
    assert w5500.read(4 * 2 + 2, 0x0000, 2) == b"cd"
    assert w5500.read(4 * 2 + 2, 0xFFFE, 4) == b"abcd"


def test_w5500_buffers_are_apart_and_sized_by_their_registers(w5500):
    w5500.write(4 * 1 + 2, 0, b"one")
    w5500.write(4 * 2 + 2, 0, b"two")
    assert w5500.read(4 * 1 + 2, 0, 3) == b"one"
    w5500.set(1, 0x1F, 4)
    assert w5500.get(1, 0x20, 2) == 4096
    w5500.set(0, 0x1F, 16)
    # 16 KiB for socket 0 leave nothing for the others.
    assert w5500.get(1, 0x20, 2) == 0


def test_w5100s_memory_is_flat(w5100s):
    # Auto-increment goes on into the next socket's memory; the host splits at the ring's end.
    w5100s.write(None, 0x47FF, b"xy")
    assert w5100s.read(None, 0x4800, 1) == b"y"
    w5100s.set_common(0x1B, b"\xaa")  # TMSR: 4 KiB each for the first two
    assert [w5100s.get(number, 0x20, 2) for number in range(4)] == [4096, 4096, 0, 0]


# TCP.


def test_connect_send_receive(chip, listener):
    peer = connected(chip, 1, listener)
    with peer:
        assert chip.get(1, 0x02) == CON
        chip.set(1, 0x02, CON)
        assert chip.get(1, 0x02) == 0
        send(chip, 1, b"hello")
        assert peer.recv(10) == b"hello"
        assert chip.get(1, 0x02) & SENDOK
        assert chip.get(1, 0x22, 2) == chip.get(1, 0x24, 2) == 5
        peer.sendall(b"goodbye")
        until_received(chip, 1, 7)
        assert chip.get(1, 0x02) & RECV
        # Sn_RX_RD counts only with RECV.
        chip.set(1, 0x28, 3, 2)
        assert chip.get(1, 0x26, 2) == 7
        chip.set(1, 0x28, 0, 2)
        assert receive(chip, 1, 4) == b"good"
        assert chip.get(1, 0x26, 2) == 3
        assert receive(chip, 1, 3) == b"bye"
        command(chip, 1, 0x08)
        assert peer.recv(1) == b""
        peer.close()
        until(chip, 1, CLOSED)
        assert chip.get(1, 0x02) & DISCON


@pytest.mark.parametrize("first", [0, 0x07FD, 0xFFF0])
def test_pointers_run_through_sixteen_bits(chip, listener, first):
    chip.emulator.chip.first_pointer = first
    peer = connected(chip, 0, listener)
    with peer:
        for turn in range(3):
            data = bytes((turn,)) * 1500
            send(chip, 0, data)
            assert peer.recv(1500, socket.MSG_WAITALL) == data
            peer.sendall(data)
            until_received(chip, 0, 1500)
            assert receive(chip, 0, 1500) == data
        assert chip.get(0, 0x24, 2) == (first + 4500) & 0xFFFF
        command(chip, 0, 0x10)


def test_the_receive_ring_is_the_window(chip, listener):
    peer = connected(chip, 0, listener)
    with peer:
        peer.sendall(bytes(5000))
        until_received(chip, 0, 2048)
        assert chip.get(0, 0x26, 2) == 2048
        receive(chip, 0, 2048)
        until_received(chip, 0, 2048)
        receive(chip, 0, 2048)
        until_received(chip, 0, 904)
        command(chip, 0, 0x10)


def test_refused_is_closed(chip, listener):
    address = listener.getsockname()
    listener.close()
    connect(chip, 1, address)
    until(chip, 1, CLOSED)
    assert not chip.get(1, 0x02) & (CON | TIMEOUT)


def test_a_fin_leaves_the_other_half_open(chip, listener):
    peer = connected(chip, 1, listener)
    with peer:
        peer.sendall(b"last words")
        peer.shutdown(socket.SHUT_WR)
        until(chip, 1, CLOSE_WAIT)
        assert chip.get(1, 0x02) & DISCON
        assert receive(chip, 1, 10) == b"last words"
        send(chip, 1, b"understood")
        assert peer.recv(20) == b"understood"
        command(chip, 1, 0x08)
        assert peer.recv(1) == b""
        until(chip, 1, CLOSED)


def test_a_reset_closes_but_keeps_what_was_received(chip, listener):
    peer = connected(chip, 1, listener)
    peer.sendall(b"kept")
    until_received(chip, 1, 4)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    until(chip, 1, CLOSED)
    assert chip.get(1, 0x26, 2) == 4
    assert not chip.get(1, 0x02) & DISCON


def test_close_ends_without_the_disconnect_process(chip, listener):
    peer = connected(chip, 1, listener)
    with peer:
        command(chip, 1, 0x10)
        assert chip.get(1, 0x03) == CLOSED
        with pytest.raises(ConnectionResetError):
            peer.recv(1)


def test_disconnect_before_a_connection_closes(chip):
    open_tcp(chip, 1)
    command(chip, 1, 0x08)
    assert chip.get(1, 0x03) == CLOSED
    # No FIN was exchanged, so nothing says DISCON: a host that waits for it waits for ever.
    assert chip.get(1, 0x02) == 0


def test_commands_out_of_place_change_nothing(chip):
    for code in (0x02, 0x04, 0x08, 0x20, 0x40, 0x99):
        command(chip, 1, code)
        assert chip.get(1, 0x03) == CLOSED
    chip.set(1, 0x00, 0x04)  # MACRAW is for socket 0 alone
    command(chip, 1, 0x01)
    assert chip.get(1, 0x03) == CLOSED
    chip.set(0, 0x00, 0x04)
    command(chip, 0, 0x01)
    assert chip.get(0, 0x03) == 0x42


def test_retry_time_and_count(chip):
    chip.set_common(0x05, b"\xff\xff\xff\x00")
    chip.set_common(0x0F, b"\x0a\x00\x00\x02")
    # Beyond the gateway: 31.8 s. The datasheet's own example.
    connect(chip, 1, ("203.0.113.1", 80))
    chip.clock.now += 31.7
    assert chip.get(1, 0x03) == SYNSENT
    chip.clock.now += 0.2
    assert chip.get(1, 0x03) == CLOSED
    assert chip.get(1, 0x02) & TIMEOUT
    # On the local network nobody answers ARP: 1.8 s.
    chip.emulator.faults.vanish("10.0.0.9")
    connect(chip, 1, ("10.0.0.9", 80))
    chip.clock.now += 1.7
    assert chip.get(1, 0x03) == SYNSENT
    chip.clock.now += 0.2
    assert chip.get(1, 0x03) == CLOSED
    # RTR 1000 (100 ms), RCR 2: 100 + 200 + 400 ms.
    chip.set_common(chip.rtr_at, b"\x03\xe8\x02")
    connect(chip, 1, ("203.0.113.1", 80))
    chip.clock.now += 0.69
    assert chip.get(1, 0x03) == SYNSENT
    chip.clock.now += 0.02
    assert chip.get(1, 0x03) == CLOSED


def test_a_peer_that_is_gone_ends_by_time_out(chip, listener):
    peer = connected(chip, 1, listener)
    with peer:
        chip.set(1, 0x02, 0xFF)
        chip.emulator.faults.vanish("127.0.0.1")
        send(chip, 1, b"hello?")
        chip.clock.now += 31.7
        assert chip.get(1, 0x03) == ESTABLISHED
        assert not chip.get(1, 0x02) & SENDOK
        assert chip.get(1, 0x20, 2) == 2048 - 6
        chip.clock.now += 0.2
        assert chip.get(1, 0x03) == CLOSED
        assert chip.get(1, 0x02) & TIMEOUT
        chip.emulator.faults.come_back("127.0.0.1")


def test_a_short_silence_loses_nothing(chip, listener):
    peer = connected(chip, 1, listener)
    with peer:
        chip.emulator.unplug()
        assert not chip.common(chip.link_at)[0] & 1
        send(chip, 1, b"across")
        peer.sendall(b"the gap")
        chip.clock.now += 20
        assert chip.get(1, 0x26, 2) == 0
        chip.emulator.plug()
        assert chip.common(chip.link_at)[0] & 1
        until_received(chip, 1, 7)
        assert receive(chip, 1, 7) == b"the gap"
        assert peer.recv(10) == b"across"
        command(chip, 1, 0x10)


def test_a_connection_forgotten_without_a_cable_is_reset_when_it_is_back(chip, listener):
    peer = connected(chip, 1, listener)
    with peer:
        chip.emulator.unplug()
        command(chip, 1, 0x10)
        peer.setblocking(False)
        with pytest.raises(BlockingIOError):
            peer.recv(1)
        chip.emulator.plug()
        peer.settimeout(5)
        with pytest.raises(ConnectionResetError):
            peer.recv(1)


def test_a_peer_that_does_not_read_stalls_but_does_not_time_out(chip):
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        peer = connected(chip, 1, listener)
        with peer:
            sent = 0
            while chip.get(1, 0x20, 2) == 2048:
                send(chip, 1, bytes(2000))
                sent += 2000
            chip.set(1, 0x02, 0xFF)
            chip.clock.now += 60
            assert chip.get(1, 0x03) == ESTABLISHED
            assert not chip.get(1, 0x02) & SENDOK
            got = 0
            while got < sent:
                got += len(peer.recv(65536))
                chip.get(1, 0x02)
            assert chip.get(1, 0x02) & SENDOK
            command(chip, 1, 0x10)


def test_server_sockets_take_one_client_each(chip):
    door = chip.emulator.door(8080)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(door)
    open_tcp(chip, 1, 8080)
    command(chip, 1, 0x02)
    assert chip.get(1, 0x03) == LISTEN
    with socket.create_connection(door) as client:
        until(chip, 1, ESTABLISHED)
        assert chip.get(1, 0x02) & CON
        assert chip.get(1, 0x0C, 4) == 0x7F000001
        assert chip.get(1, 0x10, 2) == client.getsockname()[1]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(door)
        open_tcp(chip, 2, 8080)
        command(chip, 2, 0x02)
        with socket.create_connection(door) as second:
            until(chip, 2, ESTABLISHED)
            second.sendall(b"two")
            client.sendall(b"first")
            until_received(chip, 2, 3)
            until_received(chip, 1, 5)
            assert receive(chip, 1, 5) == b"first"
            command(chip, 2, 0x10)
        command(chip, 1, 0x10)


def test_socket_interrupts_are_gathered(chip, listener):
    peer = connected(chip, 1, listener)
    with peer:
        assert chip.common(chip.interrupts_at)[0] & 0x0F == 0b0010
        chip.set(1, 0x02, 0xFF)
        assert chip.common(chip.interrupts_at)[0] & 0x0F == 0
        command(chip, 1, 0x10)


# UDP.


def open_udp(host, number, port):
    host.set(number, 0x00, 0x02)
    host.set(number, 0x04, port, 2)
    command(host, number, 0x01)
    assert host.get(number, 0x03) == UDP


def aim(host, number, address, port):
    host.set(number, 0x0C, int.from_bytes(socket.inet_aton(address), "big"), 4)
    host.set(number, 0x10, port, 2)


def test_datagrams_have_a_header_of_eight_bytes(chip):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(5)
        open_udp(chip, 1, 5001)
        aim(chip, 1, "127.0.0.1", peer.getsockname()[1])
        send(chip, 1, b"ping")
        assert chip.get(1, 0x02) & SENDOK
        data, source = peer.recvfrom(100)
        assert data == b"ping"
        assert source == chip.emulator.datagram_door(5001)
        peer.sendto(b"pong!", source)
        peer.sendto(b"", source)
        until_received(chip, 1, 21)
        header = receive(chip, 1, 8)
        assert header == socket.inet_aton("127.0.0.1") + struct.pack(">HH", peer.getsockname()[1], 5)
        assert receive(chip, 1, 5) == b"pong!"
        assert receive(chip, 1, 8)[6:] == b"\0\0"
        command(chip, 1, 0x10)


def test_what_does_not_fit_is_dropped(chip):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(5)
        open_udp(chip, 1, 5001)
        door = chip.emulator.datagram_door(5001)
        peer.sendto(bytes(1473), door)  # a fragment: the chip does not reassemble
        peer.sendto(bytes(1472), door)
        peer.sendto(bytes(1472), door)  # no room
        peer.sendto(b"small", door)
        until_received(chip, 1, 1480 + 13)
        assert chip.get(1, 0x26, 2) == 1480 + 13
        command(chip, 1, 0x10)


def test_a_datagram_to_nobody_on_the_local_network_times_out(chip):
    chip.set_common(0x05, b"\xff\xff\xff\x00")
    chip.set_common(0x0F, b"\x0a\x00\x00\x02")
    chip.emulator.faults.vanish("10.0.0.9")
    open_udp(chip, 1, 5001)
    aim(chip, 1, "10.0.0.9", 9)
    send(chip, 1, b"x")
    assert not chip.get(1, 0x02) & (SENDOK | TIMEOUT)
    chip.clock.now += 1.9
    assert chip.get(1, 0x02) & TIMEOUT
    assert chip.get(1, 0x03) == UDP
    command(chip, 1, 0x10)


def test_names_are_answered_or_refused_or_forwarded(chip):
    network = chip.emulator.network
    network.hosts["printer.test"] = "10.1.2.3"
    query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07%s\x04test\x00\x00\x01\x00\x01"
    open_udp(chip, 0, 5353)
    aim(chip, 0, "10.0.0.1", 53)
    send(chip, 0, query % b"printer")
    size = chip.get(0, 0x26, 2)
    reply = receive(chip, 0, size)
    assert reply[:6] == bytes((10, 0, 0, 1)) + struct.pack(">H", 53)
    assert reply[8:12] == b"\x12\x34\x81\x80"
    assert reply[-6:] == b"\x00\x04\x0a\x01\x02\x03"
    send(chip, 0, query % b"unknown")
    refusal = receive(chip, 0, chip.get(0, 0x26, 2))
    assert refusal[11] & 0x0F == 3
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as resolver:
        resolver.bind(("127.0.0.1", 0))
        resolver.settimeout(5)
        network.dns_server = resolver.getsockname()
        send(chip, 0, query % b"unknown")
        asked, source = resolver.recvfrom(512)
        assert asked == query % b"unknown"
        resolver.sendto(b"an answer", source)
        until_received(chip, 0, 17)
        # It comes from whom the chip asked.
        assert receive(chip, 0, 17) == bytes((10, 0, 0, 1)) + b"\x00\x35\x00\x09an answer"
    chip.emulator.faults.dns_silent = True
    send(chip, 0, query % b"printer")
    assert chip.get(0, 0x26, 2) == 0
    command(chip, 0, 0x10)


def dhcp(kind, mac, *options):
    message = bytearray(240)
    message[0:4] = b"\x01\x01\x06\x00"
    message[4:8] = b"\xde\xad\xbe\xef"
    message[28:34] = mac
    message[236:240] = b"\x63\x82\x53\x63"
    return bytes(message) + b"\x35\x01" + bytes((kind,)) + b"".join(options) + b"\xff"


def test_the_lease_server(chip):
    server = chip.emulator.lease_server
    mac = b"\x02\x00\x00\x00\x00\x01"
    open_udp(chip, 0, 68)
    aim(chip, 0, "255.255.255.255", 67)

    def ask(message):
        send(chip, 0, message)
        size = chip.get(0, 0x26, 2)
        return receive(chip, 0, size)[8:] if size else b""

    offer = ask(dhcp(1, mac))
    assert offer[0] == 2 and offer[4:8] == b"\xde\xad\xbe\xef" and offer[28:34] == mac
    assert offer[240:243] == b"\x35\x01\x02"
    address = offer[16:20]
    ack = ask(dhcp(3, mac, b"\x32\x04" + address, b"\x36\x04" + server.address))
    assert ack[240:243] == b"\x35\x01\x05" and ack[16:20] == address
    assert b"\x33\x04\x00\x00\x0e\x10" in ack  # 3600 s
    assert server.leases[mac][0] == address
    # Another client is offered another address; one that is not its own is refused; another server's is not ours.
    assert ask(dhcp(1, b"\x02\0\0\0\0\x02"))[16:20] != address
    assert ask(dhcp(3, b"\x02\0\0\0\0\x02", b"\x32\x04" + address))[240:243] == b"\x35\x01\x06"
    assert ask(dhcp(3, mac, b"\x32\x04" + address, b"\x36\x04\x0a\x0a\x0a\x0a")) == b""
    chip.emulator.faults.dhcp_silent = True
    assert ask(dhcp(1, mac)) == b""
    command(chip, 0, 0x10)


# Routes and the rest.


def test_routes_stand_for_addresses_and_names(listener):
    port = listener.getsockname()[1]
    with Emulator(
        routes={("www.test", 80): port, ("192.0.2.7", 443): ("127.0.0.1", port), ("www.test", 81): None}
    ) as e:
        host = Host(e)
        named = e.network.address_of("WWW.test")
        for address in ((named, 80), ("192.0.2.7", 443)):
            connect(host, 1, address)
            listener.accept()[0].close()
            until(host, 1, CLOSE_WAIT)
            command(host, 1, 0x10)
        connect(host, 1, (named, 81))
        assert host.get(1, 0x03) == SYNSENT
        command(host, 1, 0x10)


def test_wrong_arguments_say_so():
    with pytest.raises(ValueError, match="no chip 'w9000': choose one of w5500, w5100s"):
        Emulator("w9000")
    with pytest.raises(ValueError, match="300"):
        Emulator(hosts={"a.test": "300.1.1.1"})


def test_the_trace_names_what_it_saw(w5500, w5100s):
    for host in (w5500, w5100s):
        trace = host.emulator.trace
        trace.start()
        host.set(1, 0x01, 0x01)
        host.get(1, 0x26, 2)
        host.common(0x01)
        lines = [str(frame) for frame in trace.stop()]
        assert lines == ["write socket 1 Sn_CR: 01", "read  socket 1 Sn_RX_RSR: 00 00", "read  common 0001: 00"]
        host.get(1, 0x03)
        assert len(trace.frames) == 3


def test_no_thread_and_no_socket_is_left():
    before = threading.active_count()
    with Emulator() as emulator:
        host = Host(emulator)
        open_tcp(host, 1, 8081)
        command(host, 1, 0x02)
        door = emulator.door(8081)
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(door)


def test_two_chips_that_listen_on_one_port_have_a_door_each():
    with Emulator("w5500") as one, Emulator("w5100s") as other:
        assert one.door(8095) != other.door(8095)
        assert one.datagram_door(8095) == one.datagram_door(8095)
        for host in (Host(one), W5100SHost(other)):
            open_tcp(host, 1, 8095)
            command(host, 1, 0x02)
        with socket.create_connection(other.door(8095)):
            until(W5100SHost(other), 1, ESTABLISHED)
            assert Host(one).get(1, 0x03) == LISTEN


def test_whoever_waits_when_the_last_listener_goes_is_reset(chip):
    open_tcp(chip, 1, 8096)
    command(chip, 1, 0x02)
    door = chip.emulator.door(8096)
    with socket.create_connection(door) as client:
        command(chip, 1, 0x10)
        client.settimeout(5)
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(door)
    open_tcp(chip, 2, 8096)
    command(chip, 2, 0x02)
    with socket.create_connection(door):
        until(chip, 2, ESTABLISHED)
        command(chip, 2, 0x10)
