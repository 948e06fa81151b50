"""Whoever only gets and posts pays for nothing else: what a plain request loads, seen from a fresh interpreter."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from radiopool import manager_for
from radiopool.http import PoolManager
from radiopool_cpython import HostNetwork

network = HostNetwork({"one.example": "127.0.0.1"}, {("one.example", 80): ("127.0.0.1", int(sys.argv[1]))})
with PoolManager(manager=manager_for(network)) as http:
    assert http.request("GET", "http://one.example/text").status == 200
    assert http.request("POST", "http://one.example/echo", body=b"x").status == 200
    assert "text" not in http.request("GET", "http://one.example/text").headers
    exec(sys.argv[2])
print(*sorted(name for name in sys.modules if name.startswith("radiopool.http.")))
print(*sorted(set(sys.modules) & {"http.client", "idna", "urllib3", "random", "mimetypes", "brotli"}))
"""

FURNITURE = {
    "body",
    "decoded",
    "decoding",
    "exceptions",
    "fields",
    "filepost",
    "redirects",
    "request_headers",
    "resend",
    "retry",
    "rfc3986",
    "sending",
    "timeout",
    "tls_options",
}


def loaded(server, more="pass"):
    command = [sys.executable, "-W", "error", "-c", PROGRAM, str(server.port), more]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    ours, others = output.splitlines()
    return {name.removeprefix("radiopool.http.") for name in ours.split()}, others


def test_a_plain_request_loads_no_furniture(server):
    names, others = loaded(server)
    assert names & FURNITURE == set()
    assert not others.replace("random", "")


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ("http.request('GET', 'http://one.example/a/../text')", "rfc3986"),
        ("http.request('GET', 'http://one.example/redirect?to=/text')", "redirects"),
        ("http.request('GET', 'http://one.example/text', retries=__import__('radiopool.http').http.Retry(2))", "retry"),
        ("http.request('POST', 'http://one.example/echo', fields={'a': 'b'})", "filepost"),
        ("http.request('POST', 'http://one.example/echo', body=[b'a'])", "body"),
        ("http.request('GET', 'http://one.example/coded/gzip')", "decoding"),
    ],
)
def test_each_idea_is_loaded_when_used(server, more, name):
    assert name in loaded(server, more)[0]
