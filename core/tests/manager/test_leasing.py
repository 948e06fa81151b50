"""Leasing and giving back, over real sockets."""

import errno
import socket
import ssl

import pytest

from radiopool import (
    ConnectionManager,
    ConnectTimeoutError,
    CooldownError,
    InvalidValueError,
    LeaseError,
    NameResolutionError,
    OutOfSocketsError,
    Policy,
    RefusedError,
    get_connection_manager,
    manager_for,
)
from radiopool_cpython import CPythonDriver, HostNetwork

HOST = "127.0.0.1"


def test_an_equal_key_gets_the_same_socket_and_another_key_does_not(make, port):
    manager = make()
    first = manager.get_socket(HOST, port, "a")
    manager.free_socket(first)
    again = manager.get_socket(HOST, port, "a")
    assert again is first
    other = manager.get_socket(HOST, port, "b")
    session = manager.get_socket(HOST, port, "a", "session")
    upper = manager.get_socket("LOCALHOST", port, "a")
    manager.free_socket(upper)
    assert manager.get_socket("localhost", port, "a") is upper
    assert len({first, other, session, upper}) == 4
    for sock in (first, other, session, upper):
        manager.close_socket(sock)


def test_the_youngest_idle_socket_is_leased_first(make, port):
    manager = make()
    first, second = (manager.get_socket(HOST, port, "") for _ in range(2))
    manager.free_socket(first)
    manager.free_socket(second)
    with manager.lease(HOST, port) as sock:
        assert sock is second


def test_the_least_recently_used_idle_socket_makes_room(make, port, driver):
    manager = make(budget=3)
    sockets = [manager.get_socket(HOST, port, proto) for proto in "abc"]
    for index in (1, 0, 2):
        manager.free_socket(sockets[index])
    with manager.lease(HOST, port, "d"):
        assert driver.closed == [sockets[1]]
        with manager.lease(HOST, port, "e"):
            assert driver.closed == [sockets[1], sockets[0]]
    assert driver.most == 3
    assert manager.stats()["closed"] == {"evicted": 2}


def test_a_socket_in_use_is_never_taken_and_the_error_has_the_counts(make, port):
    manager = make(budget=(2, 1), wait=0)
    with manager.lease(HOST, port, "a") as one, manager.lease(HOST, port, "b") as two:
        with pytest.raises(
            OutOfSocketsError, match=r"out of sockets for .*2 leased, 0 idle.*budget of 2 sockets and 1"
        ):
            manager.get_socket(HOST, port, "c")
        assert one.fileno() > 0 and two.fileno() > 0


def test_tls_sockets_have_a_budget_of_their_own(make, peers, driver):
    context = ssl.create_default_context(cadata=peers.ca)
    manager = make(budget=(3, 1), wait=0)
    plain = manager.get_socket(HOST, peers.ports["plain"], "")
    manager.free_socket(plain)
    with manager.lease(HOST, peers.ports["tls"], "a", is_ssl=True, ssl_context=context) as one:
        with pytest.raises(OutOfSocketsError, match="out of TLS sockets"):
            manager.get_socket(HOST, peers.ports["tls"], "b", is_ssl=True, ssl_context=context)
        assert driver.closed == []
    with manager.lease(HOST, peers.ports["tls"], "b", is_ssl=True, ssl_context=context):
        assert driver.closed == [one], "the TLS socket made room, not the older plain one"


def test_the_callers_timeout_is_applied_on_reuse(make, port):
    manager = make()
    with manager.lease(HOST, port, timeout=3) as sock:
        assert sock.gettimeout() == 3
    with manager.lease(HOST, port, timeout=0.5) as sock:
        assert sock.gettimeout() == 0.5
    with manager.lease(HOST, port, timeout=None) as sock:
        assert sock.gettimeout() is None


@pytest.mark.parametrize("command", [b"bye 0\n", b"send 1\n", b"reset\n"])
def test_a_socket_that_is_stale_is_replaced_before_anything_is_sent(make, port, command, ask):
    manager = make(budget=1)
    with manager.lease(HOST, port) as first:
        first.sendall(command)
    # An end, an error or a byte arrives.
    first.setblocking(True)
    try:
        first.recv(1, socket.MSG_PEEK)
    except ConnectionResetError:
        pass
    with manager.lease(HOST, port) as second:
        assert second is not first
        assert ask(second, b"echo 2\nhi", 2) == b"hi"
    assert manager.stats()["closed"] == {"stale": 1}
    assert manager.stats()["reused"] == 0, "no connect was spared"
    assert manager.stats()["peak"] == 1


