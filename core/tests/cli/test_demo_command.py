"""`radiopool demo`: its server in a process of its own, its sockets real."""

import json
import signal
import socket
import subprocess
from collections import Counter

import pytest

from radiopool import ConnectionManager, Driver, register, unregister
from radiopool.cli import demo
from radiopool_cpython import CPythonDriver, HostNetwork


@pytest.fixture
def server(monkeypatch):
    """The process of the demo's server, in a list, once it runs."""
    started = []

    class Popen(subprocess.Popen):
        def __init__(self, *arguments, **keywords):
            super().__init__(*arguments, **keywords)
            started.append(self)

    monkeypatch.setattr(demo.subprocess, "Popen", Popen)
    yield started
    assert [process.poll() is not None for process in started] == [True], "the demo ends what it started"


@pytest.fixture
def killing(server):
    """A driver that kills the server at its third connect."""

    class Killing(CPythonDriver):
        name = "killing"
        emulations = ("killing",)
        connects = 0

        def emulated(self, which="", hosts=None, routes=None):
            return HostNetwork(hosts=hosts)

        def connect(self, *arguments):
            self.connects += 1
            if self.connects == 3:
                server[0].kill()
                server[0].wait()
            return super().connect(*arguments)

    yield register(Killing)
    unregister("killing")


def test_six_hosts_share_four_sockets(run, server):
    status, out, err = run("demo", "--driver", "cpython", "--requests", "120")
    assert (status, err) == (0, "")
    for host in demo.HOSTS:
        assert host in out
    for title in ("Requests", "Opened", "Reused", "Evicted", "Closed by reason", "Time"):
        assert title in out
    assert "evicted" in out
    assert f"a budget of {demo.BUDGET} sockets" in out


def test_interrupted_it_begins_no_more(run, server, interrupted, monkeypatch):
    monkeypatch.setattr(demo, "ThreadPoolExecutor", interrupted)
    assert run("demo", "--driver", "cpython", "--requests", "100") == (130, "", "")
    assert interrupted.begun <= demo.THREADS


def test_interrupted_on_a_chip_it_is_not_the_chip_that_is(run, server, interrupted, monkeypatch):
    class Chip:
        def close(self):
            pass

    class OnAChip(CPythonDriver):
        name = "on-a-chip"
        emulations = ("on-a-chip",)

        def emulated(self, which="", hosts=None, routes=None):
            radio = HostNetwork(hosts=hosts)
            radio.emulator = Chip()
            return radio

    monkeypatch.setattr(demo, "ThreadPoolExecutor", interrupted)
    register(OnAChip)
    try:
        assert run("demo", "--driver", "on-a-chip") == (130, "", "")
    finally:
        unregister("on-a-chip")
    assert interrupted.begun <= 1


def test_the_server_leaves_ctrl_c_to_the_demo():
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen([demo.sys.executable, "-m", "radiopool.cli.demo_server"], **pipes) as process:
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.stdin.close()
        assert (process.wait(60), process.stderr.read()) == (0, b"")


def test_as_json(run, server):
    status, out, err = run("demo", "--driver", "cpython", "--requests", "120", "--json")
    assert (status, err) == (0, "")
    (radio,) = json.loads(out)
    assert radio["failures"] == []
    assert radio["sockets"]["budget"] == [demo.BUDGET, None]
    assert radio["sockets"]["peak"] <= demo.BUDGET
    hosts = radio["hosts"].values()
    assert sum(host["requests"] for host in hosts) == 120
    assert sum(host["opened"] for host in hosts) == radio["sockets"]["opened"]
    assert sum(host["opened"] + host["reused"] for host in hosts) >= 120
    closed = sum((Counter(host["closed"]) for host in hosts), Counter())
    assert closed == radio["sockets"]["closed"] and closed["evicted"] > 0
    assert sum(closed.values()) == radio["sockets"]["opened"], "each opened is closed once"


def test_fails_when_the_server_dies_under_it(run, killing):
    status, out, err = run("demo", "--driver", "killing", "--requests", "40")
    assert status == 1
    assert "a request failed" in err
    assert "Every radio" in out, "the tables come all the same"


def test_fails_when_the_budget_was_exceeded(capsys):
    radio = HostNetwork()
    with ConnectionManager(radio.socket_pool, driver=CPythonDriver(), radio=radio) as manager:
        run = demo.Run("one", manager)
        run.stats = {"budget": (4, None), "peak": 4}
        demo._judge([run])
        run.witness.most = run.stats["peak"] = 5
        with pytest.raises(demo.typer.Exit) as exit:
            demo._judge([run])
    assert exit.value.exit_code == 1
    assert capsys.readouterr().err == "radiopool: one: the budget was exceeded: 5 open\n"


def test_an_unknown_driver_is_one_sentence(run):
    status, out, err = run("demo", "--driver", "nobody")
    assert (status, out) == (1, "")
    assert err.startswith("radiopool: no driver is named 'nobody'; there are: ")


def test_a_driver_without_an_emulated_radio_is_one_sentence(run):
    class Plain(Driver):
        name = "plain"

        def socket_pool(self, radio):
            return socket

    register(Plain)
    try:
        said = "radiopool: driver 'plain' has no emulated radio to show\n"
        assert run("demo", "--driver", "plain") == (1, "", said)
    finally:
        unregister("plain")


def test_without_a_radio_to_show_it_says_what_to_install(run, monkeypatch):
    monkeypatch.setattr(demo.registry, "drivers", list)
    assert run("demo") == (1, "", 'radiopool: no driver here has a radio to show: pip install "radiopool[cpython]"\n')


def test_a_server_that_does_not_start_is_one_sentence(run, server, monkeypatch):
    monkeypatch.setattr(demo.sys, "executable", "/bin/true")
    status, out, err = run("demo", "--driver", "cpython")
    assert (status, err) == (1, "radiopool: the demo's server did not start; its error is above\n")
