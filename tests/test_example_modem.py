"""The example of `examples/`, as a reader would try it: installed, discovered, on the kit, and used to fetch a page."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from environments import ROOT

if TYPE_CHECKING:
    from conftest import Environment

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(300)]

EXAMPLE = ROOT / "examples" / "at-modem"


@pytest.fixture(scope="module")
def installed(make_environment: "Callable[..., Environment]") -> "Environment":
    return make_environment("radiopool[cli]", str(EXAMPLE) + "[test]")


@pytest.fixture
def page() -> Iterator[str]:
    """The address of a page of 3000 bytes on a real server."""

    class Page(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "3000")
            self.end_headers()
            self.wfile.write(b"x" * 3000)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield "http://127.0.0.1:%d/" % server.server_address[1]
        server.shutdown()
        thread.join()


def test_its_own_test_runs_the_kit(installed: "Environment") -> None:
    arguments = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(EXAMPLE), str(EXAMPLE / "tests")]
    done = installed.run("python", *arguments, PYTHONDONTWRITEBYTECODE="1")
    assert done.returncode == 0, done.stdout
    passed = int(done.stdout.strip().splitlines()[-1].split(" passed")[0].split()[-1])
    assert passed > 40, done.stdout


def test_the_command_runs_the_kit(installed: "Environment") -> None:
    done = installed.run("radiopool", "conformance", "--driver", "atmodem", "--json")
    assert done.returncode == 0, done.stderr
    (report,) = json.loads(done.stdout)["reports"]
    results = {row["check"]: row["status"] for row in report["results"]}
    assert results["exhaustion is told"] == results["random use"] == "passed"
    assert results["tls sends and receives"] == "skipped"


def test_it_fetches(installed: "Environment", page: str) -> None:
    arguments = ["--driver", "atmodem", "--emulated", "--count", "3", "--json", page]
    done = installed.run("radiopool", "fetch", *arguments)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert [(request["status"], request["bytes"]) for request in said["requests"]] == [(200, 3000)] * 3
    assert (said["sockets"]["opened"], said["sockets"]["reused"]) == (1, 2)


def test_it_is_typed() -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "src"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=EXAMPLE)
    assert done.returncode == 0, done.stdout
