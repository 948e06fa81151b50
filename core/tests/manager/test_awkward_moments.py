"""What happens at the moments that are easily forgotten: an interrupt, a fork, the garbage collector, two at once."""

import errno
import logging
import socket
import ssl
import subprocess
import sys
import threading

import pytest

import radiopool
from radiopool import (
    ConnectError,
    CooldownError,
    DriverError,
    GenericDriver,
    InvalidValueError,
    LeaseError,
    NoDriverError,
    OutOfSocketsError,
    Policy,
    ledger_methods,
    recycling,
    threaded,
)
from radiopool.cooldown import Cooldown
from radiopool.ledger_methods import LEARNED_MS
from radiopool.platform import now_ms
from radiopool.recycling import Ledger
from radiopool_cpython import HostNetwork

LONG = 30
"""Seconds: no test waits for them."""


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        yield server.getsockname()[1]


def in_time(function, *arguments):
    """What the function returns or raises, in a thread of its own that must end."""
    result = []

    def run():
        try:
            result.append(function(*arguments))
        except BaseException as error:
            result.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(LONG)
    assert result, "it did not end"
    return result[0]


def program(text):
    """What a program prints that must end."""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=2 * LONG)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Slow(GenericDriver):
    """Two threads are in `traits` at once."""

    def __init__(self):
        self.both = threading.Barrier(2)

    def traits(self, radio):
        self.both.wait(LONG)
        return super().traits(radio)


def test_threads_that_ask_first_at_the_same_time_share_the_books():
    pool, driver, found = object(), Slow(), []

    def ask():
        found.append(radiopool.ConnectionManager(pool, driver=driver))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0]._account is found[1]._account
    found[0].close()


INTERRUPTED = """
import signal, socket, radiopool
server = socket.create_server(("127.0.0.1", 0), backlog=100)
port = server.getsockname()[1]
manager = radiopool.manager_for()
class Interrupt(BaseException):
    pass
fired = False
def interrupt(*_):
    global fired
    fired = True
    raise Interrupt
signal.signal(signal.SIGALRM, interrupt)
with manager.lease("127.0.0.1", port):
    pass
def lease_again_and_again():
    # Where Python ignores an exception, as in a weak reference's callback, only `fired` ends it.
    while not fired:
        with manager.lease("127.0.0.1", port):
            pass
for number in range(300):
    fired = False
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0005 + number * 1e-6)
        lease_again_and_again()
    except Interrupt:
        pass
    if manager._account.lock.locked():
        # The end of the program would wait for it.
        import os
        os._exit(1)
print("done")
"""


def test_an_interrupt_leaves_the_lock_free():
    assert program(INTERRUPTED) == "done\n"


def test_a_generator_that_is_collected_under_the_lock_ends_its_lease_later(port):
    manager = radiopool.manager_for(HostNetwork(budget=1))

    def lines():
        with manager.lease("127.0.0.1", port) as leased:
            yield leased

    generator = lines()
    next(generator)

    def collect():
        with manager._account.lock:
            generator.close()

    assert in_time(collect) is None
    # The unit is wanted, and there.
    with manager.lease("127.0.0.1", port, wait=0):
        assert manager.stats()["leased"] == 1
    manager.close()


def test_a_generator_that_is_dropped_ends_its_lease(port):
    with radiopool.manager_for(HostNetwork()) as manager:

        def lines():
            with manager.lease("127.0.0.1", port) as leased:
                yield leased

        generator = lines()
        next(generator)
        del generator
        assert (manager.stats()["leased"], manager.stats()["idle"]) == (0, 0)


def test_a_lease_is_entered_once_at_a_time(port):
    with radiopool.manager_for(HostNetwork()) as manager:
        lease = manager.lease("127.0.0.1", port)
        with lease, pytest.raises(LeaseError, match="in use"), lease:
            pass
        with lease:
            pass
        assert manager.stats()["leased"] == 0


def filled(budget, contexts, tls_cost=1):
    """A ledger with an idle socket for each context, all of them as old as the clock is at 0."""
    ledger = Ledger(None, budget, tls_cost)
    for number, context in enumerate(contexts):
        entry = ledger.lease(number, context, 0)
        ledger.open(entry, object(), 0)
        ledger.recycle(entry, 0)
    return ledger


