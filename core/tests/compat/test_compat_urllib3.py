"""radiopool.compat.urllib3: every name of urllib3 in its place, and programs for urllib3 with another import."""

import ast
import gc
import gzip
import importlib
import inspect
import io
import json
import pkgutil
import ssl
import sys
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from radiopool import manager_for
from radiopool.compat import urllib3 as ours

theirs = pytest.importorskip("urllib3")

# What is not here: pyOpenSSL and Emscripten have other sockets than radiopool; HTTP/2 is experimental there.
ABSENT = ("urllib3.contrib.pyopenssl", "urllib3.contrib.emscripten", "urllib3.http2", "urllib3._base_connection")
# Parts of what others are made of, in no document.
UNDOCUMENTED = {
    "BytesQueueBuffer",
    "GzipDecoderState",
    "ValidHTTPHeaderSource",
    "ensure_can_construct_http_header_dict",
}
UNDOCUMENTED |= {"SOCKSConnection", "SOCKSHTTPSConnection", "SOCKSHTTPConnectionPool", "SOCKSHTTPSConnectionPool"}


def modules_of_urllib3():
    names = ["urllib3"]
    names += [module.name for module in pkgutil.walk_packages(theirs.__path__, "urllib3.")]
    return [name for name in names if not name.startswith(ABSENT)]


def public_names(module):
    """What a module of urllib3 defines or offers, by reading it."""
    spec = importlib.util.find_spec(module)
    names = set()
    for node in ast.parse(Path(spec.origin).read_text()).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            names.add(node.name)
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            if isinstance(target, ast.Name) and target.id == "__all__":
                names.update(ast.literal_eval(node.value))
            elif isinstance(target, ast.Name):
                names.add(target.id)
    return sorted(name for name in names if not name.startswith("_") and name not in UNDOCUMENTED)


@pytest.mark.parametrize("module", modules_of_urllib3())
def test_every_public_name_is_in_its_place(module):
    here = importlib.import_module("radiopool.compat." + module)
    missing = [name for name in public_names(module) if not hasattr(here, name)]
    assert not missing


@pytest.mark.parametrize(
    "name",
    [
        "HTTPConnectionPool",
        "PoolManager",
        "Retry",
        "Timeout",
        "HTTPHeaderDict",
        "HTTPResponse",
        "connection.HTTPConnection",
        "fields.RequestField",
        "util.Url",
    ],
)
def test_every_public_member_of_the_classes_is_there(name):
    theirs_class, ours_class = theirs, ours
    for part in name.split("."):
        theirs_class, ours_class = getattr(theirs_class, part), getattr(ours_class, part)
    # Inherited from http.client and io, or what the parts of an implementation say to each other.
    inner = {"send", "putheader", "putrequest", "endheaders", "set_tunnel", "set_debuglevel", "sock", "auto_open"}
    inner |= {"debuglevel", "response_class", "QueueCls", "fp", "writelines", "truncate", "seek", "detach"}
    inner |= {"DECODER_ERROR_CLASSES", "get_proxy_response_headers", "host"}
    inner |= {"proxy", "proxy_config", "proxy_is_forwarding", "proxy_is_tunneling"}
    members = {member for member, _ in inspect.getmembers(theirs_class) if not member.startswith("_")}
    missing = {member for member in members - inner if not hasattr(ours_class, member)}
    assert not missing


@pytest.mark.parametrize("name", ["HTTPConnectionPool.urlopen", "PoolManager.request", "Retry", "Timeout", "request"])
def test_every_parameter_is_there(name):
    theirs_call, ours_call = theirs, ours
    for part in name.split("."):
        theirs_call, ours_call = getattr(theirs_call, part), getattr(ours_call, part)
    parameters = inspect.signature(ours_call).parameters
    kinds = {parameter.kind for parameter in parameters.values()}
    missing = [
        parameter
        for parameter, its in inspect.signature(theirs_call).parameters.items()
        if its.kind is not inspect.Parameter.VAR_KEYWORD
        and parameter not in parameters
        and inspect.Parameter.VAR_KEYWORD not in kinds
    ]
    assert not missing


# -- programs


