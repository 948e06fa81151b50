"""The command line as the console script runs it, and a real server to fetch from."""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest

from radiopool.cli import main


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> "Callable[..., tuple[int, str, str]]":
    """`run("fetch", url)`: (exit status, standard output, standard error)."""

    def run(*arguments: str) -> "tuple[int, str, str]":
        monkeypatch.setattr(sys, "argv", ["radiopool", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit:
            main()
        assert isinstance(exit.value.code, int)
        written = capsys.readouterr()
        assert "Traceback" not in written.out + written.err
        return exit.value.code, written.out, written.err

    return run


class Interrupted(ThreadPoolExecutor):
    """Ctrl-C comes when 40 calls wait; they may begin when it is shut down. `begun` is how many did."""

    begun = waiting = 0

    def __init__(self, count: int) -> None:
        super().__init__(count)
        type(self).begun = 0
        self.gate = Event()

    def submit(self, call: "Callable[..., Any]", /, *arguments: "Any", **keywords: "Any") -> "Future[Any]":
        def gated() -> "Any":
            type(self).begun += 1
            assert self.gate.wait(60)
            return call(*arguments, **keywords)

        self.waiting += 1
        if self.waiting > 40:
            raise KeyboardInterrupt
        return super().submit(gated)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait=False, cancel_futures=cancel_futures)
        self.gate.set()
        super().shutdown(wait)


@pytest.fixture
def interrupted() -> "type[Interrupted]":
    """Threads for a command that is interrupted."""
    return Interrupted


class Pages(BaseHTTPRequestHandler):
    """/SIZE is a page of so many bytes; /missing is not there; /torn ends in the middle."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        name = self.path.strip("/")
        size = int(name) if name.isdigit() else 100
        self.send_response(404 if name == "missing" else 200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        self.wfile.write(b"x" * (10 if name == "torn" else size))
        self.close_connection = name == "torn"

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    """The address of the server, without a slash at its end."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield "http://127.0.0.1:%d" % server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def no_manager_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command begins without a manager of the default radio, as in a process of its own."""
    monkeypatch.setattr("radiopool.manager._accounts", {})