def test_what_grew_old_gives_its_units_to_nobody_before_it_is_closed():
    ledger = filled((2, None), [None, None])
    # Both are due; the first lease closes both and takes one unit.
    assert ledger.lease("a", None, 60_000) is not None
    closing = ledger.take_doomed()
    assert len(closing) == 2 and ledger.used == 2
    assert ledger.lease("b", None, 60_000) is None
    ledger.settle(closing)
    assert ledger.lease("b", None, 60_000) is not None


def test_a_tls_sockets_second_unit_is_free_when_it_is_closed():
    ledger = filled((2, None), [object()], tls_cost=2)
    assert ledger.lease("a", None, 1) is not None
    closing = ledger.take_doomed()
    assert (len(closing), ledger.used, ledger.tls_used) == (1, 2, 1)
    assert ledger.lease("b", None, 1) is None
    ledger.settle(closing)
    assert (ledger.used, ledger.tls_used) == (1, 0)
    assert ledger.lease("b", None, 1) is not None


def test_a_tls_lease_takes_over_from_tls():
    ledger = filled((3, 1), [None, object(), None])
    assert ledger.lease("a", object(), 1) is not None
    (victim,) = ledger.take_doomed()
    assert victim.tls and (ledger.used, ledger.tls_used) == (3, 1)


def test_a_ledger_that_ended_learns_no_room():
    ledger = filled((4, None), [None, None])
    connecting = ledger.lease("a", None, 1)
    ledger.end()
    ledger.exhausted(connecting, 2)
    ledger.sweep(2 + LEARNED_MS)
    assert ledger.lease("b", None, 3 + LEARNED_MS) is None


def test_a_log_handler_may_ask_the_manager(port):
    manager = radiopool.manager_for(HostNetwork(budget=1), policy=Policy(leak_after=0))
    seen = []

    class Handler(logging.Handler):
        def emit(self, record):
            seen.append(manager.stats()["leased"])

    handler = Handler()
    log = logging.getLogger("radiopool.leaks")
    log.addHandler(handler)
    try:
        held = manager.get_socket("127.0.0.1", port, "a")
        refused = in_time(lambda: manager.get_socket("127.0.0.1", port, "b", timeout=0.1))
        assert isinstance(refused, radiopool.OutOfSocketsError) and "leased for" in str(refused)
        manager.close_socket(held)
    finally:
        log.removeHandler(handler)
    assert seen
    manager.close()


@pytest.mark.parametrize("name", ["max_age", "idle_timeout", "leak_after", "cooldown", "wait"])
def test_a_time_without_end_is_none(name):
    with pytest.raises(InvalidValueError, match=name):
        Policy(**{name: float("inf")})


def test_an_idle_socket_serves_while_its_host_rests():
    network = HostNetwork()
    manager = radiopool.manager_for(network, policy=Policy(cooldown=60))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        first = manager.get_socket("127.0.0.1", port, "")
        accepted, _ = server.accept()
    for _ in range(2):
        with pytest.raises(OSError):
            manager.get_socket("127.0.0.1", port, "")
    manager.free_socket(first)
    assert manager.get_socket("127.0.0.1", port, "") is first
    with pytest.raises(CooldownError):
        manager.get_socket("127.0.0.1", port, "")
    manager.close_socket(first)
    accepted.close()
    manager.close()


def test_the_default_driver_knows_what_tls_says_when_it_would_wait():
    driver = GenericDriver()
    assert driver.would_block(ssl.SSLWantReadError(2, "wait"))
    assert driver.would_block(ssl.SSLWantWriteError(3, "wait"))
    assert not driver.would_block(ssl.SSLEOFError(8, "end"))


@pytest.mark.parametrize("timeout", [float("inf"), 1e10])
def test_nobody_waits_longer_than_a_thread_can(port, timeout):
    with radiopool.manager_for(HostNetwork()) as manager:
        with pytest.raises(InvalidValueError, match="timeout"):
            manager.get_socket("127.0.0.1", port, "", timeout=timeout)
        assert manager.stats()["connecting"] == 0


