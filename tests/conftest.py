"""For the tests that cross distributions: built wheels, and environments to install them in."""

import os
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from environments import ROOT, distributions


class Environment:
    """A virtual environment of its own, with nothing in it but what is asked for."""

    def __init__(self, folder: Path, wheels: Path) -> None:
        self.folder = folder
        self.wheels = wheels
        venv.create(folder, symlinks=True)

    def install(self, *requirements: str) -> None:
        """Install, our distributions from the wheels built here and what they depend on from the index."""
        installer = [
            sys.executable,
            "-m",
            "uv",
            "pip",
            "install",
            "--quiet",
            "--python",
            str(self.folder / "bin" / "python"),
        ]
        done = subprocess.run(
            [*installer, "--find-links", str(self.wheels), *requirements], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr

    def run(self, program: str, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run a program of the environment, in its folder, without this process's own Python settings."""
        own = {name: text for name, text in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
        return subprocess.run(
            [self.folder / "bin" / program, *arguments],
            cwd=self.folder,
            env=own | variables,
            capture_output=True,
            text=True,
            timeout=100,
        )


def build(project: Path, out: Path) -> None:
    """Build the wheel of a project into a folder."""
    command = [sys.executable, "-m", "uv", "build", "--quiet", "--wheel", "--python", sys.executable]
    done = subprocess.run([*command, "--out-dir", str(out), str(project)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def build_wheel() -> "Callable[[Path, Path], None]":
    """`build_wheel(project, out)` builds the wheel of a project into a folder."""
    return build


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of every distribution of this workspace, built now."""
    folder = tmp_path_factory.mktemp("wheels")
    for name in distributions():
        build(ROOT / name, folder)
    (folder / ".gitignore").unlink(missing_ok=True)
    return folder


@pytest.fixture(scope="session")
def make_environment(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> "Callable[..., Environment]":
    """`make_environment("radiopool[cpython,cli]")`: an environment with that in it."""

    def make(*requirements: str) -> Environment:
        environment = Environment(tmp_path_factory.mktemp("environment"), wheels)
        environment.install(*requirements)
        return environment

    return make
