"""The driver's board files, on MicroPython and on CPython, over a stand-in for the vendor's chip object.

The stand-in is what the vendor's WIZNET5K is to our sockets, with a peer that the test plays; that the real one
behaves so is shown in the tests beside this folder, over the emulated wire.
"""

import errno
import sys

from expect import raises


class WIZNET5K:
    """A chip with four sockets and a peer that answers what `replies` says."""

    _sockets_reserved = []
    max_sockets = 4
    chip = "w5500"

    def __init__(self):
        self.status = [0] * 4
        self.interrupts = [0] * 4
        self.received = [b""] * 4
        self.sent = [b""] * 4
        self.writing = b""
        self.link_status = True
        self.connects_to = 0x17
        self.src_port = 0
        self.ipv4_address = "10.0.0.2"
        self.ifconfig = (b"\x0a\0\0\2", b"\xff\0\0\0", b"\x0a\0\0\1", b"\0\0\0\0")
        self.udp_from_ip = [b"\x0a\0\0\x09"] * 4
        self.udp_from_port = [9] * 4

    def socket_status(self, number):
        return self.status[number]

    def socket_open(self, number, conn_mode=0x21):
        self.status[number] = 0x22 if conn_mode == 2 else 0x13

    def socket_listen(self, number, port):
        self.status[number] = 0x14

    def socket_disconnect(self, number):
        self.interrupts[number] |= 2

    def socket_close(self, number):
        self.status[number] = 0

    def read_snir(self, number):
        return self.interrupts[number]

    def write_snir(self, number, bits):
        self.interrupts[number] &= ~bits

    def remote_ip(self, number):
        return "10.0.0.9"

    def remote_port(self, number):
        return 9

    def unpretty_ip(self, address):
        return bytes([int(octet) for octet in address.split(".")])

    def pretty_ip(self, address):
        return ".".join([str(octet) for octet in address])

    def read_udp(self, number, length):
        payload, self.received[number] = self.received[number][8:], b""
        return len(payload[:length]), payload[:length]

    def _write_sndipr(self, number, address):
        pass

    def _write_sndport(self, number, port):
        pass

    def _write_sncr(self, number, command):
        if command == 0x04:
            self.status[number] = self.connects_to
        elif command == 0x20:
            self.sent[number] += self.writing
            self.interrupts[number] |= 0x10
        elif command == 0x40:
            self.received[number] = b""

    def _get_tx_free_size(self, number):
        return 2048

    def _read_sntx_wr(self, number):
        return 0

    def _write_sntx_wr(self, number, pointer):
        pass

    def _chip_socket_write(self, number, offset, count, data):
        self.writing = bytes(data[:count])

    def _get_rx_rcv_size(self, number):
        return len(self.received[number])

    def _read_snrx_rd(self, number):
        return 0

    def _write_snrx_rd(self, number, pointer):
        pass

    def _chip_socket_read(self, number, pointer, size):
        return self.received[number][:size]


class VendorSocket:
    def __init__(self, pool, type=1):
        self._socknum = pool._interface.get_socket(reserve_socket=True)


class VendorPool:
    def __init__(self, radio):
        self._interface = radio


class vendor:
    """Stands for the package and its modules; `__path__` makes it a package."""

    __path__ = "."
    WIZNET5K = WIZNET5K
    SocketPool = VendorPool
    Socket = VendorSocket


NAMES = ("adafruit_wiznet5k", "adafruit_wiznet5k.adafruit_wiznet5k", "adafruit_wiznet5k.adafruit_wiznet5k_socketpool")


class Board:
    """A driver, its pool and the stand-in, with the vendor's modules replaced meanwhile."""

    def __enter__(self):
        from radiopool_wiznet5k import WIZNET5KDriver

        self._before = [(name, sys.modules.get(name)) for name in NAMES]
        for name in NAMES:
            sys.modules[name] = vendor
        self.driver = WIZNET5KDriver()
        self.radio = WIZNET5K()
        self.pool = self.driver.socket_pool(self.radio)
        return self

    def __exit__(self, *_):
        for name, module in self._before:
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module

    def connected(self):
        return self.driver.connect(self.pool, "10.0.0.9", 80, timeout=1)


def number_of(error):
    return error.args[0]


def test_the_driver_says_what_the_chip_can():
    with Board() as board:
        traits = board.driver.traits(board.radio)
        assert traits.budget == (3, None)
        assert traits.udp and traits.listen and not traits.ipv6
        assert board.driver.radio_of(object()) is None
        assert board.driver.socket_pool(board.radio) is board.pool
        assert board.driver.version


