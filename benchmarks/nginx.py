"""An nginx on loopback, for the benchmarks: files, a chunked page, a place to post to; plain and TLS."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

FILES = {"bytes200": 200, "kilobytes10": 10_240, "megabyte": 1 << 20}

CONFIGURATION = """
{user} daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/errors;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 600; tcp_nodelay on; ssi_types *;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    listen 127.0.0.1:{tls_port} ssl;
    ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.pem;
    root {folder}/files;
    location = /posted {{ return 200 "ok"; }}
    location = /chunked {{ ssi on; alias {folder}/files/bytes200; }}
  }}
}}
"""


class Server(NamedTuple):
    """Where it listens, and the file of the authority that its certificate is from."""

    port: int
    tls_port: int
    authority: str


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def nginx() -> Iterator[Server]:
    """A running server. Raises SystemExit where nginx is not installed."""
    import trustme

    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:" + os.environ.get("PATH", ""))
    if program is None:
        raise SystemExit("nginx is not installed: make test-servers")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "files").mkdir()
        for file, size in FILES.items():
            (folder / "files" / file).write_bytes(b"x" * size)
        authority = trustme.CA()
        authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(
            folder / "server.pem"
        )
        authority.cert_pem.write_to_path(folder / "authority.pem")
        server = Server(_free_port(), _free_port(), str(folder / "authority.pem"))
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(
            CONFIGURATION.format(user=user, folder=folder, port=server.port, tls_port=server.tls_port)
        )
        process = subprocess.Popen([program, "-p", name, "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL)
        try:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", server.tls_port)).close()
                    break
                except OSError:
                    if process.poll() is not None:
                        raise SystemExit("nginx ended: " + (folder / "errors").read_text()) from None
                    time.sleep(0.02)
            yield server
        finally:
            process.terminate()
            process.wait()
