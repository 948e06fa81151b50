"""What users get: the wheels, installed in environments that have nothing else."""

import json
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from email.parser import Parser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from environments import ROOT, distributions

if TYPE_CHECKING:
    from conftest import Environment

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(300)]

EXPLICIT = """
import importlib.util
import socket
import radiopool

for absent in ("pluggy", "importlib_metadata"):
    assert importlib.util.find_spec(absent) is None, absent

class Radio:
    pass

class Mine(radiopool.Driver):
    name = "mine"
    def matches(self, radio):
        return isinstance(radio, Radio)
    def socket_pool(self, radio):
        return socket

driver = radiopool.register(Mine)
assert radiopool.driver_for(Radio()) is driver
with socket.create_server(("127.0.0.1", 0)) as server, radiopool.manager_for(Radio()) as manager:
    with manager.lease("127.0.0.1", server.getsockname()[1]) as leased:
        peer, _ = server.accept()
        with peer:
            leased.send(b"hello")
            assert peer.recv(5) == b"hello"
print("worked")
"""


@pytest.fixture(scope="module")
def installed(make_environment: "Callable[..., Environment]", wheels: Path) -> "Environment":
    """As the README says: pip, with core's extras; our wheels from a folder, the rest from the index."""
    environment = make_environment("pip")
    requirement = "radiopool[cpython,cli]"
    done = environment.run("python", "-m", "pip", "install", "--quiet", "--find-links", str(wheels), requirement)
    assert done.returncode == 0, done.stderr
    return environment


@pytest.fixture(scope="module")
def core_alone(make_environment: "Callable[..., Environment]") -> "Environment":
    """Core without pluggy and importlib-metadata, and without any extra."""
    return make_environment("--no-deps", "radiopool")


@pytest.fixture
def server(tmp_path: Path) -> "Iterator[str]":
    """The address of a real HTTP server with a page of 1000 bytes."""
    (tmp_path / "page.txt").write_text("x" * 1000)

    class Quiet(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(tmp_path))  # type: ignore[arg-type, misc]

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield "http://127.0.0.1:%d" % httpd.server_address[1]
        httpd.shutdown()
        thread.join()


@pytest.mark.parametrize("distribution", distributions())
def test_wheel_has_what_it_must_and_no_more(wheels: Path, distribution: str) -> None:
    name = "radiopool" if distribution == "core" else "radiopool_" + Path(distribution).name
    (path,) = wheels.glob(name + "-*.whl")
    with zipfile.ZipFile(path) as wheel:
        files = wheel.namelist()
        metadata = Parser().parsestr(wheel.read(next(f for f in files if f.endswith(".dist-info/METADATA"))).decode())
        entry_points = [wheel.read(file).decode() for file in files if file.endswith("entry_points.txt")]
        board = json.loads(wheel.read(name + "/board.json"))
    assert name + "/py.typed" in files
    assert any(file.endswith(".dist-info/licenses/LICENSE") for file in files)
    assert not [file for file in files if "tests" in Path(file).parts or "conftest" in file]
    assert {name + "/" + file for file in board["files"]} <= set(files)
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata.get_payload(), "the README is the description"
    if distribution == "core":
        needs = [word for word in metadata.get_all("Requires-Dist", []) if "extra ==" not in word]
        assert sorted(word.split(">")[0] for word in needs) == ["importlib-metadata", "pluggy"]
    else:
        assert "[radiopool.drivers]" in entry_points[0]


@pytest.mark.parametrize("distribution", distributions())
def test_version_is_in_the_changelog(distribution: str) -> None:
    (init,) = (ROOT / distribution).glob("src/radiopool*/__init__.py")
    (version,) = [line.split('"')[1] for line in init.read_text().splitlines() if line.startswith("__version__ = ")]
    assert "## " + version in (ROOT / distribution / "CHANGELOG.md").read_text()


def test_installed_command_lists_the_driver(installed: "Environment") -> None:
    done = installed.run("radiopool", "drivers", "--json")
    assert done.returncode == 0, done.stderr
    (driver,) = [one for one in json.loads(done.stdout) if one["name"] == "cpython"]
    assert driver["distribution"] == "radiopool-cpython"
    assert driver["version"] == "0.1.0"


def test_installed_command_fetches_from_a_real_server(installed: "Environment", server: str) -> None:
    done = installed.run("radiopool", "fetch", "--count", "5", server + "/page.txt")
    assert done.returncode == 0, done.stderr
    assert "200" in done.stdout and "1000" in done.stdout.replace(",", "")


def test_installed_command_fails_in_one_sentence(installed: "Environment") -> None:
    done = installed.run("radiopool", "fetch", "http://127.0.0.1:1/")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr + done.stdout


def test_the_installed_package_is_typed(installed: "Environment", tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import radiopool\nreveal_type(radiopool.manager_for().stats())\n")
    python = str(installed.folder / "bin" / "python")
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", python, str(program)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert 'Revealed type is "builtins.dict[builtins.str, Any]"' in done.stdout, done.stdout


def test_without_the_extra_the_command_says_what_to_install(core_alone: "Environment") -> None:
    done = core_alone.run("radiopool", "drivers")
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert 'pip install "radiopool[cli]"' in line


def test_core_alone_works_with_explicit_registration(core_alone: "Environment") -> None:
    done = core_alone.run("python", "-W", "error", "-c", EXPLICIT)
    assert (done.stdout, done.stderr) == ("worked\n", "")
