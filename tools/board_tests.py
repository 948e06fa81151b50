"""Run the board tests under pytest on CPython and on MicroPython, from bytecode, and compare what ran.

The tests are `core/tests/board/` and `plugins/*/tests/board/`; those that want a real server find one through the
environment (`tests/board_runner/board_server.py`). MicroPython gets exactly the files that each package's
`board.json` lists, cross-compiled: a file missing there fails here. Exits 1 if a test failed or if one interpreter
ran a test that the other did not.
"""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

import board_files
from environments import ROOT

sys.path.insert(0, str(ROOT / "tests" / "board_runner"))

from board_server import BoardServer

MICROPYTHON = ROOT / ".venv-boards" / "bin" / "micropython"
RUNNER = ROOT / "tests" / "board_runner"
BUILD = ROOT / ".build" / "boards"
TIMEOUT = 120
"""Seconds for the board tests of one file on MicroPython."""


class Outcome(NamedTuple):
    """The tests that ran, as "file::test", those of them that failed, and what was printed."""

    ran: "set[str]"
    failed: "set[str]"
    output: str


def test_files() -> "list[Path]":
    """Every file of board tests."""
    return sorted(path for pattern in ("core", "plugins/*") for path in ROOT.glob(pattern + "/tests/board/test_*.py"))


def run_on_cpython(files: "list[Path]") -> Outcome:
    """Run the files under pytest."""
    report = ROOT / ".build" / "junit" / "boards-cpython.xml"
    command = [sys.executable, "-m", "pytest", "-q", "--junitxml=%s" % report, *map(str, files)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    ran, failed = set(), set()
    if report.exists():
        for case in ElementTree.parse(report).iter("testcase"):
            name = "%s::%s" % (case.get("classname", "").split(".")[-1], case.get("name"))
            ran.add(name)
            if len(case):
                failed.add(name)
    if done.returncode and not failed:
        failed.add("pytest")
    return Outcome(ran, failed, done.stdout + done.stderr)


def run_on_micropython(files: "list[Path]", library: Path) -> Outcome:
    """Run each file in a MicroPython of its own."""
    environment = os.environ | {"MICROPYPATH": os.pathsep.join([str(library), str(RUNNER), ".frozen"])}
    ran, failed, output = set(), set(), ""
    for path in files:
        command = [MICROPYTHON, RUNNER / "harness.py", path.parent, path.stem]
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            failed.add(path.stem)
            output += "%s: not done after %d s\n" % (path.stem, TIMEOUT)
            continue
        words = [line.split() for line in done.stdout.splitlines()]
        results = [(word[0], "%s::%s" % (path.stem, word[1])) for word in words if len(word) == 2]
        ran |= {name for verdict, name in results if verdict in ("passed", "failed")}
        failed |= {name for verdict, name in results if verdict == "failed"}
        if done.returncode:
            # A module that cannot even be imported reports no test.
            failed.add(path.stem)
            output += "%s:\n%s%s" % (path.relative_to(ROOT), done.stdout, done.stderr)
    return Outcome(ran, failed, output)


def main() -> int:
    files = test_files()
    library = BUILD / "test"
    board_files.compile_all(library)
    with BoardServer():
        on_cpython = run_on_cpython(files)
        on_micropython = run_on_micropython(files, library)
    for name, outcome in (("CPython", on_cpython), ("MicroPython", on_micropython)):
        if outcome.failed:
            print("Failed on %s: %s\n%s" % (name, ", ".join(sorted(outcome.failed)), outcome.output))
    for test in sorted(on_cpython.ran ^ on_micropython.ran):
        print("Ran on one interpreter only: %s" % test)
    counts = (len(on_cpython.ran), len(on_micropython.ran))
    print("Board tests: %d ran on CPython, %d on MicroPython" % counts)
    good = not on_cpython.failed and not on_micropython.failed and on_cpython.ran == on_micropython.ran
    return 0 if good and on_cpython.ran else 1


if __name__ == "__main__":
    sys.exit(main())
