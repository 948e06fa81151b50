"""A generated project, as its author would use it: built, installed in a clean environment, discovered, on the kit."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from radiopool.scaffold import new_driver

if TYPE_CHECKING:
    from conftest import Environment

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_driver("acme-link", tmp_path_factory.mktemp("author"))


@pytest.fixture(scope="module")
def installed(make_environment: "Callable[..., Environment]", project: Path) -> "Environment":
    environment = make_environment("radiopool[cli]", str(project) + "[test]")
    return environment


def test_it_is_discovered(installed: "Environment") -> None:
    done = installed.run("radiopool", "drivers", "--json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert (row["name"], row["distribution"], row["version"]) == ("acme-link", "radiopool-acme-link", "0.1.0")
    assert row["status"] == "ok"


def test_its_own_test_runs_the_kit(installed: "Environment", project: Path) -> None:
    done = installed.run("python", "-m", "pytest", "-q", "--rootdir", str(project), str(project / "tests"))
    assert done.returncode == 0, done.stdout
    passed = int(done.stdout.strip().splitlines()[-1].split(" passed")[0].split()[-1])
    assert passed > 50, done.stdout


def test_the_command_runs_the_kit(installed: "Environment") -> None:
    done = installed.run("radiopool", "conformance", "--driver", "acme-link", "--level", "2", "--json")
    assert done.returncode == 0, done.stderr
    (report,) = json.loads(done.stdout)["reports"]
    assert report["ok"] and {row["level"] for row in report["results"]} == {1, 2}


def test_it_is_typed(project: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(project / ".cache"), str(project / "src")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=project)
    assert done.returncode == 0, done.stdout
