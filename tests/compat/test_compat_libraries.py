"""Adafruit's libraries, unmodified, on the drop-in, over every driver of this repository."""

import asyncio
import getpass
import io
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

import pytest

pytest.importorskip("adafruit_requests")

import radiopool
from radiopool import OutOfSocketsError, manager_for
from radiopool.compat import adafruit
from radiopool.http import PoolManager

HOSTS = ("one.example", "two.example", "broker.example")
RADIOS = {"cpython": "cpython", "socketpool": "espressif", "esp32spi": None, "wiznet5k": "w5500"}


@pytest.fixture(scope="module", params=RADIOS)
def shared_radio(request):
    """A radio, emulated where it is a chip; its hosts are one.example and its like. (radio, lead): `lead(host, port,
    to)` makes a host's port that port of loopback."""
    name = request.param
    pytest.importorskip("radiopool_" + name)
    if name == "cpython":
        from radiopool_cpython import HostNetwork

        radio = HostNetwork(hosts=dict.fromkeys(HOSTS, "127.0.0.1"), routes={("0.0.0.0", 1): ("127.0.0.1", 1)})
        yield radio, lambda host, port, to: radio.routes.update({(host, port): ("127.0.0.1", to)})
    elif name == "socketpool":
        from radiopool_socketpool.names import Names
        from radiopool_socketpool.radio import Radio

        hosts, routes = {host: "10.7.0.%d" % number for number, host in enumerate(HOSTS, 1)}, {}
        radio = Radio(hosts=hosts)

        def lead(host, port, to):
            routes[host, port] = ("127.0.0.1", to)
            radio.names = Names(hosts, routes, False)

        yield radio, lead
    else:
        driver = radiopool.driver_named(name)
        addresses = {host: "10.7.0.%d" % number for number, host in enumerate(HOSTS, 1)}
        options = {"expose": True} if name == "esp32spi" else {}
        radio = driver.emulated(RADIOS[name] or "", hosts=addresses, **options)
        network = radio.emulator.network

        def lead(host, port, to):
            if hasattr(network, "routes"):
                network.routes[addresses[host], port] = to
            else:
                network.add_route(host, port, to)

        yield radio, lead
        radio.emulator.close()


@pytest.fixture
def radio(shared_radio):
    radio = shared_radio[0]
    yield radio
    pool = adafruit.get_radio_socketpool(radio)
    adafruit.get_connection_manager(pool)
    adafruit.connection_manager_close_all(pool, release_references=True)
    counts = pool.stats()
    pool.close()
    assert (counts["leased"], counts["idle"]) == (0, 0), counts


@pytest.fixture
def lead(shared_radio):
    return shared_radio[1]


@pytest.fixture
def libraries(monkeypatch):
    """Libraries that see our module as adafruit_connection_manager, freshly imported."""
    monkeypatch.setitem(sys.modules, "adafruit_connection_manager", adafruit)
    families = ("adafruit_requests", "adafruit_minimqtt", "adafruit_ntp", "adafruit_httpserver", "adafruit_io")
    for name in list(sys.modules):
        if name.partition(".")[0] in families:
            monkeypatch.delitem(sys.modules, name)

    def load(name):
        return pytest.importorskip(name)

    yield load
    for name in list(sys.modules):
        if name.partition(".")[0] in families:
            del sys.modules[name]


def secure_context(radio, client_context, authority):
    """The TLS context for the test's certificates: the host's, or the chip's own once it trusts them."""
    context = adafruit.get_radio_ssl_context(radio)
    if isinstance(context, ssl.SSLContext):
        return client_context
    authority.configure_trust(radio.emulator.trust)
    return context


# -- adafruit_requests


def test_requests(radio, lead, libraries, site, other_site):
    requests = libraries("adafruit_requests")
    lead("one.example", 80, site.port)
    lead("two.example", 80, other_site.port)
    pool = adafruit.get_radio_socketpool(radio)
    session = requests.Session(pool)
    assert session.get("http://one.example/a").json()["path"] == "/a"
    assert session.post("http://one.example/", json={"a": 1}).json()["body"] == '{"a": 1}'
    assert session.put("http://one.example/", data={"a": "b"}).json()["body"] == "a=b"
    answer = session.post("http://one.example/", files={"f": ("name.txt", io.BytesIO(b"contents"))})
    assert "contents" in answer.json()["body"]
    # Two hosts at once.
    with session.get("http://one.example/3000") as one:
        with requests.Session(pool, session_id="2").get("http://two.example/10") as two:
            assert two.text == "0123456789"
        assert b"".join(one.iter_content(100)) == b"0123456789" * 300
    assert (site.connections, other_site.connections) == (1, 1)
    # One budget: another's leases make room of what adafruit_requests left idle.
    counts = adafruit.get_connection_manager(pool)
    assert counts.available_socket_count == 2
    counts.set_budget(2)
    with PoolManager(radio=radio) as http:
        assert http.request("GET", "http://two.example/5").data == b"01234"
        assert counts.managed_socket_count == 2
    counts.set_budget(counts.driver.traits(radio).budget)


