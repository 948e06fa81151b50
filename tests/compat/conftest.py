"""A web site on loopback, plain and over TLS; programs in interpreters of their own; every driver's radio."""

import gc
import json
import os
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import trustme

os.environ.setdefault("BLINKA_OS_AGNOSTIC", "1")


class Site(BaseHTTPRequestHandler):
    """/NUMBER sends so many bytes; /cut a part of what it promises; /bad no HTTP; /stuck half a body; /packed what is
    no gzip; /cookies two; /busy 503 the first two times; /drip lines one by one until `server.go_on` is set, the next;
    else what was asked, as JSON."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 20

    def setup(self):
        if self.server.context:
            self.request.settimeout(20)
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self):
        try:
            super().finish()
        finally:
            self.request.close()

    def do_any(self):
        if self.headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.requests.append((self.command, self.path))
        if self.path == "/cut":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nshort")
            self.close_connection = True
        elif self.path == "/bad":
            self.wfile.write(b"HTTP/1.1 what\r\n\r\n")
            self.close_connection = True
        elif self.path == "/stuck":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nshort")
            self.rfile.read(1)
            self.close_connection = True
        elif self.path == "/drip":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\none\n")
            self.server.go_on.wait(20)
            self.wfile.write(b"two\n")
            self.close_connection = True
        elif self.path == "/packed":
            self.answer(b"no gzip", ("Content-Encoding", "gzip"))
        elif self.path == "/cookies":
            self.answer(b"", ("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2; Path=/"))
        elif self.path == "/busy" and len(self.server.requests) < 3:
            self.answer(b"", status=503)
        elif self.path[1:].isdigit():
            self.answer((b"0123456789" * (int(self.path[1:]) // 10 + 1))[: int(self.path[1:])])
        else:
            asked = {"method": self.command, "path": self.path, "body": body.decode("latin-1")}
            asked["type"] = self.headers.get("content-type")
            asked["cookies"] = self.headers.get_all("cookie")
            self.answer(json.dumps(asked).encode())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_any

    def answer(self, body, *headers, status=200):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, context=None):
        super().__init__(("127.0.0.1", 0), Site)
        self.context = context
        self.requests = []
        self.connections = 0
        self.go_on = threading.Event()
        self.port = self.server_port
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self._thread.start()

    def process_request(self, request, client_address):
        self.connections += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        # TLS has detached the socket that was accepted.
        if request.fileno() >= 0:
            super().shutdown_request(request)

    def handle_error(self, request, client_address):
        pass

    def stop(self):
        self.shutdown()
        self._thread.join()
        self.server_close()


@pytest.fixture(scope="session")
def authority():
    return trustme.CA()


@pytest.fixture(scope="session")
def server_context(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("one.example", "two.example", "broker.example", "localhost", "127.0.0.1").configure_cert(
        context
    )
    return context


@pytest.fixture
def client_context(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def site():
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def other_site():
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def tls_site(server_context):
    server = Server(server_context)
    yield server
    server.stop()


@pytest.fixture(scope="session", autouse=True)
def frozen_heap():
    """Some vendors' libraries collect garbage for every socket: let them not walk what pytest holds."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def run(tmp_path):
    """Runs a program's text in an interpreter of its own, warnings being errors; what it printed."""

    def run(text, *options, path=(), **variables):
        program = tmp_path / "program.py"
        program.write_text(text)
        environment = os.environ | variables | {"PYTHONPATH": os.pathsep.join(map(str, path))}
        command = [sys.executable, "-W", "error::ResourceWarning", *options, str(program)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    return run
