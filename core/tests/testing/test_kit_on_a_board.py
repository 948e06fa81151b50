"""The checks are plain Python that a board runs too: MicroPython runs them here, over its own sockets."""

import json
import subprocess
from pathlib import Path

import pytest

from board_checker import check
from radiopool import testing
from radiopool.testing import FAILED, PASSED
from radiopool.testing.peers import Peers

KIT = Path(testing.__file__).parent
FILES = json.loads((KIT / "board.json").read_text())["files"]
ROOT = Path(__file__).parents[3]
MICROPYTHON = ROOT / ".venv-boards" / "bin" / "micropython"


@pytest.mark.parametrize("file", FILES)
def test_the_file_has_nothing_that_boards_lack(file: str) -> None:
    assert check((KIT / file).read_text()) == []


@pytest.mark.skipif(not MICROPYTHON.exists(), reason="MicroPython is not here: make .venv-boards/ready")
def test_the_kit_runs_on_micropython(tmp_path: Path) -> None:
    # Only what board.json names, so that a file missing there is missing here.
    for path in KIT.parent.glob("*.py"):
        (tmp_path / "radiopool").mkdir(exist_ok=True)
        (tmp_path / "radiopool" / path.name).symlink_to(path)
    for file in FILES:
        target = tmp_path / "radiopool" / "testing" / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(KIT / file)
    with Peers() as peers:
        done = subprocess.run(
            [MICROPYTHON, Path(__file__).with_name("kit_on_a_board.py")],
            input=json.dumps(peers.as_dict()) + "\n",
            env={"MICROPYPATH": f"{tmp_path}:.frozen"},
            capture_output=True,
            text=True,
            timeout=100,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads(done.stdout)["results"]
    assert not [result for result in results if result["status"] == FAILED]
    assert len([result for result in results if result["status"] == PASSED]) > 40
