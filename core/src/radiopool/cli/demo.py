"""`radiopool demo`: many hosts, few sockets, and no request that fails; on every driver there is."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

import radiopool
from radiopool import ConnectionManager, Driver, NoDriverError, Policy, RadiopoolError, manager_for, registry
from radiopool.cli.console import console
from radiopool.cli.drivers import describe_budget
from radiopool.cli.fetch import close_radio
from radiopool.cli.recycling_table import describe_closed

HOSTS = tuple(f"{word}.example" for word in ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot"))
BUDGET = 4
# A chip's emulator does every transaction of its wire: fewer requests show as much.
REQUESTS, REQUESTS_ON_A_CHIP = 400, 60
THREADS = 4


class Witness:
    """Observes one radio's sockets: what became of them per host, and how many were open at once at most."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.open = self.most = 0
        self.counts: dict[str, Counter[str]] = {host: Counter() for host in HOSTS}
        self.reasons: dict[str, Counter[str]] = {host: Counter() for host in HOSTS}

    @radiopool.observer
    def opened(self, key: Any) -> None:
        """A socket more."""
        with self._lock:
            self.open += 1
            self.most = max(self.most, self.open)
            self.counts[key.host]["opened"] += 1

    @radiopool.observer
    def reused(self, key: Any) -> None:
        """A connect less."""
        with self._lock:
            self.counts[key.host]["reused"] += 1

    @radiopool.observer
    def closed(self, key: Any, reason: str) -> None:
        """A socket less."""
        with self._lock:
            self.open -= 1
            self.reasons[key.host][reason] += 1


class Run:
    """What one radio did: per host, and in all."""

    def __init__(self, label: str, manager: ConnectionManager) -> None:
        self.label = label
        self.manager = manager
        self.requests: Counter[str] = Counter()
        self.seconds = dict.fromkeys(HOSTS, 0.0)
        self.failures: list[str] = []
        self.witness = Witness()
        self.stats: dict[str, Any] = {}

    @property
    def exceeded(self) -> bool:
        """Whether more sockets were open at once than the budget allows."""
        limit = self.stats["budget"][0]
        return limit is not None and max(self.witness.most, self.stats["peak"]) > limit


def demo(
    driver: Annotated[str, typer.Option(help="Only this driver; by default every one that has an emulation.")] = "",
    requests: Annotated[int, typer.Option(min=1, help="Requests over the host's own network.")] = REQUESTS,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list of objects, one a radio.")] = False,
) -> None:
    """Show six hosts sharing four sockets, on every driver there is.

    A real HTTP server runs in a process of its own. Exits with 1 if a request failed or a budget was exceeded.
    """
    screen = console(to_stderr=as_json)
    chosen = [registry.driver_named(driver)] if driver else registry.drivers()
    radios = [(each, which) for each in chosen for which in each.emulations]
    if not radios and driver:
        raise NoDriverError(f"driver {driver!r} has no emulated radio to show")
    if not radios:
        raise NoDriverError('no driver here has a radio to show: pip install "radiopool[cpython]"')
    runs = []
    with _server() as port, _progress(screen) as progress:
        for each, which in radios:
            runs.append(_run(each, which, port, requests, progress))
    if as_json:
        typer.echo(json.dumps([_as_object(run) for run in runs], indent=2))
    else:
        for run in runs[:1]:
            screen.print(_host_table(run))
        screen.print(_radio_table(runs))
    _judge(runs)


@contextmanager
def _server() -> Iterator[int]:
    command = [sys.executable, "-m", "radiopool.cli.demo_server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line.strip().isdigit():
                raise RadiopoolError("the demo's server did not start; its error is above")
            yield int(line)
        finally:
            process.stdin.close()
            # After Ctrl-C Popen's own end waits for it no longer than a quarter of a second.
            process.wait()


def _progress(screen: Console) -> Progress:
    columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=screen, disable=not screen.is_terminal)


