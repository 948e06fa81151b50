"""`radiopool drivers` and `radiopool doctor`; installed plugins that are broken: tests/test_broken_plugins.py."""

import json
import os
import subprocess
import sys

import pytest

from radiopool import Driver, Traits, discovery, register, unregister
from radiopool.cli import doctor as examination

KEYS = ["name", "distribution", "version", "contract", "radios", "budget", "tls", "status"]


class Odd(Driver):
    name = "odd"
    version = "9"
    radios = ("odd.Radio",)

    def socket_pool(self, radio):
        return radio

    def traits(self, radio):
        return Traits(budget=(4, 1), tls="chip")

    def doctor(self):
        return ["the wire is loose: push it in"]


@pytest.fixture
def odd():
    yield register(Odd())
    unregister("odd")


@pytest.fixture(autouse=True)
def looked_at_afresh():
    discovery.forget()
    yield
    discovery.forget()


def findings(run):
    status, out, err = run("doctor", "--json")
    assert err == ""
    found = json.loads(out)
    assert status == (0 if all(one["ok"] for one in found) else 1)
    return [(one["ok"], one["finding"]) for one in found]


def wrong(run):
    return [finding for ok, finding in findings(run) if not ok]


def test_drivers_as_json_has_the_documented_names(run, odd):
    status, out, err = run("drivers", "--json")
    assert (status, err) == (0, "")
    rows = {row["name"]: row for row in json.loads(out)}
    assert all(list(row) == KEYS for row in rows.values())
    assert rows["cpython"]["distribution"] == "radiopool-cpython"
    assert rows["cpython"]["budget"] == [None, None]
    assert list(rows["odd"].values()) == [
        "odd",
        "(registered by hand)",
        "9",
        "1.0",
        ["odd.Radio"],
        [4, 1],
        "chip",
        "ok",
    ]


def test_drivers_as_a_table(run, odd):
    status, out, err = run("drivers")
    assert (status, err) == (0, "")
    for word in ("Name", "Distribution", "Contract", "Radios", "Budget", "TLS", "Status"):
        assert word in out
    (line,) = [line for line in out.splitlines() if " odd " in line]
    assert [cell.strip() for cell in line.strip("│").split("│")][5:] == ["4, 1 TLS", "chip", "ok"]
    assert "no limit" in out


def test_brackets_in_a_reason_are_not_taken_for_markup(run, odd, monkeypatch):
    monkeypatch.setattr(Odd, "traits", lambda self, radio: {}["red"])
    monkeypatch.setattr(Odd, "version", "[9]")
    status, out, err = run("drivers")
    assert (status, err) == (0, "")
    assert "[9]" in out and "KeyError" in out


def test_without_any_driver_it_says_what_to_install(run, monkeypatch):
    monkeypatch.setattr("radiopool.cli.drivers.driver_rows", list)
    assert run("drivers") == (
        0,
        'No driver is installed. For the host\'s own network: pip install "radiopool[cpython]"\n',
        "",
    )


def test_doctor_finds_nothing_where_nothing_is_wrong(run, monkeypatch):
    monkeypatch.setenv("RADIOPOOL_DRIVERS", "cpython")
    status, out, err = run("doctor")
    assert (status, err) == (0, "")
    assert all(line.startswith("well ") for line in out.splitlines())
    assert "driver cpython (radiopool-cpython" in out


def test_doctor_passes_on_what_a_driver_says_of_itself(run, odd):
    assert "driver odd: the wire is loose: push it in" in wrong(run)


def test_doctor_survives_a_driver_that_can_not_examine_itself(run, odd, monkeypatch):
    monkeypatch.setattr(Odd, "doctor", lambda self: 1 / 0)
    assert "driver odd can't examine itself: ZeroDivisionError: division by zero" in wrong(run)


def test_doctor_names_a_driver_whose_traits_fail(run, odd, monkeypatch):
    monkeypatch.setattr(Odd, "traits", lambda self, radio: 1 / 0)
    (finding,) = [finding for finding in wrong(run) if "ZeroDivisionError" in finding]
    assert finding.startswith("driver odd ((registered by hand) 9): broken (traits)")


def test_without_discovery_it_says_so(run, monkeypatch):
    monkeypatch.setenv("RADIOPOOL_NO_DISCOVERY", "1")
    said = "Installed drivers are not looked for: RADIOPOOL_NO_DISCOVERY is set; unset it to find them\n"
    assert run("drivers") == (0, said, "")


def test_doctor_sees_that_discovery_is_off(run, monkeypatch):
    monkeypatch.setenv("RADIOPOOL_NO_DISCOVERY", "1")
    (finding,) = wrong(run)
    assert "RADIOPOOL_NO_DISCOVERY is set; unset it" in finding


def test_doctor_sees_a_name_that_no_driver_has(run, monkeypatch):
    monkeypatch.setenv("RADIOPOOL_DRIVERS", "cpython, esp23spi")
    (finding,) = wrong(run)
    assert finding.startswith("RADIOPOOL_DRIVERS names esp23spi, and no driver of that name is installed; installed: ")
    assert "cpython" in finding.split("installed: ")[1].split(", ")


