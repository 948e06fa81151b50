"""`radiopool doctor`: what is wrong with this installation, and how to mend it."""

from __future__ import annotations

import importlib.util
import json
import os
import ssl
import sys
from collections.abc import Iterator
from typing import Annotated

import importlib_metadata
import typer
from rich.markup import escape

from radiopool import registry
from radiopool.cli.console import console
from radiopool.cli.drivers import discovery_is_off, driver_rows

# Modules that a board's firmware has and radiopool-socketpool brings to a desk.
FIRMWARE_MODULES = ("socketpool", "wifi")
THEIR_DISTRIBUTION = "radiopool-socketpool"
FEWEST_DESCRIPTORS = 256


def findings() -> Iterator[tuple[bool, str]]:
    """(whether it is well, a sentence with the remedy where it is not), one for each thing looked at."""
    version = sys.version_info
    yield version >= (3, 10), f"Python {version[0]}.{version[1]}; radiopool needs 3.10 or newer"
    yield from _drivers()
    yield from _foreign_modules()
    yield from _advice_of_drivers()
    yield from _trust()
    yield from _descriptors()


def _drivers() -> Iterator[tuple[bool, str]]:
    rows = driver_rows()
    if discovery_is_off():
        yield False, "installed drivers are not looked for: RADIOPOOL_NO_DISCOVERY is set; unset it to find them"
    elif not rows:
        yield False, 'no driver is installed: pip install "radiopool[cpython]" for the host\'s own network'
    else:
        yield from _allowed(sorted({row["name"] for row in rows}))
    for row in rows:
        label = f"driver {row['name']} ({row['distribution']} {row['version']})"
        status = row["status"]
        if status == "ok":
            yield True, f"{label} works"
        elif status.startswith("not loaded"):
            yield True, f"{label}: {status}"
        elif status.startswith("conflict"):
            yield False, f"{label}: {status}; or uninstall one of the two"
        elif status.startswith("broken (check)"):
            yield False, f"{label}: {status}"  # which says what to do
        else:
            yield False, f"{label}: {status}; reinstall it, upgrade it, or uninstall {row['distribution']}"


def _allowed(installed: list[str]) -> Iterator[tuple[bool, str]]:
    """What RADIOPOOL_DRIVERS names and is not there; names are compared as they are."""
    allowed = os.environ.get("RADIOPOOL_DRIVERS")
    if allowed is None:
        return
    there = "; installed: " + ", ".join(installed)
    words = [word.strip() for word in allowed.split(",") if word.strip()]
    if not words:
        yield False, f"RADIOPOOL_DRIVERS is empty, so no installed driver is loaded: unset it, or name some{there}"
    for word in words:
        if word not in installed:
            yield False, f"RADIOPOOL_DRIVERS names {word}, and no driver of that name is installed{there}"


def _foreign_modules() -> Iterator[tuple[bool, str]]:
    """Foreign modules of a firmware's names. Where their own distribution is installed, its driver looks closer."""
    try:
        importlib_metadata.distribution(THEIR_DISTRIBUTION)
        return
    except importlib_metadata.PackageNotFoundError:
        pass
    owners = importlib_metadata.packages_distributions()
    for name in FIRMWARE_MODULES:
        try:
            found = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            continue
        if found is None:
            continue
        place = found.origin or "an unknown place"
        if name in owners:
            remedy = f'pip uninstall {owners[name][0]}, then pip install "radiopool[socketpool]"'
            yield False, f"the module {name} comes from {owners[name][0]} and not from CircuitPython: {remedy}"
        else:
            yield False, f"the module {name} at {place} is not CircuitPython's: rename or remove that file"


def _advice_of_drivers() -> Iterator[tuple[bool, str]]:
    for driver in registry.drivers():
        ask = getattr(driver, "doctor", None)
        if ask is None:
            continue
        try:
            for sentence in ask():
                yield False, f"driver {driver.name}: {sentence}"
        except Exception as error:
            yield False, f"driver {driver.name} can't examine itself: {type(error).__name__}: {error}"


def _trust() -> Iterator[tuple[bool, str]]:
    count = ssl.create_default_context().cert_store_stats()["x509_ca"]
    paths = ssl.get_default_verify_paths()
    known = count > 0 or bool(paths.capath and os.path.isdir(paths.capath) and os.listdir(paths.capath))
    if known:
        yield True, "trusted certificates were found"
        return
    named = [name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if name in os.environ]
    remedy = "install ca-certificates, or set SSL_CERT_FILE"
    if named:
        places = " and ".join(f"{name}={os.environ[name]}" for name in named)
        remedy = f"there are none at {places}: unset or correct {'them' if len(named) > 1 else 'it'}"
    yield False, f"no trusted certificates were found, so every TLS connection will be refused: {remedy}"


def _descriptors() -> Iterator[tuple[bool, str]]:
    try:
        import resource
    except ImportError:  # Windows
        return
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        yield True, "any number of file descriptors is allowed"
    elif limit >= FEWEST_DESCRIPTORS:
        yield True, f"{limit} file descriptors are allowed"
    else:
        yield False, f"only {limit} file descriptors are allowed, and each socket takes one: ulimit -n 1024"


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list of objects.")] = False) -> None:
    """Say what is wrong with this installation and how to mend it. Exits with 1 if something is."""
    found = list(findings())
    if as_json:
        typer.echo(json.dumps([{"ok": ok, "finding": sentence} for ok, sentence in found], indent=2))
    else:
        screen = console()
        for ok, sentence in found:
            screen.print("[green]well [/]" if ok else "[red]wrong[/]", escape(sentence), soft_wrap=True)
    if not all(ok for ok, _ in found):
        raise typer.Exit(1)
