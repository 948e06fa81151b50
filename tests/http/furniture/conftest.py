"""Real HTTP servers on loopback, plain and TLS, whose paths say what they do; and PoolManagers that leak nothing."""

import base64
import email.parser
import email.policy
import gzip
import json
import socketserver
import ssl
import threading
import urllib.parse
import zlib
from http.server import BaseHTTPRequestHandler

import pytest
import trustme

from radiopool import manager_for
from radiopool.http import PoolManager
from radiopool_cpython import HostNetwork

HOSTS = ("one.example", "two.example", "other.example", "sub.wild.example")


def raw_deflate(contents):
    encoder = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return encoder.compress(contents) + encoder.flush()


ENCODERS = {"gzip": gzip.compress, "deflate": zlib.compress, "raw-deflate": raw_deflate}
try:
    import brotli

    ENCODERS["br"] = brotli.compress
except ImportError:
    pass
try:
    from backports import zstd

    ENCODERS["zstd"] = zstd.compress
except ImportError:
    pass

TEXT = b"All that is gold does not glitter, not all those who wander are lost.\n" * 300


class Handler(BaseHTTPRequestHandler):
    """Each path does what the method of its name says; any other path is `/echo`."""

    protocol_version = "HTTP/1.1"
    timeout = 20

    def setup(self):
        if self.server.tls is not None:
            self.request.settimeout(self.timeout)
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        self.server.connections += 1
        super().setup()

    def finish(self):
        try:
            super().finish()
        finally:
            # The server closes what it accepted; TLS has made another of it.
            self.request.close()

    def do_any(self):
        url = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        name = url.path.strip("/").partition("/")[0].partition(".")[0] or "echo"
        # http.server makes one slash of several at the start of `path`.
        self.server.requests.append((self.command, self.requestline.split()[1], self.headers))
        if name not in ("refuse", "hangup"):
            self.body = self.read_body()
        getattr(self, "on_" + name, self.on_echo)(url.path)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = do_any

    def read_body(self):
        if self.headers.get("transfer-encoding", "") == "chunked":
            pieces = []
            while True:
                size = int(self.rfile.readline(), 16)
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
                if not size:
                    return b"".join(pieces)
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for field, value in headers.items():
            self.send_header(field.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def on_echo(self, _):
        """What was asked, as JSON."""
        peer = self.connection.getpeercert() if self.server.tls is not None else None
        asked = {
            "method": self.command,
            "path": self.path,
            "headers": [[name.lower(), value] for name, value in self.headers.items()],
            "body": base64.b64encode(self.body).decode(),
            "host": self.headers.get("host"),
            "client": dict(part[0] for part in peer["subject"]).get("organizationalUnitName") if peer else None,
            "sni": getattr(self.connection, "asked_for", None),
            "resumed": getattr(self.connection, "session_reused", None),
            "version": self.connection.version() if self.server.tls is not None else None,
        }
        self.answer(200, json.dumps(asked).encode(), Content_Type="application/json")

    on_whoami = on_echo

    def on_upload(self, _):
        """The parts of a form, as JSON."""
        head = b"Content-Type: " + self.headers["content-type"].encode() + b"\r\n\r\n"
        form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + self.body)
        parts = {
            part.get_param("name", header="content-disposition"): [
                part.get_filename(),
                part["content-type"],
                len(part.get_payload(decode=True)),
            ]
            for part in form.iter_parts()
        }
        self.answer(200, json.dumps({"parts": parts}).encode())

    def on_big(self, _):
        self.answer(200, bytes(range(256)) * 4096)

    def on_redirect(self, _):
        """?to=LOCATION&status=302"""
        self.answer(int(self.query.get("status", 302)), b"moved", Location=self.query["to"])

    def on_relative(self, _):
        """To the location `/relative/x?to=LOCATION` in the header's raw bytes."""
        self.wfile.write(
            b"HTTP/1.1 302 Found\r\nLocation: " + self.query["to"].encode() + b"\r\nContent-Length: 0\r\n\r\n"
        )

    def on_loop(self, _):
        self.answer(302, Location="/loop")

    def on_status(self, _):
        """?code=503&after=0"""
        extra = {"Retry_After": self.query["after"]} if "after" in self.query else {}
        self.answer(int(self.query["code"]), b"status", **extra)

    def on_flaky(self, _):
        """?times=2: so many 503s first, then what was asked."""
        count = self.server.counts.get(self.path, 0)
        self.server.counts[self.path] = count + 1
        if count < int(self.query.get("times", 2)):
            self.answer(503, b"not yet", **({"Retry_After": self.query["after"]} if "after" in self.query else {}))
        else:
            self.on_echo(self.path)

    def on_cut(self, _):
        """?times=2: so often the connection is closed without a word, then what was asked."""
        count = self.server.counts.get(self.path, 0)
        self.server.counts[self.path] = count + 1
        if count < int(self.query["times"]):
            self.close_connection = True
        else:
            self.on_echo(self.path)

    def on_coded(self, path):
        """/coded/gzip,br: the text, with those codings applied."""
        body = TEXT
        names = path.split("/")[2].split(",")
        for name in names:
            body = ENCODERS[name](body)
        self.answer(200, body, Content_Encoding=", ".join(name.replace("raw-", "") for name in names))

    def on_bomb(self, _):
        self.answer(200, gzip.compress(gzip.compress(bytes(20_000_000))), Content_Encoding="gzip, gzip")

    def on_garbled(self, _):
        self.answer(200, b"plainly not gzip", Content_Encoding="gzip")

    def on_truncated(self, _):
        self.answer(200, gzip.compress(TEXT)[:-9], Content_Encoding="gzip")

    def on_chunked(self, _):
        """The text in chunks of a thousand bytes; ?coded=1 in gzip."""
        body = gzip.compress(TEXT) if "coded" in self.query else TEXT
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        if "coded" in self.query:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        for start in range(0, len(body), 1000):
            piece = body[start : start + 1000]
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def on_text(self, _):
        self.answer(200, TEXT)

    def on_short(self, _):
        """A Content-Length of 100 and 10 bytes."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")
        self.close_connection = True

    def on_silent(self, _):
        """No word until the test lets go."""
        self.server.let_go.wait(20)
        self.close_connection = True

    def on_refuse(self, _):
        """417 before the body is read."""
        self.close_connection = True
        self.answer(417, b"no", Connection="close")

    def handle_expect_100(self):
        self.server.expected.append(self.path)
        # on_refuse answers in its place.
        return True if self.path.startswith("/refuse") else super().handle_expect_100()

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingTCPServer):
    """`requests` are (method, path, headers) in order; `connections` how many were accepted (and handshaked)."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, tls=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.tls = tls
        self.requests = []
        self.counts = {}
        self.expected = []
        self.connections = 0
        self.let_go = threading.Event()
        self.port = self.server_address[1]
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def handle_error(self, request, address):
        pass

    def fields(self, name):
        """The values of a header in all requests so far."""
        return [headers.get(name) for _, _, headers in self.requests]

    def stop(self):
        self.let_go.set()
        self.shutdown()
        self._thread.join()
        self.server_close()


