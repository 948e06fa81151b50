"""`import radiopool` is the minimal core of the design: what it does not need stays unloaded."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import json, sys
before = set(sys.modules)
import radiopool
print(json.dumps(sorted(set(sys.modules) - before)))
"""


@pytest.fixture(scope="module")
def loaded() -> "set[str]":
    """The modules that importing radiopool brings into a fresh interpreter."""
    done = subprocess.run([sys.executable, "-I", "-c", PROGRAM], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "room", ["http", "compat", "integrations", "cli", "demo", "testing", "bundle", "discovery", "tls"]
)
def test_does_not_load_a_room_above(loaded: "set[str]", room: str) -> None:
    assert not {name for name in loaded if name == "radiopool." + room or name.startswith("radiopool.%s." % room)}


@pytest.mark.parametrize("module", ["pluggy", "importlib_metadata", "socket", "ssl", "typer", "rich", "asyncio"])
def test_does_not_load_what_only_others_need(loaded: "set[str]", module: str) -> None:
    assert module not in loaded


def test_loads_no_driver(loaded: "set[str]") -> None:
    assert not {name for name in loaded if name.startswith("radiopool_")}


def test_runs_without_pluggy_and_importlib_metadata() -> None:
    """Explicit registration needs neither; `None` in sys.modules makes importing them fail as if not installed."""
    program = """
import sys
sys.modules["pluggy"] = sys.modules["importlib_metadata"] = None
import socket
import radiopool

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
assert radiopool.drivers() == [driver]
server = socket.create_server(("127.0.0.1", 0))
manager = radiopool.manager_for(Radio())
with manager.lease("127.0.0.1", server.getsockname()[1]) as leased:
    peer, _ = server.accept()
    leased.send(b"hello")
    assert peer.recv(5) == b"hello"
manager.close()
peer.close()
server.close()
print("worked")
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("worked\n", "")
