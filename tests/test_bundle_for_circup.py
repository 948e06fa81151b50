"""circup itself installs from what `radiopool bundle --circup` writes, without a network."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from radiopool import bundle

pytestmark = pytest.mark.skipif(importlib.util.find_spec("circup") is None, reason="pip install circup")

TAG = "1.2.3"
REPOSITORY = "someone/radiopool-bundle"

# CircuitPython's mpy-cross is on no package index; what stands before its bytecode is all that circup looks at.
COMPILER = """#!%s
import pathlib, sys
out, source = sys.argv[5:]
pathlib.Path(out).write_bytes(b"C\\x06" + pathlib.Path(source).read_bytes())
"""


class Circup:
    """circup with a home of its own, in which the release has been downloaded, and a drive."""

    def __init__(self, folder: Path, mpy_cross: "Path | None" = None) -> None:
        self.folder = folder
        self.drive = folder / "drive"
        self.drive.mkdir()
        self.environment = os.environ | {
            "HOME": str(folder),
            "XDG_DATA_HOME": str(folder),
            "XDG_CACHE_HOME": str(folder),
        }
        made = bundle.Bundle([bundle.core_part(("http",)), bundle.driver_part("socketpool")], http=True)
        self.archives = bundle.write_circup(made, folder / "release", TAG, mpy_cross)
        data = Path(self.run("-c", "from circup.shared import DATA_DIR; print(DATA_DIR)").strip())
        for archive in self.archives:
            word = "py" if "-py-" in archive.name else "10mpy"
            shutil.unpack_archive(archive, data / "someone" / ("radiopool-bundle-" + word))
        # Adafruit's own bundles would have to be downloaded.
        (data / "bundle_config.json").write_text(json.dumps({"radiopool": REPOSITORY}))
        (data / "circup.json").write_text(json.dumps({REPOSITORY: [TAG]}))

    def run(self, *arguments: str) -> str:
        command = [sys.executable, *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def __call__(self, *arguments: str) -> str:
        board = ("--path", str(self.drive), "--board-id", "toy", "--cpy-version", "10.2.1")
        return self.run("-c", "from circup import main; main()", "--offline", *board, *arguments)

    def installed(self) -> "dict[str, bytes]":
        library = self.drive / "lib"
        return {path.relative_to(library).as_posix(): path.read_bytes() for path in library.rglob("*.*")}


def test_circup_installs_a_driver_and_what_it_needs(tmp_path: Path) -> None:
    circup = Circup(tmp_path)
    circup("install", "radiopool_socketpool")
    made = bundle.Bundle([bundle.core_part(("http",)), bundle.driver_part("socketpool")])
    written = made.write_library(tmp_path / "lib")
    assert circup.installed() == {str(file.place): (tmp_path / "lib" / file.place).read_bytes() for file in written}
    listed = set(circup("freeze").splitlines())
    assert {f"{part.package}=={part.version}" for part in made.parts} <= listed


def test_circup_prefers_bytecode(tmp_path: Path) -> None:
    mpy_cross = tmp_path / "mpy-cross"
    mpy_cross.write_text(COMPILER % sys.executable)
    mpy_cross.chmod(0o755)
    circup = Circup(tmp_path, mpy_cross)
    circup("install", "radiopool")
    places = circup.installed()
    assert "radiopool/http/wire.mpy" in places
    assert {Path(place).suffix for place in places} == {".mpy"}
    circup("install", "--py", "--upgrade", "radiopool")
    assert {Path(place).suffix for place in circup.installed()} == {".py"}
