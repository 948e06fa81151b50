"""`radiopool new-driver` refuses what would make no project, and writes one that names itself throughout."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from radiopool import InvalidValueError
from radiopool.scaffold import new_driver
from radiopool.testing import all_checks


@pytest.mark.parametrize("name", ["", "Acme", "a b", "../x", "a--b", "-a", "a-", "4you", "é"])
def test_a_name_that_cannot_be_one_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="small letters"):
        new_driver(name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "radiopool-acme").mkdir()
    (tmp_path / "radiopool-acme" / "mine").write_text("precious")
    with pytest.raises(InvalidValueError, match="not empty"):
        new_driver("acme", tmp_path)
    assert [path.name for path in (tmp_path / "radiopool-acme").iterdir()] == ["mine"]


def test_nothing_of_the_template_is_left_in_what_is_written(tmp_path: Path) -> None:
    project = new_driver("acme-link", tmp_path)
    assert project == tmp_path / "radiopool-acme-link"
    files = sorted(str(path.relative_to(project)) for path in project.rglob("*") if path.is_file())
    assert files == [
        ".github/workflows/ci.yml",
        ".gitignore",
        "CHANGELOG.md",
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "src/radiopool_acme_link/__init__.py",
        "src/radiopool_acme_link/board.json",
        "src/radiopool_acme_link/driver.py",
        "src/radiopool_acme_link/py.typed",
        "src/radiopool_acme_link/radio.py",
        "tests/test_acme_link_conformance.py",
    ]
    for file in files:
        text = (project / file).read_text()
        assert "{{" not in text.replace("${{ matrix.python }}", "") and "{%" not in text, file


def test_pytest_takes_no_driver_for_a_test_whatever_its_name(tmp_path: Path) -> None:
    project = new_driver("test-radio", tmp_path)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["src", *sys.path])}
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=project, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    collected = [line for line in done.stdout.splitlines() if "::" in line]
    assert len(collected) == len(all_checks())
    assert all("::test_conformance[level " in line for line in collected)
