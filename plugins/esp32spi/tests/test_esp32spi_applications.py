"""HTTP, HTTPS, MQTT and NTP over the emulated wire, through our connection manager."""

import contextlib
import getpass
import hashlib
import os
import pathlib
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import adafruit_connection_manager as incumbent
import adafruit_requests
import pytest
from adafruit_minimqtt.adafruit_minimqtt import MQTT, MMQTTException
from adafruit_ntp import NTP

from radiopool import ConnectionManager
from radiopool.errors import InvalidValueError, OutOfSocketsError
from radiopool.http import PoolManager
from radiopool.http.exceptions import HTTPError

BLOCK = bytes(range(256)) * 400


class Site(BaseHTTPRequestHandler):
    """GET /NUMBER sends so many bytes, /to?URL redirects; POST answers with the body's digest."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path.startswith("/to?"):
            self.send_response(302)
            self.send_header("Location", self.path[4:])
            self.end_headers_with(b"")
        else:
            self.send_response(200)
            self.end_headers_with(BLOCK[: int(self.path[1:])])

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers_with(hashlib.sha256(body).hexdigest().encode())

    def end_headers_with(self, body):
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = False
    context = None

    def get_request(self):
        connection, address = super().get_request()
        self.connections = getattr(self, "connections", 0) + 1
        return connection, address

    def finish_request(self, request, client_address):
        # In the connection's own thread, so that a slow handshake stops nobody.
        if self.context:
            with self.context.wrap_socket(request.dup(), server_side=True) as request:
                super().finish_request(request, client_address)
        else:
            super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        pass


@pytest.fixture
def site(chip):
    """Starts web sites that the chip knows by name."""
    with contextlib.ExitStack() as stack:

        def start(name, port=80, context=None):
            server = stack.enter_context(Server(("127.0.0.1", 0), Site))
            server.context = context
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            address = chip.emulator.network.hosts.setdefault(name, "10.9.0.%d" % (len(chip.emulator.network.hosts) + 1))
            chip.emulator.network.routes[address, port] = server.server_port
            return server

        yield start


@pytest.fixture
def http(site, manager):
    # After the sites were started, so that the connections are closed before they are shut down.
    with PoolManager(manager=manager) as http:
        yield http
        manager.close_all()


@pytest.fixture
def host_http(site, host_manager, client_context):
    with PoolManager(manager=host_manager, ssl_context=client_context) as http:
        yield http
        host_manager.close_all()


# -- HTTP


def test_get_post_stream_and_keep_alive(http, site, chip):
    server = site("a.example")
    assert http.request("GET", "http://a.example/200").data == BLOCK[:200]
    body = os.urandom(50_000)
    assert http.request("POST", "http://a.example/", body=body).data.decode() == hashlib.sha256(body).hexdigest()
    response = http.request("GET", "http://a.example/100000", preload_content=False)
    assert b"".join(response.stream(1000)) == BLOCK[:100_000]
    assert server.connections == 1
    assert chip.table.in_use == [0]


def test_redirects_across_hosts_and_schemes(http, site, chip, server_context):
    site("a.example")
    site("b.example", 443, server_context("b.example"))
    response = http.request("GET", "http://a.example/to?https://b.example/3")
    assert response.data == BLOCK[:3]
    assert repr(chip.table).startswith("<Table 0:tcp 1:tls")


def test_https_on_the_chip(http, site, server_context):
    server = site("a.example", 443, server_context("a.example"))
    for _ in range(3):
        assert http.request("GET", "https://a.example/20000").data == BLOCK[:20000]
    body = os.urandom(50_000)
    assert http.request("POST", "https://a.example/", body=body).data.decode() == hashlib.sha256(body).hexdigest()
    assert server.connections == 1


def test_https_on_the_host(host_http, site, server_context):
    server = site("a.example", 443, server_context("a.example"))
    for _ in range(3):
        assert host_http.request("GET", "https://a.example/20000").data == BLOCK[:20000]
    body = os.urandom(50_000)
    assert host_http.request("POST", "https://a.example/", body=body).data.decode() == hashlib.sha256(body).hexdigest()
    assert server.connections == 1


@pytest.mark.parametrize("which", ["http", "host_http"])
def test_https_to_a_host_whose_certificate_names_another(request, site, server_context, which, chip):
    http = request.getfixturevalue(which)
    site("a.example", 443, server_context("other.example"))
    with pytest.raises(HTTPError, match=r"a\.example"):
        http.request("GET", "https://a.example/1", retries=False)
    assert chip.table.in_use == []


@pytest.mark.parametrize(
    "option",
    [
        {"ca_certs": "ca.pem"},
        {"cert_reqs": "CERT_NONE"},
        {"cert_file": "client.pem"},
        {"server_hostname": "other.example"},
        {"assert_hostname": "other.example"},
        {"assert_fingerprint": "00" * 32},
        {"ssl_minimum_version": ssl.TLSVersion.TLSv1_3},
        {"ssl_context": ssl.create_default_context()},
    ],
    ids=lambda option: next(iter(option)),
)
def test_https_on_the_chip_refuses_the_options_that_it_cannot_honour(site, manager, server_context, chip, option):
    server = site("a.example", 443, server_context("a.example"))
    with PoolManager(manager=manager, **option) as http, pytest.raises(InvalidValueError, match=next(iter(option))):
        http.request("GET", "https://a.example/1", retries=False)
    assert not hasattr(server, "connections")
    assert chip.table.in_use == []


def test_https_on_the_host_honours_them(site, host_manager, server_context, authority, tmp_path):
    site("a.example", 443, server_context("a.example"))
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with PoolManager(manager=host_manager, ca_certs=str(tmp_path / "ca.pem")) as http:
        assert http.request("GET", "https://a.example/5").data == BLOCK[:5]
    with PoolManager(manager=host_manager) as http, pytest.raises(HTTPError, match="certificate"):
        http.request("GET", "https://a.example/5", retries=False)
    host_manager.close_all()


def test_two_https_hosts_in_turn_on_the_chips_one_tls_socket(http, site, manager, server_context):
    for name in ("a.example", "b.example"):
        site(name, 443, server_context(name))
    for _ in range(3):
        for name in ("a.example", "b.example"):
            assert http.request("GET", "https://%s/9" % name).data == BLOCK[:9]
    assert manager.stats()["closed"] == {"evicted": 5}


def test_seven_hosts_on_six_sockets(http, site, manager, chip):
    names = ["s%d.example" % number for number in range(7)]
    for name in names:
        site(name)
    for _ in range(3):
        for name in names:
            assert http.request("GET", "http://%s/50" % name).data == BLOCK[:50]
            assert len(chip.table.in_use) <= 6
    stats = manager.stats()
    # In turn, the least recently used is always the one that is needed next.
    assert (stats["opened"], stats["peak"], stats["closed"]) == (21, 6, {"evicted": 15})
    for _ in range(3):
        for name in names[:6]:
            http.request("GET", "http://%s/50" % name)
    assert manager.stats()["opened"] == 21 + 6


def test_an_http_client_beside_a_leased_socket_and_a_datagram(http, site, manager, chip):
    """One budget for everything that uses the radio."""
    for number in range(5):
        site("s%d.example" % number)
    with manager.lease("s0.example", 80), manager.socket(2, 2) as datagrams:
        datagrams.bind(("", 5353))
        for number in range(1, 5):
            http.request("GET", "http://s%d.example/1" % number)
        assert chip.table.in_use == [0, 1, 2, 3, 4, 5]
        held = [manager.socket() for _ in range(4)]
        with pytest.raises(OutOfSocketsError):
            manager.socket()
        for socket in held:
            socket.close()


# -- Adafruit's requests, over the manager's socket-pool face


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_adafruit_requests_counts_in_the_same_budget(site, manager, chip, server_context, scheme):
    if scheme == "http":
        site("a.example")
    else:
        site("a.example", 443, server_context("a.example"))
    session = adafruit_requests.Session(manager, chip.pool.ssl_context)
    with session.get(scheme + "://a.example/300", timeout=5) as response:
        assert response.content == BLOCK[:300]
    with session.post(scheme + "://a.example/", data=b"hello", timeout=5) as response:
        assert response.text == hashlib.sha256(b"hello").hexdigest()
    assert manager.managed_socket_count == 1
    assert chip.table.in_use == [0]
    manager.close_all()
    incumbent.connection_manager_close_all(manager)
    assert manager.managed_socket_count == 0


# -- MQTT

BROKER = pathlib.Path(__file__).with_name("mqtt_broker.py")


def amqtt(port, certificate, folder):
    """(command, where it says that it serves, the word)"""
    return [sys.executable, BROKER, str(port), *certificate], "stdout", "ready"


def mosquitto(port, certificate, folder):
    """(command, where it says that it serves, the word)"""
    program = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
    if program is None:
        pytest.skip("mosquitto is not installed (make test-servers)")
    # As root it would become another user, who may not read the key.
    lines = ["listener %d 127.0.0.1" % port, "allow_anonymous true", "user " + getpass.getuser()]
    lines += ["log_dest stderr", *("%s %s" % pair for pair in zip(("certfile", "keyfile"), certificate, strict=False))]
    (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
    return [program, "-c", str(folder / "mosquitto.conf")], "stderr", "running"


@pytest.fixture(params=[amqtt, mosquitto])
def broker(request, chip, tmp_path):
    """A real broker in a process of its own; `start` after `stop` is another one under the same name."""

    class Broker:
        process = None

        def start(self, *certificate):
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            command, where, word = request.param(port, certificate, tmp_path)
            streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, where: subprocess.PIPE}
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, **streams)
            assert any(word in line for line in getattr(self.process, where))
            chip.emulator.network.hosts["mqtt.example"] = "10.8.0.1"
            chip.emulator.network.routes["10.8.0.1", 1883] = port

        def stop(self):
            if self.process is not None:
                if request.param is mosquitto:
                    self.process.terminate()
                self.process.communicate("", timeout=20)
                self.process = None

    broker = Broker()
    yield broker
    broker.stop()


def make_client(manager, chip, **options):
    client = MQTT(
        broker="mqtt.example", port=1883, socket_pool=chip.pool, socket_timeout=0.05, recv_timeout=0.5, **options
    )
    # What `get_connection_manager` of the incumbent would give it.
    client._connection_manager = manager
    return client


def loop_until(client, condition):
    for _ in range(200):
        if condition():
            return
        client.loop(0.06)
    raise AssertionError("it never came to that")


def test_mqtt_publish_subscribe_and_reconnect(chip, broker, manager):
    broker.start()
    received = []
    client = make_client(manager, chip, client_id="board")
    client.on_message = lambda _, topic, message: received.append((topic, message))
    client.connect()
    client.subscribe("room/+", qos=1)
    assert chip.table.in_use == [0]
    client.publish("room/kitchen", "21.5")
    client.publish("room/hall", "x" * 500, qos=1)
    loop_until(client, lambda: len(received) == 2)
    assert received == [("room/kitchen", "21.5"), ("room/hall", "x" * 500)]
    client.ping()
    broker.stop()
    broker.start()
    # The end of the stream, as this library reads it.
    with pytest.raises(MMQTTException, match="Unable to receive"):
        loop_until(client, lambda: False)
    client.reconnect()
    client.publish("room/hall", "again")
    loop_until(client, lambda: len(received) == 3)
    client.disconnect()
    assert chip.table.in_use == []
    assert manager.managed_socket_count == 0


@pytest.mark.parametrize("where", ["chip", "host"])
def test_mqtt_over_tls(request, chip, broker, authority, client_context, tmp_path, where):
    certificate = authority.issue_cert("mqtt.example")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    broker.start(str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
    manager = request.getfixturevalue("manager" if where == "chip" else "host_manager")
    context = chip.pool.ssl_context if where == "chip" else client_context
    received = []
    client = make_client(manager, chip, is_ssl=True, ssl_context=context)
    client.on_message = lambda _, topic, message: received.append((topic, message))
    client.connect()
    client.subscribe("door")
    client.publish("door", "open")
    loop_until(client, lambda: received)
    assert received == [("door", "open")]
    assert manager.stats()["tls"] == 1
    client.disconnect()
    assert chip.table.in_use == []


# -- NTP


@pytest.fixture
def time_server(chip):
    """A small NTP server (RFC 5905, section 7.3) that says it is 1 January 2030."""
    stopping = threading.Event()
    seconds = 1893456000 + 2208988800
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.05)

        def serve():
            while not stopping.is_set():
                try:
                    request, sender = server.recvfrom(100)
                except OSError:
                    continue
                assert len(request) == 48
                reply = struct.pack(
                    "!BBbb11I", 0b00100100, 1, 6, -20, 0, 0, 0, seconds, 0,
                    *struct.unpack("!2I", request[40:48]), seconds, 0, seconds, 0,
                )  # fmt: skip
                server.sendto(reply, sender)

        thread = threading.Thread(target=serve)
        thread.start()
        chip.emulator.network.hosts["ntp.example"] = "10.7.0.1"
        chip.emulator.network.routes["10.7.0.1", 123] = server.getsockname()
        yield
        stopping.set()
        thread.join()


@pytest.mark.parametrize("through", ["manager", "pool"])
def test_ntp(chip, time_server, manager, through):
    ntp = NTP(manager if through == "manager" else chip.pool, server="ntp.example", socket_timeout=5)
    now = time.gmtime(ntp.utc_ns // 1_000_000_000)
    assert (now.tm_year, now.tm_mon, now.tm_mday) == (2030, 1, 1)
    assert chip.table.in_use == []


def test_ntp_evicts_an_idle_connection_when_the_radio_is_full(chip, time_server, manager, site, http):
    for number in range(6):
        site("s%d.example" % number)
        http.request("GET", "http://s%d.example/1" % number)
    assert chip.table.in_use == [0, 1, 2, 3, 4, 5]
    assert NTP(manager, server="ntp.example", socket_timeout=5).utc_ns
    assert manager.stats()["closed"]["evicted"] == 1


def test_a_second_manager_over_the_pool_counts_in_the_same_budget(chip, manager):
    second = ConnectionManager(chip.pool)
    with second.socket():
        assert manager.managed_socket_count == 1
