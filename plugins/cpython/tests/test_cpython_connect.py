"""Connections of the cpython driver: names, routes, racing, timeouts, options, errors."""

import errno
import fcntl
import resource
import signal
import socket
import threading

import pytest

from radiopool.errors import (
    ConnectError,
    ConnectTimeoutError,
    InvalidValueError,
    NameResolutionError,
    RefusedError,
    UnreachableError,
)
from radiopool_cpython import HostNetwork, lookup, racing

MOMENT = 0.05


class CountingPool:
    """The plain module, remembering each socket."""

    SOCK_STREAM = socket.SOCK_STREAM

    def __init__(self, *ends):
        self.ends = ends
        self.sockets = []

    def socket(self, *arguments):
        self.sockets.append(socket.socket(*arguments))
        return self.sockets[-1]

    def getaddrinfo(self, host, port, family=0, type=0):
        return [info for end in self.ends for info in socket.getaddrinfo(*end, family, type)]

    @property
    def open(self):
        return [one for one in self.sockets if one.fileno() != -1]


@pytest.fixture
def long_stagger(monkeypatch):
    """Only a failure makes room for the next attempt."""
    monkeypatch.setattr(racing, "STAGGER", 1000)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_connects_over_both_families(serve, connect, family):
    host, port = serve(family=family).address
    connected = connect(HostNetwork(), host, port)
    assert type(connected) is socket.socket and connected.family == family
    assert connected.gettimeout() == 20
    connected.sendall(b"hello")
    assert connected.recv(5) == b"hello"


def test_a_thread_only_for_a_lookup_that_could_block(serve, connect, monkeypatch):
    port = serve().address[1]
    monkeypatch.setattr(lookup, "threading", None)
    connect(HostNetwork(), "127.0.0.1", port)
    connect(HostNetwork(hosts={"known.test": "127.0.0.1"}), "known.test", port)
    connect(HostNetwork(), "localhost", port, None)
    with pytest.raises(AttributeError, match="Thread"):
        connect(HostNetwork(), "localhost", port)


def test_names_and_routes(serve, connect):
    first, second = serve(lambda c: c.sendall(b"1")), serve(lambda c: c.sendall(b"2"))
    radio = HostNetwork(
        hosts={"Example.com": "127.0.0.1", "two.test": ["127.0.0.9", "127.0.0.8"]},
        routes={
            ("example.com", 80): first.address,
            ("127.0.0.1", 443): second.address,
            ("127.0.0.9", 80): second.address,
            ("127.0.0.8", 80): second.address,
            ("localhost", 80): first.address,
        },
    )
    for host, port, answer in [
        ("example.com", 80, b"1"),
        ("EXAMPLE.com", 443, b"2"),
        ("two.test", 80, b"2"),
        ("localhost", 80, b"1"),
        # Not in hosts: the system's resolver finds it, and its address has a route.
        ("localhost", 443, b"2"),
        ("localhost", first.address[1], b"1"),
    ]:
        assert connect(radio, host, port).recv(1) == answer


def test_the_pool_is_shaped_like_the_socket_module(driver):
    radio = HostNetwork(hosts={"both.test": ["127.0.0.1", "::1"]}, routes={("both.test", 81): ("127.0.0.1", 8081)})
    pool = driver.socket_pool(radio)
    assert pool is driver.socket_pool(radio)
    assert driver.radio_of(pool) is radio
    assert driver.radio_of(socket) is driver.default_radio() is driver.default_radio()
    assert driver.radio_of("stranger") is None
    assert pool.TCP_NODELAY == socket.TCP_NODELAY and pool.SO_REUSEADDR == socket.SO_REUSEADDR
    with pytest.raises(AttributeError, match="has socket, getaddrinfo and the socket module's constants"):
        pool.create_connection  # noqa: B018
    with pool.socket(pool.AF_INET, pool.SOCK_DGRAM) as datagrams:
        assert type(datagrams) is socket.socket
    assert [info[4][:2] for info in pool.getaddrinfo("both.test", 80, 0, pool.SOCK_STREAM)] == [
        ("127.0.0.1", 80),
        ("::1", 80),
    ]
    assert pool.getaddrinfo("both.test", 80, pool.AF_INET6, pool.SOCK_STREAM)[0][4][:2] == ("::1", 80)
    assert pool.getaddrinfo("both.test", 80, pool.AF_INET, pool.SOCK_STREAM)[0][4] == ("127.0.0.1", 80)
    assert [info[4] for info in pool.getaddrinfo("both.test", 81, 0, pool.SOCK_STREAM)] == [("127.0.0.1", 8081)]
    with pytest.raises(pool.gaierror):
        pool.getaddrinfo("both.test", 81, pool.AF_INET6, pool.SOCK_STREAM)
    assert pool.getaddrinfo(None, 80, pool.AF_INET, pool.SOCK_STREAM)[0][4] == ("127.0.0.1", 80)


