"""`radiopool conformance` and `radiopool new-driver`, as typer runs them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from radiopool import Driver, NoDriverError, Traits, register, unregister
from radiopool.cli.conformance import conformance
from radiopool.cli.new_driver import new_driver
from radiopool.testing import Bench, Peer
from radiopool.testing.loopback import LoopbackDriver, LoopbackRadio

app = typer.Typer()
app.command("conformance")(conformance)
app.command("new-driver")(new_driver)


class Emulator:
    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


class TwoRadios(LoopbackDriver):
    """A driver with two emulated radios, one of which has fewer sockets than its driver says."""

    emulations = ("whole", "broken")

    def __init__(self) -> None:
        self.made: dict[str, Any] = {}

    def emulated(self, which: str = "", hosts: Any = None, routes: Any = None) -> LoopbackRadio:
        radio: Any = LoopbackRadio((4, 2) if which == "whole" else (3, 2))
        radio.emulator = Emulator()
        self.made[which] = radio
        return radio  # type: ignore[no-any-return]

    def traits(self, radio: Any) -> Any:
        return super().traits(LoopbackRadio((4, 2)))

    def bench(self, peer: Peer, which: str = "") -> Bench:
        return Bench(self, self.emulated(which), peer, timeout=0.03, size=5000, name=which)


@pytest.fixture
def driver() -> Iterator[Driver]:
    yield register(TwoRadios())
    unregister("loopback")


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


def test_one_that_passes_exits_with_0(driver: TwoRadios) -> None:
    done = run("conformance", "--driver", "loopback", "--emulation", "whole", "--level", "2", "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["ok"] is True and said["level"] == 2
    (report,) = said["reports"]
    assert (report["driver"], report["bench"]) == ("loopback", "whole")
    assert {result["level"] for result in report["results"]} == {1, 2}
    assert driver.made["whole"].emulator.closed


def test_every_emulation_is_tried_and_one_failure_is_enough(driver: TwoRadios) -> None:
    done = run("conformance", "--driver", "loopback", "--level", "2", "--json")
    assert done.exit_code == 1
    said = json.loads(done.stdout)
    assert [report["ok"] for report in said["reports"]] == [True, False]
    failed = [result["check"] for result in said["reports"][1]["results"] if result["status"] == "failed"]
    assert "budget can be used" in failed
    assert all(radio.emulator.closed for radio in driver.made.values())


def test_the_table_says_what_came_of_each_check(driver: TwoRadios) -> None:
    done = run("conformance", "--driver", "loopback", "--emulation", "broken", "--level", "2")
    assert done.exit_code == 1
    assert "sends and receives" in done.stdout and "exhausted after 3 sockets" in done.stdout
    assert " failed" in done.stdout and "budget=(4, 2)" in done.stdout


def test_over_ipv6(driver: TwoRadios) -> None:
    done = run("conformance", "--driver", "loopback", "--emulation", "whole", "--level", "1", "--host", "::1", "--json")
    assert done.exit_code == 0, done.output


def test_a_radio_without_ipv6_is_not_tried_over_it(driver: TwoRadios, monkeypatch: pytest.MonkeyPatch) -> None:
    traits = Traits((4, 2), tls="host")
    monkeypatch.setattr(TwoRadios, "traits", lambda self, radio: traits)
    done = run("conformance", "--driver", "loopback", "--host", "::1")
    assert isinstance(done.exception, NoDriverError) and "declares no IPv6" in str(done.exception)
    assert all(radio.emulator.closed for radio in driver.made.values())


@pytest.mark.parametrize("host", ["", "localhost", "[::1]", "a b", "192.0.2.1"])
def test_peers_serve_at_an_address_of_this_computer(driver: Driver, host: str) -> None:
    done = run("conformance", "--driver", "loopback", "--host", host)
    assert done.exit_code == 2 and "--host must be an IP address of this computer" in " ".join(done.stderr.split("│"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--driver", "nobody"), "no driver is named 'nobody'"),
        (("--driver", "loopback", "--emulation", "third"), "has no emulation 'third'; it has: whole, broken"),
    ],
)
def test_what_is_not_there_is_named(driver: Driver, arguments: "tuple[str, ...]", sentence: str) -> None:
    done = run("conformance", *arguments)
    assert isinstance(done.exception, NoDriverError) and sentence in str(done.exception)


def test_a_driver_without_a_radio_to_try() -> None:
    class Hardware(LoopbackDriver):
        name = "hardware"

        def emulated(self, which: str = "", hosts: Any = None, routes: Any = None) -> Any:
            return None

    register(Hardware())
    try:
        done = run("conformance", "--driver", "hardware")
        assert isinstance(done.exception, NoDriverError) and "run the kit from pytest" in str(done.exception)
    finally:
        unregister("hardware")


def test_a_driver_that_makes_no_bench_is_tried_over_its_emulated_radio() -> None:
    register(LoopbackDriver())
    try:
        done = run("conformance", "--driver", "loopback", "--level", "1", "--json")
        assert json.loads(done.stdout)["ok"] is True
    finally:
        unregister("loopback")


def test_new_driver_says_what_to_do_next(tmp_path: Path) -> None:
    done = run("new-driver", "acme", "--folder", str(tmp_path))
    assert done.exit_code == 0, done.output
    assert f"cd {tmp_path / 'radiopool-acme'}" in done.stdout
    assert (tmp_path / "radiopool-acme" / "pyproject.toml").exists()