@pytest.mark.parametrize("wait", ["x", -1, float("nan"), float("inf")])
def test_a_wait_that_is_none_is_refused(port, wait):
    with radiopool.manager_for(HostNetwork(budget=1)) as manager, manager.lease("127.0.0.1", port):
        with pytest.raises(InvalidValueError, match="wait"), manager.lease("127.0.0.1", port, wait=wait):
            pass
        assert manager.stats()["leased"] == 1


def test_an_observer_that_raises_silences_no_other(port, caplog):
    class Observer:
        def __init__(self, error=None):
            self.error = error
            self.heard = []

        @radiopool.observer
        def opened(self, key):
            self.heard.append(key.host)
            if self.error:
                raise self.error

    observers = [Observer(), Observer(ValueError("no")), Observer()]
    for observer in observers:
        radiopool.observe(observer)
    try:
        with radiopool.manager_for(HostNetwork()) as manager, manager.lease("127.0.0.1", port):
            pass
    finally:
        for observer in observers:
            radiopool.ignore(observer)
    radiopool.ignore(observers[0])
    assert [observer.heard for observer in observers] == [["127.0.0.1"]] * 3
    assert "an observer of opened failed" in caplog.text


def test_a_managed_socket_that_tls_wraps_returns_its_unit(port):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with radiopool.manager_for(HostNetwork(budget=1)) as manager:
        for _ in range(3):
            made = manager.socket()
            made.connect(("127.0.0.1", port))
            context.wrap_socket(made, do_handshake_on_connect=False).close()
            assert manager.stats()["leased"] == 0


@pytest.mark.parametrize("event", ["opened", "reused"])
def test_an_interrupt_in_an_observer_ends_the_lease(port, event):
    class Observer:
        @radiopool.observer
        def opened(self):
            if event == "opened":
                raise KeyboardInterrupt

        @radiopool.observer
        def reused(self):
            raise KeyboardInterrupt

    with radiopool.manager_for(HostNetwork(budget=1)) as manager:
        if event == "reused":
            with manager.lease("127.0.0.1", port):
                pass
        observer = radiopool.observe(Observer())
        try:
            with pytest.raises(KeyboardInterrupt):
                manager.get_socket("127.0.0.1", port, "")
        finally:
            radiopool.ignore(observer)
        assert manager.stats()["closed"] == {"discarded": 1}
        with manager.lease("127.0.0.1", port, wait=0):
            pass


class Grudging(GenericDriver):
    """A driver whose `close` raises when it is told to, and whose radio runs out when it is told to."""

    error = None
    exhausted = 0

    def __init__(self):
        self.closed = []

    def connect(self, *arguments, **keywords):
        if self.exhausted:
            self.exhausted -= 1
            raise OSError(errno.EMFILE, "too many")
        return super().connect(*arguments, **keywords)

    def close(self, opened):
        super().close(opened)
        self.closed.append(opened)
        if self.error:
            raise self.error


@pytest.fixture
def grudging():
    class Pool:
        SOCK_STREAM = socket.SOCK_STREAM
        getaddrinfo = staticmethod(socket.getaddrinfo)
        socket = staticmethod(socket.socket)

    made = []

    def make(clock=now_ms, **policy):
        made.append(radiopool.ConnectionManager(Pool(), driver=Grudging(), policy=Policy(**policy), clock=clock))
        return made[-1]

    yield make
    for manager in made:
        manager.close()


class Ticking:
    """A clock that goes `step` further whenever it is read."""

    now = step = 0

    def __call__(self):
        self.now += self.step
        return self.now


def test_a_waiter_whose_close_fails_is_not_left_in_the_line(port, grudging):
    clock = Ticking()
    manager = grudging(clock, budget=2, max_per_key=1, idle_timeout=1)
    held = manager.get_socket("127.0.0.1", port, "b")
    with manager.lease("127.0.0.1", port, "a"):
        pass
    manager.driver.error = ValueError("it fell over")
    # The second look, with which the waiting begins, finds what has just grown old.
    clock.step = 600
    with pytest.raises(ValueError, match="it fell over"):
        manager.get_socket("127.0.0.1", port, "b")
    manager.driver.error = None
    assert manager.stats()["waiting"] == 0
    manager.close_socket(held)
    with manager.lease("127.0.0.1", port, "b", wait=0):
        pass