def test_requests_over_tls(radio, lead, libraries, tls_site, client_context, authority):
    requests = libraries("adafruit_requests")
    lead("one.example", 443, tls_site.port)
    context = secure_context(radio, client_context, authority)
    session = requests.Session(adafruit.get_radio_socketpool(radio), context)
    for _ in range(2):
        assert session.get("https://one.example/2000", timeout=10).content == b"0123456789" * 200
    assert tls_site.connections == 1


@pytest.mark.parametrize("same_session", [True, False])
@pytest.mark.parametrize("path", ["/cut", "/bad"])
def test_exceptions_in_the_middle_of_a_response_leak_nothing(radio, lead, libraries, site, path, same_session):
    requests = libraries("adafruit_requests")
    lead("one.example", 80, site.port)
    pool = adafruit.get_radio_socketpool(radio)
    manager = adafruit.get_connection_manager(pool)
    manager.set_budget(3)
    times = 1000 if manager.driver.name == "cpython" else 20
    failed = 0
    for number in range(times):
        session = requests.Session(pool, session_id=None if same_session else str(number))
        try:
            response = session.get("http://one.example" + path)
            raise LookupError("the program fails with the response in its hands: %d" % response.status_code)
        except (LookupError, ValueError):
            # Neither "out of sockets" nor "already connected".
            failed += 1
        response = session = None
    assert failed == times
    assert manager.stats()["peak"] <= 3
    assert requests.Session(pool, session_id="last").get("http://one.example/3").text == "012"
    manager.set_budget(manager.driver.traits(radio).budget)


# -- adafruit_ntp


def test_ntp(radio, lead, libraries, request):
    ntp = libraries("adafruit_ntp")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(20)

        then = struct.pack("!II", 2208988800 + 1_700_000_000, 0)

        def answer():
            question, address = server.recvfrom(100)
            # RFC 5905, figure 8: 48 bytes, the times of receipt and of sending last.
            server.sendto(bytes([0x24, 1, 6]) + bytes(29) + 2 * then, address)

        lead("two.example", 123, server.getsockname()[1])
        thread = threading.Thread(target=answer)
        thread.start()
        face = adafruit.get_radio_socketpool(radio)
        clock = ntp.NTP(face, server="two.example", socket_timeout=10)
        assert abs(clock.utc_ns / 1e9 - 1_700_000_000) < 60
        thread.join()
        assert face.managed_socket_count == 0
        assert face.stats()["opened"] >= 1


# -- adafruit_minimqtt


class Mosquitto:
    """A real broker, plain or over TLS."""

    def __init__(self, folder, certificate=None):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        lines = [
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous true",
            "persistence false",
            "user " + getpass.getuser(),
        ]
        if certificate:
            lines += [f"certfile {certificate}", f"keyfile {certificate}"]
        self.file = folder / f"mosquitto-{self.port}.conf"
        self.file.write_text("\n".join(lines) + "\n")
        self.start()

    def start(self):
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self.process = subprocess.Popen([program, "-c", str(self.file)], stderr=subprocess.DEVNULL)
        until_open(self.port)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Amqtt:
    """amqtt's broker, in a thread."""

    def __init__(self, folder, certificate=None):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        self.start()

    def start(self):
        from amqtt.broker import Broker

        self._loop = asyncio.new_event_loop()
        started = threading.Event()

        async def serve():
            self._done = asyncio.Event()
            listeners = {"default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}}
            plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
            broker = Broker({"listeners": listeners, "plugins": plugins})
            await broker.start()
            started.set()
            await self._done.wait()
            await broker.shutdown()

        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(serve()))
        self._thread.start()
        assert started.wait(20)

    def stop(self):
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(20)
        self._loop.close()


def until_open(port):
    for _ in range(400):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.01)
    raise AssertionError("the broker does not listen")


