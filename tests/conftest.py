"""For the tests that cross distributions."""

import subprocess
from pathlib import Path

import pytest

from environments import ROOT, distributions


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of every distribution of this workspace, built now."""
    folder = tmp_path_factory.mktemp("wheels")
    for name in distributions():
        command = ["uv", "build", "--quiet", "--wheel", "--out-dir", str(folder), name]
        subprocess.run(command, cwd=ROOT, check=True)
    (folder / ".gitignore").unlink(missing_ok=True)
    return folder
