"""Discovery: what the entry points of this environment give, and the two variables that steer it."""

import json
import os
import subprocess
import sys

import pytest

from radiopool import discovery


@pytest.fixture(autouse=True)
def looked_at_afresh():
    discovery.forget()
    yield
    discovery.forget()


def test_the_cpython_driver_is_found_with_its_distribution_and_version():
    (record,) = [record for record in discovery.records() if record.name == "cpython"]
    assert record.distribution == "radiopool-cpython"
    assert record.version == record.driver.version
    assert record.phase == record.reason == ""
    assert discovery.plugins().get_plugin("cpython of radiopool-cpython") is record.driver
    assert record.driver in discovery.drivers()


def test_entry_points_are_loaded_once():
    assert discovery.drivers()[0] is discovery.drivers()[0]


def test_discovery_can_be_switched_off(monkeypatch):
    monkeypatch.setenv("RADIOPOOL_NO_DISCOVERY", "1")
    assert discovery.records() == []


def test_the_drivers_that_may_load_can_be_named(monkeypatch):
    monkeypatch.setenv("RADIOPOOL_DRIVERS", "esp32spi, wiznet5k")
    records = {record.name: record for record in discovery.records()}
    assert records["cpython"].driver is None
    assert (records["cpython"].phase, records["cpython"].reason) == ("blocked", "not named in RADIOPOOL_DRIVERS")
    discovery.forget()
    monkeypatch.setenv("RADIOPOOL_DRIVERS", "cpython")
    assert [driver.name for driver in discovery.drivers()] == ["cpython"]


BROKEN = {
    "fails_to_import": ("raise ImportError('no such chip')", "load", "ImportError: no such chip"),
    "calls_exit": ("import sys; sys.exit(3)", "load", "SystemExit: 3"),
    "lacks_the_name": ("Nothing = None", "load", "AttributeError: "),
    "no_driver": ("class Plugin: name = 'no_driver'", "check", "is not a driver: it has no method matches"),
    "fails_to_start": (
        "import radiopool\nclass Plugin(radiopool.Driver):\n    def __init__(self): raise OSError('no bus')",
        "make",
        "OSError: no bus",
    ),
    "of_tomorrow": (
        "import radiopool\nclass Plugin(radiopool.Driver):\n    name = 'of_tomorrow'\n    contract = (2, 0)\n"
        "    def matches(self, radio): return False\n    def socket_pool(self, radio): return radio\n",
        "check",
        "written for contract 2.0",
    ),
    "works": (
        "import radiopool\nclass Plugin(radiopool.Driver):\n    name = 'works'\n"
        "    def matches(self, radio): return radio == 'radio'\n    def socket_pool(self, radio): return radio\n",
        "",
        "",
    ),
}


def test_a_broken_plugin_costs_only_itself_and_says_why(tmp_path):
    """Seven installed distributions, six of them broken, in the folder of an interpreter of their own."""
    for name, (source, _, _) in BROKEN.items():
        (tmp_path / f"{name}_plugin.py").write_text(source)
        metadata = tmp_path / f"radiopool_{name}-3.2.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: radiopool-{name}\nVersion: 3.2\n")
        (metadata / "entry_points.txt").write_text(f"[radiopool.drivers]\n{name} = {name}_plugin:Plugin\n")
    program = (
        "import json, radiopool\nfrom radiopool import discovery\n"
        "assert radiopool.driver_for('radio').name == 'works'\n"
        "print(json.dumps([[r.name, r.distribution, r.version, r.phase, r.reason] for r in discovery.records()]))"
    )
    environment = dict(os.environ, PYTHONPATH=str(tmp_path))
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert run.stderr == ""
    records = {record[0]: record[1:] for record in json.loads(run.stdout)}
    for name, (_, phase, reason) in BROKEN.items():
        assert records[name][:3] == [f"radiopool-{name}", "3.2", phase]
        assert reason in records[name][3]