@pytest.fixture(params=["mosquitto", "amqtt"])
def make_broker(request, tmp_path):
    if request.param == "mosquitto" and not (shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")):
        pytest.skip("mosquitto is not installed: `make test-servers` does it")
    if request.param == "amqtt":
        pytest.importorskip("amqtt")
    brokers = []

    def make(**settings):
        if settings and request.param == "amqtt":
            pytest.skip("TLS is tried against mosquitto")
        brokers.append({"mosquitto": Mosquitto, "amqtt": Amqtt}[request.param](tmp_path, **settings))
        return brokers[-1]

    yield make
    for broker in brokers:
        broker.stop()


def mqtt_client(libraries, radio, port, broker="broker.example", **settings):
    minimqtt = libraries("adafruit_minimqtt.adafruit_minimqtt")
    settings.setdefault("is_ssl", False)
    return minimqtt.MQTT(
        broker=broker,
        port=port,
        socket_pool=adafruit.get_radio_socketpool(radio),
        socket_timeout=1,
        recv_timeout=2,
        connect_retries=2,
        **settings,
    )


def loop_until(client, condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        client.loop(1)


def test_mqtt(radio, lead, libraries, make_broker):
    broker = make_broker()
    lead("broker.example", 1883, broker.port)
    # A second name: the connection manager has one socket for a host and port, there and here.
    lead("two.example", 1883, broker.port)
    heard = []
    listener = mqtt_client(libraries, radio, 1883, client_id="listener")
    listener.on_message = lambda client, topic, message: heard.append((topic, message))
    listener.connect()
    listener.subscribe("a/#")
    speaker = mqtt_client(libraries, radio, 1883, broker="two.example", client_id="speaker", keep_alive=5)
    speaker.will_set("a/will", "gone")
    speaker.connect()
    speaker.publish("a/b", "hello")
    loop_until(listener, lambda: heard)
    assert heard == [("a/b", "hello")]
    speaker.ping()
    manager = adafruit.get_connection_manager(adafruit.get_radio_socketpool(radio))
    assert manager.managed_socket_count == 2
    # The speaker vanishes without a word: the broker sends its will.
    manager.close_socket(speaker._sock)
    loop_until(listener, lambda: len(heard) > 1)
    assert heard[1] == ("a/will", "gone")
    broker.stop()
    broker.start()
    with pytest.raises(Exception):  # noqa: B017 (the library has several)
        for _ in range(5):
            listener.ping()
    listener.reconnect()
    listener.publish("a/c", "again")
    loop_until(listener, lambda: len(heard) > 2)
    assert heard[2] == ("a/c", "again")
    listener.disconnect()
    assert manager.managed_socket_count == 0


def test_mqtt_over_tls(radio, lead, libraries, make_broker, authority, client_context, tmp_path):
    certificate = tmp_path / "broker.pem"
    authority.issue_cert("broker.example").private_key_and_cert_chain_pem.write_to_path(certificate)
    broker = make_broker(certificate=certificate)
    lead("broker.example", 8883, broker.port)
    context = secure_context(radio, client_context, authority)
    client = mqtt_client(libraries, radio, 8883, is_ssl=True, ssl_context=context)
    heard = []
    client.on_message = lambda client, topic, message: heard.append(message)
    client.connect()
    client.subscribe("t")
    client.publish("t", "secret")
    loop_until(client, lambda: heard)
    assert heard == ["secret"]
    client.disconnect()


# -- adafruit_httpserver


def test_httpserver(radio, libraries):
    httpserver = libraries("adafruit_httpserver")
    face = adafruit.get_radio_socketpool(radio)
    if not face.driver.traits(radio).listen:
        pytest.skip("this radio does not listen")
    emulator = getattr(radio, "emulator", None)
    server = httpserver.Server(face)

    @server.route("/hello")
    def hello(request):
        return httpserver.Response(request, "hi from " + request.path)

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server.start("127.0.0.1" if emulator is None else "0.0.0.0", port)
    door = ("127.0.0.1", port)
    if hasattr(emulator, "door"):
        door = emulator.door(port)
    answers = []

    def ask():
        with socket.create_connection(door, 20) as connection:
            connection.sendall(b"GET /hello HTTP/1.1\r\nHost: me\r\n\r\n")
            answers.append(b"".join(iter(lambda: connection.recv(1000), b"")))

    asking = threading.Thread(target=ask)
    asking.start()
    deadline = time.monotonic() + 20
    while asking.is_alive() and time.monotonic() < deadline:
        server.poll()
    asking.join(20)
    server.stop()
    assert b"hi from /hello" in answers[0]
    assert face.managed_socket_count == 0


# -- adafruit_io, as far as it goes without its cloud


def test_adafruit_io(radio, lead, libraries, tls_site, client_context, authority, monkeypatch):
    adafruit_io = libraries("adafruit_io.adafruit_io")
    requests = libraries("adafruit_requests")
    lead("one.example", 443, tls_site.port)
    context = secure_context(radio, client_context, authority)
    session = requests.Session(adafruit.get_radio_socketpool(radio), context)

    class Redirected:
        """The cloud's host is the test's."""

        def __getattr__(self, verb):
            def call(url, **keywords):
                return getattr(session, verb)(url.replace("io.adafruit.com", "one.example"), **keywords)

            return call

    cloud = adafruit_io.IO_HTTP("name", "key", Redirected())
    assert cloud.get_feed("feed")["method"] == "GET"
    cloud.send_data("feed", 5)
    assert [path for _, path in tls_site.requests] == ["/api/v2/name/feeds/feed", "/api/v2/name/feeds/feed/data"]


def test_more_sockets_than_the_radio_has_are_refused(radio, lead, libraries, site):
    lead("one.example", 80, site.port)
    manager = adafruit.get_connection_manager(adafruit.get_radio_socketpool(radio))
    manager.set_budget(2)
    leased = [manager.get_socket("one.example", 80, "http:", str(number)) for number in range(2)]
    with pytest.raises(OutOfSocketsError):
        manager.get_socket("one.example", 80, "http:", "3")
    for one in leased:
        manager.close_socket(one)
    manager.set_budget(manager.driver.traits(radio).budget)
    assert manager_for(radio).stats()["leased"] == 0
