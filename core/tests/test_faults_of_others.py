"""Faults of other pools, each seen by running or reading them, and each shown not to happen here."""

import gc
import select
import socket
import ssl
import threading
import time

import pytest

from radiopool import (
    ConnectionManager,
    Driver,
    GenericDriver,
    OutOfSocketsError,
    Policy,
    manager_for,
    register,
    unregister,
)
from radiopool.recycling import Ledger
from radiopool.testing.peers import Peers
from radiopool.vocabulary import CONNECTING, IDLE, LEASED
from radiopool_cpython import HostNetwork

HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def peers():
    with Peers() as peers:
        yield peers


@pytest.fixture
def manager():
    with manager_for(HostNetwork(budget=(4, 2))) as manager:
        yield manager


# -- adafruit_connection_manager


def test_closing_all_works_with_several_managers(peers):
    """adafruit_connection_manager changes a dict while it iterates over it."""
    managers = [manager_for(HostNetwork()) for _ in range(3)]
    for manager in managers:
        with manager.lease(HOST, peers.ports["plain"]):
            pass
    for manager in managers:
        manager.close_all()
        assert manager.managed_socket_count == 0
        manager.close()


def test_closing_a_manager_whose_pool_the_caller_made_works():
    """adafruit_connection_manager raises KeyError when it releases a pool it did not make."""

    class Pool:
        SOCK_STREAM = 1

    manager = ConnectionManager(Pool(), driver=GenericDriver())
    manager.close_all()
    manager.close()
    manager.close()


class LeakyPool:
    """A socket pool that remembers its sockets, to see whether they were closed."""

    SOCK_STREAM = socket.SOCK_STREAM

    def __init__(self, error=None):
        self.error = error
        self.made = []

    def getaddrinfo(self, host, port, family=0, type=0):
        return [(socket.AF_INET, type, 0, "", (host, port))]

    def socket(self, family, type):
        pool = self

        class Socket(socket.socket):
            def connect(self, address):
                if pool.error:
                    raise pool.error
                super().connect(address)

        self.made.append(Socket(family, type))
        return self.made[-1]


@pytest.mark.parametrize("error", [RuntimeError("link down"), OSError(5, "wire"), KeyboardInterrupt()], ids=repr)
def test_a_connect_that_raises_leaks_no_socket(error):
    """adafruit_connection_manager leaks the raw socket when connect raises RuntimeError."""
    with ConnectionManager(LeakyPool(error), driver=GenericDriver()) as manager:
        with pytest.raises((OSError, KeyboardInterrupt)):
            manager.get_socket(HOST, 9, "")
        (made,) = manager.socket_pool.made
        assert made.fileno() == -1
        assert manager.stats()["connecting"] == 0


def test_a_failing_wrap_socket_leaks_no_socket(peers):
    """adafruit_connection_manager leaks the raw socket when wrap_socket raises."""

    class Context:
        def wrap_socket(self, sock, server_hostname):
            raise ValueError("can't wrap this")

    with ConnectionManager(LeakyPool(), driver=GenericDriver()) as manager:
        with pytest.raises(OSError, match="can't wrap this"):
            manager.get_socket(HOST, peers.ports["plain"], "https:", is_ssl=True, ssl_context=Context())
        assert manager.socket_pool.made[0].fileno() == -1


def test_a_tls_socket_of_one_context_is_not_handed_to_a_caller_with_another(manager, peers):
    """adafruit_connection_manager has no context in its key."""
    trusting = ssl.create_default_context(cadata=peers.ca)
    strict = ssl.create_default_context()
    port = peers.ports["tls"]
    with manager.lease(HOST, port, "https:", is_ssl=True, ssl_context=trusting):
        pass
    with pytest.raises(OSError, match="(?i)cert"):
        manager.get_socket(HOST, port, "https:", is_ssl=True, ssl_context=strict)


def test_a_context_that_is_gone_does_not_lend_its_identity(manager, peers):
    """The key has a context's id: it stays its own for as long as a socket has that key."""
    port = peers.ports["tls"]
    for _ in range(20):
        with manager.lease(HOST, port, "https:", is_ssl=True, ssl_context=ssl.create_default_context(cadata=peers.ca)):
            pass
        gc.collect()
    assert manager.stats()["reused"] == 0


def test_a_plain_socket_is_not_handed_to_a_caller_that_asked_for_tls(manager, peers):
    """adafruit_connection_manager finds both under one key if the proto is the same."""
    context = ssl.create_default_context(cadata=peers.ca)
    with manager.lease(HOST, peers.ports["plain"], "x") as plain:
        pass
    with (
        pytest.raises(OSError),
        manager.lease(HOST, peers.ports["plain"], "x", is_ssl=True, ssl_context=context, timeout=1),
    ):
        pass
    with manager.lease(HOST, peers.ports["plain"], "x") as again:
        assert again is plain


def test_the_callers_timeout_is_applied_on_reuse(manager, peers):
    """adafruit_connection_manager leaves the timeout of the first caller on the socket."""
    port = peers.ports["plain"]
    manager.free_socket(manager.get_socket(HOST, port, "", timeout=9))
    sock = manager.get_socket(HOST, port, "", timeout=2)
    assert sock.gettimeout() == 2
    manager.close_socket(sock)


