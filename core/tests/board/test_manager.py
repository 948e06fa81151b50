import errno

from expect import raises
from radiopool import (
    ConnectionManager,
    Driver,
    GenericDriver,
    NoDriverError,
    OutOfSocketsError,
    Policy,
    RefusedError,
    TLSError,
    Traits,
    driver_for,
    manager_for,
    register,
    unregister,
)
from radiopool.errors import ConnectTimeoutError, CooldownError, InvalidValueError, LeaseError


class Clock:
    def __init__(self):
        self.now = 0

    def __call__(self):
        return self.now


class Socket:
    """Obeys the socket contract, without a network: alive until told otherwise."""

    def __init__(self, pool):
        self.pool = pool
        self.alive = True
        self.closes = 0
        self.timeout = None

    def connect(self, address):
        if self.pool.error:
            raise self.pool.error
        self.address = address

    def recv_into(self, buffer, nbytes=0):
        if self.alive:
            raise OSError(errno.EAGAIN)
        return 0

    def send(self, data):
        return len(data)

    def settimeout(self, timeout):
        self.timeout = timeout

    def close(self):
        self.closes += 1


class Pool:
    AF_INET = 2
    SOCK_STREAM = 1

    def __init__(self, most=None):
        self.most = most
        self.error = None
        self.made = []

    def getaddrinfo(self, host, port, family=0, type=0):
        return [(2, 1, 0, "", (host, port))]

    def socket(self, family=2, type=1):
        if self.most is not None and self.open() >= self.most:
            raise RuntimeError("Out of sockets")
        self.made.append(Socket(self))
        return self.made[-1]

    def open(self):
        return len([sock for sock in self.made if not sock.closes])


def manager(most=None, clock=None, **policy):
    return ConnectionManager(Pool(most), driver=GenericDriver(), policy=Policy(**policy), clock=clock or Clock())


def test_a_socket_is_recycled_with_the_callers_timeout():
    ours = manager()
    with ours.lease("host", 80, timeout=3) as first:
        assert first.timeout == 3
    with ours.lease("host", 80, timeout=5) as again:
        assert again is first and again.timeout == 5
    assert ours.stats()["reused"] == 1
    ours.close()
    assert first.closes == 1


def test_a_stale_socket_is_replaced():
    ours = manager(budget=1)
    with ours.lease("host", 80) as first:
        pass
    first.alive = False
    with ours.lease("host", 80) as second:
        assert second is not first
    assert first.closes == 1
    assert ours.stats()["reused"] == 0, "no connect was spared"
    ours.close()


def test_out_of_sockets_is_said_at_once_with_the_counts():
    ours = manager(budget=1)
    sock = ours.get_socket("host", 80, "http:")
    error = raises(OutOfSocketsError, ours.get_socket, "other", 80, "http:", timeout=0)
    assert "1 leased, 0 idle" in str(error)
    ours.free_socket(sock)
    other = ours.get_socket("other", 80, "http:")
    assert sock.closes == 1
    ours.close_socket(other)
    ours.close()


def test_a_radio_that_runs_out_gets_room_made():
    ours = manager(most=2)
    with ours.lease("a", 80):
        pass
    with ours.lease("b", 80), ours.lease("c", 80):
        assert ours.socket_pool.open() == 2
        raises(OutOfSocketsError, ours.get_socket, "d", 80, "", timeout=0)
    ours.close()
    assert ours.socket_pool.open() == 0


def test_a_failing_connect_leaks_nothing():
    ours = manager(budget=1)
    ours.socket_pool.error = OSError(errno.ECONNREFUSED)
    error = raises(RefusedError, ours.get_socket, "host", 80, "")
    assert error.host == "host" and error.port == 80 and isinstance(error, OSError)
    ours.socket_pool.error = OSError(errno.ETIMEDOUT)
    raises(ConnectTimeoutError, ours.get_socket, "host", 80, "")
    assert ours.socket_pool.open() == 0
    ours.close()


class Context:
    """Wraps as a firmware's ssl does: the handshake is in connect()."""

    def __init__(self, error=None):
        self.error = error

    def wrap_socket(self, sock, server_hostname=None):
        if self.error:
            raise self.error
        sock.server_hostname = server_hostname
        return sock


def test_tls_settings_separate_sockets():
    ours = manager()
    one, two = Context(), Context()
    with ours.lease("host", 443, is_ssl=True, ssl_context=one) as first:
        assert first.server_hostname == "host"
    with ours.lease("host", 443, is_ssl=True, ssl_context=two) as second:
        assert second is not first
    with ours.lease("host", 443) as plain:
        assert plain is not first and plain is not second
    with ours.lease("host", 443, is_ssl=True, ssl_context=one) as again:
        assert again is first
    ours.close()


