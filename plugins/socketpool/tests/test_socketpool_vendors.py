"""The vendors' own libraries, unmodified from PyPI, against real peers: over both ports, and over a manager's face."""

import asyncio
import calendar
import http.client
import os
import socket as host_socket
import struct
import threading
import time

import pytest

import socketpool
import wifi
from radiopool import manager_for

os.environ.setdefault("BLINKA_OS_AGNOSTIC", "1")
adafruit_connection_manager = pytest.importorskip("adafruit_connection_manager")
adafruit_httpserver = pytest.importorskip("adafruit_httpserver")
adafruit_minimqtt = pytest.importorskip("adafruit_minimqtt.adafruit_minimqtt")
adafruit_ntp = pytest.importorskip("adafruit_ntp")
adafruit_requests = pytest.importorskip("adafruit_requests")


@pytest.fixture(params=["espressif", "raspberrypi"])
def radio(request):
    names = dict.fromkeys(("web.test", "secure.test", "broker.test"), "127.0.0.1")
    radio = wifi.Radio(request.param, hosts=names, loopback=True)
    yield radio
    assert radio.slots.open == 0, "sockets left open"


@pytest.fixture(params=["pool", "face"])
def source(request, radio):
    """A board's socket pool, or a manager that stands in for one."""
    if request.param == "pool":
        yield socketpool.SocketPool(radio)
    else:
        with manager_for(radio) as manager:
            yield manager
            assert manager.managed_socket_count == 0


# -- requests


@pytest.fixture
def session(radio, source, trusting):
    """As in Adafruit's examples, but for a CA of our own."""
    assert adafruit_connection_manager.get_radio_socketpool(radio) is socketpool.SocketPool(radio)
    adafruit_connection_manager.get_radio_ssl_context(radio)
    yield adafruit_requests.Session(source, trusting)
    adafruit_connection_manager.connection_manager_close_all(source)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_requests(session, web, secure_web, scheme):
    server, name = (web, "web.test") if scheme == "http" else (secure_web, "secure.test")
    base = "%s://%s:%d" % (scheme, name, server.server_address[1])
    for _ in range(3):
        with session.get(base + "/hello", timeout=10) as response:
            assert (response.status_code, response.text) == (200, "/hello")
    with session.post(base, json={"a": [1, 2]}, timeout=10) as response:
        assert response.json() == {"a": [1, 2]}
    body = bytes(range(256)) * 100
    with session.post(base, data=body, timeout=10) as response:
        assert response.content == body
    with session.get(base + "/abcd", headers={"X-Times": "3000"}, timeout=10) as response:
        pieces = b"".join(response.iter_content(1000))
        assert pieces == b"/abcd" * 3000
    assert server.connections == 1


def test_requests_to_two_hosts_at_once(session, source, radio, web, secure_web, trusting):
    other = adafruit_requests.Session(source, trusting, "other")
    for _ in range(2):
        first = session.get("http://web.test:%d/first" % web.server_address[1], timeout=10)
        second = other.get("https://secure.test:%d/second" % secure_web.server_address[1], timeout=10)
        assert radio.slots.sockets == 2
        assert (first.text, second.text) == ("/first", "/second")


# -- ntp


@pytest.fixture
def time_server():
    """(S)NTP of RFC 5905: it is always noon on the first of February, 2030."""
    moment = calendar.timegm((2030, 2, 1, 12, 0, 0))
    with host_socket.socket(type=host_socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(20)

        def serve():
            request, client = server.recvfrom(100)
            if len(request) != 48:
                return
            stamp = struct.pack("!II", moment + 2208988800, 0)
            # Leap 0, version 4, server; stratum 1; poll 2**4; reference, origin, receive and transmit timestamps.
            server.sendto(struct.pack("!BBbb12x", 0x24, 1, 4, -20) + stamp + request[40:48] + stamp * 2, client)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()
        with host_socket.socket(type=host_socket.SOCK_DGRAM) as end:
            end.sendto(b"", server.getsockname())
        thread.join()


def test_ntp(source, time_server):
    host, port = time_server
    client = adafruit_ntp.NTP(source, server=host, port=port, socket_timeout=5)
    assert client.datetime[:4] == (2030, 2, 1, 12)


# -- minimqtt


class Broker:
    """amqtt, in a thread of its own."""

    def __init__(self):
        with host_socket.socket() as placeholder:
            placeholder.bind(("127.0.0.1", 0))
            self.port = placeholder.getsockname()[1]
        self.ready = threading.Event()
        self.failure = None
        self.thread = threading.Thread(target=self.run)

    def run(self):
        try:
            asyncio.run(self.serve())
        except BaseException as error:
            self.failure = error
        finally:
            self.ready.set()

    async def serve(self):
        from amqtt.broker import Broker as Amqtt
        from amqtt.contexts import BrokerConfig

        config = BrokerConfig.from_dict(
            {
                "listeners": {"default": {"type": "tcp", "bind": "127.0.0.1:%d" % self.port}},
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            }
        )
        self.loop, self.ended = asyncio.get_running_loop(), asyncio.Event()
        broker = Amqtt(config)
        await broker.start()
        self.ready.set()
        await self.ended.wait()
        await broker.shutdown()

    def __enter__(self):
        self.thread.start()
        assert self.ready.wait(20)
        if self.failure:
            raise self.failure
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.ended.set)
        self.thread.join(20)