def test_leaving_the_with_form_by_an_exception_closes_the_socket(make, port):
    manager = make()
    with pytest.raises(KeyError), manager.lease(HOST, port) as sock:
        raise KeyError("mine")
    assert sock.fileno() == -1
    assert manager.stats()["closed"] == {"discarded": 1}


def test_giving_back_by_hand_inside_the_with_form_is_fine(make, port):
    manager = make()
    with manager.lease(HOST, port) as first:
        manager.free_socket(first)
        second = manager.get_socket(HOST, port, "")
        assert second is first
    assert second.fileno() > 0, "it was leased again: the block no longer owns it"
    manager.close_socket(second)


def test_giving_back_twice_and_giving_back_a_strangers_socket(make, port):
    manager = make()
    sock = manager.get_socket(HOST, port, "")
    manager.free_socket(sock)
    with pytest.raises(LeaseError, match="given back before"):
        manager.free_socket(sock)
    with pytest.raises(LeaseError, match="given back before"):
        manager.close_socket(sock)
    with socket.socket() as stranger, pytest.raises(LeaseError, match="did not lease"):
        manager.free_socket(stranger)
    with pytest.raises(LeaseError):
        manager.free_socket(None)
    closed = manager.get_socket(HOST, port, "")
    manager.close_socket(closed)
    with pytest.raises(LeaseError, match="closed already"):
        manager.close_socket(closed)


def test_nothing_is_leased_after_close_and_what_is_out_is_closed_when_it_returns(make, port):
    manager = make()
    sock = manager.get_socket(HOST, port, "")
    manager.close()
    with pytest.raises(LeaseError, match="closed; make a new one"):
        manager.get_socket(HOST, port, "")
    assert sock.fileno() > 0
    manager.free_socket(sock)
    assert sock.fileno() == -1


def test_close_all_while_leases_are_out(make, port):
    manager = make()
    idle = manager.get_socket(HOST, port, "idle")
    manager.free_socket(idle)
    out = manager.get_socket(HOST, port, "out")
    manager.close_all()
    assert idle.fileno() == -1 and out.fileno() > 0
    manager.free_socket(out)
    assert out.fileno() == -1
    with manager.lease(HOST, port, "out") as later:
        pass
    assert later.fileno() > 0, "the manager stays usable, and recycles again"
    assert manager.stats()["closed"] == {"retired": 2}


def test_retire_ends_one_session_and_leaves_the_others(make, port):
    manager = make()
    mine, out, other = (manager.get_socket(HOST, port, proto, s) for proto, s in (("a", 1), ("b", 1), ("a", 2)))
    manager.free_socket(mine)
    manager.free_socket(other)
    manager.retire(1)
    assert mine.fileno() == -1 and out.fileno() > 0 and other.fileno() > 0
    manager.free_socket(out)
    assert out.fileno() == -1


def test_retire_of_one_key(make, port):
    manager = make()
    key, _ = manager.key_for(HOST, port, "a")
    one, two = manager.get_socket(HOST, port, "a"), manager.get_socket(HOST, port, "b")
    manager.free_socket(one)
    manager.free_socket(two)
    manager.retire(None, key)
    assert one.fileno() == -1 and two.fileno() > 0


def test_idle_sockets_are_not_kept_for_ever(make, port, clock):
    manager = make(idle_timeout=5)
    with manager.lease(HOST, port, "a") as old:
        pass
    clock.advance(3)
    with manager.lease(HOST, port, "b") as young:
        pass
    clock.advance(2)
    manager.sweep()
    assert old.fileno() == -1 and young.fileno() > 0
    clock.advance(3)
    with manager.lease(HOST, port, "c"):
        assert young.fileno() == -1
    assert manager.stats()["closed"] == {"idle timeout": 2}


def test_sockets_reach_an_age_and_not_all_the_same(make, port, clock):
    manager = make(max_age=100, idle_timeout=None)
    entries = [manager.acquire(manager.key_for(HOST, port, "%d" % n)[0]) for n in range(20)]
    deaths = {entry.expires_at for entry in entries}
    assert all(90_000 <= death <= 100_000 for death in deaths) and len(deaths) > 5
    clock.advance(100)
    for entry in entries:
        manager.recycle(entry)
    assert manager.stats()["closed"] == {"max age": 20}


def test_an_idle_socket_that_came_of_age_is_not_handed_out(make, port, clock):
    manager = make(max_age=10, idle_timeout=None)
    with manager.lease(HOST, port) as old:
        pass
    clock.advance(10)
    with manager.lease(HOST, port) as fresh:
        assert fresh is not old and old.fileno() == -1


