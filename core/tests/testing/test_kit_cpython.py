"""The host's own network passes the kit, over IPv4 and IPv6, plain and with TLS."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from radiopool import Driver
from radiopool.testing import PASSED, Bench, Peer, all_checks, run
from radiopool.testing.peers import Peers
from radiopool.testing.pytest import DriverConformance
from radiopool_cpython import CPythonDriver, HostNetwork


class OverHostNetwork(DriverConformance):
    options: ClassVar[dict[str, Any]] = {"examples": 60, "steps": 40}

    @pytest.fixture(scope="class")
    @classmethod
    def driver(cls) -> Driver:
        return CPythonDriver()

    @pytest.fixture(scope="class")
    @classmethod
    def radio(cls) -> HostNetwork:
        return HostNetwork(budget=(6, 2))


class TestIPv4(OverHostNetwork):
    pass


class TestIPv6(OverHostNetwork):
    @pytest.fixture(scope="class")
    @classmethod
    def peer(cls) -> Iterator[Peer]:
        with Peers("::1") as peers:
            yield peers


def test_running_out_of_descriptors() -> None:
    """The host's own exhaustion is real: with a handful of file descriptors left, every check of exhaustion is made."""
    resource = pytest.importorskip("resource")
    wanted = ("exhaustion is told", "recovers from exhaustion", "exhaustion makes room")
    checks = [check for check in all_checks() if check.name in wanted]
    # The peers' own descriptors are in a process of their own.
    command = [sys.executable, "-m", "radiopool.testing.peers"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        bench = Bench(CPythonDriver(), HostNetwork(), Peer(**json.loads(serving.stdout.readline())))
        first_free = os.dup(0)
        os.close(first_free)
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (first_free + 12, limits[1]))
        try:
            report = run(bench, checks=checks)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        serving.communicate()
    assert [(result.status, result.reason) for result in report.results] == [(PASSED, "")] * len(wanted)
