"""The examples of docs/boards.md run: on MicroPython itself, on emulated chips, on the double of native Wi-Fi."""

import os
import runpy
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import board_files
import radiopool
from board_server import BoardServer
from environments import ROOT

EXAMPLES = ROOT / "docs" / "examples" / "boards"
MICROPYTHON = ROOT / ".venv-boards" / "bin" / "micropython"
on_micropython = pytest.mark.skipif(not MICROPYTHON.exists(), reason="make .venv-boards/ready")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> "Iterator[BoardServer]":
    with BoardServer() as running:
        monkeypatch.setenv("URL", "http://127.0.0.1:%d/bytes/200" % running.port)
        monkeypatch.setenv("CIRCUITPY_WIFI_SSID", "net")
        monkeypatch.setenv("CIRCUITPY_WIFI_PASSWORD", "password")
        yield running


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("library")
    board_files.compile_all(folder)
    return folder


def run_on_micropython(program: str, library: Any) -> str:
    environment = os.environ | {"MICROPYPATH": str(library)}
    done = subprocess.run(
        [MICROPYTHON, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


@on_micropython
def test_the_example_for_micropython(server: BoardServer, library: Any) -> None:
    printed = run_on_micropython((EXAMPLES / "micropython.py").read_text(), library)
    assert printed.startswith("200 200\n" * 3)
    assert server.connections == 1


@on_micropython
def test_a_driver_of_ones_own(server: BoardServer, library: Any) -> None:
    use = """
for _ in range(2):
    port = manager.get_socket("127.0.0.1", %d, "example")
    port.setblocking(True)
    port.write(b"GET /connection HTTP/1.1\\r\\n\\r\\n")
    assert port.readline() == b"HTTP/1.1 200 OK\\r\\n"
    while port.readline() != b"\\r\\n":
        pass
    print(port.read(1))
    manager.free_socket(port)
print(manager.driver.name, manager.stats()["opened"])
"""
    printed = run_on_micropython((EXAMPLES / "custom_driver.py").read_text() + use % server.port, library)
    assert printed == "b'1'\nb'1'\nport 1\n"


class Anything(ModuleType):
    """`board` and `digitalio`, which only a board has."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


@pytest.mark.parametrize(
    ("example", "name", "vendor"),
    [
        ("airlift", "esp32spi", "adafruit_esp32spi.adafruit_esp32spi.ESP_SPIcontrol"),
        ("ethernet", "wiznet5k", "adafruit_wiznet5k.adafruit_wiznet5k.WIZNET5K"),
    ],
)
def test_the_examples_for_chips(
    server: BoardServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    example: str,
    name: str,
    vendor: str,
) -> None:
    driver = radiopool.driver_named(name)
    radio = driver.emulated(hosts={"board.example": "127.0.0.1"})
    monkeypatch.setenv("URL", "http://board.example:%d/bytes/200" % server.port)
    monkeypatch.setitem(sys.modules, "board", Anything("board"))
    monkeypatch.setitem(sys.modules, "digitalio", Anything("digitalio"))
    # The class as it is, except that making one gives the emulated radio.
    made = type("Vendor", (type(radio),), {"__new__": lambda cls, *_: radio})
    monkeypatch.setattr(vendor, made)
    # The emulated access point's name and password.
    joined = getattr(getattr(radio.emulator, "network", None), "joined", None)
    if joined is not None:
        monkeypatch.setenv("CIRCUITPY_WIFI_SSID", joined.ssid)
        monkeypatch.setenv("CIRCUITPY_WIFI_PASSWORD", joined.password)
    try:
        ran = runpy.run_path(str(EXAMPLES / (example + ".py")))
        ran["http"].manager.close()
    finally:
        radiopool.unregister(name)
        radio.emulator.close()
    assert capsys.readouterr().out.startswith("200 200\n" * 3)
    assert server.connections == 1


def test_the_example_for_native_wifi(server: BoardServer, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        ran = runpy.run_path(str(EXAMPLES / "native_wifi.py"))
        ran["http"].manager.close()
    finally:
        radiopool.unregister("socketpool")
    assert capsys.readouterr().out.startswith("200 200\n" * 3)
    assert server.connections == 1