def test_interleaved_families():
    infos = [(family, 1, 6, "", (name,)) for family, name in [(6, "a"), (6, "b"), (6, "c"), (2, "d"), (2, "e")]]
    assert [info[4][0] for info in racing.interleave(infos)] == ["a", "d", "b", "e", "c"]


def test_a_dead_first_address_costs_the_stagger_only(driver, serve, dead_address):
    pool = CountingPool(dead_address, serve().address)
    connected = driver.connect(pool, "two.test", 80, 20)
    assert pool.open == [connected], "the attempt that lost is closed"
    assert connected.getpeername() == pool.ends[1]
    connected.close()


def test_the_next_address_waits_for_the_stagger(driver, serve, dead_address, long_stagger):
    pool = CountingPool(dead_address, serve().address)
    with pytest.raises(ConnectTimeoutError):
        driver.connect(pool, "two.test", 80, MOMENT)
    assert len(pool.sockets) == 1 and not pool.open


def test_an_address_that_refuses_makes_room_at_once(driver, serve, refusing_address, long_stagger):
    pool = CountingPool(refusing_address, refusing_address, serve().address)
    connected = driver.connect(pool, "three.test", 80, 20)
    assert pool.open == [connected] and len(pool.sockets) == 3
    connected.close()


def test_a_family_that_fails_on_the_spot(driver, serve, long_stagger):
    # An IPv4 source can't be bound to an IPv6 socket.
    pool = CountingPool(("::1", 9), serve().address)
    connected = driver.connect(pool, "two.test", 80, 20, source_address=("127.0.0.1", 0))
    assert pool.open == [connected]
    connected.close()


def test_a_slow_answer_wins_when_the_later_ones_fail(driver, serve, dead_address, refusing_address, monkeypatch):
    monkeypatch.setattr(racing, "STAGGER", MOMENT)
    pool = CountingPool(dead_address, refusing_address)
    with pytest.raises(ConnectTimeoutError, match=r"no connection to two\.test port 80 \(at 127\.0\.0\.1\)"):
        driver.connect(pool, "two.test", 80, 4 * MOMENT)
    assert len(pool.sockets) == 2 and not pool.open


def test_ctrl_c_leaks_nothing(driver, dead_address, refusing_address):
    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for ends in [dead_address], [dead_address, dead_address]:
            pool = CountingPool(*ends)
            signal.setitimer(signal.ITIMER_REAL, MOMENT)
            with pytest.raises(KeyboardInterrupt):
                driver.connect(pool, "127.0.0.1", 80, 20)
            assert pool.sockets and not pool.open
    finally:
        signal.signal(signal.SIGALRM, before)


def test_refused(driver, refusing_address):
    host, port = refusing_address
    with pytest.raises(RefusedError) as caught:
        driver.connect(socket, host, port, 20)
    error = caught.value
    assert str(error) == f"127.0.0.1 port {port} refused the connection; does the server run, and is the port right?"
    assert (error.host, error.port, error.errno) == (host, port, errno.ECONNREFUSED)
    assert isinstance(error, ConnectionRefusedError) and isinstance(error.__cause__, ConnectionRefusedError)


def test_refused_by_every_address(driver, refusing_address):
    pool = CountingPool(refusing_address, ("::1", refusing_address[1]))
    with pytest.raises(RefusedError, match=r"two\.test port 80 \(at 127\.0\.0\.1, ::1\) refused"):
        driver.connect(pool, "two.test", 80, 20)
    assert not pool.open