def test_what_is_idle_and_came_of_age_is_closed_by_any_lease(make, port, clock):
    manager = make(max_age=10, idle_timeout=None)
    with manager.lease(HOST, port, "a") as old:
        pass
    clock.advance(8)
    with manager.lease(HOST, port, "b") as young:
        pass
    clock.advance(2)
    with manager.lease(HOST, port, "c"):
        assert old.fileno() == -1 and young.fileno() > 0
    clock.advance(8)
    manager.sweep()
    assert young.fileno() == -1
    assert manager.stats()["closed"] == {"max age": 2}


def test_max_idle_keeps_the_youngest(make, port, driver):
    manager = make(max_idle=1)
    one, two = manager.get_socket(HOST, port, "a"), manager.get_socket(HOST, port, "b")
    manager.free_socket(one)
    manager.free_socket(two)
    assert driver.closed == [one]
    assert manager.stats()["closed"] == {"surplus": 1}


def test_max_per_key(make, port):
    manager = make(max_per_key=1, wait=0)
    full = pytest.raises(OutOfSocketsError, match="as many sockets to this host as allowed")
    with manager.lease(HOST, port, "a"), manager.lease(HOST, port, "b"), full:
        manager.get_socket(HOST, port, "a")


def test_the_budget_can_change(make, port, driver):
    manager = make(budget=3, wait=0)
    sockets = [manager.get_socket(HOST, port, proto) for proto in "abc"]
    manager.free_socket(sockets[0])
    manager.set_budget(2)
    assert driver.closed == [sockets[0]]
    with pytest.raises(OutOfSocketsError):
        manager.get_socket(HOST, port, "d")
    manager.set_budget(None)
    manager.close_socket(manager.get_socket(HOST, port, "d"))
    manager.free_socket(sockets[1])
    manager.free_socket(sockets[2])


class Exhausted:
    """A radio that has no more than so many sockets, and says so in its own way."""

    def __init__(self, driver, most, error):
        self.driver, self.most, self.error = driver, most, error
        self.connect = driver.connect
        driver.connect = self

    def __call__(self, *arguments):
        if self.driver.open >= self.most:
            raise self.error
        return self.connect(*arguments)


OUT_OF_SOCKETS = [
    MemoryError(),
    OSError(errno.ENOMEM, "no memory"),
    OSError(errno.EMFILE, "too many open files"),
    OSError(23),
    RuntimeError("Out of sockets"),
    RuntimeError("All sockets in use."),
]


@pytest.mark.parametrize("error", OUT_OF_SOCKETS, ids=repr)
def test_exhaustion_evicts_one_idle_socket_at_a_time_and_teaches_the_limit(make, port, driver, clock, error):
    manager = make(idle_timeout=None, wait=0)
    Exhausted(driver, 2, error)
    one, two = manager.get_socket(HOST, port, "a"), manager.get_socket(HOST, port, "b")
    manager.free_socket(one)
    with manager.lease(HOST, port, "c") as three:
        assert driver.closed == [one], "the idle one went, and the connect was tried again"
        with pytest.raises(OutOfSocketsError) as refused:
            manager.get_socket(HOST, port, "d")
        assert "2 leased, 0 idle" in str(refused.value)
        assert two.fileno() > 0 and three.fileno() > 0
    connects = driver.connects
    with manager.lease(HOST, port, "e"):
        assert driver.connects == connects + 1, "the limit was learned: no failing attempt"
    manager.free_socket(two)


def test_what_was_learned_from_exhaustion_is_forgotten_after_a_minute(make, port, driver, clock):
    manager = make(idle_timeout=None, wait=0)
    shortage = Exhausted(driver, 1, MemoryError())
    with manager.lease(HOST, port, "a"):
        with pytest.raises(OutOfSocketsError):
            manager.get_socket(HOST, port, "b")
        shortage.most = 2
        with pytest.raises(OutOfSocketsError):
            manager.get_socket(HOST, port, "b")
        clock.advance(60)
        with manager.lease(HOST, port, "b"):
            pass


def test_a_failing_connect_leaks_nothing_and_says_where_to(make, peers):
    manager = make(budget=1)
    with pytest.raises(RefusedError, match="127.0.0.1") as refused:
        manager.get_socket(HOST, peers.ports["refused"], "")
    assert (refused.value.host, refused.value.port) == (HOST, peers.ports["refused"])
    assert refused.value.errno == errno.ECONNREFUSED
    assert isinstance(refused.value, ConnectionRefusedError) and isinstance(refused.value.__cause__, OSError)
    with pytest.raises(ConnectTimeoutError):
        manager.get_socket(HOST, peers.ports["blackhole"], "", timeout=0.05)
    with pytest.raises(NameResolutionError):
        manager.get_socket("nobody.invalid", 80, "")
    assert manager.stats()["connecting"] == 0
    with manager.lease(HOST, peers.ports["plain"]):
        pass