def test_a_failing_wrap_leaks_nothing():
    ours = manager()
    raises(OSError, ours.get_socket, "host", 443, "", is_ssl=True, ssl_context=Context(ValueError("no")))
    assert ours.socket_pool.open() == 0
    ours.close()


class Without(GenericDriver):
    """On an interpreter whose ssl lacks something, or that has none."""

    lack = ImportError("no module named 'ssl'")

    def ssl_context(self, radio):
        raise self.lack


def test_an_interpreter_without_tls_says_what_to_do():
    ours = ConnectionManager(Pool(), driver=Without())
    for lack in (Without.lack, AttributeError("create_default_context")):
        ours.driver.lack = lack
        error = raises(TLSError, ours.get_socket, "host", 443, "", is_ssl=True)
        assert "ssl_context" in str(error) and str(lack) in str(error)
    assert ours.socket_pool.made == []
    ours.close()


def test_giving_back_twice():
    ours = manager()
    sock = ours.get_socket("host", 80, "")
    ours.free_socket(sock)
    raises(LeaseError, ours.free_socket, sock)
    raises(LeaseError, ours.close_socket, object())
    ours.close()
    raises(LeaseError, ours.get_socket, "host", 80, "")


def test_an_exception_in_the_block_closes_the_socket():
    ours = manager()
    try:
        with ours.lease("host", 80) as sock:
            raise KeyError("mine")
    except KeyError:
        pass
    assert sock.closes == 1
    ours.close()


def test_bad_addresses():
    ours = manager()
    for host, port in (("", 80), ("a b", 80), ("a\0", 80), (None, 80), ("a", 0), ("a", 70000), ("a", "http")):
        raises(InvalidValueError, ours.get_socket, host, port, "")
    assert ours.socket_pool.made == []
    raises(InvalidValueError, ConnectionManager, None)


def test_idle_sockets_expire():
    clock = Clock()
    ours = manager(clock=clock, idle_timeout=5)
    with ours.lease("host", 80) as sock:
        pass
    clock.now = 5000
    ours.sweep()
    assert sock.closes == 1
    ours.close()


def test_idle_sockets_of_other_keys_come_of_age():
    clock = Clock()
    ours = manager(clock=clock, max_age=10, idle_timeout=None)
    with ours.lease("host", 80):
        pass
    clock.now = 10_000
    with ours.lease("other", 80):
        assert ours.stats()["closed"] == {"max age": 1}


def test_a_key_that_fails_again_and_again_rests():
    clock = Clock()
    ours = manager(clock=clock, cooldown=10)
    ours.socket_pool.error = OSError(errno.ECONNREFUSED)
    for _ in range(2):
        raises(RefusedError, ours.get_socket, "host", 80, "")
    raises(CooldownError, ours.get_socket, "host", 80, "")
    clock.now = 10000
    raises(RefusedError, ours.get_socket, "host", 80, "")
    ours.close()


def test_a_reset_radio():
    ours = manager()
    with ours.lease("host", 80) as sock:
        ours.radio_reset()
    assert sock.closes == 0 and ours.managed_socket_count == 0
    ours.close()


def test_sessions_are_retired():
    ours = manager()
    sockets = [ours.get_socket("host", 80, "", session) for session in ("one", "two")]
    for sock in sockets:
        ours.free_socket(sock)
    ours.retire("one")
    assert [sock.closes for sock in sockets] == [1, 0]
    ours.close()


def test_the_socket_pool_face():
    ours = manager(budget=1)
    assert ours.AF_INET == 2 and ours.getaddrinfo("host", 1)[0][-1] == ("host", 1)
    with ours.socket(ours.AF_INET, ours.SOCK_STREAM) as sock:
        sock.connect(("host", 1))
        assert sock.send(b"x") == 1
        raises(OutOfSocketsError, ours.socket)
    assert sock.raw.closes == 1
    with ours.lease("host", 80):
        pass
    ours.close()


class Radio:
    def __init__(self):
        self.pool = Pool()


class MyDriver(Driver):
    name = "mine"

    def matches(self, radio):
        return isinstance(radio, Radio)

    def socket_pool(self, radio):
        return radio.pool

    def traits(self, radio):
        return Traits(budget=(1, 0))


def test_a_driver_registered_by_hand():
    radio = Radio()
    raises(NoDriverError, driver_for, radio)
    register(MyDriver)
    try:
        ours = manager_for(radio)
        assert ours.driver.name == "mine"
        assert ours.stats()["budget"] == (1, 0)
        with ours.lease("host", 80) as sock:
            second = ConnectionManager(radio.pool)
            raises(OutOfSocketsError, second.get_socket, "other", 80, "", timeout=0)
        with second.lease("host", 80) as again:
            assert again is sock
        ours.close()
    finally:
        unregister("mine")