def test_unreachable(driver):
    # Linux has no route for a TCP connection to the broadcast address, and asks nobody.
    with pytest.raises(UnreachableError, match=r"nowhere\.test port 80 \(at 255\.255\.255\.255\) is out of reach: Net"):
        driver.connect(CountingPool(("255.255.255.255", 80)), "nowhere.test", 80, 20)


@pytest.mark.parametrize("timeout", [MOMENT, 0])
def test_timed_out(driver, dead_address, timeout):
    with pytest.raises(ConnectTimeoutError, match="within the timeout; is the host up") as caught:
        driver.connect(CountingPool(dead_address), "127.0.0.1", 80, timeout)
    assert isinstance(caught.value, TimeoutError) and driver.is_timeout(caught.value)


@pytest.mark.parametrize("host", ["nobody.invalid", "a" * 64 + ".test", "double..dot"])
def test_unknown_name(driver, host):
    with pytest.raises(NameResolutionError, match="does not resolve: ") as caught:
        driver.connect(socket, host, 80, 20)
    assert caught.value.host == host and caught.value.__cause__ is not None


def test_the_lookup_is_within_the_timeout(driver):
    answer = threading.Event()

    class SilentResolver(CountingPool):
        def getaddrinfo(self, *arguments):
            answer.wait(20)
            return super().getaddrinfo(*arguments)

    with pytest.raises(ConnectTimeoutError, match=r"the lookup of 'slow\.test' took longer than the timeout"):
        driver.connect(SilentResolver(("127.0.0.1", 9)), "slow.test", 80, MOMENT)
    answer.set()