def _run(driver: Driver, which: str, port: int, requests: int, progress: Progress) -> Run:
    """The requests of one radio."""
    radio = driver.emulated(which, hosts=dict.fromkeys(HOSTS, "127.0.0.1"))
    on_a_chip = hasattr(radio, "emulator")
    sockets = driver.traits(radio).budget[0]
    policy = Policy(budget=BUDGET) if sockets is None else Policy()
    label = driver.name if which in ("", driver.name) else f"{driver.name} ({which})"
    run = Run(label, manager_for(radio, driver=driver, policy=policy))
    order = _order(min(requests, REQUESTS_ON_A_CHIP) if on_a_chip else requests)
    task = progress.add_task(label, total=len(order))
    radiopool.observe(run.witness)
    try:
        _request_all(run, order, port, 1 if on_a_chip else THREADS, lambda: progress.advance(task))
        run.manager.close_all()
        run.stats = run.manager.stats()
    finally:
        radiopool.ignore(run.witness)
        close_radio(run.manager)
    return run


def _order(length: int) -> list[str]:
    """Hosts in a random but repeatable order, each a few times in a row, as programs ask for them."""
    dice = random.Random(4)
    order: list[str] = []
    while len(order) < length:
        order += [dice.choice(HOSTS)] * dice.randint(1, 8)
    return order[:length]


def _request_all(run: Run, order: list[str], port: int, threads: int, done: Any) -> None:
    from radiopool.http import PoolManager

    with PoolManager(num_pools=len(HOSTS), manager=run.manager, retries=False) as pools:

        def get(host: str) -> None:
            begun = time.perf_counter()
            try:
                response = pools.request("GET", f"http://{host}:{port}/")
                if response.status != 200:
                    run.failures.append(f"{host}: status {response.status}")
            except Exception as error:
                run.failures.append(f"{host}: {type(error).__name__}: {error}")
            run.requests[host] += 1
            run.seconds[host] += time.perf_counter() - begun
            done()

        # Also where one is enough: Ctrl-C then comes here, and not into the middle of what an emulated chip does.
        executor = ThreadPoolExecutor(threads)
        try:
            list(executor.map(get, order))
        finally:
            # Interrupted, it is not to go on with what has not begun.
            executor.shutdown(cancel_futures=True)


def _host_table(run: Run) -> Table:
    budget = describe_budget(run.stats["budget"])
    table = Table(title=f"{run.label}: {len(HOSTS)} hosts, a budget of {budget} sockets")
    table.add_column("Host")
    for title in ("Requests", "Opened", "Reused", "Evicted"):
        table.add_column(title, justify="right")
    table.add_column("Closed by reason")
    table.add_column("Time", justify="right")
    for host in HOSTS:
        counts, reasons = run.witness.counts[host], run.witness.reasons[host]
        numbers = (run.requests[host], counts["opened"], counts["reused"], reasons["evicted"])
        cells = [str(number) for number in numbers]
        table.add_row(host, *cells, describe_closed(reasons), f"{run.seconds[host]:.2f} s")
    return table


def _radio_table(runs: list[Run]) -> Table:
    table = Table(title="Every radio")
    table.add_column("Driver")
    table.add_column("Budget")
    for title in ("Requests", "Failed", "Opened", "Reused", "Evicted", "Most open", "Time"):
        table.add_column(title, justify="right")
    for run in runs:
        stats = run.stats
        numbers = (
            sum(run.requests.values()),
            len(run.failures),
            stats["opened"],
            stats["reused"],
            stats["closed"].get("evicted", 0),
            stats["peak"],
        )
        cells = [str(number) for number in numbers]
        table.add_row(run.label, describe_budget(stats["budget"]), *cells, f"{sum(run.seconds.values()):.2f} s")
    return table


def _as_object(run: Run) -> dict[str, Any]:
    hosts = {
        host: {
            "requests": run.requests[host],
            "opened": run.witness.counts[host]["opened"],
            "reused": run.witness.counts[host]["reused"],
            "closed": dict(run.witness.reasons[host]),
            "seconds": round(run.seconds[host], 6),
        }
        for host in HOSTS
    }
    return {"driver": run.label, "hosts": hosts, "failures": run.failures, "sockets": run.stats}


def _judge(runs: list[Run]) -> None:
    wrong = False
    for run in runs:
        for failure in run.failures[:3]:
            typer.echo(f"radiopool: {run.label}: a request failed: {failure}", err=True)
        if run.exceeded:
            typer.echo(f"radiopool: {run.label}: the budget was exceeded: {run.stats['peak']} open", err=True)
        wrong = wrong or bool(run.failures) or run.exceeded
    if wrong:
        raise typer.Exit(1)
