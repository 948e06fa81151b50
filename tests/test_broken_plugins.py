"""Broken plugins, each installed for real as a wheel: all else works, and the command says what is wrong with them."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Environment

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(300)]

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "radiopool-{name}"
version = "3.1"
dependencies = ["radiopool"]
[project.entry-points."radiopool.drivers"]
{entry} = "radiopool_{name}:Plugin"
"""

DRIVER = """
import socket
import radiopool

class Radio:
    pass

class Plugin(radiopool.Driver):
    name = "{name}"
    version = "3.1"
    contract = {contract}
    radios = ("{claims}.Radio",)

    def socket_pool(self, radio):
        return socket
"""


def driver(name: str, contract: str = "(1, 0)", claims: str = "", more: str = "") -> str:
    """The source of a driver."""
    return DRIVER.format(name=name, contract=contract, claims=claims or "radiopool_" + name) + more


# name: (source, what `radiopool drivers` must say of it)
PLUGINS = {
    "absent": ("import a_library_nobody_has\n", "broken (load): ModuleNotFoundError: No module named 'a_library"),
    "leaves": ("import sys\nsys.exit(7)\n", "broken (load): SystemExit: 7"),
    "garbled": ("class Plugin(:\n", "broken (load): SyntaxError"),
    "nameless": ("", "broken (load): AttributeError"),
    "wrongkind": (
        "Plugin = {'name': 'wrongkind'}\n",
        "broken (check): DriverError: {'name': 'wrongkind'} is not a driver",
    ),
    "tomorrow": (driver("tomorrow", "(2, 0)"), "was written for contract 2.0, and this radiopool offers 1.0"),
    "unnumbered": (driver("unnumbered", "'one'"), "its contract must be a pair of numbers, not 'one'"),
    "busless": (
        driver("busless", more="\n    def __init__(self): raise OSError('no bus')\n"),
        "broken (make): OSError: no bus",
    ),
    "untrue": (driver("untrue", more="\nPlugin.traits = lambda self, radio: 1 / 0\n"), "broken (traits): ZeroDivision"),
    "touchy": (driver("touchy", more="\nPlugin.matches = lambda self, radio: radio.nothing\n"), "ok"),
    "twin": (driver("twin"), "conflict: other (radiopool-other) claims radiopool_twin.Radio too; choose with"),
    "other": (
        driver("other", claims="radiopool_twin"),
        "conflict: twin (radiopool-twin) claims radiopool_twin.Radio too",
    ),
    "namesake": (driver("namesake"), "conflict: radiopool-namesake2 has a driver of that name too"),
    "namesake2": (
        driver("namesake", claims="radiopool_namesake2"),
        "conflict: radiopool-namesake has a driver of that name",
    ),
    "sound": (driver("sound"), "ok"),
}
NEVER_LOADED = ("absent", "leaves", "garbled", "nameless", "wrongkind", "tomorrow", "unnumbered", "busless")

USE = """
import json
import radiopool
import radiopool_sound, radiopool_twin, radiopool_namesake

said = {"sound": radiopool.driver_for(radiopool_sound.Radio()).name}
said["default"] = radiopool.manager_for().driver.name
for name, ask in {
    "twin": lambda: radiopool.driver_for(radiopool_twin.Radio()),
    "nobody": lambda: radiopool.driver_for(object()),
    "namesake": lambda: radiopool.driver_named("namesake"),
    "absent": lambda: radiopool.driver_named("absent"),
}.items():
    try:
        ask()
    except radiopool.DriverError as error:
        said[name] = "%s: %s" % (type(error).__name__, error)
said["chosen"] = radiopool.manager_for(radiopool_twin.Radio(), driver=radiopool.driver_named("twin")).driver.name
radiopool.register(radiopool.driver_named("other"))
said["registered"] = radiopool.driver_for(radiopool_twin.Radio()).name
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def environment(
    tmp_path_factory: pytest.TempPathFactory,
    build_wheel: "Callable[[Path, Path], None]",
    make_environment: "Callable[..., Environment]",
) -> "Environment":
    """An environment with the command line, the cpython driver and every plugin above."""
    out = tmp_path_factory.mktemp("plugins")
    projects = []
    for name, (source, _) in PLUGINS.items():
        project = tmp_path_factory.mktemp(name)
        package = project / f"radiopool_{name}"
        package.mkdir()
        (project / "pyproject.toml").write_text(PYPROJECT.format(name=name, entry=name))
        (package / "__init__.py").write_text(source)
        projects.append(project)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(build_wheel, projects, [out] * len(projects)))
    return make_environment("radiopool[cpython,cli]", *(str(path) for path in sorted(out.glob("*.whl"))))


@pytest.fixture(scope="module")
def rows(environment: "Environment") -> "dict[str, dict[str, Any]]":
    """What `radiopool drivers --json` says, by distribution."""
    done = environment.run("radiopool", "drivers", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return {row["distribution"]: row for row in json.loads(done.stdout)}


@pytest.fixture
def url() -> Iterator[str]:
    """A page of a real server."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield "http://127.0.0.1:%d/" % server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("name", PLUGINS)
