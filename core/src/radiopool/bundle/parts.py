"""What each installed distribution gives to boards: its package's `board.json` says so.

`board.json`: {"files": [...]} and, where they apply, "targets" (["micropython"] or ["circuitpython"]; both without
it), "linked" (see `linking`), "late" (see `late`), "radio" (the lines of a starter program after which `radio` is the
radio) and "settings" (lines of a settings.toml). A file in a folder `board` stands at the top of lib/: it is what a
board has under another library's name.
"""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import importlib_metadata

from radiopool.errors import DriverError, NoDriverError

GROUP = "radiopool.drivers"
LISTING = "board.json"
TOP = "board"


@dataclass(frozen=True)
class Part:
    """One distribution's share of a bundle.

    folder: its package on this machine. files: (place below lib/, file), in the order of places. driver: the class to
    register, "" for core. linked: (place of a package's file, places of what its bytecode has too). late: places of
    modules that others import where they use them. spare: places at the top of lib/ that only other bundles of it have.
    radio, settings: see above. requires: names on PyPI of what it
    needs on a board.
    """

    distribution: str
    version: str
    package: str
    folder: Path
    files: tuple[tuple[PurePosixPath, Path], ...]
    targets: tuple[str, ...]
    linked: tuple[tuple[PurePosixPath, tuple[PurePosixPath, ...]], ...] = ()
    late: tuple[PurePosixPath, ...] = ()
    spare: tuple[PurePosixPath, ...] = ()
    driver: str = ""
    radio: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()


def core_part(rooms: tuple[str, ...] = ()) -> Part:
    """The core's files, with those of the named rooms ("http", "compat")."""
    import radiopool

    return package_part("radiopool", radiopool.__version__, "radiopool", Path(radiopool.__file__).parent, rooms)


def driver_part(name: str) -> Part:
    """The files of the distribution that has the driver of that name. Its package is not imported.

    Raises NoDriverError if none is installed, DriverError if it has nothing for boards.
    """
    points = {point.name: point for point in importlib_metadata.entry_points(group=GROUP)}
    point = points.get(name)
    if point is None:
        known = ", ".join(sorted(points)) or "none"
        raise NoDriverError(f"no driver is named {name!r}; there are: {known}. pip install radiopool-{name} adds one")
    package, _, driver = point.value.partition(":")
    package = package.split(".")[0]
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise DriverError(f"driver {name!r}: its package {package!r} is not there; install its distribution again")
    distribution = point.dist
    name, version = (distribution.name, distribution.version) if distribution else (package, "")
    part = package_part(name, version, package, Path(found.origin).parent, None, driver.split(".")[-1])
    lines = (distribution.requires if distribution else None) or ["radiopool"]
    # What is for some machines only, or for an extra, is not for boards.
    return replace(part, requires=tuple(re.split("[^A-Za-z0-9._-]", line)[0] for line in lines if ";" not in line))


def package_part(
    distribution: str, version: str, package: str, folder: Path, rooms: tuple[str, ...] | None, driver: str = ""
) -> Part:
    listing = _listing(distribution, folder)
    files, spare = [], []
    for name in listing["files"]:
        place = PurePosixPath(name)
        at_the_top = place.parts[-2:-1] == (TOP,)
        # A room is a folder that not every board wants; only core has them.
        if rooms is None or len(place.parts) == 1 or place.parts[0] in rooms:
            files.append((PurePosixPath(place.name if at_the_top else package / place), folder / name))
        elif at_the_top:
            spare.append(PurePosixPath(place.name))
    missing = [str(path) for _, path in files if not path.is_file()]
    if missing:
        raise DriverError(f"{distribution}: {LISTING} lists files that are not there: {', '.join(missing)}")
    if not files:
        raise DriverError(f"{distribution} has nothing for boards; it is for CPython")
    return Part(
        distribution,
        version,
        package,
        folder,
        tuple(sorted(files)),
        tuple(listing.get("targets", ("circuitpython", "micropython"))),
        tuple(
            (package / PurePosixPath(home), tuple(package / PurePosixPath(name) for name in linked))
            for home, linked in listing.get("linked", {}).items()
            if package / PurePosixPath(home) in dict(files)
        ),
        tuple(package / PurePosixPath(name) for name in listing.get("late", ())),
        tuple(spare),
        driver,
        tuple(listing.get("radio", ())),
        tuple(listing.get("settings", ())),
    )


def _check_words(word: str, value: object) -> None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"{word} must be a list of strings")


def _listing(distribution: str, folder: Path) -> dict[str, Any]:
    path = folder / LISTING
    if not path.is_file():
        raise DriverError(f"{distribution} does not say which of its files are for boards: {path} is missing")
    try:
        listing = json.loads(path.read_text(encoding="utf-8"))
        for word in ("files", "targets", "late", "radio", "settings"):
            _check_words(word, listing["files"] if word == "files" else listing.get(word, []))
        if not isinstance(listing.get("linked", {}), dict):
            raise TypeError("linked must be an object")
        for home, places in listing.get("linked", {}).items():
            _check_words(f"linked: {home}", places)
    except (ValueError, KeyError, TypeError) as error:
        raise DriverError(f"{distribution}: {path} can't be used: {error!r}") from error
    return listing  # type: ignore[no-any-return]
