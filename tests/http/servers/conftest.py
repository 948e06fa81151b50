"""Real HTTP servers, each a process of its own on a free loopback port."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from radiopool import manager_for
from radiopool_cpython import HostNetwork

HERE = Path(__file__).parent


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for(port, process):
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert process.poll() is None, "the server ended: %s" % process.stderr.read()
            assert time.monotonic() < deadline, "the server does not listen"
            time.sleep(0.02)


def start(command, port, folder):
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(port, process)
    except BaseException:
        stop(process)
        raise
    return process


def stop(process):
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stderr.close()


ASGI = {
    "uvicorn": ["uvicorn", "application:application", "--http", "h11", "--log-level", "error", "--port"],
    "hypercorn": ["hypercorn", "application:application", "--log-level", "error", "--bind"],
    "granian": ["granian", "--interface", "asgi", "application:application", "--no-log", "--port"],
}


@pytest.fixture(scope="module", params=list(ASGI))
def asgi(request):
    """The URL of an ASGI server that runs `application.py`."""
    module = request.param
    pytest.importorskip(module)
    port = free_port()
    address = f"127.0.0.1:{port}" if module == "hypercorn" else str(port)
    process = start([sys.executable, "-m", *ASGI[request.param], address], port, HERE)
    yield f"http://127.0.0.1:{port}"
    stop(process)


NGINX = """
{user} daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    root {folder}/files;
    location = /connection {{ default_type text/plain; return 200 "$connection $connection_requests"; }}
    location = /moved {{ return 301 /small; }}
    location = /bounce {{ keepalive_timeout 0; return 200 "bye"; }}
    location = /packed {{ gzip on; gzip_types *; gzip_min_length 1; alias {folder}/files/large; }}
  }}
}}
"""


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    """The URL of an nginx with a few files."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        pytest.skip("nginx is not installed: make test-servers")
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "files").mkdir()
    (folder / "files" / "small").write_bytes(b"x" * 200)
    (folder / "files" / "large").write_bytes(b"0123456789abcdef" * 65536)
    port = free_port()
    # Started by root its worker would be somebody who can't read the folder.
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX.format(user=user, folder=folder, port=port))
    process = start([program, "-p", str(folder), "-c", str(folder / "nginx.conf")], port, folder)
    yield f"http://127.0.0.1:{port}"
    stop(process)


@pytest.fixture
def manager():
    with manager_for(HostNetwork()) as made:
        yield made
        assert made.stats()["leased"] == 0
