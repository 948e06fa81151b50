"""Contract versions in practice: drivers of contract (1, 0), (1, 1) and (2, 0) under a core of (1, 0) and of (1, 1).

A minor adds what an older driver does not have and an older core does not ask for, so it is never refused. A major
changes what there was, and is, with both numbers and the way out.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from environments import ROOT

if TYPE_CHECKING:
    from conftest import Environment

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(300)]

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "radiopool-{name}"
version = "{major}.{minor}"
dependencies = ["radiopool"]
[project.entry-points."radiopool.drivers"]
{name} = "radiopool_{name}:TheDriver"
"""

MODULE = """
import socket
import radiopool

class Radio:
    pass

class TheDriver(radiopool.Driver):
    name = "{name}"
    contract = ({major}, {minor})
    radios = ("radiopool_{name}.Radio",)

    def socket_pool(self, radio):
        return socket

    def invented_in_1_1(self):
        "What an older core does not ask for."
"""

USE = """
import importlib, json, socket, sys
import radiopool
from radiopool import discovery

said = {"core": radiopool.CONTRACT}
for record in discovery.records():
    said[record.name] = record.phase + record.reason
    if record.driver is not None:
        radio = importlib.import_module("radiopool_" + record.name).Radio()
        with socket.create_server(("127.0.0.1", 0)) as server, radiopool.manager_for(radio) as manager:
            with manager.lease("127.0.0.1", server.getsockname()[1]) as leased:
                accepted = server.accept()[0]
                with accepted:
                    leased.send(b"x")
                    said[record.name] = accepted.recv(1).decode()
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, build_wheel: "Callable[[Path, Path], None]") -> Path:
    """The wheels of three drivers, and of a core that offers contract (1, 1)."""
    out = tmp_path_factory.mktemp("built")
    for major, minor in ((1, 0), (1, 1), (2, 0)):
        facts = {"name": f"made{major}{minor}", "major": major, "minor": minor}
        project = tmp_path_factory.mktemp(facts["name"])
        package = project / f"radiopool_{facts['name']}"
        package.mkdir()
        (project / "pyproject.toml").write_text(PYPROJECT.format(**facts))
        (package / "__init__.py").write_text(MODULE.format(**facts))
        build_wheel(project, out)
    core = tmp_path_factory.mktemp("newer") / "core"
    shutil.copytree(ROOT / "core", core, ignore=shutil.ignore_patterns("tests", "__pycache__"))
    contract = core / "src" / "radiopool" / "vocabulary.py"
    text = contract.read_text()
    assert "\nCONTRACT = (1, 0)\n" in text
    contract.write_text(text.replace("\nCONTRACT = (1, 0)\n", "\nCONTRACT = (1, 1)\n"))
    build_wheel(core, out / "newer")
    return out


@pytest.fixture(scope="module", params=[(1, 0), (1, 1)], ids=["core of 1.0", "core of 1.1"])
def said(
    request: pytest.FixtureRequest, make_environment: "Callable[..., Environment]", built: Path
) -> "dict[str, object]":
    """What a program says that uses every driver under that core."""
    drivers = [str(path) for path in built.glob("*.whl")]
    core = [str(path) for path in (built / "newer").glob("*.whl")] if request.param == (1, 1) else ["radiopool"]
    environment = make_environment(*core, *drivers)
    done = environment.run("python", "-W", "error", "-c", USE)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    assert found.pop("core") == list(request.param)
    return {"offered": "%d.%d" % request.param, **found}


@pytest.mark.parametrize("driver", ["made10", "made11"])
def test_a_minor_is_never_refused(said: "dict[str, object]", driver: str) -> None:
    assert said[driver] == "x", "the driver leases a socket that works"


def test_a_newer_major_is_refused_with_both_numbers_and_the_way_out(said: "dict[str, object]") -> None:
    refusal = str(said["made20"])
    assert refusal.startswith("check")
    assert "contract 2.0" in refusal and f"offers {said['offered']}" in refusal
    assert "upgrade radiopool" in refusal