def test_each_says_what_is_wrong_with_it(rows: "dict[str, dict[str, Any]]", name: str) -> None:
    row = rows["radiopool-" + name]
    assert PLUGINS[name][1] in row["status"]
    assert row["version"] == "3.1"
    if name in NEVER_LOADED:
        assert (row["contract"], row["radios"], row["budget"], row["tls"]) == (None, [], None, None)
    elif name != "touchy":
        assert row["contract"] == "1.0"


def test_the_cpython_driver_is_untouched(rows: "dict[str, dict[str, Any]]") -> None:
    assert rows["radiopool-cpython"]["status"] == "ok"


def test_the_table_says_it_too(environment: "Environment") -> None:
    done = environment.run("radiopool", "drivers", COLUMNS="400")
    assert (done.returncode, done.stderr) == (0, "")
    for name in PLUGINS:
        assert "radiopool-" + name in done.stdout
    words = " ".join(done.stdout.replace("│", " ").split())
    for cause in ("ModuleNotFoundError", "SystemExit", "is not a driver", "contract 2.0", "claims"):
        assert cause in words


def test_requests_work_beside_them(environment: "Environment", url: str) -> None:
    done = environment.run("radiopool", "fetch", "--driver", "cpython", "--json", url)
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["requests"]
    assert (result["status"], result["bytes"]) == (200, 5)


def test_programs_work_beside_them(environment: "Environment") -> None:
    done = environment.run("python", "-W", "error", "-c", USE)
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert (said["sound"], said["default"]) == ("sound", "cpython")
    assert said["twin"].startswith("DriverConflictError: driver 'other' and driver 'twin' claim")
    assert (said["chosen"], said["registered"]) == ("twin", "other")
    assert said["namesake"].startswith("DriverConflictError: 2 installed drivers are named 'namesake'")
    assert said["nobody"].startswith("NoDriverError: no driver claims")
    assert "driver 'touchy' failed when asked: AttributeError" in said["nobody"]
    assert said["absent"].startswith("NoDriverError: no driver is named 'absent'; there are: ")


def test_a_driver_that_is_broken_is_refused_in_one_sentence(environment: "Environment", url: str) -> None:
    done = environment.run("radiopool", "fetch", "--driver", "absent", url)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("radiopool: no driver is named 'absent'")


def test_doctor_finds_each(environment: "Environment") -> None:
    done = environment.run("radiopool", "doctor", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    wrong = [one["finding"] for one in json.loads(done.stdout) if not one["ok"]]
    for name, (_, status) in PLUGINS.items():
        found = [finding for finding in wrong if f"(radiopool-{name} 3.1)" in finding]
        assert len(found) == (status != "ok"), name


def test_discovery_can_be_switched_off(environment: "Environment") -> None:
    done = environment.run("radiopool", "drivers", "--json", RADIOPOOL_NO_DISCOVERY="1")
    assert (done.returncode, json.loads(done.stdout), done.stderr) == (0, [], "")


def test_only_the_named_drivers_are_loaded(environment: "Environment") -> None:
    done = environment.run("radiopool", "drivers", "--json", RADIOPOOL_DRIVERS="cpython, twin")
    assert (done.returncode, done.stderr) == (0, "")
    status = {row["distribution"]: row["status"] for row in json.loads(done.stdout)}
    assert status.pop("radiopool-cpython") == status.pop("radiopool-twin") == "ok"
    assert set(status.values()) == {"not loaded (blocked): not named in RADIOPOOL_DRIVERS"}