def test_a_failing_tls_handshake_leaks_nothing(make, peers):
    manager = make(budget=(1, 1))
    context = ssl.create_default_context(cadata=peers.ca)
    for word in ("expired", "wrong name", "untrusted"):
        with pytest.raises(OSError, match="(?i)cert"):
            manager.get_socket(HOST, peers.ports[word], "", is_ssl=True, ssl_context=context)
    with manager.lease(HOST, peers.ports["tls"], is_ssl=True, ssl_context=context):
        pass


def test_any_exception_of_a_driver_passes_through_and_frees_the_unit(make, port, driver):
    manager = make(budget=1)
    driver.refuse = ZeroDivisionError("a bug in the driver")
    with pytest.raises(OSError, match="a bug in the driver"):
        manager.get_socket(HOST, port, "")
    driver.refuse = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        manager.get_socket(HOST, port, "")
    driver.refuse = None
    with manager.lease(HOST, port):
        pass


def test_a_key_function_that_raises_costs_nothing(make, port):
    manager = make(budget=1)
    with pytest.raises(InvalidValueError, match="hashable"):
        manager.get_socket(HOST, port, ["a", "list"])
    with manager.lease(HOST, port):
        pass


@pytest.mark.parametrize(
    ("host", "bad_port", "said"),
    [
        ("", 80, "''"),
        ("a b", 80, "'a b'"),
        ("a\0b", 80, r"'a\\x00b'"),
        ("a\nb", 80, r"'a\\nb'"),
        (None, 80, "None"),
        (b"bytes", 80, "b'bytes'"),
        ("host", "http", "'http'"),
        ("host", 0, "0"),
        ("host", 70000, "70000"),
        ("host", -1, "-1"),
        ("host", True, "True"),
        ("host", 80.0, "80.0"),
        ("host", None, "None"),
    ],
)
def test_a_bad_address_is_refused_before_a_socket_is_spent(make, driver, host, bad_port, said):
    manager = make(budget=1)
    with pytest.raises(ValueError, match=said) as refused:
        manager.get_socket(host, bad_port, "")
    assert isinstance(refused.value, InvalidValueError)
    assert driver.connects == 0


@pytest.mark.parametrize("timeout", [-1, -0.001, "5", True, float("nan")])
def test_a_bad_timeout(make, port, timeout):
    with pytest.raises(InvalidValueError, match="timeout must be None or seconds"):
        make().get_socket(HOST, port, "", timeout=timeout)


@pytest.mark.parametrize(
    "policy",
    [
        {"budget": 0},
        {"budget": (0, 0)},
        {"budget": -4},
        {"budget": (4, -1)},
        {"budget": "4"},
        {"budget": 4.5},
        {"budget": (1, 2, 3)},
        {"budget": True},
        {"max_per_key": 0},
        {"max_idle": -1},
        {"idle_timeout": -1},
        {"max_age": "1"},
        {"wait": -1},
        {"max_waiting": -1},
        {"leak_after": -1},
        {"cooldown": -0.5},
    ],
    ids=str,
)
def test_a_bad_policy_is_named_with_its_value(policy):
    ((name, value),) = policy.items()
    with pytest.raises(InvalidValueError) as refused:
        Policy(**policy)
    assert name in str(refused.value) and repr(value) in str(refused.value)


@pytest.mark.parametrize("policy", [4, "", {}])
def test_a_policy_that_is_none_is_refused(policy):
    with pytest.raises(InvalidValueError, match="policy must be a radiopool.Policy or None, not "):
        ConnectionManager(HostNetwork().socket_pool, policy=policy)


def test_a_second_manager_over_the_same_pool_shares_the_ledger(make, port, driver):
    manager = make(budget=1, wait=0)
    second = ConnectionManager(manager.socket_pool)
    assert get_connection_manager(manager.socket_pool).driver is driver
    with manager.lease(HOST, port) as sock, pytest.raises(OutOfSocketsError):
        second.get_socket(HOST, port, "")
    with second.lease(HOST, port) as again:
        assert again is sock
    with pytest.raises(InvalidValueError, match="has a manager already"):
        ConnectionManager(manager.socket_pool, policy=Policy(budget=2))


def test_manager_for_gives_one_ledger_per_radio():
    radio = HostNetwork(budget=(1, None))
    with manager_for(radio) as manager:
        assert manager_for(radio).socket_pool is manager.socket_pool
        assert manager.stats()["budget"] == (1, None)
        assert manager.radio is radio
        assert ConnectionManager(manager.socket_pool).radio is radio


