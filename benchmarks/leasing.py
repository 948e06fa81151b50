"""What a lease costs: beside urllib3 and Adafruit's connection manager, and with many keys.

Reached is to be: a lease and its giving back on a warm key at most 0.33 of urllib3's; at 100,000 keys at most 1.3
times (the same key) and 2.5 times (random keys) what it costs with one key; import and first lease at most 0.25 of
urllib3's import and first connection.
"""

from __future__ import annotations

import os
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks import report
from benchmarks.rounds import microseconds

HOST = "127.0.0.1"
COMMAND = "python -m benchmarks leasing"


@contextmanager
def _listener() -> Iterator[int]:
    with socket.create_server((HOST, 0), backlog=64) as server:
        yield server.getsockname()[1]


class Pretended:
    """A socket that costs nothing, so that only the pool's own work is seen; 100,000 real ones are too many."""

    def connect(self, address: Any) -> None:
        """Connected."""

    def settimeout(self, timeout: Any) -> None:
        """Nothing to time out."""

    def close(self) -> None:
        """Closed."""


class PretendedPool:
    """Makes them."""

    SOCK_STREAM = 1

    def socket(self, *arguments: Any) -> Pretended:
        """One more."""
        return Pretended()

    def getaddrinfo(self, host: str, port: int, *arguments: Any) -> list[Any]:
        """Every name has the same address."""
        return [(2, 1, 0, "", (HOST, port))]


def _ours(pool: Any, driver: Any = None) -> Any:
    from radiopool import ConnectionManager, Policy

    return ConnectionManager(pool, driver=driver, policy=Policy(idle_timeout=None))


def _cycle(manager: Any, host: str, port: int) -> Callable[[], None]:
    def cycle() -> None:
        manager.free_socket(manager.get_socket(host, port, "http:"))

    return cycle


def warm_key() -> dict[str, float]:
    """A lease and its giving back, on one connected socket of this machine."""
    import adafruit_connection_manager
    import urllib3

    from radiopool_cpython import HostNetwork

    with _listener() as port:
        ours = _ours(HostNetwork().socket_pool)
        key, _ = ours.key_for(HOST, port, "http:")
        adafruit = adafruit_connection_manager.ConnectionManager(socket)
        pools = urllib3.PoolManager()
        pool = pools.connection_from_host(HOST, port)
        connection = pool._get_conn()
        connection.connect()
        pool._put_conn(connection)

        def acquire_and_recycle() -> None:
            ours.recycle(ours.acquire(key))

        def urllib3_cycle() -> None:
            pool = pools.connection_from_host(HOST, port)
            pool._put_conn(pool._get_conn())

        result = microseconds(
            {
                "radiopool, get_socket and free_socket": _cycle(ours, HOST, port),
                "radiopool, acquire and recycle": acquire_and_recycle,
                "adafruit_connection_manager": _cycle(adafruit, HOST, port),
                "urllib3": urllib3_cycle,
            }
        )
        ours.close()
        adafruit._free_sockets(force=True)
        pools.clear()
    return result


def many_keys(count: int, make: Callable[[], Any]) -> tuple[Callable[[], None], Callable[[], None]]:
    """Two cycles on a manager that has an idle socket under each of so many keys: the same key, a random one."""
    manager = make()
    hosts = [f"host{number}" for number in range(count)]
    for host in hosts:
        manager.free_socket(manager.get_socket(host, 80, "http:"))
    order = iter(random.Random(7).choices(hosts, k=2_000_000))

    def random_key() -> None:
        manager.free_socket(manager.get_socket(next(order), 80, "http:"))

    return _cycle(manager, hosts[count // 2], 80), random_key


def growth() -> list[tuple[str, int, float, float]]:
    """(pool, keys, microseconds with the same key, with a random key)."""
    import adafruit_connection_manager

    from radiopool import GenericDriver

    class Living(GenericDriver):
        def is_alive(self, socket: Any) -> bool:
            return True

    makers: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
        "radiopool": (lambda: _ours(PretendedPool(), Living()), (1, 100, 10_000, 100_000)),
        "adafruit": (lambda: adafruit_connection_manager.ConnectionManager(PretendedPool()), (1, 100, 10_000)),
    }
    rows = []
    for name, (make, counts) in makers.items():
        cycles = {}
        for count in counts:
            cycles[f"{count} same"], cycles[f"{count} random"] = many_keys(count, make)
        took = microseconds(cycles, calls=1000 if name == "radiopool" else 30, rounds=15)
        rows += [(name, count, took[f"{count} same"], took[f"{count} random"]) for count in counts]
    return rows


OURS = "import radiopool; m = radiopool.manager_for(); s = m.get_socket('127.0.0.1', {port}, 'http:')"
THEIRS = "import urllib3; p = urllib3.PoolManager().connection_from_host('127.0.0.1', {port}); p._get_conn().connect()"
NOTHING = "pass"


def first_lease(rounds: int = 9) -> dict[str, float]:
    """Milliseconds of CPU, over those of the bare interpreter, from the import to the first connected socket."""
    samples: dict[str, list[float]] = {OURS: [], THEIRS: [], NOTHING: []}
    # Installed packages have their bytecode; whoever forbids Python to write it here would measure the compiler.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with _listener() as port:
        for number in range(rounds + 1):
            for program, values in samples.items():
                text = "import time\n%s\nprint(time.process_time())" % program.format(port=port)
                run = subprocess.run(
                    [sys.executable, "-c", text], env=environment, capture_output=True, text=True, check=True
                )
                if number:
                    values.append(float(run.stdout) * 1000)
    bare = statistics.median(samples[NOTHING])
    return {
        "radiopool": statistics.median(samples[OURS]) - bare,
        "urllib3": statistics.median(samples[THEIRS]) - bare,
    }


def main() -> None:
    """Measure, print, and write the docs' table and plot."""
    begun = time.perf_counter()
    warm = warm_key()
    theirs = warm["urllib3"]
    rows = [(name, f"{value:.2f} µs", f"{value / theirs:.2f}") for name, value in warm.items()]
    report.write("leasing_warm", "A lease and its giving back, warm", COMMAND, ("", "", "to urllib3"), rows)
    report.bars("leasing_warm", "A lease and its giving back, warm", warm, "microseconds")
    grown = growth()
    one = {name: same for name, count, same, _ in grown if count == 1}
    rows = [
        (
            f"{name}, {count:,} keys",
            f"{same:.2f} µs",
            f"{same / one[name]:.2f}",
            f"{any_:.2f} µs",
            f"{any_ / one[name]:.2f}",
        )
        for name, count, same, any_ in grown
    ]
    header = ("", "the same key", "to one key", "a random key", "to one key")
    report.write("leasing_growth", "With many keys, one idle socket under each", COMMAND, header, rows)
    values = {f"{name}, {count:,} keys": any_ for name, count, _, any_ in grown}
    report.bars("leasing_growth", "A lease of a random key", values, "microseconds", log=True)
    first = first_lease()
    rows = [(name, f"{value:.0f} ms", f"{value / first['urllib3']:.2f}") for name, value in first.items()]
    title = "Import and first connection, CPU time over the bare interpreter"
    report.write("leasing_first", title, COMMAND, ("", "", "to urllib3"), rows)
    print(f"\nMeasured in {time.perf_counter() - begun:.0f} s.")


if __name__ == "__main__":
    main()