@pytest.mark.parametrize("nothing", ["", " , "])
def test_doctor_sees_that_no_driver_is_allowed(run, monkeypatch, nothing):
    monkeypatch.setenv("RADIOPOOL_DRIVERS", nothing)
    (finding,) = wrong(run)
    assert finding.startswith("RADIOPOOL_DRIVERS is empty, so no installed driver is loaded: unset it")


def test_doctor_says_of_no_driver_that_it_is_not_installed_where_it_did_not_look(run, monkeypatch):
    monkeypatch.setenv("RADIOPOOL_NO_DISCOVERY", "1")
    monkeypatch.setenv("RADIOPOOL_DRIVERS", "cpython")
    (finding,) = wrong(run)
    assert "RADIOPOOL_DRIVERS" not in finding


@pytest.mark.parametrize("traits", [None, 4, {}])
def test_traits_that_are_none_cost_only_their_driver(run, odd, monkeypatch, traits):
    monkeypatch.setattr(Odd, "traits", lambda self, radio: traits)
    status, out, err = run("drivers", "--json")
    assert (status, err) == (0, "")
    statuses = {row["name"]: row["status"] for row in json.loads(out)}
    assert statuses["odd"].startswith("broken (traits): ") and statuses["cpython"] == "ok"


def test_doctor_sees_that_no_driver_is_installed(run, monkeypatch):
    monkeypatch.setattr(examination, "driver_rows", list)
    assert 'no driver is installed: pip install "radiopool[cpython]" for the host\'s own network' in wrong(run)


def test_doctor_names_both_sides_of_a_conflict(run, odd):
    class Even(Odd):
        name = "even"

    register(Even)
    try:
        conflicts = [finding for finding in wrong(run) if "conflict" in finding]
    finally:
        unregister("even")
    assert len(conflicts) == 2
    assert all("claims odd.Radio too" in finding and "uninstall one of the two" in finding for finding in conflicts)


FOREIGN = """
import sys
import importlib_metadata
from radiopool.cli import doctor

def without(name):
    raise importlib_metadata.PackageNotFoundError(name)

importlib_metadata.distribution = without
for ok, finding in doctor._foreign_modules():
    print(ok, finding)
"""


def foreign(folder):
    path = os.pathsep.join([str(folder), *(path for path in sys.path if path)])
    environment = dict(os.environ, PYTHONPATH=path)
    done = subprocess.run([sys.executable, "-c", FOREIGN], env=environment, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout


def test_doctor_sees_another_distribution_s_socketpool(tmp_path):
    """PyPI's `socketpool` of 2013; where radiopool-socketpool is installed, its driver looks closer (its own tests)."""
    package = tmp_path / "socketpool"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('imported to ask')\n")
    metadata = tmp_path / "socketpool-0.5.3.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: socketpool\nVersion: 0.5.3\n")
    (metadata / "RECORD").write_text("socketpool/__init__.py,,\n")
    (metadata / "top_level.txt").write_text("socketpool\n")
    line = foreign(tmp_path).splitlines()[0]
    assert line.startswith("False the module socketpool comes from ")
    assert "pip uninstall socketpool, then pip install" in line or "radiopool-socketpool" in line


def test_doctor_sees_a_stray_file_of_a_firmware_module_s_name(tmp_path):
    (tmp_path / "wifi.py").write_text("raise SystemExit('imported to ask')\n")
    said = foreign(tmp_path)
    assert f"False the module wifi at {tmp_path / 'wifi.py'} is not CircuitPython's: rename or remove" in said or (
        "the module wifi comes from" in said  # where a distribution that has one is installed too
    )


def test_doctor_leaves_the_verdict_to_the_driver_where_its_distribution_is_installed(monkeypatch):
    monkeypatch.setattr("importlib_metadata.distribution", lambda name: name)
    assert list(examination._foreign_modules()) == []


def test_doctor_misses_trusted_certificates(run, monkeypatch, tmp_path):
    monkeypatch.setenv("RADIOPOOL_DRIVERS", "cpython")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    (finding,) = wrong(run)
    assert finding.startswith("no trusted certificates were found")
    # To set what is set already would not help.
    assert f"SSL_CERT_FILE={tmp_path / 'none.pem'}" in finding and "unset or correct them" in finding


def test_doctor_finds_too_few_file_descriptors(run, monkeypatch):
    resource = pytest.importorskip("resource")
    monkeypatch.setenv("RADIOPOOL_DRIVERS", "cpython")
    monkeypatch.setattr(resource, "getrlimit", lambda which: (64, 64))
    (finding,) = wrong(run)
    assert finding == "only 64 file descriptors are allowed, and each socket takes one: ulimit -n 1024"


def test_doctor_takes_no_limit_of_file_descriptors_for_enough(run, monkeypatch):
    resource = pytest.importorskip("resource")
    monkeypatch.setenv("RADIOPOOL_DRIVERS", "cpython")
    monkeypatch.setattr(resource, "getrlimit", lambda which: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert (True, "any number of file descriptors is allowed") in findings(run)
