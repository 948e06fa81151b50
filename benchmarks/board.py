"""On a real MicroPython (unix build, 64-bit), from bytecode: radiopool beside what it replaces, in one run.

Each number is from an interpreter of its own; all but the times are the same in every run. The times are taken twice,
once with interpreters and server on one processor, so that no processor's waking up is in them. What stays on the heap
is measured twice: with the bytecode in plain files, which are copied there, and in a ROM file system, where they are
not. The incumbents are adafruit_requests and adafruit_connection_manager as installed, with stand-ins for the typing
modules they import.
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
        library = Path(folder, "lib")
        parts = [bundle.core_part(("http",)), bundle.driver_part("micropython")]
        bundle.Bundle(parts, http=True).write_library(library, BOARDS / "mpy-cross")
        for name in INCUMBENTS:
            found = importlib.util.find_spec(name)
            if found is None or found.origin is None:
                sys.exit(f"{name} is not installed: remove .venv and try again")
            compile_incumbent(Path(found.origin), library)
        board = Board(library)
        table = rows(board, RomBoard(library, Path(folder, "image.romfs")))
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
        command = [BOARDS / "micropython", "-X", *self.command(program, what, heap)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise Failed(done.stdout + done.stderr)
        return done.stdout

    def command(self, program: list[str], what: str, heap: int) -> list[str]:
        """The interpreter's option for that heap, and what it runs."""
        return [f"heapsize={heap}", str(PROGRAMS / f"{program[0]}.py"), what, *program[1:]]

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


class RomBoard(Board):
    """The same with the library in a ROM file system. Its image stands at the start of the heap, where a board has
    flash; the heaps are without it."""

    def __init__(self, library: Path, image: Path) -> None:
        super().__init__(library)
        build = [BOARDS / "mpremote", "romfs", "--output", image, "build", library]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        self.image = image
        self.environment["MICROPYPATH"] = str(PROGRAMS)

    def command(self, program: list[str], what: str, heap: int) -> list[str]:
        size = heap + self.image.stat().st_size
        return [f"heapsize={size}", str(PROGRAMS / "from_rom.py"), str(self.image), program[0], what, *program[1:]]


def row(name: str, to_reach: str, bare: object, *measured: object) -> tuple[object, ...]:
    """One row of the table."""
    theirs, ours, *native = [f"{value:,}" if isinstance(value, int) else value for value in measured]
    return (name, f"{bare:,}" if isinstance(bare, int) else bare, theirs, ours, to_reach, *(native or ("",)))


def times(board: Board, name: str) -> tuple[object, ...]:
    """The row of times."""
    bare, *measured = board.milliseconds((BARE, THEIRS, OURS, NATIVE))
    return row(name, f"{2.5 * bare:.1f}", f"{bare:.1f}", *(f"{ms:.1f}" for ms in measured))


def rows(board: Board, rom: Board) -> list[tuple[object, ...]]:
    """The table."""
    everyone = (THEIRS, OURS, NATIVE)
    both = ((board, ""), (rom, ", from a ROM file system"))
    return [
        row("bytecode a GET needs", "13,000", "", *(board.bytecode(p, "loaded") for p in everyone)),
        *(
            row("heap kept by importing it" + where, "23,000", "", on.number(THEIRS, "kept"), on.kept("loaded"))
            for on, where in both
        ),
        row("manager only: bytecode", "6,000", "", *(board.bytecode(p, "manager-loaded") for p in everyone)),
        *(
            row(
                "manager only: heap kept" + where,
                "11,000",
                "",
                on.number(THEIRS, "manager-kept"),
                on.kept("manager-loaded"),
            )
            for on, where in both
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
        *(
            row(f"smallest heap: {name}" + where, mark, "", *(on.smallest_heap(p, what) for p in everyone))
            for name, mark, what in (("50 GETs", "36,000", "get"), ("100 KB stream", "37,000", "stream"))
            for on, where in both
        ),
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
