"""The driver as on a board, over a firmware of our own making. Runs on MicroPython and on CPython."""

import errno
import sys

from expect import raises
from radiopool.errors import RefusedError, connect_error
from radiopool.keys import PoolKey
from radiopool_socketpool import SocketPoolDriver, driver

EAGAIN = errno.EAGAIN


class Radio:
    pass


class Socket:
    """A native socket that fails as told. `type` is what TLS sockets lack."""

    type = 1

    def __init__(self, reads=(), error=None):
        self.reads = list(reads)
        self.error = error
        self.done = []

    def settimeout(self, timeout):
        self.done.append(("settimeout", timeout))

    def setsockopt(self, level, option, value):
        self.done.append(("setsockopt", level, option, value))

    def connect(self, address):
        self.done.append(("connect", address))
        if self.error:
            raise self.error

    def recv_into(self, buffer, size=0):
        result = self.reads.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    def close(self):
        self.done.append("close")


class TLSSocket:
    """A firmware's SSLSocket: wraps, and closes nothing after a failed handshake."""

    def __init__(self, raw, error):
        self.raw = raw
        self.error = error

    def connect(self, address):
        self.raw.connect(address)
        if self.error:
            raise self.error

    def settimeout(self, timeout):
        self.raw.settimeout(timeout)

    def setsockopt(self, level, option, value):
        self.raw.setsockopt(level, option, value)

    def close(self):
        if not self.error:
            self.raw.close()


class Context:
    def __init__(self, error=None):
        self.error = error

    def wrap_socket(self, sock, server_hostname=None):
        self.server_hostname = server_hostname
        return TLSSocket(sock, self.error)


class SocketPool:
    SOCK_STREAM = 1
    IPPROTO_TCP = 6
    TCP_NODELAY = 1

    made = 0

    def __init__(self, radio):
        if radio is not wifi.radio:
            raise ValueError("SocketPool can only be used with wifi.radio")
        SocketPool.made += 1
        self.sockets = []
        self.error = None
        self.addresses = [("192.0.2.1", 80)]

    def getaddrinfo(self, host, port, family=0, kind=0):
        return [(2, 1, 0, "", address) for address in self.addresses]

    def socket(self, family, kind):
        sock = Socket(error=self.error)
        self.sockets.append(sock)
        return sock


class wifi:
    Radio = Radio
    radio = Radio()


class socketpool:
    SocketPool = SocketPool


class OnABoard:
    """Makes the firmware's modules importable, and the driver think that it runs on a board."""

    def __enter__(self):
        self.before = {name: sys.modules.get(name) for name in ("wifi", "socketpool")}
        self.cpython = driver.CPYTHON
        sys.modules["wifi"] = wifi
        sys.modules["socketpool"] = socketpool
        driver.CPYTHON = False
        return SocketPoolDriver()

    def __exit__(self, *_):
        driver.CPYTHON = self.cpython
        for name, module in self.before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def test_it_claims_the_radio():
    with OnABoard() as native:
        assert native.matches(wifi.radio)
        assert not native.matches(object())
        assert native.default_radio() is wifi.radio


def test_another_wifi_claims_nothing():
    with OnABoard() as native:
        sys.modules["wifi"] = Missing
        assert not native.matches(Radio())


class Missing:
    """A module whose `Radio` nothing is an instance of."""

    class Radio:
        pass


def test_one_socket_pool():
    with OnABoard() as native:
        before = SocketPool.made
        pool = native.socket_pool(wifi.radio)
        assert native.socket_pool(wifi.radio) is pool
        assert SocketPool.made == before + 1
        assert native.radio_of(pool) is wifi.radio
        assert native.radio_of(object()) is None


def test_a_connection_is_bare_and_prompt():
    with OnABoard() as native:
        pool = native.socket_pool(wifi.radio)
        sock = native.connect(pool, "a.test", 80, 5)
        assert sock is pool.sockets[0]
        assert sock.done == [("settimeout", 5), ("connect", ("192.0.2.1", 80)), ("setsockopt", 6, 1, 1)]


def test_ipv6_addresses_lose_two_of_their_four_parts():
    with OnABoard() as native:
        pool = native.socket_pool(wifi.radio)
        pool.addresses = [("2001:db8::1", 80, 0, 0)]
        sock = native.connect(pool, "a.test", 80, 5)
        assert ("connect", ("2001:db8::1", 80)) in sock.done


def test_tls_wraps_before_it_connects():
    with OnABoard() as native:
        pool = native.socket_pool(wifi.radio)
        context = Context()
        sock = native.connect(pool, "a.test", 443, 5, context)
        assert isinstance(sock, TLSSocket) and context.server_hostname == "a.test"


def test_the_raw_socket_is_closed_after_a_failed_handshake():
    with OnABoard() as native:
        pool = native.socket_pool(wifi.radio)
        error = raises(OSError, native.connect, pool, "a.test", 443, 5, Context(OSError(-0x2700)))
        assert "MBEDTLS" in str(error.args[1]) and "CERT" in str(error.args[1])
        assert pool.sockets[0].done[-1] == "close"


def test_refused_and_late_mean_what_they_say():
    with OnABoard() as native:
        pool = native.socket_pool(wifi.radio)
        pool.error = OSError(errno.ECONNRESET)
        error = raises(OSError, native.connect, pool, "a.test", 80, 5)
        assert error.args[0] == errno.ECONNREFUSED
        key = PoolKey("", "a.test", 80, None, None, None, None, None, None)
        assert isinstance(connect_error(error, key, native.is_timeout(error)), RefusedError)
        pool.error = OSError(errno.EINPROGRESS)
        assert native.is_timeout(raises(OSError, native.connect, pool, "a.test", 80, 5))


def test_exhaustion():
    with OnABoard() as native:
        assert native.is_exhausted(RuntimeError("Out of sockets"))
        assert native.is_exhausted(MemoryError())
        assert native.is_exhausted(OSError(-0x7F00))
        assert native.is_exhausted(OSError(errno.ENOMEM))
        assert not native.is_exhausted(OSError(-0x2700))
        assert not native.is_exhausted(ValueError("sockets"))


def test_alive():
    with OnABoard() as native:
        assert native.is_alive(Socket([OSError(EAGAIN)] * 3))


def test_not_alive():
    with OnABoard() as native:
        for what in (1, 0, OSError(errno.ECONNRESET), OSError(errno.ENOTCONN), OSError(errno.EBADF)):
            assert not native.is_alive(Socket([what]))


def test_traits_of_this_platform():
    with OnABoard() as native:
        traits = native.traits(wifi.radio)
        assert traits.budget == (8, 4) and traits.tls_cost == 2
        assert SocketPoolDriver((4, 2), 2).traits(wifi.radio).budget == (4, 2)


def test_what_only_cpython_has():
    with OnABoard() as native:
        assert native.emulated() is None
        assert native.doctor() == []