def test_an_interrupt_while_a_block_ends_takes_nothing_from_the_budget(port, grudging):
    class Interrupted(Ticking):
        error = None

        def __call__(self):
            error, self.error = self.error, None
            if error:
                raise error
            return 0

    clock = Interrupted()
    manager = grudging(clock, budget=1)
    with pytest.raises(KeyboardInterrupt), manager.lease("127.0.0.1", port):
        clock.error = KeyboardInterrupt()
    with manager.lease("127.0.0.1", port, wait=0):
        assert manager.stats()["closed"] == {"discarded": 1}


def test_a_waiter_is_served_when_a_learned_limit_is_forgotten(port, grudging, monkeypatch):
    for module in (ledger_methods, recycling, threaded):
        monkeypatch.setattr(module, "LEARNED_MS", 50)
    manager = grudging()
    held = manager.get_socket("127.0.0.1", port, "a")
    manager.driver.exhausted = 1
    with pytest.raises(OutOfSocketsError):
        manager.get_socket("127.0.0.1", port, "b")
    # Nobody gives anything back.
    manager.close_socket(manager.get_socket("127.0.0.1", port, "b", timeout=LONG))
    manager.close_socket(held)


def test_what_the_radio_itself_has_not_is_no_limit_of_ours(port, grudging):
    manager = grudging(max_per_key=1)
    manager.driver.exhausted = 2
    with pytest.raises(
        OutOfSocketsError, match=r"for 127.0.0.1:\d+: the radio has none left .*too many.*0 leased"
    ) as told:
        manager.get_socket("127.0.0.1", port, "b")
    assert told.value.errno == errno.EMFILE


def test_sockets_without_a_key_are_not_counted_under_one(port):
    manager = radiopool.manager_for(HostNetwork(budget=2), policy=Policy(max_per_key=1))
    refused = pytest.raises(OutOfSocketsError, match=r"out of sockets for socket\(\): 2 leased")
    with manager, manager.socket(), manager.socket(), refused:
        manager.socket()


def test_a_socket_accepted_while_the_radio_is_reset_is_let_go():
    with radiopool.manager_for(HostNetwork()) as manager, socket.create_server(("127.0.0.1", 0)) as listening:

        class Listening:
            def accept(self):
                with socket.create_connection(listening.getsockname()):
                    manager.radio_reset()
                    accepted.append(listening.accept())
                return accepted[-1]

        accepted = []
        server = manager.socket()
        server.raw.close()
        server.raw = Listening()
        with pytest.raises(ConnectError, match="reset"):
            server.accept()
        assert accepted[0][0].fileno() == -1
        assert manager.stats()["connecting"] == manager.stats()["leased"] == 0


def test_what_is_leased_in_a_block_that_resets_is_not_remembered(port):
    with radiopool.manager_for(HostNetwork()) as manager:
        for _ in range(3):
            with manager.lease("127.0.0.1", port):
                manager.radio_reset()
        assert not manager._account.ledger.lost


def test_a_host_that_never_stops_failing_costs_no_more_each_time():
    cooldown = Cooldown(1)
    cooldown._failures["key"] = (1 << 62, 0)  # so many in a row
    with radiopool.manager_for(HostNetwork()) as manager:
        cooldown.failed("key", now_ms())
        with pytest.raises(CooldownError, match=r"due in [123]\d\."):
            cooldown.check("key", manager._account)


@pytest.mark.parametrize(
    "wrong",
    [{"policy": 4}, {"policy": []}, {"policy": Policy}, {"driver": 4}, {"driver": GenericDriver}, {"clock": 4}],
    ids=repr,
)
def test_what_makes_no_manager_is_named(wrong):
    (name,) = wrong
    with pytest.raises((InvalidValueError, DriverError), match=name):
        radiopool.ConnectionManager(HostNetwork().socket_pool, **wrong)
    if name != "clock":
        with pytest.raises((InvalidValueError, DriverError), match=name):
            radiopool.manager_for(HostNetwork(), **wrong)


