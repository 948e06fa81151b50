"""Leasing from many threads: fair waiting, and nothing lost."""

import ctypes
import random
import socket
import socketserver
import threading
import time

import pytest

from radiopool import LeaseError, LeaseTimeoutError, OutOfSocketsError
from radiopool.waiting import Line

HOST = "127.0.0.1"


def in_thread(function, *arguments):
    """Start a thread; `join()` gives what the function returned or raised."""
    outcome = []

    def run():
        try:
            outcome.append(function(*arguments))
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.outcome = lambda: (thread.join(20), outcome[0])[1]
    return thread


def until(condition):
    """Wait for what another thread is about to do."""
    for _ in range(2000):
        if condition():
            return
        time.sleep(0.005)
    raise AssertionError("it never came to be")


def waiting(manager):
    return manager.stats()["waiting"]


def test_waiters_are_served_in_the_order_they_came(make, port):
    manager = make(budget=1)
    served = []

    def wait_for_it(number):
        with manager.lease(HOST, port, str(number % 2), timeout=20):
            served.append(number)

    with manager.lease(HOST, port):
        threads = []
        for number in range(8):
            threads.append(in_thread(wait_for_it, number))
            until(lambda: waiting(manager) == number + 1)  # noqa: B023
    for thread in threads:
        thread.outcome()
    assert served == list(range(8))
    assert manager.stats()["peak"] == 1


def test_a_waiter_that_can_be_served_passes_one_that_cannot(make, port):
    manager = make(budget=2, max_per_key=1)
    one, two = manager.get_socket(HOST, port, "a"), manager.get_socket(HOST, port, "b")
    first = in_thread(lambda: manager.get_socket(HOST, port, "a", timeout=20))
    until(lambda: waiting(manager) == 1)
    second = in_thread(lambda: manager.get_socket(HOST, port, "c", timeout=20))
    until(lambda: waiting(manager) == 2)
    manager.free_socket(two)
    third = second.outcome()
    assert waiting(manager) == 1, "the first waits for its key, not for a unit"
    manager.free_socket(one)
    assert first.outcome() is one
    manager.close_socket(one)
    manager.close_socket(third)


def test_a_waiter_gets_a_timeout_with_the_counts(make, port):
    manager = make(budget=1)
    with manager.lease(HOST, port), pytest.raises(LeaseTimeoutError, match="1 leased, 0 idle") as refused:
        manager.get_socket(HOST, port, "", timeout=0.05)
    assert isinstance(refused.value, TimeoutError) and isinstance(refused.value, OutOfSocketsError)
    assert waiting(manager) == 0
    with manager.lease(HOST, port):
        pass


def test_the_wait_can_differ_from_the_timeout(make, port):
    manager = make(budget=1, wait=0)
    with manager.lease(HOST, port):
        with pytest.raises(OutOfSocketsError) as refused:
            manager.get_socket(HOST, port, "", timeout=20)
        assert not isinstance(refused.value, LeaseTimeoutError)
        with pytest.raises(LeaseTimeoutError), manager.lease(HOST, port, timeout=20, wait=0.01):
            pass


def test_the_line_can_be_short(make, port):
    manager = make(budget=1, max_waiting=1)
    with manager.lease(HOST, port):
        thread = in_thread(lambda: manager.get_socket(HOST, port, "", timeout=20))
        until(lambda: waiting(manager) == 1)
        with pytest.raises(OutOfSocketsError, match="1 waiting"):
            manager.get_socket(HOST, port, "", timeout=20)
    manager.free_socket(thread.outcome())


def test_closing_the_manager_wakes_who_waits(make, port):
    manager = make(budget=1)
    with manager.lease(HOST, port):
        thread = in_thread(lambda: manager.get_socket(HOST, port, "", timeout=20))
        until(lambda: waiting(manager) == 1)
        manager.close()
        error = thread.outcome()
        assert isinstance(error, LeaseError) and "closed while this lease waited" in str(error)


def interrupt(thread):
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(KeyboardInterrupt))


def test_an_interrupted_waiter_loses_no_socket(make, port):
    manager = make(budget=1)
    with manager.lease(HOST, port):
        thread = in_thread(lambda: manager.get_socket(HOST, port, "", timeout=0.5))
        until(lambda: waiting(manager) == 1)
        interrupt(thread)
        assert isinstance(thread.outcome(), (KeyboardInterrupt, LeaseTimeoutError))
    with manager.lease(HOST, port, timeout=1):
        assert waiting(manager) == 0


@pytest.mark.parametrize("how", ["reuse", "connect"])
def test_what_was_handed_to_a_waiter_that_gave_up_goes_to_the_next(make, port, how, monkeypatch):
    """The hand-over and the interrupt meet: the ticket was served, and its waiter never learns of it."""
    manager = make(budget=1)
    account = manager._account
    proto = "" if how == "reuse" else "other"
    join = Line.join

    def join_and_be_interrupted(line, *arguments):
        ticket = join(line, *arguments)

        def wait(seconds):
            manager.free_socket(held)
            assert ticket.entry is not None
            raise KeyboardInterrupt

        ticket.served.wait = wait
        return ticket

    held = manager.get_socket(HOST, port, "")
    with monkeypatch.context() as patch:
        patch.setattr(Line, "join", join_and_be_interrupted)
        with pytest.raises(KeyboardInterrupt):
            manager.get_socket(HOST, port, proto, timeout=20)
    assert account.ledger.counts()["leased"] == account.ledger.counts()["connecting"] == 0
    assert account.ledger.used == len(account.ledger.idle)
    with manager.lease(HOST, port, proto, timeout=1):
        pass