@pytest.fixture
def no_descriptor_left():
    """Call it, and this process can't open another file; the limit is restored afterwards."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)

    def spend():
        with socket.socket() as probe:
            resource.setrlimit(resource.RLIMIT_NOFILE, (probe.fileno(), before[1]))

    yield spend
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "nobody.invalid"])
def test_exhaustion_comes_through_as_it_is(driver, no_descriptor_left, host):
    no_descriptor_left()
    with pytest.raises(OSError) as caught:
        driver.connect(socket, host, 80, 20)
    assert driver.is_exhausted(caught.value) and not isinstance(caught.value, ConnectError)
    assert caught.value.errno == errno.EMFILE


def test_exhausted_in_the_middle_of_a_race(driver, dead_address, monkeypatch):
    monkeypatch.setattr(racing, "STAGGER", MOMENT)

    class TwoSockets(CountingPool):
        def socket(self, *arguments):
            if self.sockets:
                raise OSError(errno.EMFILE, "Too many open files")
            return super().socket(*arguments)

    pool = TwoSockets(dead_address, dead_address)
    # The attempt under way goes on, and its end counts.
    with pytest.raises(ConnectTimeoutError):
        driver.connect(pool, "two.test", 80, 4 * MOMENT)
    assert len(pool.sockets) == 1 and not pool.open


def test_options(serve, connect):
    connected = connect(HostNetwork(), *serve().address)
    assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert not connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    connected = connect(HostNetwork(keep_alive=True), *serve().address)
    assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    connected = connect(HostNetwork(keep_alive=(30, 10, 3)), *serve().address)
    assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    names = socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT
    assert [connected.getsockopt(socket.IPPROTO_TCP, name) for name in names] == [30, 10, 3]


def test_source_address(serve, connect):
    server = serve()
    radio = HostNetwork(source_address=("127.0.0.5", 0))
    assert connect(radio, *server.address).getsockname()[0] == "127.0.0.5"
    assert connect(radio, *server.address, source_address=("127.0.0.6", 0)).getsockname()[0] == "127.0.0.6"
    with pytest.raises(ConnectError, match="Cannot assign requested address"):
        connect(radio, *server.address, source_address=("192.0.2.77", 0))


def test_traits(driver):
    traits = driver.traits(HostNetwork(budget=(4, 2)))
    assert (traits.budget, traits.tls, traits.udp, traits.listen) == ((4, 2), "host", True, True)
    assert driver.traits(driver.emulated()).budget == (None, None)
    assert driver.emulated() is not driver.emulated()
    assert driver.matches(HostNetwork()) and not driver.matches(socket)
    assert driver.name == "cpython" and driver.contract == (1, 0) and driver.version


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hosts": {"a.test": "b.test"}}, r"hosts\['a\.test'\] must be IPv4 or IPv6 addresses .* not \('b\.test',\)"),
        ({"hosts": {"a.test": []}}, r"hosts\['a\.test'\] must be"),
        ({"routes": {("a.test", 80): ("b.test", 80)}}, r"routes\[\('a\.test', 80\)\] must be"),
        ({"routes": {("a.test", 80): ("127.0.0.1", 70000)}}, "port must be a whole number"),
        ({"budget": (0, None)}, r"budget must be .* not \(0, None\)"),
        ({"source_address": ("here", 0)}, "source_address must be"),
        ({"keep_alive": (0, 1, 1)}, "keep_alive must be True or"),
    ],
)
def test_bad_radios(options, message):
    with pytest.raises(InvalidValueError, match=message):
        HostNetwork(**options)


@pytest.mark.parametrize("number", [None, 1500])
def test_alive_or_not(driver, serve, connect, number):
    go_on, seen = threading.Event(), threading.Event()

    def chat(connection):
        connection.recv(1)
        connection.sendall(b"chatter")
        go_on.wait(20)
        connection.shutdown(socket.SHUT_WR)
        seen.wait(20)

    connected = connect(HostNetwork(), *serve(chat).address)
    if number:
        # select.select would refuse a descriptor this high.
        if resource.getrlimit(resource.RLIMIT_NOFILE)[0] <= number:
            pytest.skip("this process may not have so many descriptors")
        with connected:
            connected = socket.socket(fileno=fcntl.fcntl(connected, fcntl.F_DUPFD, number))
        connected.settimeout(20)
    with connected:
        assert driver.is_alive(connected)
        assert connected.gettimeout() == 20, "nothing was changed"
        connected.sendall(b"!")
        while driver.is_alive(connected):
            pass
        assert connected.recv(7) == b"chatter", "nothing was eaten"
        assert driver.is_alive(connected)
        go_on.set()
        while driver.is_alive(connected):
            pass
        assert connected.recv(1) == b""
        seen.set()
    assert not driver.is_alive(connected), "closed"


def test_predicates(driver, serve, connect):
    connected = connect(HostNetwork(), *serve().address)
    connected.settimeout(0)
    with pytest.raises(OSError) as caught:
        connected.recv(1)
    assert driver.would_block(caught.value) and not driver.is_timeout(caught.value)
    connected.settimeout(MOMENT)
    with pytest.raises(OSError) as caught:
        connected.recv(1)
    assert driver.is_timeout(caught.value) and not driver.would_block(caught.value)


def test_abandon_leaves_the_connection_to_its_owner(driver, serve, connect):
    connected = connect(HostNetwork(), *serve().address)
    with connected.dup() as owner:
        owner.settimeout(20)
        driver.abandon(connected)
        driver.abandon(connected)
        assert connected.fileno() == -1
        owner.sendall(b"hello")
        assert owner.recv(5) == b"hello"


@pytest.mark.parametrize(
    "settings",
    [
        {"hosts": 4},
        {"hosts": ["example.com"]},
        {"hosts": {"example.com": 4}},
        {"hosts": {4: "127.0.0.1"}},
        {"routes": {("example.com", 80): 8080}},
        {"routes": {"example.com": "127.0.0.1"}},
        {"source_address": "127.0.0.1"},
        {"source_address": ("127.0.0.1", 70000)},
        {"keep_alive": 60},
    ],
)
def test_a_setting_of_the_wrong_shape_is_refused_with_a_right_one(settings):
    (name,) = settings
    with pytest.raises(InvalidValueError, match=f"{name} must be such as|{name} must be True or|port must be a whole"):
        HostNetwork(**settings)


def test_a_source_port_of_0_is_any():
    assert HostNetwork(source_address=("127.0.0.1", 0)).source_address == ("127.0.0.1", 0)
