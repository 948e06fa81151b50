"""What the driver says of itself, and how it is found."""

import json
from importlib import metadata, resources
from pathlib import Path

import pytest

import radiopool
import radiopool_wiznet5k
from radiopool_wiznet5k import WIZNET5KDriver


def test_it_is_installed_as_an_entry_point():
    (found,) = metadata.entry_points(group="radiopool.drivers", name="wiznet5k")
    assert found.load() is WIZNET5KDriver
    assert metadata.version("radiopool-wiznet5k") == radiopool_wiznet5k.__version__ == WIZNET5KDriver.version


def test_the_registry_finds_it_by_the_radio(radio, pool):
    assert isinstance(radiopool.driver_for(radio), WIZNET5KDriver)
    with radiopool.manager_for(radio) as manager:
        assert manager.socket_pool is pool
        assert manager.driver.name == "wiznet5k"


def test_it_claims_its_radios_alone(driver, radio):
    assert driver.matches(radio)
    assert not driver.matches(object())
    assert not driver.matches(None)


def test_budgets(driver, radio):
    assert driver.traits(radio).budget == ({"w5500": 7, "w5100s": 3}[radio.chip], None)
    assert driver.traits(None).budget == (7, None)
    assert driver.traits(radio).tls == "host"


def test_pools_and_radios(driver, radio, pool, vendor):
    assert driver.socket_pool(radio) is pool
    assert WIZNET5KDriver().socket_pool(radio) is pool
    assert driver.radio_of(pool) is radio
    assert driver.radio_of(vendor) is radio
    assert driver.radio_of(object()) is None
    assert radio.chip in repr(pool)


def test_the_vendors_pool_is_managed_on_our_sockets(driver, radio, vendor, serve, echo, read):
    server = serve(echo)
    with radiopool.ConnectionManager(vendor) as manager:
        assert manager.driver.name == "wiznet5k"
        with manager.lease("127.0.0.1", server.port, timeout=5) as sock:
            sock.sendall(b"ours")
            assert read(sock, 4) == b"ours"


def test_what_a_board_ships():
    package = resources.files("radiopool_wiznet5k")
    listed = set(json.loads(package.joinpath("board.json").read_text())["files"])
    folder = Path(radiopool_wiznet5k.__file__).parent
    assert listed == {path.name for path in folder.glob("*.py")} - {"session.py"}
    assert not any(name.startswith("emulator") for name in listed)


def test_an_unknown_emulation_names_those_there_are(driver):
    with pytest.raises(ValueError, match="choose one of w5500, w5100s"):
        driver.emulated("w6100")


def test_reprs_tell_the_truth(pool, driver, serve, echo):
    sock = driver.connect(pool, "127.0.0.1", serve(echo).port, timeout=5)
    assert repr(sock) == "<StreamSocket 1>"
    sock.close()
    assert repr(sock) == "<StreamSocket closed>"


def test_without_waiting(pool, driver, serve, echo):
    with pool.socket() as sock:
        sock.settimeout(0)
        with pytest.raises(BlockingIOError) as caught:
            sock.connect(("127.0.0.1", serve(echo).port))
        assert driver.would_block(caught.value)
        with pytest.raises(OSError, match="connected already"):
            sock.connect(("127.0.0.1", 1))
        sock.settimeout(5)
        assert sock.send(b"now") == 3
        assert sock.recv(3) == b"now"
        assert sock.gettimeout() == 5


def test_before_a_connection(pool):
    with pool.socket() as sock:
        for call in (lambda: sock.send(b"x"), lambda: sock.recv(1), sock.getpeername):
            with pytest.raises(OSError, match="not connected"):
                call()
        assert sock.send(b"") == 0
        assert sock.recv_into(bytearray()) == 0
