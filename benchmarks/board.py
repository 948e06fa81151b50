"""On a real MicroPython (unix build, 64-bit), from bytecode: radiopool beside what it replaces, in one run.

Each number is from an interpreter of its own; all but the times are the same in every run. The times are taken twice,
once with interpreters and server on one processor, so that no processor's waking up is in them. The incumbents are
adafruit_requests and adafruit_connection_manager as installed, with stand-ins for the typing modules they import.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path, PurePosixPath

from benchmarks import report
from benchmarks.processor import one_processor

ROOT = Path(__file__).parent.parent
BOARDS = ROOT / ".venv-boards" / "bin"
PROGRAMS = Path(__file__).parent / "on_board"
INCUMBENTS = ("adafruit_connection_manager", "adafruit_requests")
LARGE = 4_000_000
SOAK_HEAP = 65536

BARE, THEIRS, OURS, NATIVE, SOAK = ["bare"], ["adafruit"], ["ours"], ["ours", "native"], ["soak"]


class Failed(Exception):
    """A program did not get through; its output."""


def main() -> None:
    """Measure and print."""
    sys.path.insert(0, str(ROOT / "tests" / "board_runner"))
    from board_server import BoardServer
    from radiopool import bundle

    with tempfile.TemporaryDirectory() as folder, BoardServer():
        library = Path(folder)
        parts = [bundle.core_part(("http",)), bundle.driver_part("micropython")]
        bundle.Bundle(parts, http=True).write_library(library, BOARDS / "mpy-cross")
        for name in INCUMBENTS:
            found = importlib.util.find_spec(name)
            if found is None or found.origin is None:
                sys.exit(f"{name} is not installed: remove .venv and try again")
            compile_incumbent(Path(found.origin), library)
        board = Board(library)
        table = rows(board)
        with one_processor(), BoardServer():
            table.append(times(Board(library), "the same, on one processor"))
        report.write(
            "board",
            "On MicroPython: radiopool beside adafruit_connection_manager and adafruit_requests",
            "make bench-board",
            ("", "bare loop", "Adafruit's", "radiopool", "to reach", "with radiopool-micropython's sockets"),
            table,
            soak(board),
        )


def compile_incumbent(source: Path, library: Path) -> None:
    """Bytecode of one file, compiled as ours is."""
    from radiopool.bundle.writing import compiling

    target = library / (source.stem + ".mpy")
    subprocess.run(compiling(BOARDS / "mpy-cross", source, target, PurePosixPath(source.name)), check=True)


class Board:
    """A MicroPython with a library of bytecode."""

    def __init__(self, library: Path) -> None:
        self.library = library
        self.environment = os.environ | {"MICROPYPATH": f"{library}:{PROGRAMS}"}

    def run(self, program: list[str], what: str, heap: int = LARGE) -> str:
        """What a program prints. Raises Failed."""
        command = [BOARDS / "micropython", "-X", f"heapsize={heap}", PROGRAMS / f"{program[0]}.py", what, *program[1:]]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise Failed(done.stdout + done.stderr)
        return done.stdout

    def number(self, program: list[str], what: str) -> int:
        """The number that a program prints."""
        return int(self.run(program, what))

    def bytecode(self, program: list[str], what: str) -> int:
        """Bytes of the .mpy files of the modules that a program has loaded in the end."""
        return sum(self.size(name) for name in self.run(program, what).split())

    def kept(self, what: str) -> int:
        """Bytes of heap after importing every module of ours that a program has loaded in the end, and nothing else.

        What is loaded when it is first needed counts too.
        """
        return self.number(["ours", *self.run(OURS, what).split()], "kept")

    def size(self, module: str) -> int:
        """Bytes of one module's .mpy file."""
        path = self.library / module.replace(".", "/")
        return (path / "__init__.mpy" if path.is_dir() else path.with_suffix(".mpy")).stat().st_size

    def milliseconds(self, programs: tuple[list[str], ...]) -> list[float]:
        """For each program the fastest of 15 runs of 50 GETs, all taking turns: what else the machine did adds time."""
        runs = [[self.number(program, "get-time") for program in programs] for _ in range(15)]
        return [min(times) / 1000 for times in zip(*runs, strict=True)]

    def smallest_heap(self, program: list[str], what: str) -> int:
        """Bytes of the smallest heap with which a program gets through, to 256 bytes."""
        low, high = 8_192, 524_288
        while high - low > 256:
            middle = (low + high) // 2
            try:
                self.run(program, what, middle)
                high = middle
            except Failed:
                low = middle
        return high


def row(name: str, to_reach: str, bare: object, *measured: object) -> tuple[object, ...]:
    """One row of the table."""
    theirs, ours, *native = [f"{value:,}" if isinstance(value, int) else value for value in measured]
    return (name, f"{bare:,}" if isinstance(bare, int) else bare, theirs, ours, to_reach, *(native or ("",)))


def times(board: Board, name: str) -> tuple[object, ...]:
    """The row of times."""
    bare, *measured = board.milliseconds((BARE, THEIRS, OURS, NATIVE))
    return row(name, f"{2.5 * bare:.1f}", f"{bare:.1f}", *(f"{ms:.1f}" for ms in measured))


def rows(board: Board) -> list[tuple[object, ...]]:
    """The table."""
    everyone = (THEIRS, OURS, NATIVE)
    return [
        row("bytecode a GET needs", "13,000", "", *(board.bytecode(p, "loaded") for p in everyone)),
        row("heap kept by importing it", "23,000", "", board.number(THEIRS, "kept"), board.kept("loaded")),
        row("manager only: bytecode", "6,000", "", *(board.bytecode(p, "manager-loaded") for p in everyone)),
        row(
            "manager only: heap kept", "11,000", "", board.number(THEIRS, "manager-kept"), board.kept("manager-loaded")
        ),
        row(
            "heap allocated per GET over 50 on one socket",
            "2,000",
            board.number(BARE, "get-heap"),
            *(board.number(p, "get-heap") for p in everyone),
        ),
        row(
            "heap allocated by streaming 100 KB in 1 KB pieces",
            "116,000",
            board.number(BARE, "stream-heap"),
            *(board.number(p, "stream-heap") for p in everyone),
        ),
        row("smallest heap: 50 GETs", "36,000", "", *(board.smallest_heap(p, "get") for p in everyone)),
        row("smallest heap: 100 KB stream", "37,000", "", *(board.smallest_heap(p, "stream") for p in everyone)),
        times(board, "50 GETs on one socket, ms"),
    ]


def soak(board: Board) -> str:
    """5,000 requests over three hosts: with a heap of 64 KB, else with the smallest that is a multiple of 8 KB."""
    for heap in range(SOAK_HEAP, 262_144, 8192):
        try:
            first, last, opened = board.run(SOAK, "", heap).split()
        except Failed:
            continue
        grown = int(last) - int(first)
        return (
            f"Soak: 5,000 requests over 3 hosts with a heap of {heap // 1024} KB on {opened} connections; the heap in "
            f"use after the last request is {abs(grown):,} bytes {'less' if grown < 0 else 'more'} than after the "
            "first hundred."
        )
    return "Soak: no heap below 256 KB was enough."


if __name__ == "__main__":
    main()