class Site(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_any(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        path = self.path.partition("?")[0]
        if path == "/redirect":
            self.answer(302, b"", Location="/echo")
        elif path == "/status":
            self.answer(503, b"busy")
        elif path == "/gzip":
            self.answer(200, gzip.compress(b"packed"), Content_Encoding="gzip")
        elif path == "/cut":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort")
            self.close_connection = True
        elif path == "/last":
            self.answer(200, b"")
            self.close_connection = True
        else:
            asked = {"method": self.command, "path": self.path, "body": body.decode(), "x": self.headers.get("x")}
            asked["auth"] = self.headers.get("authorization")
            self.answer(200, json.dumps(asked).encode(), Content_Type="application/json")

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_any

    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def url():
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield "http://127.0.0.1:%d" % server.server_port
        server.shutdown()
        thread.join()


PROGRAMS = {
    "request": """
from urllib3 import request
response = request("GET", URL + "/echo", headers={"x": "y"})
result = response.status, response.json()
""",
    "pool manager": """
http = urllib3.PoolManager(num_pools=3, headers={"x": "all"})
result = [http.request(method, URL + "/echo").status for method in ("GET", "POST", "PUT", "DELETE", "HEAD")]
http.clear()
""",
    "fields": """
result = urllib3.PoolManager().request("GET", URL + "/echo", fields={"a": "b c"}).json()
""",
    "form": """
result = urllib3.PoolManager().request_encode_body(
    "POST", URL + "/echo", fields={"a": "b"}, encode_multipart=False).json()
""",
    "multipart": """
from urllib3.filepost import encode_multipart_formdata
body, kind = encode_multipart_formdata({"file": ("name.txt", b"contents", "text/plain"), "a": "b"}, "limit")
result = body, kind
""",
    "request field": """
from urllib3.fields import RequestField, guess_content_type
field = RequestField("name", "data", filename="f.html", headers={"X": "1"})
field.make_multipart(content_type=guess_content_type("f.html"))
result = field.render_headers()
""",
    "json body": """
result = urllib3.PoolManager().request("POST", URL + "/echo", json={"a": [1]}).json()["body"]
""",
    "stream": """
response = urllib3.PoolManager().request("GET", URL + "/echo", preload_content=False)
result = b"".join(response.stream(7)), response.isclosed()
response.release_conn()
""",
    "text wrapper": """
import io
response = urllib3.PoolManager().request("GET", URL + "/echo", preload_content=False)
response.auto_close = False
result = io.TextIOWrapper(response).read()
response.close()
""",
    "gzip": """
response = urllib3.PoolManager().request("GET", URL + "/gzip")
result = response.data, response.headers["content-encoding"], "gzip" in response.headers.get("Content-Encoding")
""",
    "redirect": """
response = urllib3.PoolManager().request("GET", URL + "/redirect")
result = response.status, response.retries.history[0].redirect_location, response.geturl()
""",
    "no redirect": """
response = urllib3.PoolManager().request("GET", URL + "/redirect", redirect=False)
result = response.status, response.get_redirect_location()
""",
    "retries spent": """
from urllib3.exceptions import MaxRetryError, ResponseError
from urllib3.util.retry import Retry
try:
    urllib3.PoolManager().request("GET", URL + "/status", retries=Retry(2, status_forcelist=[503]))
except MaxRetryError as error:
    result = isinstance(error.reason, ResponseError), str(error.reason)
""",
    "nobody listens": """
import socket
with socket.create_server(("127.0.0.1", 0)) as listener:
    port = listener.getsockname()[1]
try:
    urllib3.PoolManager().request("GET", f"http://127.0.0.1:{port}/", retries=False, timeout=3)
except urllib3.exceptions.NewConnectionError as error:
    result = isinstance(error, urllib3.exceptions.HTTPError)
""",
    "cut short": """
try:
    urllib3.PoolManager().request("GET", URL + "/cut", retries=False)
except urllib3.exceptions.ProtocolError as error:
    result = isinstance(error, urllib3.exceptions.HTTPError)
""",
    "connection pool": """
from urllib3.connectionpool import connection_from_url, HTTPConnectionPool
with connection_from_url(URL, maxsize=2, block=True) as pool:
    pool.request("GET", "/echo"), pool.request("GET", "/echo")
    result = pool.num_connections, pool.num_requests, isinstance(pool, HTTPConnectionPool), pool.scheme
""",
    "foreign host": """
pool = urllib3.connection_from_url(URL)
try:
    pool.request("GET", "http://other.example/")
except urllib3.exceptions.HostChangedError:
    result = pool.is_same_host(URL + "/x"), pool.is_same_host("http://other.example/")
""",
    "closed pool": """
pool = urllib3.connection_from_url(URL)
pool.close()
try:
    pool.request("GET", "/echo")
except urllib3.exceptions.ClosedPoolError:
    result = True
""",
    "pool keys": """
from urllib3.poolmanager import PoolKey, PoolManager, key_fn_by_scheme, _default_key_normalizer
http = PoolManager()
one = http.connection_from_host("EXAMPLE.com", scheme="http")
result = (
    one is http.connection_from_url("http://example.com:80/x"),
    len(http.pools),
    key_fn_by_scheme["https"]({"scheme": "HTTPS", "host": "A", "port": 1, "headers": {"a": "b"}}),
    PoolKey._fields,
    list(http.pools.keys())[0].key_host,
)
""",
    "a key of one's own": """
import collections, functools
from urllib3.poolmanager import PoolKey, _default_key_normalizer
Own = collections.namedtuple("Own", PoolKey._fields + ("key_tenant",))
http = urllib3.PoolManager()
http.key_fn_by_scheme["http"] = functools.partial(_default_key_normalizer, Own)
pool = http.connection_from_host("a.example", pool_kwargs={"maxsize": 3})
result = len(http.pools), http.connection_from_host("a.example") is pool, type(list(http.pools.keys())[0]).__name__
""",
    "unknown setting": """
try:
    urllib3.PoolManager(no_such_setting=1).request("GET", URL)
except TypeError as error:
    result = "no_such_setting" in str(error)
""",
    "headers": """
headers = urllib3.HTTPHeaderDict({"A": "1"}, b="2")
headers.add("a", "3")
headers["c"] = "4"
result = headers["A"], headers.getlist("a"), list(headers.items()), "B" in headers, dict(headers), len(headers)
""",
    "make headers": """
from urllib3.util import make_headers, SKIP_HEADER
result = make_headers(keep_alive=True, user_agent="me", basic_auth="u:p", disable_cache=True), SKIP_HEADER
""",
    "urls": """
from urllib3.util.url import parse_url, Url
one = parse_url("HTTP://user:pw@Example.COM:80/%7ea/../b?q=ü#f")
result = tuple(one), one.url, one.netloc, one.authority, one.request_uri, str(Url("http", host="h", path="p"))
""",
    "timeouts": """
from urllib3.util.timeout import Timeout
one = Timeout(connect=2, read=5, total=6)
result = one.connect_timeout, one.total, Timeout.from_float(3).read_timeout, urllib3.Timeout is Timeout
""",
    "retry": """
from urllib3 import Retry
one = Retry(total=5, connect=2, backoff_factor=1, allowed_methods=["GET"], status_forcelist=[500])
two = one.increment("GET", "/", error=urllib3.exceptions.ConnectTimeoutError())
result = two.total, two.connect, len(two.history), one.is_retry("GET", 500), Retry.from_int(3).total
""",
    "a response by hand": """
import io, gzip
from urllib3.response import HTTPResponse
plain = HTTPResponse(io.BytesIO(b"one\\ntwo\\n"), headers={"A": "b"}, status=404, reason="Gone", preload_content=False)
result = plain.status, plain.reason, plain.headers["a"], plain.read(3), plain.read()
""",
    "a packed response by hand": """
import io, gzip
from urllib3.response import HTTPResponse
packed = HTTPResponse(io.BytesIO(gzip.compress(b"contents")), headers={"content-encoding": "gzip"}, status=200)
result = packed.data, packed.status
""",
    "a response by hand whose headers are of its transfer": """
import io
from urllib3.response import HTTPResponse
of_transfer = {"transfer-encoding": "chunked", "content-length": "3", "x": "\u20ac"}
whole = HTTPResponse(b"contents", headers=of_transfer, status=200, reason="\u20ac")
none = HTTPResponse(b"contents", status=204)
file = io.BytesIO(b"contents")
closed = HTTPResponse(file, headers=of_transfer, status=100, preload_content=False)
closed.close()
origin, connection = object(), object()
given = HTTPResponse(b"", original_response=origin, connection=connection)
result = (whole.data, whole.reason, whole.headers["x"], none.data, file.closed,
          given._original_response is origin, given.connection is connection)
""",
    "a manager of one's own": """
class Guarded(urllib3.PoolManager):
    seen = []
    def urlopen(self, method, url, redirect=True, **keywords):
        self.seen.append((method, url))
        return super().urlopen(method, url, redirect=redirect, **keywords)
response = Guarded().request("GET", URL + "/redirect")
result = response.status, response.geturl(), Guarded.seen
""",
    "a connection that the server closes": """
import time
from urllib3.connection import HTTPConnection
host, port = URL[7:].split(":")
connection = HTTPConnection(host, int(port), timeout=5)
before = connection.is_connected
connection.request("GET", "/echo")
connection.getresponse().data
during = connection.is_connected
connection.request("GET", "/last")
connection.getresponse().data
late = time.monotonic() + 10
while not urllib3.util.is_connection_dropped(connection) and time.monotonic() < late:
    time.sleep(0.01)
result = before, during, connection.is_connected
connection.close()
""",
    "socket options of all connections": """
import socket
options = urllib3.connection.HTTPConnection.default_socket_options
options.append((socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1))
try:
    response = urllib3.PoolManager().request("GET", URL + "/echo", preload_content=False)
    connection = response.connection
    found = getattr(connection, "sock", connection)
    result = found.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    response.drain_conn()
finally:
    del options[1:]
""",
    "a connection": """
from urllib3.connection import HTTPConnection
host, port = URL[7:].split(":")
connection = HTTPConnection(host, int(port), timeout=5)
connection.request("POST", "/echo", body=b"abc", headers={"x": "z"})
response = connection.getresponse()
result = response.status, response.json()["body"], connection.default_port, HTTPConnection.default_socket_options
connection.close()
""",
    "socket options": """
import socket
options = urllib3.connection.HTTPConnection.default_socket_options + [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
http = urllib3.PoolManager(socket_options=options)
response = http.request("GET", URL + "/echo", preload_content=False)
connection = response.connection
found = getattr(connection, "sock", connection)
result = [found.getsockopt(level, option) for level, option, _ in options]
response.drain_conn()
""",
    "tls contexts": """
import ssl
from urllib3.util.ssl_ import create_urllib3_context, resolve_cert_reqs, resolve_ssl_version, is_ipaddress
context = create_urllib3_context(cert_reqs="CERT_NONE" and ssl.CERT_NONE)
strict = create_urllib3_context()
result = (context.verify_mode, strict.verify_mode, strict.check_hostname, strict.minimum_version,
          resolve_cert_reqs("REQUIRED"), resolve_cert_reqs(None), resolve_ssl_version("TLSv1_2"), is_ipaddress("::1"))
""",
    "bodies": """
from urllib3.util.request import body_to_chunks, set_file_position, rewind_body
import io
file = io.BytesIO(b"abcdef")
file.read(2)
position = set_file_position(file, None)
chunks = list(body_to_chunks(file, "POST", 3).chunks)
rewind_body(file, position)
result = position, chunks, file.read(), body_to_chunks("ü", "GET", 9)[1], body_to_chunks(None, "POST", 9)[1]
""",
    "is closed": """
from urllib3.util import is_fp_closed
import io
file = io.BytesIO()
before = is_fp_closed(file)
file.close()
result = before, is_fp_closed(file)
""",
    "quiet": """
urllib3.disable_warnings()
urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
result = issubclass(urllib3.exceptions.InsecureRequestWarning, urllib3.exceptions.HTTPWarning)
""",
    "logging": """
import logging
handler = urllib3.add_stderr_logger(logging.ERROR)
result = isinstance(handler, logging.StreamHandler)
logging.getLogger(urllib3.__name__).removeHandler(handler)
""",
    "proxy": """
proxy = urllib3.ProxyManager("http://127.0.0.1:1/", proxy_headers={"a": "b"})
other = urllib3.proxy_from_url("http://127.0.0.1:1/")
try:
    urllib3.proxy_from_url("localhost:3128")
except urllib3.exceptions.ProxySchemeUnknown:
    result = proxy.proxy.port, isinstance(other, urllib3.PoolManager)
""",
    "through a proxy": """
http = urllib3.ProxyManager(URL, proxy_headers={"x": "seen"})
response = http.request("GET", "http://one.example/there")
result = response.json(), len(http.pools)
""",
}


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    manager_for().close_all()


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_for_urllib3_runs_with_another_import(name, url):
    program = PROGRAMS[name].replace("URL", repr(url))
    results = []
    for package in ("urllib3", "radiopool.compat.urllib3"):
        text = "import %s as urllib3\n" % package + program.replace("from urllib3", "from " + package)
        names = {}
        exec(compile(text, name, "exec"), names)
        results.append(names["result"])
    assert results[1] == results[0]


def test_a_response_by_hand_that_is_dropped_unread_is_silent(monkeypatch):
    failed = []
    monkeypatch.setattr(sys, "unraisablehook", failed.append)
    ours.HTTPResponse(io.BytesIO(b"contents"), preload_content=False)
    gc.collect()
    assert failed == []


def test_a_file_of_a_response_by_hand_that_fails_is_a_protocol_error():
    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise OSError("no such sector")

    with pytest.raises(ours.exceptions.ProtocolError, match="no such sector"):
        ours.HTTPResponse(Broken())


def test_a_connections_own_socket_options_are_set(url):
    import socket

    host, port = url[7:].split(":")
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    connection = ours.connection.HTTPConnection(host, int(port), timeout=5, socket_options=options)
    connection.request("GET", "/echo", preload_content=False)
    response = connection.getresponse()
    assert response.connection.getsockopt(*options[0][:2]) == 1
    response.drain_conn()
    connection.close()


def test_request_goes_on_after_somebody_closed_the_manager_of_the_host(url):
    assert ours.request("GET", url + "/echo").status == 200
    manager = manager_for()
    manager.close()
    assert manager.closed
    assert ours.request("GET", url + "/echo").status == 200


def test_a_tls_transport_over_a_socket(greeters, client_context):
    import socket

    server = greeters(tls=True)
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        secure = ours.util.ssltransport.SSLTransport(raw, client_context, "host.example")
        secure.sendall(b"abc")
        assert secure.recv(10) == b"abc"
        secure.close()


def test_tls_over_a_socket_and_the_certificates_name(greeters, client_context):
    import socket

    server = greeters(tls=True)
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        secure = ours.util.ssl_wrap_socket(raw, ssl_context=client_context, server_hostname="host.example")
        certificate = secure.getpeercert()
        secure.close()
    ours.util.ssl_match_hostname.match_hostname(certificate, "host.example")
    with pytest.raises(ours.util.ssl_match_hostname.CertificateError, match="host.example"):
        ours.util.ssl_match_hostname.match_hostname(certificate, "other.example")
    assert isinstance(ours.util.ssl_.create_urllib3_context(), ssl.SSLContext)


def test_waiting_for_a_socket(greeter):
    import socket

    with socket.create_connection(("127.0.0.1", greeter.port)) as raw:
        assert not ours.util.wait_for_read(raw, 0)
        assert ours.util.wait_for_write(raw, 5)
        raw.sendall(b"x")
        assert ours.util.wait_for_read(raw, 5)
        assert ours.util.wait.select_wait_for_socket(raw, read=True, timeout=5)


def test_defects_of_headers_parsed_by_the_standard_library():
    import http.client

    good = http.client.parse_headers(io.BytesIO(b"A: b\r\n\r\n"))
    ours.util.response.assert_header_parsing(good)
    bad = http.client.parse_headers(io.BytesIO(b"A: b\r\n no colon\r\nbroken line\r\n\r\n"))
    with pytest.raises(ours.exceptions.HeaderParsingError):
        ours.util.response.assert_header_parsing(bad)