class Failing(radiopool.Driver):
    name = "failing"

    def matches(self, radio):
        return False

    def socket_pool(self, radio):
        return radio

    def radio_of(self, pool):
        return pool.no_such

    def default_radio(self):
        raise ValueError("no board")


def test_a_driver_that_fails_costs_only_itself():
    radiopool.register(Failing)
    try:
        manager = radiopool.get_connection_manager(HostNetwork().socket_pool)
        assert manager.driver.name == "cpython"
        manager.close()
        assert radiopool.manager_for().driver.name == "cpython"
        with pytest.raises(NoDriverError, match="'failing' failed when asked: ValueError: no board"):
            radiopool.manager_for(driver=Failing())
    finally:
        radiopool.unregister("failing")


def test_what_a_registered_driver_claims_loads_no_plugin():
    text = (
        "import sys, radiopool\n"
        "from radiopool_cpython import CPythonDriver, HostNetwork\n"
        "radiopool.register(CPythonDriver())\n"
        "assert radiopool.driver_for(HostNetwork()).name == 'cpython'\n"
        "print('radiopool.discovery' in sys.modules)\n"
    )
    assert program(text) == "False\n"


def test_an_address_of_the_other_family_may_come_last_and_again():
    network = HostNetwork(hosts={"h": ["::1", "127.0.0.1", "::1"]})
    (found,) = network.socket_pool.getaddrinfo("h", 80, socket.AF_INET, socket.SOCK_STREAM)
    assert found[4] == ("127.0.0.1", 80)
    with pytest.raises(socket.gaierror):
        HostNetwork(hosts={"h": ["::1"]}).socket_pool.getaddrinfo("h", 80, socket.AF_INET)


FORKING = """
import os, threading, radiopool
from radiopool_cpython import HostNetwork
managers = [radiopool.manager_for(HostNetwork()) for _ in range(3)]
def fork():
    for _ in range(60):
        child = os.fork()
        if not child:
            os._exit(0)
        os.waitpid(child, 0)
threads = [threading.Thread(target=fork) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert not any(manager._account.lock.locked() for manager in managers)
print("done")
"""

FORKING_WHILE_MANAGERS_ARE_MADE = """
import os, sys, threading, radiopool
from radiopool_cpython import HostNetwork
sys.setswitchinterval(1e-6)
kept = [radiopool.manager_for(HostNetwork()) for _ in range(200)]
done = False
def make():
    while not done:
        radiopool.manager_for(HostNetwork()).close()
thread = threading.Thread(target=make)
thread.start()
for _ in range(30):
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
done = True
thread.join()
print("done")
"""

CHILD = """
import os, sys, threading, socket, radiopool
from radiopool import GenericDriver, Policy
server = socket.create_server(("127.0.0.1", 0))
closing, may_end = threading.Event(), threading.Event()
class Driver(GenericDriver):
    def close(self, opened):
        closing.set()
        may_end.wait(30)
        opened.close()
    def abandon(self, opened):
        raise OSError("not mine")
class Pool:
    SOCK_STREAM = socket.SOCK_STREAM
    getaddrinfo = staticmethod(socket.getaddrinfo)
    socket = staticmethod(socket.socket)
address = server.getsockname()
managers = [radiopool.ConnectionManager(Pool(), driver=Driver(), policy=Policy(budget=1)) for _ in range(3)]
held = [manager.get_socket(*address, "") for manager in managers]
threading.Thread(target=managers[0].close_socket, args=(held[0],)).start()
closing.wait(30)
child = os.fork()
if not child:
    may_end.set()
    for manager in managers:
        manager.get_socket(*address, "", timeout=5)
    os._exit(0)
status = os.waitpid(child, 0)[1]
may_end.set()
print(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif("not hasattr(__import__('os'), 'fork')", reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("text", [FORKING, FORKING_WHILE_MANAGERS_ARE_MADE], ids=["two forks", "a new manager"])
def test_threads_may_fork(text):
    assert program(text) == "done\n"


@pytest.mark.skipif("not hasattr(__import__('os'), 'fork')", reason="no fork here")
def test_a_child_has_all_units_and_free_locks():
    assert program(CHILD) == "0\n"