def test_no_lock_is_held_while_a_connect_hangs(make, peers, port):
    manager = make(budget=3)
    hanging = in_thread(lambda: manager.get_socket(HOST, peers.ports["blackhole"], "", timeout=2))
    until(lambda: manager.stats()["connecting"] == 1)
    with manager.lease(HOST, port, timeout=1):
        assert manager.stats()["connecting"] == 1, "the other is still at it"
    hanging.outcome()


def test_no_lock_is_held_while_a_socket_is_closed_or_looked_at(make, port, driver, monkeypatch):
    manager = make()
    seen = []

    def watch(name):
        real = getattr(driver, name)

        def watched(*arguments):
            seen.append(name)
            assert not manager._account.lock.locked()
            return real(*arguments)

        monkeypatch.setattr(driver, name, watched)

    for name in ("connect", "close", "revive", "abandon"):
        watch(name)
    with manager.lease(HOST, port):
        pass
    with manager.lease(HOST, port) as sock:
        manager.close_socket(sock)
    with manager.lease(HOST, port):
        manager.radio_reset()
    driver.open -= 1
    assert set(seen) == {"connect", "close", "revive", "abandon"}


class Overtaken:
    """A lock; as soon as it is free for the first time, another thread decides something under it."""

    def __init__(self, lock, decide):
        self.lock = lock
        self.decide = decide

    def acquire(self):
        return self.lock.acquire()

    __enter__ = acquire

    def release(self):
        self.lock.release()
        decide, self.decide = self.decide, None
        if decide:
            with self.lock:
                decide()

    def __exit__(self, *_):
        self.release()


@pytest.mark.parametrize("call", ["lease", "give back", "decide"])
def test_what_another_thread_doomed_is_left_to_it(make, driver, port, call):
    manager = make()
    account = manager._account
    ours, theirs, idle = (manager.acquire(manager.key_for(HOST, port, name)[0]) for name in ("ours", "theirs", "idle"))
    manager.recycle(idle)
    account.lock = Overtaken(account.lock, lambda: account.ledger.discard(theirs))
    if call == "lease":
        assert manager.acquire(idle.key) is idle
    elif call == "give back":
        manager.recycle(ours)
    else:
        account.decide(lambda: None)
    assert driver.closed == [], "closed by one who did not doom it"
    # Whoever decides next takes it, here as the other thread would have.
    manager.sweep()
    assert driver.closed == [theirs.socket]
    for entry in (ours, idle):
        if entry.state == "leased":
            manager.recycle(entry)


def test_a_reset_between_a_lease_and_the_look_at_its_socket_brings_a_fresh_one(make, driver, port):
    manager = make()
    account = manager._account
    with manager.lease(HOST, port) as idle:
        pass
    account.lock = Overtaken(account.lock, account.ledger.reset)
    with manager.lease(HOST, port) as fresh:
        assert fresh is not idle
    assert not account.ledger.lost
    assert manager.stats()["reused"] == 0
    # The radio has forgotten it, and so has the manager.
    driver.close(idle)


class Moody(socketserver.BaseRequestHandler):
    """Answers a byte with a byte, and closes the connection when it feels like it."""

    def handle(self):
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while self.request.recv(1):
            mood = self.server.dice.random()
            if mood < 0.01:
                return  # no answer
            self.request.sendall(b"!")
            if mood < 0.03:
                return  # closed while idle


class MoodyServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """The client closed first."""


@pytest.mark.timeout(300)
def test_thirty_two_threads_on_a_budget_of_four(make, driver):
    """64,000 leases against a server that closes connections at random."""
    manager = make(budget=4)
    order = {}  # ticket number -> its place in the order of service
    serve = Line.serve

    def note_order(line, ledger, now):
        before = list(line.tickets)
        serve(line, ledger, now)
        left = set(line.tickets)
        for ticket in before:
            if ticket not in left:
                order[ticket.number] = len(order)

    manager._account.line.serve = note_order.__get__(manager._account.line)
    errors, done = [], []

    def work(seed):
        dice = random.Random(seed)
        for _ in range(2000):
            try:
                with manager.lease(HOST, server.server_address[1], "ab"[dice.random() < 0.2], timeout=60) as sock:
                    sock.sendall(b"?")
                    if sock.recv(1) != b"!":
                        raise ConnectionResetError("the server closed it")
            except ConnectionError:
                continue
            except BaseException as error:
                errors.append(error)
                return
        done.append(seed)

    with MoodyServer((HOST, 0), Moody) as server:
        server.dice = random.Random(1)
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        server.shutdown()
        serving.join()
    assert errors == [] and len(done) == 32
    assert driver.most <= 4, "counted where sockets are made"
    assert manager.stats()["peak"] <= 4
    assert order and all(order[number] == place for place, number in enumerate(sorted(order))), "in ticket order"
    manager.close_all()
    assert driver.open == 0
    stats = manager.stats()
    assert stats["leased"] == stats["idle"] == stats["connecting"] == stats["waiting"] == 0
    assert stats["opened"] == sum(stats["closed"].values()) - stats["closed"].get("connect failed", 0)