@pytest.fixture(scope="module")
def broker():
    pytest.importorskip("amqtt")
    with Broker() as broker:
        yield broker


def mqtt_client(pool, broker, name):
    return adafruit_minimqtt.MQTT(
        broker="broker.test",
        port=broker.port,
        client_id=name,
        socket_pool=pool,
        is_ssl=False,
        socket_timeout=0.1,
        recv_timeout=5,
        connect_retries=1,
    )


def test_minimqtt(radio, source, broker):
    heard = []
    with (
        mqtt_client(source, broker, "listener-" + radio.personality.name) as listener,
        mqtt_client(source, broker, "speaker-" + radio.personality.name) as speaker,
    ):
        listener.on_message = lambda _, topic, message: heard.append((topic, message))
        listener.connect()
        listener.subscribe("room/+", qos=1)
        speaker.will_set("room/will", "gone")
        # Adafruit's manager wants a session for a second socket to one host.
        speaker.connect(session_id="speaker")
        for number in range(5):
            speaker.publish("room/temperature", str(20 + number), qos=number % 2)
        speaker.ping()
        ending = time.monotonic() + 20
        while len(heard) < 5 and time.monotonic() < ending:
            listener.loop(0.2)
        assert sorted(heard) == [("room/temperature", str(20 + number)) for number in range(5)]
        listener.reconnect()
        speaker.publish("room/again", "yes")
        while len(heard) < 6 and time.monotonic() < ending:
            listener.loop(0.2)
        assert heard[-1] == ("room/again", "yes")
    adafruit_connection_manager.connection_manager_close_all(source)


# -- httpserver


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_httpserver(source, authority, trusting, in_background, tmp_path, scheme):
    keywords = {}
    if scheme == "https":
        certificate = authority.issue_cert("localhost")
        keywords = {"https": True, "certfile": str(tmp_path / "cert.pem"), "keyfile": str(tmp_path / "key.pem")}
        certificate.cert_chain_pems[0].write_to_path(keywords["certfile"])
        certificate.private_key_pem.write_to_path(keywords["keyfile"])
    server = adafruit_httpserver.Server(source, **keywords)
    server.socket_timeout = 5

    @server.route("/hello/<name>")
    def hello(request, name):
        return adafruit_httpserver.Response(request, "hello " + name)

    @server.route("/echo", adafruit_httpserver.POST)
    def echo(request):
        return adafruit_httpserver.Response(request, request.body.decode())

    server.start("127.0.0.1", 0)
    # Its own `port` is the 0 that it was given; the socket knows the real one.
    sock = getattr(server._sock, "_socket", server._sock)
    port = sock._channel.host.getsockname()[1]
    done = threading.Event()

    def talk():
        try:
            answers = []
            for request in (("GET", "/hello/world"), ("POST", "/echo", "x" * 3000), ("GET", "/")):
                if scheme == "https":
                    connection = http.client.HTTPSConnection("localhost", port, context=trusting, timeout=10)
                else:
                    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                connection.request(*request)
                response = connection.getresponse()
                answers.append((response.status, response.read().decode()))
                connection.close()
            return answers
        finally:
            done.set()

    answers = in_background(talk)
    while not done.is_set():
        server.poll()
        done.wait(0.01)
    server.stop()
    found, echoed, missing = answers()
    assert found == (200, "hello world")
    assert echoed == (200, "x" * 3000)
    assert missing[0] in (403, 404)
