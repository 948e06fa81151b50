"""Levels 2 and 3: what needs threads, or Hypothesis. CPython only."""

from __future__ import annotations

import threading
from typing import Any

from radiopool import platform
from radiopool.policy import Policy
from radiopool.testing.bench import Bench, Skipped, require


def check_close_while_reading(bench: Bench) -> None:
    """Closing a socket in which another thread reads returns, ends the read within its timeout, and hurts no other."""
    others = [bench.connect()] if bench.budget() > 1 else []
    socket = bench.connect()
    socket.settimeout(bench.timeout * 4)
    reading = threading.Event()
    results: list[Any] = []

    def read() -> None:
        reading.set()
        try:
            results.append(socket.recv_into(bytearray(10)))
        except BaseException as error:
            results.append(error)

    def close() -> None:
        reading.wait()
        bench.driver.close(socket)

    threads = [threading.Thread(target=work, daemon=True) for work in (read, close)]
    for thread in threads:
        thread.start()
    for thread, deed in zip(threads, ("reading", "closing"), strict=True):
        thread.join(bench.patience)
        if thread.is_alive():
            # Whoever tidies up must not get stuck as well.
            bench.driver.abandon(socket)
            require(False, "%s did not return", deed)
    require(results[0] == 0 or isinstance(results[0], OSError), "the read ended with %r", results[0])
    for other in [*others, bench.connect()]:
        bench.echoes(other)


def check_threads_do_not_mix(bench: Bench) -> None:
    """Connections used by several threads at once keep to themselves: each gets its own bytes only."""
    faults: list[BaseException] = []

    def use(number: int) -> None:
        try:
            socket = bench.connect()
            for turn in range(10):
                bench.echoes(socket, b"thread %d turn %d" % (number, turn))
            bench.driver.close(socket)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=use, args=(number,), daemon=True) for number in range(min(bench.budget(), 4))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(bench.patience * 2)
        require(not thread.is_alive(), "a thread hangs")
    if faults:
        raise faults[0]


def check_threads_share_the_budget(bench: Bench) -> None:
    """More threads than sockets all get their turn, and never more sockets are open than the budget has."""
    limit = min(bench.budget(), 3)
    manager = bench.manager(Policy(budget=limit), platform.now_ms)
    faults: list[BaseException] = []

    def use(number: int) -> None:
        try:
            for turn in range(4):
                with manager.lease(
                    bench.peer.host, bench.port("plain"), "host %d" % (number % 4), timeout=bench.patience
                ) as socket:
                    bench.echoes(socket, b"thread %d turn %d" % (number, turn))
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=use, args=(number,), daemon=True) for number in range(limit + 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(bench.patience * 3)
        require(not thread.is_alive(), "a thread hangs")
    if faults:
        raise faults[0]
    require(bench.driver.peak <= limit, "%d sockets were open under a budget of %d", bench.driver.peak, limit)
    manager.close_all()
    bench.nothing_stays_open()


def check_random_use(bench: Bench) -> None:
    """Whatever is leased, given back, discarded, retired, closed by the peer or by time, in whatever order: the budget
    holds, keys stay apart, every socket handed out works, and nothing stays open at the end."""
    try:
        from radiopool.testing.machine import run_machine
    except ModuleNotFoundError as error:
        raise Skipped("%s is not installed: pip install radiopool[testing]" % error.name) from error
    run_machine(bench)


CHECKS_OF_LEVEL_2 = (
    (check_close_while_reading, None),
    (check_threads_do_not_mix, None),
)
CHECKS_OF_LEVEL_3 = (
    (check_threads_share_the_budget, None),
    (check_random_use, None),
)
