"""For all tests of the workspace: the code in the documentation is run, and sockets left open are found."""

import gc
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest
from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser, SkipParser

DOCUMENTED_HOSTS = ("example.com", "example.org", "example.net", "www.example.com", "api.example.com")


class Greeting(BaseHTTPRequestHandler):
    """Answers every request with a short text, and keeps the connection."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        body = b"Hello from %s\n" % self.path.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(socketserver.ThreadingTCPServer):
    """One thread for each connection, all gone when the server is closed."""

    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def wifi_leads_to(routes: "dict[tuple[str, int], tuple[str, int]]") -> Iterator[None]:
    """The same for the `wifi.radio` of radiopool-socketpool, where it is installed."""
    try:
        import wifi
    except ModuleNotFoundError:
        yield
        return
    from radiopool_socketpool.names import Names

    before, wifi.radio.names = wifi.radio.names, Names(routes=routes)
    yield
    wifi.radio.names = before


@pytest.fixture(scope="session")
def documented_hosts() -> Iterator[None]:
    """The hosts that the documentation talks to are a server on loopback, for the host's default radio."""
    from radiopool_cpython import default_radio

    radio = default_radio()
    with Server(("127.0.0.1", 0), Greeting) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        hosts = {name: ("127.0.0.1",) for name in DOCUMENTED_HOSTS}
        routes = {(name, 80): ("127.0.0.1", server.server_address[1]) for name in DOCUMENTED_HOSTS}
        radio.hosts.update(hosts)
        radio.routes.update(routes)
        with wifi_leads_to(routes):
            yield
        for name in DOCUMENTED_HOSTS:
            del radio.hosts[name], radio.routes[name, 80]
        server.shutdown()
        thread.join()


def clean_up(namespace: object) -> None:
    """Each document starts with no driver registered, no socket open and every count at 0."""
    from radiopool import manager_for, registry, unregister

    for driver in list(registry._registered):
        unregister(driver)
    manager_for().close()


# ```python blocks run in order, those of one document in one namespace; `>>>` in them is a doctest. A block that
# can't run here is preceded by <!--- skip: next "the reason" -->, and pytest reports it as skipped.
pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["*.md"],
    excludes=["**/CHANGELOG.md", "docs/_build/**", "docs/contributing.md"],
    fixtures=["documented_hosts"],
    teardown=clean_up,
).pytest()


@pytest.fixture(autouse=True, scope="module")
def sockets_left_open() -> Iterator[None]:
    """A socket in a reference cycle warns only when collected; warnings are errors, so collect in the file at fault."""
    yield
    gc.collect()
