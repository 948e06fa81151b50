import errno

from expect import raises
from radiopool import CONTRACT, Driver, Traits
from radiopool.generic import GenericDriver
from radiopool.platform import CPYTHON


class Radio:
    pass


class OneRadio(Driver):
    name = "one"
    version = "1.2"

    def matches(self, radio):
        return isinstance(radio, Radio)

    def socket_pool(self, radio):
        return radio


class Socket:
    """Fails as told, and remembers what was done to it."""

    def __init__(self, error=None, bytes_read=0):
        self.error = error
        self.bytes_read = bytes_read
        self.done = []

    def connect(self, address):
        self.done.append(("connect", address))
        if self.error:
            raise self.error

    def recv_into(self, buffer, nbytes=0):
        if self.error:
            raise self.error
        return self.bytes_read

    def settimeout(self, timeout):
        self.done.append(("timeout", timeout))

    def close(self):
        self.done.append("close")


class Pool:
    """A socket factory with the addresses and sockets it is given."""

    SOCK_STREAM = 1

    def __init__(self, *sockets):
        self.sockets = list(sockets)
        self.made = []

    def getaddrinfo(self, host, port, family=0, type=0):
        return [(2, type, 0, "", (host, port + number)) for number in range(len(self.sockets))]

    def socket(self, family, type):
        self.made.append(self.sockets.pop(0))
        return self.made[-1]


class RefusingContext:
    def wrap_socket(self, socket, server_hostname):
        raise OSError("handshake with %s failed" % server_hostname)


def test_a_driver_of_three_lines_works():
    driver = OneRadio()
    radio = Radio()
    assert driver.matches(radio) and not driver.matches(object())
    assert driver.socket_pool(radio) is radio
    assert driver.contract == CONTRACT


def test_what_must_be_written_says_so():
    assert "socket_pool" in str(raises(NotImplementedError, Driver().socket_pool, None))


def test_repr_names_driver_version_and_contract():
    assert "one 1.2" in repr(OneRadio())
    assert "(1, 0)" in repr(OneRadio())


def test_traits_promise_nothing_by_default():
    traits = OneRadio().traits(Radio())
    assert traits.budget == (None, None)
    assert traits.tls is None and not traits.udp and not traits.ipv6 and not traits.listen
    # On a board, where names cost memory, traits tell nothing of themselves.
    assert not CPYTHON or "budget=(4, 1)" in repr(Traits(budget=(4, 1)))


def test_exhaustion_is_recognised():
    driver = GenericDriver()
    for error in (
        MemoryError(),
        OSError(errno.ENOMEM),
        OSError(errno.ENOBUFS),
        OSError(24),
        OSError(23),
        RuntimeError("Out of sockets"),
        RuntimeError("All sockets in use."),
    ):
        assert driver.is_exhausted(error), repr(error)
    for error in (OSError(errno.ECONNRESET), OSError("Out of luck"), RuntimeError("busy"), ValueError()):
        assert not driver.is_exhausted(error), repr(error)


def test_timeouts_are_recognised():
    driver = GenericDriver()
    assert driver.is_timeout(OSError(errno.ETIMEDOUT))
    assert not driver.is_timeout(OSError(errno.ECONNRESET))
    assert not driver.is_timeout(RuntimeError("timed out"))


def test_would_block_is_recognised():
    driver = GenericDriver()
    assert driver.would_block(OSError(errno.EAGAIN))
    assert driver.would_block(OSError(errno.EINPROGRESS))
    assert not driver.would_block(OSError(errno.ECONNRESET))


def test_only_silence_is_alive():
    driver = GenericDriver()
    assert driver.is_alive(Socket(OSError(errno.EAGAIN)))
    assert not driver.is_alive(Socket(bytes_read=0))
    assert not driver.is_alive(Socket(bytes_read=1))
    assert not driver.is_alive(Socket(OSError(errno.ECONNRESET)))


def test_connect_tries_the_next_address():
    pool = Pool(Socket(OSError(errno.ECONNREFUSED)), Socket())
    first, second = pool.sockets
    assert GenericDriver().connect(pool, "a.example", 80, 5) is second
    assert first.done == [("timeout", 5), ("connect", ("a.example", 80)), "close"]
    assert second.done == [("timeout", 5), ("connect", ("a.example", 81))]


def test_connect_raises_the_last_failure_and_leaves_nothing_open():
    pool = Pool(Socket(OSError(errno.ECONNREFUSED)), Socket(OSError(errno.EHOSTUNREACH)))
    error = raises(OSError, GenericDriver().connect, pool, "a.example", 80)
    assert error.args[0] == errno.EHOSTUNREACH
    assert [socket.done[-1] for socket in pool.made] == ["close", "close"]


def test_connect_stops_when_the_radio_has_no_socket_left():
    pool = Pool(Socket(OSError(errno.ENOMEM)), Socket())
    raises(OSError, GenericDriver().connect, pool, "a.example", 80)
    assert len(pool.made) == 1
    assert pool.made[0].done[-1] == "close"


def test_a_failing_tls_wrap_closes_the_raw_socket():
    pool = Pool(Socket())
    error = raises(OSError, GenericDriver().connect, pool, "a.example", 443, None, RefusingContext())
    assert "a.example" in str(error)
    assert pool.made[0].done[-1] == "close"


def test_connect_without_any_address_says_so():
    assert "a.example" in str(raises(OSError, GenericDriver().connect, Pool(), "a.example", 80))


def test_close_swallows_what_helps_nobody():
    class Broken:
        closes = 0

        def close(self):
            self.closes += 1
            raise RuntimeError("the chip is gone")

    broken = Broken()
    GenericDriver().close(broken)
    assert broken.closes == 1
