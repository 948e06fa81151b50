"""`radiopool fetch` against a real server."""

import json
import os
import socket
import subprocess
import sys

import pytest

from radiopool import Driver, manager_for, register, unregister
from radiopool_cpython import CPythonDriver, HostNetwork


@pytest.fixture
def dead() -> int:
    """A port where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def test_status_and_size_and_what_became_of_the_sockets(run, url):
    status, out, err = run("fetch", url + "/1234", url + "/missing")
    assert (status, err) == (0, "")
    first, second, *table = out.splitlines()
    assert first.split()[:3] == ["200", "1234", "bytes"] and first.endswith(url + "/1234")
    assert second.split()[:3] == ["404", "100", "bytes"]
    assert "Reused" in "".join(table)


def test_count_reuses_one_connection(run, url):
    status, out, err = run("fetch", "--count", "20", "--json", url + "/5")
    assert (status, err) == (0, "")
    answer = json.loads(out)
    assert answer["driver"] == "cpython"
    assert [(one["url"], one["status"], one["bytes"]) for one in answer["requests"]] == [(url + "/5", 200, 5)] * 20
    assert all(one["seconds"] > 0 for one in answer["requests"])
    assert (answer["sockets"]["opened"], answer["sockets"]["reused"]) == (1, 19)


def test_parallel_keeps_to_the_budget_and_to_the_order(run, url):
    urls = [f"{url}/{size}" for size in range(40)]
    status, out, err = run("fetch", "--parallel", "8", "--budget", "2", "--json", *urls)
    assert (status, err) == (0, "")
    answer = json.loads(out)
    assert [one["bytes"] for one in answer["requests"]] == list(range(40))
    assert answer["sockets"]["budget"] == [2, None]
    assert answer["sockets"]["peak"] <= 2


@pytest.mark.parametrize("parallel", [1, 2])
def test_interrupted_it_begins_no_more(run, url, interrupted, monkeypatch, parallel):
    monkeypatch.setattr("radiopool.cli.fetch.ThreadPoolExecutor", interrupted)
    assert run("fetch", "--count", "100", "--parallel", str(parallel), url + "/5") == (130, "", "")
    assert interrupted.begun <= parallel


def test_nothing_stays_open(run, url):
    run("fetch", "--count", "3", url + "/5")
    with manager_for() as manager:
        assert manager.managed_socket_count == 0


def test_one_that_fails_does_not_stop_the_others(run, url, dead):
    status, out, err = run("fetch", "--json", f"http://127.0.0.1:{dead}/", url + "/torn", url + "/7")
    assert (status, err) == (1, "radiopool: 2 of 3 requests failed\n")
    refused, torn, well = json.loads(out)["requests"]
    assert "refused" in refused["error"]
    assert "10 bytes" in torn["error"] or "IncompleteRead" in torn["error"]
    assert well["bytes"] == 7


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_password_in_a_url_is_not_printed(run, url, dead, more):
    host = url.partition("//")[2]
    bad = [
        f"http://me:hidden@127.0.0.1:{dead}/",
        f"http://me:hidden@{host}:bad/",
        f"me:hidden@{host}/",
        "http://me:hidden@",
    ]
    status, out, err = run("fetch", *more, f"http://me:hidden@{host}/5", *bad)
    assert (status, err) == (1, "radiopool: 4 of 5 requests failed\n")
    assert "hidden" not in out
    assert f"http://***@{host}/5" in out and f"http://***@127.0.0.1:{dead}/" in out


def test_a_failure_in_the_listing_says_why(run, dead):
    status, out, err = run("fetch", f"http://127.0.0.1:{dead}/[b]")
    assert (status, err) == (1, "radiopool: 1 of 1 requests failed\n")
    assert out.startswith(f"failed http://127.0.0.1:{dead}/[b]: NewConnectionError: ")


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("ftp://127.0.0.1/", "URLSchemeUnknown"),
        ("http://127.0.0.1:99999/", "LocationParseError"),
        ("http://", "LocationValueError"),
        (":::", "LocationParseError"),
        ("", "URLSchemeUnknown"),
        ("http://no-such-host.invalid/", "does not resolve"),
    ],
)
def test_a_url_that_is_none_fails_and_says_so(run, bad, said):
    status, out, err = run("fetch", bad)
    assert (status, err) == (1, "radiopool: 1 of 1 requests failed\n")
    assert said in out.splitlines()[0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--driver", "nobody"], "no driver is named 'nobody'; there are: "),
        (["--driver", "cpython", "--emulation", "other"], "has no emulation 'other'; it has: cpython"),
        (["--driver", "plain", "--emulated"], "driver 'plain' has no emulated radio"),
        (["--driver", "plain"], "driver 'plain' has no radio here; choose another driver"),
        (["--driver", "chip"], "driver 'chip' has no radio here; --emulated fetches over an emulated one"),
    ],
)
def test_a_radio_that_is_not_there_is_one_sentence(run, options, said):
    class Plain(Driver):
        name = "plain"

        def socket_pool(self, radio):
            return socket

    class Chip(Plain):
        name = "chip"
        emulations = ("chip",)

    register(Plain)
    register(Chip)
    try:
        status, out, err = run("fetch", *options, "http://127.0.0.1/")
    finally:
        unregister("plain")
        unregister("chip")
    assert (status, out) == (1, "")
    (line,) = err.splitlines()
    assert line.startswith("radiopool: ") and said in line


@pytest.mark.parametrize("options", [["--emulated"], ["--emulation", "cpython"]])
def test_the_emulation_of_no_driver_is_misuse(run, options):
    status, out, err = run("fetch", *options, "http://127.0.0.1/")
    assert (status, out) == (2, "") and f"{options[0]} needs --driver NAME" in err


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("RADIOPOOL_DRIVERS", "esp32spi", "only what RADIOPOOL_DRIVERS names, 'esp32spi'"),
        ("RADIOPOOL_NO_DISCOVERY", "1", "RADIOPOOL_NO_DISCOVERY is set"),
    ],
)
@pytest.mark.parametrize("options", [[], ["--driver", "cpython"]])
def test_a_driver_that_the_environment_keeps_away_is_not_said_to_be_missing(name, value, said, options):
    command = [sys.executable, "-m", "radiopool", "fetch", *options, "http://127.0.0.1/"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, name: value})
    assert (done.returncode, done.stdout) == (1, "") and said in done.stderr


def test_over_an_emulated_radio_whose_emulator_is_closed_afterwards(run, url):
    closed = []

    class Emulator:
        def close(self):
            closed.append(self)

    class Emulated(CPythonDriver):
        name = "emulated"
        emulations = ("first", "second")

        def emulated(self, which="", hosts=None, routes=None):
            radio = HostNetwork()
            radio.emulator = Emulator()
            return radio

    register(Emulated)
    try:
        status, out, _ = run("fetch", "--driver", "emulated", "--emulation", "second", "--json", url + "/9")
    finally:
        unregister("emulated")
    assert status == 0
    assert json.loads(out)["driver"] == "emulated"
    assert len(closed) == 1
