"""`radiopool drivers`: which drivers are here, and what is wrong with those that do not work."""

from __future__ import annotations

import json
import os
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from radiopool import registry
from radiopool.cli.console import console
from radiopool.driver import Driver

Row = dict[str, Any]


def driver_rows() -> list[Row]:
    """One row a driver, explicit ones first: name, distribution, version, contract, radios, budget, tls, status.

    `status` is "ok", or what is wrong with it.
    """
    from radiopool import discovery

    found = discovery.records()
    by_driver = {id(record.driver): record for record in found if record.driver is not None}
    rows = []
    for driver in registry.drivers():
        record = by_driver.get(id(driver))
        distribution = record.distribution if record else "(registered by hand)"
        rows.append(_row(driver, distribution, record.version if record else driver.version))
    for record in found:
        if record.driver is None:
            status = f"{'not loaded' if record.phase == 'blocked' else 'broken'} ({record.phase}): {record.reason}"
            row = {"name": record.name, "distribution": record.distribution, "version": record.version}
            rows.append(row | {"contract": None, "radios": [], "budget": None, "tls": None, "status": status})
    _mark_conflicts(rows)
    return rows


def _row(driver: Driver, distribution: str, version: str) -> Row:
    status = "ok"
    try:
        traits = driver.traits(None)
        budget, tls = list(traits.budget), traits.tls
    except Exception as error:
        budget, tls = [None, None], None
        status = f"broken (traits): {type(error).__name__}: {error}"
    return {
        "name": driver.name,
        "distribution": distribution,
        "version": version,
        "contract": "{}.{}".format(*driver.contract),
        "radios": list(driver.radios),
        "budget": budget,
        "tls": tls,
        "status": status,
    }


def _mark_conflicts(rows: list[Row]) -> None:
    """Two that claim one radio, or have one name, can't both be meant; the user chooses."""
    for row in rows:
        for other in rows:
            if other is row or row["status"] != "ok" or other["contract"] is None:
                continue
            shared = sorted(set(row["radios"]) & set(other["radios"]))
            if shared:
                row["status"] = (
                    f"conflict: {other['name']} ({other['distribution']}) claims {shared[0]} too; "
                    "choose with register(...), driver=... or RADIOPOOL_DRIVERS"
                )
            elif other["name"] == row["name"]:
                row["status"] = f"conflict: {other['distribution']} has a driver of that name too"


def drivers(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list of objects.")] = False,
) -> None:
    """List the drivers: what each is for, and what is wrong with those that do not work."""
    rows = driver_rows()
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    screen = console()
    if not rows and discovery_is_off():
        screen.print("Installed drivers are not looked for: RADIOPOOL_NO_DISCOVERY is set; unset it to find them")
        return
    if not rows:
        screen.print(escape('No driver is installed. For the host\'s own network: pip install "radiopool[cpython]"'))
        return
    table = Table("Name", "Distribution", "Version", "Contract", "Radios", "Budget", "TLS", "Status")
    for row in rows:
        style = None if row["status"] == "ok" else "yellow"
        radios, budget = "\n".join(row["radios"]), describe_budget(row["budget"])
        cells = (row["name"], row["distribution"], row["version"], row["contract"], radios, budget, row["tls"])
        table.add_row(*(escape(cell or "") for cell in (*cells, row["status"])), style=style)
    screen.print(table)


def discovery_is_off() -> bool:
    """Whether the environment says that installed drivers are not to be looked for."""
    return os.environ.get("RADIOPOOL_NO_DISCOVERY", "") not in ("", "0")


def describe_budget(budget: list[int | None] | tuple[int | None, int | None] | None) -> str:
    """A budget in words."""
    if budget is None:
        return ""
    sockets, tls = budget
    if sockets is None:
        return "no limit" if tls is None else f"no limit, {tls} TLS"
    return str(sockets) if tls is None else f"{sockets}, {tls} TLS"
