"""`radiopool fetch`: GET some URLs over a driver, and see what became of the sockets."""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import typer
from rich.markup import escape

from radiopool import ConnectionManager, NoDriverError, Policy, manager_for, registry
from radiopool.cli.console import console
from radiopool.cli.recycling_table import recycling_table

# The user and the password before a URL's host; the scheme may have been forgotten.
USER_INFORMATION = re.compile("(?P<before>(?:[^/?#]*//)?)(?P<secret>[^/?#]*)@")


def fetch(
    urls: Annotated[list[str], typer.Argument(metavar="URL...", help="What to get.")],
    driver: Annotated[str, typer.Option(help="The driver to use, by its name; see `radiopool drivers`.")] = "",
    emulated: Annotated[bool, typer.Option("--emulated", help="Use the driver's emulated radio.")] = False,
    emulation: Annotated[str, typer.Option(help="Which of them, if the driver has several (implies it).")] = "",
    count: Annotated[int, typer.Option(min=1, help="How often to get each URL.")] = 1,
    parallel: Annotated[int, typer.Option(min=1, max=256, help="How many at once.")] = 1,
    budget: Annotated[int, typer.Option(min=0, help="At most so many sockets; 0 is the driver's own budget.")] = 0,
    timeout: Annotated[float, typer.Option(min=0.001, help="Seconds for each connect and each read.")] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """GET each URL and print its status and size, then what became of the sockets. Exits with 1 if one failed."""
    manager = open_manager(driver, emulated, emulation, Policy(budget=budget or None))
    try:
        results = get_all(manager, urls * count, parallel, timeout)
        stats = manager.stats()
    finally:
        close_radio(manager)
    failed = sum("error" in result for result in results)
    if as_json:
        typer.echo(json.dumps({"driver": manager.driver.name, "requests": results, "sockets": stats}, indent=2))
    else:
        screen = console()
        for result in results:
            screen.print(_line(result), soft_wrap=True)
        screen.print(recycling_table(stats))
    if failed:
        typer.echo(f"radiopool: {failed} of {len(results)} requests failed", err=True)
        raise typer.Exit(1)


def open_manager(name: str, emulated: bool, emulation: str, policy: Policy) -> ConnectionManager:
    """The manager of the radio that the options describe. Raises NoDriverError where there is none, BadParameter
    where they ask for the emulation of no driver."""
    if not name:
        if emulated or emulation:
            option = "--emulation" if emulation else "--emulated"
            raise typer.BadParameter(f"{option} needs --driver NAME: say whose radio is to be emulated")
        return manager_for(policy=policy)
    driver = registry.driver_named(name)
    if not emulated and not emulation:
        if driver.default_radio() is None:
            remedy = "--emulated fetches over an emulated one" if driver.emulations else "choose another driver"
            raise NoDriverError(f"driver {name!r} has no radio here; {remedy}")
        return manager_for(driver=driver, policy=policy)
    if emulation and emulation not in driver.emulations:
        known = ", ".join(driver.emulations) or "none"
        raise NoDriverError(f"driver {name!r} has no emulation {emulation!r}; it has: {known}")
    radio = driver.emulated(emulation)
    if radio is None:
        raise NoDriverError(f"driver {name!r} has no emulated radio; choose another driver")
    return manager_for(radio, driver=driver, policy=policy)


def close_radio(manager: ConnectionManager) -> None:
    """Close the manager, and the emulator behind its radio if there is one."""
    manager.close()
    close_emulator(manager.radio)


def close_emulator(radio: Any) -> None:
    """Close the emulator behind a radio if there is one."""
    emulator = getattr(radio, "emulator", None)
    if emulator is not None:
        emulator.close()


def get_all(manager: ConnectionManager, urls: list[str], parallel: int, timeout: float) -> list[dict[str, Any]]:
    """GET them, so many at once; one object a request, in order: url, status, bytes, seconds, or url, error.

    The URL is there without its user and password.
    """
    from radiopool.http import PoolManager

    with PoolManager(manager=manager, maxsize=parallel, retries=False, timeout=timeout) as pools:

        def get(url: str) -> dict[str, Any]:
            begun = time.perf_counter()
            found = USER_INFORMATION.match(url)
            secret = found["secret"] if found else ""
            shown = f"{found['before']}***@{url[found.end() :]}" if found else url
            try:
                response = pools.request("GET", url)
            except Exception as error:  # a driver's own too: the other URLs go on
                reason = f"{type(error).__name__}: {error}"
                return {"url": shown, "error": reason.replace(secret, "***") if secret else reason}
            seconds = round(time.perf_counter() - begun, 6)
            return {"url": shown, "status": response.status, "bytes": len(response.data), "seconds": seconds}

        # Also for one: Ctrl-C then comes here, and not into the middle of what an emulated chip does.
        threads = ThreadPoolExecutor(parallel)
        try:
            return list(threads.map(get, urls))
        finally:
            # Interrupted, it is not to go on with what has not begun.
            threads.shutdown(cancel_futures=True)


def _line(result: dict[str, Any]) -> str:
    url = escape(result["url"])
    if "error" in result:
        return f"[red]failed[/] {url}: {escape(result['error'])}"
    milliseconds = result["seconds"] * 1000
    return f"{result['status']} {result['bytes']:>9} bytes {milliseconds:8.1f} ms  {url}"
