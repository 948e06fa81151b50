"""The driver's own files over a radio that is told what to say; the emulated chip needs CPython."""

import errno

from expect import raises
from radiopool.errors import ConnectError, InvalidValueError, NameResolutionError, error_number
from radiopool_esp32spi import ChipContext, ESP32SPIDriver, SocketPool, StreamSocket


class Radio:
    """The commands of the vendor's `ESP_SPIcontrol` that are used, and a log of them."""

    TCP_MODE, UDP_MODE, TLS_MODE = 0, 1, 2

    def __init__(self):
        self._tls_socket = None
        self.asked = []
        self.incoming = []
        self.state = 4
        self.refuses = False

    def get_host_by_name(self, name):
        self.asked.append("lookup")
        if name == "nowhere.example":
            raise OSError("Failed to request hostname")
        return b"\x0a\x00\x00\x01"

    def get_socket(self):
        self.asked.append("number")
        return 0

    def socket_open(self, number, target, port, conn_mode=0):
        self.asked.append(("open", number, target, port, conn_mode))
        if self.refuses:
            raise OSError("Expected 01 but got 00")

    def socket_write(self, number, octets):
        self.asked.append(("write", number, len(octets)))
        return len(octets)

    def socket_read(self, number, size):
        self.asked.append("read")
        return self.incoming.pop(0) if self.incoming else b""

    def socket_status(self, number):
        self.asked.append("state")
        return self.state

    def _send_command_get_response(self, command, parameters):
        assert command == 0x2E
        self.asked.append(("close", parameters[0][0]))

    def socket_available(self, number):
        return 255


def connected(radio):
    socket = SocketPool(radio).socket()
    socket.connect(("10.0.0.1", 80))
    radio.asked.clear()
    return socket


def test_connecting_takes_a_number_in_the_same_turn():
    radio = Radio()
    socket = SocketPool(radio).socket()
    assert radio.asked == []
    socket.connect(("a.example", 80))
    assert radio.asked == ["lookup", "number", ("open", 0, b"\x0a\x00\x00\x01", 80, 0)]


def test_reads_are_buffered():
    radio = Radio()
    socket = connected(radio)
    radio.incoming = [b"abcdef", b"gh"]
    buffer = bytearray(4)
    assert socket.recv_into(buffer) == 4
    assert bytes(buffer) == b"abcd"
    assert socket.recv_into(buffer, 1) == 1
    assert socket.recv(9) == b"f"
    assert radio.asked == ["read"]
    assert socket.recv(9) == b"gh"


def test_the_end_is_0():
    radio = Radio()
    socket = connected(radio)
    radio.state = 0
    assert socket.recv_into(bytearray(1)) == 0
    assert socket.recv(1) == b""
    assert radio.asked == ["read", "read", "state"]


def test_a_timeout_and_non_blocking():
    socket = connected(Radio())
    socket.settimeout(0)
    assert error_number(raises(OSError, socket.recv, 1)) == errno.EAGAIN
    socket.settimeout(0.01)
    assert error_number(raises(OSError, socket.recv, 1)) == errno.ETIMEDOUT
    raises(ValueError, socket.settimeout, -1)


def test_sends_are_partial_and_sendall_is_not():
    radio = Radio()
    socket = connected(radio)
    assert socket.send(bytes(5000)) == 2047
    radio.asked.clear()
    socket.sendall(bytes(5000))
    assert [each[2] for each in radio.asked] == [2047, 2047, 906]


def test_liveness_costs_two_commands():
    radio = Radio()
    socket = connected(radio)
    driver = ESP32SPIDriver()
    assert driver.is_alive(socket)
    assert radio.asked == ["read", "state"]
    radio.incoming = [b"x"]
    assert not driver.is_alive(socket)
    assert socket.recv(9) == b"x"


def test_closing_is_idempotent_and_frees_the_number_once():
    radio = Radio()
    socket = connected(radio)
    socket.close()
    socket.close()
    assert radio.asked == [("close", 0)]
    assert error_number(raises(OSError, socket.send, b"x")) == errno.EBADF


def test_abandoning_says_nothing_to_the_chip():
    radio = Radio()
    pool = SocketPool(radio)
    socket = ChipContext().wrap_socket(pool.socket(), server_hostname="a.example")
    socket.connect(("a.example", 443))
    radio._tls_socket = 0
    radio.asked.clear()
    ESP32SPIDriver().abandon(socket)
    assert radio.asked == []
    assert radio._tls_socket is None
    assert pool.numbers == {}


def test_tls_is_asked_of_the_chip_by_name():
    radio = Radio()
    driver = ESP32SPIDriver()
    socket = driver.connect(SocketPool(radio), "a.example", 443, 5, ChipContext())
    assert isinstance(socket, StreamSocket)
    assert radio.asked == ["number", ("open", 0, "a.example", 443, 2)]


def test_options_that_the_chip_has_not_are_refused():
    context = ChipContext()
    raises(InvalidValueError, context.load_verify_locations, cafile="ca.pem")
    raises(InvalidValueError, setattr, context, "check_hostname", False)
    assert context.check_hostname is True


def test_errors_have_types():
    radio = Radio()
    pool = SocketPool(radio)
    raises(NameResolutionError, pool.getaddrinfo, "nowhere.example", 80)
    raises(InvalidValueError, pool.socket, 10)
    radio.refuses = True
    error = raises(ConnectError, pool.socket().connect, ("10.0.0.1", 80))
    assert "10.0.0.1:80" in str(error)
    assert (error.host, error.port) == ("10.0.0.1", 80)


def test_matching_without_the_vendors_library_is_no():
    assert not ESP32SPIDriver().matches(Radio())


def test_one_pool_per_radio():
    radio = Radio()
    driver = ESP32SPIDriver()
    assert driver.socket_pool(radio) is driver.socket_pool(radio)
    assert driver.radio_of(driver.socket_pool(radio)) is radio
    assert driver.radio_of(object()) is None
    traits = driver.traits(radio)
    assert (traits.budget, traits.tls) == ((6, 1), "chip")