class Authority:
    """A certificate authority of the test's own, with a server's and two clients' certificates in files."""

    def __init__(self, folder):
        self.ca = trustme.CA()
        self.file = str(folder / "ca.pem")
        self.pem = self.ca.cert_pem.bytes().decode()
        self.ca.cert_pem.write_to_path(self.file)
        self.server_cert = self.ca.issue_cert(
            "one.example", "two.example", "files.example", "*.wild.example", "127.0.0.1"
        )
        self.der = ssl.PEM_cert_to_DER_cert(self.server_cert.cert_chain_pems[0].bytes().decode())
        client = self.ca.issue_cert("client@one.example", organization_unit_name="client one")
        self.client_file = str(folder / "client.pem")
        client.private_key_and_cert_chain_pem.write_to_path(self.client_file)
        other = self.ca.issue_cert("client@two.example", organization_unit_name="client two")
        self.other_client_file = str(folder / "client-two.pem")
        other.private_key_and_cert_chain_pem.write_to_path(self.other_client_file)
        self.client_key = str(folder / "client.key")
        client.private_key_pem.write_to_path(self.client_key)
        self.client_cert = str(folder / "client.crt")
        client.cert_chain_pems[0].write_to_path(self.client_cert)

    def server_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server_cert.configure_cert(context)
        context.set_alpn_protocols(["http/1.1"])

        def remember(connection, name, _):
            connection.asked_for = name

        context.sni_callback = remember
        return context


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def _served(tls=None):
    server = Server(tls)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def server():
    yield from _served()


@pytest.fixture
def other_server():
    yield from _served()


@pytest.fixture
def tls_server(authority):
    yield from _served(authority.server_context())


@pytest.fixture
def make_http(request):
    """Makes PoolManagers over a host network of the test's own, and looks that no socket is left leased or open."""
    managers = []

    def make(routes=None, **settings):
        network = HostNetwork(
            hosts={name: "127.0.0.1" for name in HOSTS},
            routes={place: ("127.0.0.1", port) for place, port in (routes or {}).items()},
        )
        manager = manager_for(network)
        http = PoolManager(manager=manager, **settings)
        managers.append((http, manager))
        return http

    yield make
    for http, manager in managers:
        http.clear()
        numbers = manager.stats()
        manager.close()
        assert (numbers["leased"], numbers["idle"], numbers["connecting"]) == (0, 0, 0), numbers


@pytest.fixture
def http(make_http, server, other_server):
    """http://one.example and two.example are `server`, other.example is `other_server`."""
    return make_http(
        {
            ("one.example", 80): server.port,
            ("two.example", 80): server.port,
            ("other.example", 80): other_server.port,
        },
        timeout=10,
    )


@pytest.fixture
def make_https(make_http, tls_server):
    """Makes PoolManagers for which every host's port 443 is `tls_server`."""

    def make(**settings):
        return make_http({(name, 443): tls_server.port for name in (*HOSTS, "127.0.0.1")}, timeout=10, **settings)

    return make


def _echoed(response):
    asked = response.json()
    asked["body"] = base64.b64decode(asked["body"])
    asked["fields"] = dict(asked["headers"])
    return asked


@pytest.fixture
def echoed():
    """What `/echo` heard: its JSON, with the body as bytes and the headers by name."""
    return _echoed


@pytest.fixture
def text():
    """The body of `/text`, `/chunked` and `/coded`."""
    return TEXT


@pytest.fixture(params=["gzip", "deflate", "raw-deflate", "br", "zstd", "gzip,br", "zstd,deflate,gzip"])
def codings(request):
    """Codings of `/coded`, in the order of their application."""
    if not ENCODERS.keys() >= set(request.param.split(",")):
        pytest.skip("brotli or backports.zstd is not installed")
    return request.param
