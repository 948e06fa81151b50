"""Real proxies, each a process of its own on a free loopback port, and targets that remember who came how."""

import getpass
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from radiopool import manager_for
from radiopool_cpython import HostNetwork

USER, PASSWORD = "alice", "open-sesame"
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"

SQUID = """
{scheme}_port 127.0.0.1:{port} {tls}
pid_filename {folder}/squid.pid
cache_log {folder}/log
access_log none
cache_store_log none
cache deny all
netdb_filename none
coredump_dir {folder}
visible_hostname localhost
cache_effective_user {user}
shutdown_lifetime 0 seconds
pinger_enable off
{auth}
"""
SQUID_AUTH = """
auth_param basic program {helper} {folder}/passwords
auth_param basic children 1 startup=1 idle=1
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
"""
TINYPROXY = """
Port {port}
Listen 127.0.0.1
Timeout 60
MaxClients 20
LogFile "{folder}/log"
LogLevel Error
PidFile "{folder}/tinyproxy.pid"
{auth}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def unprivileged():
    """Who squid is to run as: itself, unless that is root, which it refuses."""
    return getpass.getuser() if os.geteuid() else "nobody"


class Proxy:
    """A running proxy: `url` without credentials, `port`."""

    def __init__(self, kind, folder, auth, certificate):
        self.kind = kind
        self.port = free_port()
        self.scheme = "https" if certificate else "http"
        self.url = f"{self.scheme}://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            getattr(self, kind.replace(".", "_"))(folder, auth, certificate),
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PATH": PATH},
            start_new_session=True,
        )
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                over = self.process.poll() is not None or time.monotonic() > deadline
                if over:
                    log = folder / "log"
                    text = log.read_text() if log.exists() else ""
                    self.stop()
                    pytest.fail(f"{kind} does not listen: {text}")
                time.sleep(0.02)

    def with_credentials(self):
        return f"{self.scheme}://{USER}:{PASSWORD}@127.0.0.1:{self.port}"

    def squid(self, folder, auth, certificate):
        helper = next((p for p in ("/usr/lib/squid/basic_ncsa_auth", "/usr/lib64/squid/basic_ncsa_auth")
                       if os.path.exists(p)), None)  # fmt: skip
        if auth and helper is None:
            pytest.skip("squid's basic_ncsa_auth is not installed: make test-servers")
        # The Apache form of an MD5 hash, as basic_ncsa_auth takes it without a library of its own.
        hashed = subprocess.run(
            ["openssl", "passwd", "-apr1", PASSWORD], capture_output=True, text=True, check=True
        ).stdout.strip()
        (folder / "passwords").write_text(f"{USER}:{hashed}\n")
        (folder / "squid.conf").write_text(
            SQUID.format(
                scheme=self.scheme,
                port=self.port,
                folder=folder,
                user=unprivileged(),
                tls=f"tls-cert={certificate}" if certificate else "",
                auth=SQUID_AUTH.format(helper=helper, folder=folder) if auth else "http_access allow all",
            )
        )
        # A service name of its own: squids of one name share memory.
        return ["squid", "-N", "-n", f"radiopool{self.port}", "-f", str(folder / "squid.conf")]

    def tinyproxy(self, folder, auth, certificate):
        text = TINYPROXY.format(port=self.port, folder=folder, auth=f"BasicAuth {USER} {PASSWORD}" if auth else "")
        (folder / "tinyproxy.conf").write_text(text)
        return ["tinyproxy", "-d", "-c", str(folder / "tinyproxy.conf")]

    def proxy_py(self, folder, auth, certificate):
        command = [sys.executable, "-m", "proxy", "--hostname", "127.0.0.1", "--port", str(self.port)]
        command += ["--num-workers", "1", "--num-acceptors", "1", "--log-level", "e", "--timeout", "60"]
        command += ["--data-dir", str(folder), "--log-file", str(folder / "log")]
        if auth:
            command += ["--basic-auth", f"{USER}:{PASSWORD}"]
        if certificate:
            command += ["--cert-file", str(certificate), "--key-file", str(certificate)]
        return command

    def stop(self):
        # The whole group that was started here: helpers and workers of the proxy are in it.
        try:
            os.killpg(self.process.pid, 15)
            self.process.wait(10)
        except ProcessLookupError:
            pass
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, 9)
        self.process.wait()
        self.process.stderr.close()


@pytest.fixture(scope="session")
def open_folder():
    """Makes folders that a proxy which gave up root's rights can use; pytest's own are closed to it."""
    made = []

    def make():
        made.append(tempfile.TemporaryDirectory(prefix="radiopool-proxy-"))
        folder = Path(made[-1].name)
        folder.chmod(0o777)
        return folder

    yield make
    for folder in made:
        folder.cleanup()


@pytest.fixture(scope="session")
def authority(open_folder):
    """(trustme's CA, the file with its certificate, the file of a server's certificate and key)."""
    folder = open_folder()
    made = trustme.CA()
    made.cert_pem.write_to_path(folder / "ca.pem")
    server = made.issue_cert("127.0.0.1", "localhost")
    server.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    return made, str(folder / "ca.pem"), folder / "server.pem"


@pytest.fixture(scope="session")
def run_proxy(open_folder, authority):
    """`run_proxy(kind, auth=False, tls=False)`: a Proxy, each started once."""
    running = {}

    def run(kind, auth=False, tls=False):
        if kind == "proxy.py":
            pytest.importorskip("proxy", reason="proxy.py is not installed: it is in the test group")
        elif not shutil.which(kind, path=PATH):
            pytest.skip(f"{kind} is not installed: make test-servers")
        key = kind, auth, tls
        if key not in running:
            running[key] = Proxy(kind, open_folder(), auth, authority[2] if tls else None)
        return running[key]

    yield run
    for proxy in running.values():
        proxy.stop()


class Handler(BaseHTTPRequestHandler):
    """Tells its path, and keeps the connection; remembers each request's headers."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append((self.command, self.path, dict(self.headers.items())))
        answer = f"{self.command} {self.path} ".encode() + body
        self.send_response(302 if self.path.startswith("/to?") else 200)
        if self.path.startswith("/to?"):
            self.send_header("Location", self.path[4:])
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET

    def log_message(self, *_):
        pass


class Target(ThreadingHTTPServer):
    """An HTTP server that counts its connections: `accepted`; with a TLS context, an HTTPS server."""

    daemon_threads = False

    def __init__(self, context=None):
        self.context = context
        self.accepted = []
        self.requests = []
        super().__init__(("127.0.0.1", 0), Handler)
        self.port = self.server_address[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def get_request(self):
        accepted, address = super().get_request()
        if self.context:
            accepted = self.context.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
        self.accepted.append(accepted)
        return accepted, address

    def handle_error(self, request, client_address):
        # A client that refuses the certificate, or a proxy that goes: part of the tests.
        pass

    def stop(self):
        self.shutdown()
        self.thread.join()
        for accepted in self.accepted:
            # Proxies keep connections of their own.
            try:
                accepted.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.server_close()


@pytest.fixture
def make_target(authority):
    """`make_target(tls=False, certificate=None)`: a running Target."""
    made = []

    def make(tls=False, certificate=None):
        context = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            (certificate or authority[0].issue_cert("127.0.0.1", "localhost")).configure_cert(context)
        made.append(Target(context))
        return made[-1]

    yield make
    for target in made:
        target.stop()


@pytest.fixture
def radio():
    """A radio of its own; no socket of it is leased when the test ends, and all are closed."""
    network = HostNetwork()
    with manager_for(network) as manager:
        yield network
        assert manager.stats()["leased"] == 0
