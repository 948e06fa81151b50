"""A foreign `socketpool` or `wifi` is recognised, and the remedy named."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import radiopool
import radiopool_socketpool
from radiopool_socketpool import SocketPoolDriver, doctor


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder before everything that is installed, and nothing imported yet."""
    monkeypatch.syspath_prepend(tmp_path)
    for name in doctor.NAMES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def install(folder, name, distribution=None, source="class Pool: pass\n"):
    """Put a module into a folder as pip would, or as a stray file if no distribution is named."""
    if distribution is None:
        (folder / (name + ".py")).write_text(source)
        return
    package = folder / name
    package.mkdir()
    (package / "__init__.py").write_text(source)
    metadata = folder / ("%s-0.5.3.dist-info" % distribution)
    metadata.mkdir(exist_ok=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: %s\nVersion: 0.5.3\n" % distribution)
    with (metadata / "RECORD").open("a") as record:
        record.write("%s/__init__.py,,\n" % name)


def run(script, *folders):
    """What a script prints, with those folders before everything that is installed."""
    path = os.pathsep.join([str(folder) for folder in folders] + [path for path in sys.path if path])
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_is_wrong_here():
    assert doctor.findings() == []


@pytest.mark.parametrize("name", doctor.NAMES)
def test_a_package_of_that_name(desk, name):
    install(desk, name, name)
    (finding,) = SocketPoolDriver().doctor()
    assert str(desk / name) in finding
    assert "belongs to %s" % name in finding
    assert "pip uninstall %s, then pip install --force-reinstall --no-deps radiopool-socketpool" % name in finding


def test_it_is_not_imported_to_ask(desk):
    # The package of 2013 is Python 2 in parts.
    install(desk, "socketpool", "socketpool", "print 'imported'\n")
    assert len(doctor.findings()) == 1
    assert "socketpool" not in sys.modules


@pytest.mark.parametrize("name", doctor.NAMES)
def test_a_stray_file_of_that_name(desk, name):
    install(desk, name)
    (finding,) = doctor.findings()
    assert str(desk / (name + ".py")) in finding and "rename or remove" in finding


def test_both_at_once(desk):
    install(desk, "socketpool", "socketpool")
    install(desk, "wifi", "wifi")
    assert len(doctor.findings()) == 2


def test_a_missing_module(desk, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    findings = doctor.findings()
    assert len(findings) == 2 and all("--force-reinstall radiopool-socketpool" in finding for finding in findings)


def test_the_driver_refuses_with_the_remedy(tmp_path):
    install(tmp_path, "socketpool", "socketpool")
    script = """
from radiopool.errors import DriverError
from radiopool_socketpool import SocketPoolDriver
driver = SocketPoolDriver()
try:
    driver.socket_pool(driver.emulated())
except DriverError as error:
    print(error)
"""
    assert "pip uninstall socketpool" in run(script, tmp_path)


def test_the_command_names_the_remedy(tmp_path):
    pytest.importorskip("typer")
    install(tmp_path, "socketpool", "socketpool")
    install(tmp_path, "wifi")
    script = """
import json
from typer.testing import CliRunner
from radiopool.cli.app import app
done = CliRunner().invoke(app, ["doctor", "--json"])
print(json.dumps([done.exit_code, done.stdout]))
"""
    status, said = json.loads(run(script, tmp_path))
    assert status == 1
    assert "belongs to socketpool and not to CircuitPython: pip uninstall socketpool" in said
    assert "the module wifi at" in said and "rename or remove that file" in said


def test_radiopool_works_without_this_distributions_modules(tmp_path):
    """A foreign socketpool costs this driver only."""
    install(tmp_path, "socketpool", "socketpool", "raise ImportError('broken')\n")
    script = """
from radiopool.registry import driver_named
driver = driver_named("socketpool")
print(driver.name, driver.radio_of(object()), driver.matches(object()))
"""
    assert run(script, tmp_path).split() == ["socketpool", "None", "False"]


def test_board_files_are_listed_in_the_package():
    folder = Path(radiopool_socketpool.__file__).parent
    files = json.loads((folder / "board.json").read_text())["files"]
    assert files == ["__init__.py", "driver.py"]
    assert all((folder / name).is_file() for name in files)
    assert radiopool.__version__