def test_without_a_socket_pool_the_error_says_what_to_do():
    with pytest.raises(TypeError, match="socket_pool"):
        ConnectionManager()
    with pytest.raises(InvalidValueError, match=r"manager_for\(radio\)"):
        ConnectionManager(None)


def test_after_a_reset_of_the_radio_its_sockets_are_forgotten(make, port, driver):
    manager = make(budget=2)
    idle, out = manager.get_socket(HOST, port, "a"), manager.get_socket(HOST, port, "b")
    manager.free_socket(idle)
    manager.radio_reset()
    assert driver.closed == [], "not closed: their numbers belong to others"
    assert manager.stats()["leased"] == manager.stats()["idle"] == 0
    manager.free_socket(out)
    with pytest.raises(LeaseError):
        manager.free_socket(out)
    with manager.lease(HOST, port, "a") as fresh:
        assert fresh is not idle
    driver.open -= 2


def test_cooldown_rests_a_key_after_repeated_failures(make, peers, port, clock, driver):
    manager = make(cooldown=10)
    for _ in range(2):
        with pytest.raises(RefusedError):
            manager.get_socket(HOST, peers.ports["refused"], "")
    connects = driver.connects
    with pytest.raises(CooldownError, match="due in"):
        manager.get_socket(HOST, peers.ports["refused"], "")
    assert driver.connects == connects, "nothing was tried"
    with manager.lease(HOST, port):
        pass
    clock.advance(10)
    with pytest.raises(RefusedError):
        manager.get_socket(HOST, peers.ports["refused"], "")
    clock.advance(9)
    with pytest.raises(CooldownError):
        manager.get_socket(HOST, peers.ports["refused"], "")


def test_without_a_policy_there_is_no_cooldown(make, peers):
    manager = make()
    for _ in range(5):
        with pytest.raises(RefusedError):
            manager.get_socket(HOST, peers.ports["refused"], "")


def test_repr_tells_the_truth(make, port):
    manager = make(budget=(4, 2))
    with manager.lease(HOST, port) as sock:
        assert repr(manager) == (
            "<ConnectionManager of cpython: 1 leased, 0 idle, 0 connecting (0 with TLS) "
            "of a budget of 4 sockets and 2 with TLS>"
        )
        entry = manager._account.ledger.find(sock)
        assert repr(entry) == "<Entry leased, leased 1 times>"
    assert (manager.available_socket_count, manager.managed_socket_count) == (1, 1)


class Interrupting(CPythonDriver):
    """The real driver, whose `close` is interrupted by a Ctrl-C as often as `interrupts` says."""

    interrupts = 0

    def close(self, socket):
        if self.interrupts:
            self.interrupts -= 1
            raise KeyboardInterrupt
        super().close(socket)


@pytest.mark.parametrize("interrupts", [1, 3])
def test_a_close_that_is_interrupted_loses_no_unit_and_leaves_nothing_open(port, interrupts):
    driver = Interrupting()
    manager = ConnectionManager(HostNetwork().socket_pool, driver=driver, policy=Policy(budget=4, wait=0))
    sockets = [manager.get_socket(HOST, port, str(number)) for number in range(4)]
    for sock in sockets:
        manager.free_socket(sock)
    driver.interrupts = interrupts
    with pytest.raises(KeyboardInterrupt):
        manager.close_all()
    assert driver.interrupts == 0 and manager.managed_socket_count == 0
    if interrupts == 1:
        assert [sock.fileno() for sock in sockets] == [-1] * 4
    again = [manager.get_socket(HOST, port, str(number)) for number in range(4)]
    for sock in again + sockets:
        sock.close()
    for sock in again:
        manager.close_socket(sock)
    manager.close()


@pytest.mark.parametrize("ask_for", ["a lease", "a socket"])
def test_a_lease_whose_eviction_is_interrupted_loses_no_unit(port, ask_for):
    driver = Interrupting()
    manager = ConnectionManager(HostNetwork().socket_pool, driver=driver, policy=Policy(budget=1, wait=0))
    idle = manager.get_socket(HOST, port, "a")
    manager.free_socket(idle)
    driver.interrupts = 1
    with pytest.raises(KeyboardInterrupt):
        manager.get_socket(HOST, port, "b") if ask_for == "a lease" else manager.socket()
    assert idle.fileno() == -1
    assert manager.stats()["connecting"] == manager.stats()["leased"] == 0
    with manager.lease(HOST, port, "b"):
        pass
    manager.close()