def test_a_conversation():
    with Board() as board:
        sock = board.connected()
        assert sock.send(b"hello") == 5
        sock.sendall(b" world")
        assert board.radio.sent[1] == b"hello world"
        board.radio.received[1] = b"good morning"
        buffer = bytearray(4)
        assert sock.recv_into(buffer) == 4 and buffer == b"good"
        assert not board.driver.is_alive(sock)
        assert sock.recv_into(buffer, 1) == 1
        assert sock.recv(100) == b"morning"
        assert board.driver.is_alive(sock)
        board.radio.status[1] = 0x1C
        assert sock.recv_into(buffer) == 0
        assert not board.driver.is_alive(sock)
        sock.close()
        sock.close()
        assert board.radio.status[1] == 0
        assert number_of(raises(OSError, sock.send, b"x")) == errno.EBADF


def test_timeouts():
    with Board() as board:
        with board.connected() as sock:
            sock.settimeout(0.01)
            error = raises(OSError, sock.recv_into, bytearray(1))
            assert board.driver.is_timeout(error)
            sock.setblocking(False)
            error = raises(OSError, sock.recv_into, bytearray(1))
            assert board.driver.would_block(error)
        board.radio.connects_to = 0x15
        error = raises(OSError, board.driver.connect, board.pool, "10.0.0.9", 80, 0.01)
        assert board.driver.is_timeout(error)
        assert board.radio.status == [0] * 4


def test_refusal_reset_and_no_link():
    with Board() as board:
        sock = board.connected()
        board.radio.status[1] = 0
        assert number_of(raises(OSError, sock.recv_into, bytearray(1))) == errno.ECONNRESET
        assert number_of(raises(OSError, sock.send, b"x")) == errno.ECONNRESET
        sock.close()
        board.radio.connects_to = 0
        assert number_of(raises(OSError, board.connected)) == errno.ECONNREFUSED
        board.radio.link_status = False
        assert number_of(raises(OSError, board.connected)) == errno.EHOSTUNREACH


def test_exhaustion_and_numbers():
    with Board() as board:
        made = [board.pool.socket() for _ in range(3)]
        assert sorted([one.raw._socknum for one in made]) == [1, 2, 3]
        assert board.driver.is_exhausted(raises(OSError, board.pool.socket))
        made[1].close()
        again = board.pool.socket()
        assert again.raw._socknum == 2
        board.driver.abandon(again)
        made[1] = board.pool.socket()
        assert made[1].raw._socknum == 2
        for one in made:
            one.close()


def test_datagrams():
    with Board() as board, board.pool.socket(board.pool.AF_INET, board.pool.SOCK_DGRAM) as sock:
        assert sock.sendto(b"ping", ("10.0.0.9", 9)) == 4
        assert board.radio.sent[1] == b"ping"
        board.radio.received[1] = b"\x0a\0\0\x09\0\x09\0\x04pong"
        assert sock.recvfrom(10) == (b"pong", ("10.0.0.9", 9))


def test_serving():
    with Board() as board, board.pool.socket() as listening:
        listening.bind(("0.0.0.0", 80))
        listening.listen(1)
        listening.setblocking(False)
        assert board.driver.would_block(raises(OSError, listening.accept))
        board.radio.status[1] = 0x17
        client, address = listening.accept()
        assert address == ("10.0.0.9", 9)
        assert board.radio.status[1:3] == [0x17, 0x14]
        client.send(b"hello")
        assert board.radio.sent[1] == b"hello"
        client.close()


def test_addresses_are_told_from_names():
    from radiopool_wiznet5k.lookup import is_address

    assert is_address("192.0.2.1")
    for name in ("a.example", "1.2.3", "1.2.3.256", "1.2.3.x", "1.2.3.\u00b2", "1.2.3.", "", "1.2.3.4.5"):
        assert not is_address(name)


def test_names_need_a_name_server():
    from radiopool.errors import NameResolutionError

    with Board() as board:
        assert "no name server" in str(raises(NameResolutionError, board.pool.getaddrinfo, "a.example", 80))
        assert "63 bytes" in str(raises(NameResolutionError, board.pool.getaddrinfo, "a..example", 80))


def test_a_manager_recycles():
    from radiopool import ConnectionManager

    with Board() as board:
        manager = ConnectionManager(board.pool, driver=board.driver)
        for _ in range(3):
            with manager.lease("10.0.0.9", 80) as sock:
                sock.send(b"again")
        assert manager.stats()["opened"] == 1
        manager.close()
        assert board.radio.status == [0] * 4