def test_an_idle_socket_that_the_peer_closed_is_not_handed_out(manager, peers):
    """adafruit_connection_manager hands it out."""
    with manager.lease(HOST, peers.ports["plain"]) as dead:
        dead.sendall(b"bye 0\n")
    assert select.select([dead], [], [], 5)[0]
    with manager.lease(HOST, peers.ports["plain"]) as fresh:
        assert fresh is not dead
        fresh.sendall(b"echo 1\n!")
        assert fresh.recv(1) == b"!"


def test_radios_are_not_told_apart_by_their_class_name():
    """adafruit_connection_manager takes any class called Radio for the firmware's."""

    class Radio:
        """Mine, not the firmware's."""

    class MyDriver(Driver):
        name = "mine"
        radios = (f"{Radio.__module__}.{Radio.__qualname__}",)

        def socket_pool(self, radio):
            return radio

    register(MyDriver)
    try:
        impostor = type("Radio", (), {})()
        assert MyDriver().matches(Radio()) and not MyDriver().matches(impostor)
    finally:
        unregister("mine")


# -- httpcore, aiohttp


def test_the_idle_limit_counts_only_what_is_idle(peers):
    """httpcore counts connections in use against its limit of idle ones."""
    with manager_for(HostNetwork(), Policy(max_idle=1)) as manager:
        sockets = [manager.get_socket(HOST, peers.ports["plain"], "") for _ in range(3)]
        manager.free_socket(sockets[0])
        assert manager.available_socket_count == 1, "two in use are no reason to close it"
        for sock in sockets[1:]:
            manager.free_socket(sock)


def test_reuse_follows_recency(manager, peers):
    """httpcore takes the first of its list."""
    port = peers.ports["plain"]
    one, two = manager.get_socket(HOST, port, ""), manager.get_socket(HOST, port, "")
    manager.free_socket(two)
    manager.free_socket(one)
    sock = manager.get_socket(HOST, port, "")
    assert sock is one
    manager.close_socket(sock)


def test_idle_sockets_count_in_the_budget(peers):
    """aiohttp's limit ignores idle sockets: fatal with four."""
    with manager_for(HostNetwork(), Policy(budget=2, wait=0)) as manager:
        for proto in "abcd":
            with manager.lease(HOST, peers.ports["plain"], proto):
                assert manager.managed_socket_count <= 2
        port, spent = peers.ports["plain"], pytest.raises(OutOfSocketsError)
        with manager.lease(HOST, port, "a"), manager.lease(HOST, port, "b"), spent:
            manager.get_socket(HOST, port, "c")


# -- psycopg_pool, urllib3, SQLAlchemy, pluggy


def test_an_interrupt_while_a_socket_is_looked_at_is_not_swallowed(manager, peers, monkeypatch):
    """psycopg_pool's check loop swallows cancellation."""
    with manager.lease(HOST, peers.ports["plain"]):
        pass

    def interrupted(socket, timeout):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(manager.driver, "revive", interrupted)
        with pytest.raises(KeyboardInterrupt):
            manager.get_socket(HOST, peers.ports["plain"], "")
    assert manager.managed_socket_count == 0, "and the socket is not lost"


def test_an_evicted_socket_is_closed_at_once(peers):
    """urllib3 leaves the sockets of an evicted pool to the garbage collector, which boards do not run finalizers in."""
    gc.disable()
    try:
        with manager_for(HostNetwork(), Policy(budget=1)) as manager:
            with manager.lease(HOST, peers.ports["plain"], "a") as first:
                pass
            with manager.lease(HOST, peers.ports["plain"], "b"):
                assert first.fileno() == -1
    finally:
        gc.enable()


def test_the_wall_clock_does_not_age_a_socket(manager, peers, monkeypatch):
    """SQLAlchemy takes the wall clock: when it is set, connections get old or young."""
    with manager.lease(HOST, peers.ports["plain"]) as first:
        pass
    monkeypatch.setattr(time, "time", lambda: 4e9)
    monkeypatch.setattr(time, "time_ns", lambda: 4_000_000_000_000_000_000)
    with manager.lease(HOST, peers.ports["plain"]) as again:
        assert again is first


# -- costs that grow


def test_no_step_looks_at_more_than_it_changes():
    """adafruit_connection_manager's costs grow 300-fold by 10,000 hosts. Counted, not timed: how often keys are
    compared and hashed does not grow with their number."""

    class Key:
        touched = 0

        def __init__(self, number):
            self.number = number
            self.session = None

        def __hash__(self):
            Key.touched += 1
            return hash(self.number)

        def __eq__(self, other):
            Key.touched += 1
            return self.number == other.number

    def cost(ledger, number):
        Key.touched = 0
        entry = ledger.lease(Key(number), None, 1)
        assert entry.state == LEASED
        ledger.recycle(entry, 1)
        return Key.touched

    costs = []
    for count in (1, 10_000):
        ledger = Ledger(Policy(idle_timeout=None))
        for number in range(count):
            entry = ledger.lease(Key(number), None, 0)
            assert entry.state == CONNECTING
            ledger.open(entry, object(), 0)
            ledger.recycle(entry, 0)
            assert entry.state == IDLE
        costs.append(max(cost(ledger, number) for number in range(min(count, 50))))
    assert costs[0] == costs[1] <= 4


def test_a_manager_of_many_threads_survives_closing_all(peers):
    """Closing everything while others lease neither raises nor hangs."""
    with manager_for(HostNetwork(), Policy(budget=4)) as manager:
        errors = []

        def work():
            try:
                for _ in range(100):
                    with manager.lease(HOST, peers.ports["plain"], timeout=20):
                        pass
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            manager.close_all()
        assert errors == []
