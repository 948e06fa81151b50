"""`radiopool conformance`: run the driver kit, and say what a driver does and does not do."""

from __future__ import annotations

import gc
import ipaddress
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from radiopool import NoDriverError, registry
from radiopool.cli.console import console
from radiopool.cli.fetch import close_emulator
from radiopool.driver import Driver

if TYPE_CHECKING:
    from radiopool.testing import Bench, Peer, Report, Result

STYLES = {"passed": "green", "failed": "bold red", "skipped": "dim", "works undeclared": "yellow"}


def conformance(
    driver: Annotated[str, typer.Option(help="The driver to try, by its name; see `radiopool drivers`.")],
    level: Annotated[
        int,
        typer.Option(min=1, max=3, help="Run the checks up to this one: 1 sockets and TLS, 2 exhaustion, 3 recycling."),
    ] = 3,
    emulation: Annotated[str, typer.Option(help="Only this one of the driver's emulated radios.")] = "",
    host: Annotated[
        str, typer.Option(help="The address at which the peers serve; ::1 tries it over IPv6.")
    ] = "127.0.0.1",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Run the conformance kit over a driver's emulated radio, or its default one. Exits with 1 if a check failed."""
    _check_host(host)
    tried = registry.driver_named(driver)
    try:
        from radiopool.testing.peers import Peers
    except ModuleNotFoundError as error:
        if error.name != "trustme":
            raise
        typer.echo('radiopool: the kit is an extra. Install it: pip install "radiopool[testing]"', err=True)
        raise typer.Exit(2) from None
    reports = []
    radios = emulations_to_try(tried, emulation)
    if ":" in host:
        radios = tuple(which for which in radios if _has_ipv6(tried, which))
        if not radios:
            raise NoDriverError(f"driver {driver!r} declares no IPv6 in its traits: give --host an IPv4 address")
    with Peers(host) as peers:
        for which in radios:
            with bench_of(tried, peers, which) as bench:
                reports.append(_run(bench, level, quiet=as_json))
            if not as_json:
                _print(reports[-1])
    ok = all(report.ok for report in reports)
    if as_json:
        typer.echo(
            json.dumps({"ok": ok, "level": level, "reports": [report.as_dict() for report in reports]}, indent=2)
        )
    if not ok:
        raise typer.Exit(1)


def _check_host(host: str) -> None:
    try:
        ipaddress.ip_address(host)
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.bind((host, 0))
    except (ValueError, OSError) as error:
        raise typer.BadParameter(
            f"--host must be an IP address of this computer, such as 127.0.0.1 or ::1, not {host!r}"
        ) from error


def _has_ipv6(driver: Driver, which: str) -> bool:
    radio = driver.emulated(which) or driver.default_radio()
    close_emulator(radio)
    return radio is None or driver.traits(radio).ipv6


def emulations_to_try(driver: Driver, emulation: str = "") -> tuple[str, ...]:
    """The names of the radios to try. Raises NoDriverError for one that the driver does not have."""
    if emulation and emulation not in driver.emulations:
        known = ", ".join(driver.emulations) or "none"
        raise NoDriverError(f"driver {driver.name!r} has no emulation {emulation!r}; it has: {known}")
    return (emulation,) if emulation else driver.emulations or ("",)


@contextmanager
def bench_of(driver: Driver, peer: Peer, which: str = "") -> Iterator[Bench]:
    """The bench of one of the driver's radios, whose emulator is closed afterwards.

    A driver whose radio must be told more makes the bench itself, in a method `bench(peer, which)`. Raises
    NoDriverError if there is no radio to try.
    """
    from radiopool.testing import Bench

    make: Any = getattr(driver, "bench", None)
    if make is not None:
        bench: Bench = make(peer, which)
    else:
        radio = driver.emulated(which, hosts={peer.name: peer.host})
        if radio is None:
            radio = driver.default_radio()
        if radio is None:
            raise NoDriverError(
                f"driver {driver.name!r} has no emulated radio and no default one; "
                "run the kit from pytest, with yours (radiopool.testing.pytest)"
            )
        on_chip = driver.traits(radio).tls == "chip"
        bench = Bench(driver, radio, peer, tls_host=peer.name if on_chip else None, name=which)
    try:
        yield bench
    finally:
        close_emulator(bench.radio)


def _run(bench: Bench, level: int, quiet: bool) -> Report:
    """Run the checks, with a bar on standard error."""
    from radiopool.testing import all_checks, run

    checks = [check for check in all_checks() if check.level <= level]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[last]}"))
    screen = console(to_stderr=True)
    with Progress(*columns, console=screen, transient=True, disable=quiet or not screen.is_terminal) as progress:
        task = progress.add_task(" ".join((bench.plain_driver.name, bench.name)).strip(), total=len(checks), last="")

        def advance(result: Result) -> None:
            progress.update(task, advance=1, last=result.check.name)

        # Adafruit's libraries collect garbage at every send: let them not walk through all that is loaded by now.
        gc.collect()
        gc.freeze()
        try:
            return run(bench, level, checks, advance)
        finally:
            gc.unfreeze()


def _print(report: Report) -> None:
    screen = console()
    table = Table("Level", "Check", "Result", "Reason", title=" ".join((report.driver, report.bench)).strip())
    for result in report.results:
        style = STYLES[result.status]
        table.add_row(str(result.check.level), result.check.name, f"[{style}]{result.status}[/]", escape(result.reason))
    screen.print(table)
    counts = ", ".join(f"{len(report.with_status(status))} {status}" for status in STYLES)
    screen.print(f"{escape(repr(report.traits))}\n{counts}")
