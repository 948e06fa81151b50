"""What people do with a network, over the emulated wire, on both chips: HTTP, HTTPS, UDP, servers, MQTT."""

import asyncio
import datetime
import getpass
import os
import shutil
import socket
import struct
import subprocess
import threading

import adafruit_connection_manager
import pytest
import trustme

from radiopool import ConnectionManager
from radiopool.errors import CertificateError, ConnectTimeoutError, InvalidValueError, OutOfSocketsError, TLSError


def answer(connection, status=b"200 OK", body=b"", fields=b""):
    connection.sendall(b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n" % (status, fields, len(body)) + body)


def website(connection):
    """GET / greets; /large is 100 kB; /old moves to /; POST counts."""
    file = connection.makefile("rb")
    with file:
        while line := file.readline():
            method, path, _ = line.split()
            size = 0
            while (field := file.readline()) != b"\r\n":
                name, value = field.split(b":", 1)
                if name.lower() == b"content-length":
                    size = int(value)
            body = file.read(size)
            if path == b"/old":
                answer(connection, b"302 Found", b"gone", b"Location: /\r\n")
            elif path == b"/large":
                answer(connection, body=bytes(range(250)) * 400)
            elif method == b"POST":
                answer(connection, body=b"%d" % len(body))
            else:
                answer(connection, body=b"hello")


# HTTP and HTTPS with our own PoolManager.


@pytest.fixture(params=["http", "https"])
def site(request, serve, emulator, server_context, client_context):
    """(base URL, PoolManager arguments, server) of the website, at its usual port under a name of its own."""
    secure = request.param == "https"
    server = serve(website, server_context("www.test") if secure else None)
    emulator.network.add_route("www.test", 443 if secure else 80, server.port)
    return request.param + "://www.test", {"ssl_context": client_context} if secure else {}, server


@pytest.fixture
def http(site, radio):
    from radiopool.http import PoolManager

    with PoolManager(radio=radio, timeout=10, **site[1]) as http:
        yield http


def test_get_and_keep_alive(http, site):
    url, _, server = site
    for _ in range(5):
        response = http.request("GET", url + "/")
        assert (response.status, response.data) == (200, b"hello")
    assert server.accepted == 1


def test_post_of_50_kilobytes(http, site):
    response = http.request("POST", site[0] + "/", body=b"p" * 50_000)
    assert response.data == b"50000"


def test_100_kilobytes_whole_and_streamed(http, site):
    expected = bytes(range(250)) * 400
    assert http.request("GET", site[0] + "/large").data == expected
    response = http.request("GET", site[0] + "/large", preload_content=False)
    assert b"".join(response.stream(3000)) == expected
    response.release_conn()
    assert site[2].accepted == 1


def test_redirects(http, site):
    response = http.request("GET", site[0] + "/old")
    assert response.data == b"hello"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_many_hosts_on_few_sockets(radio, serve, emulator, scheme, server_context, client_context):
    from radiopool.http import PoolManager

    hosts = ["site%d.test" % number for number in range(5 if radio.chip == "w5100s" else 9)]
    server = serve(website, server_context(*hosts) if scheme == "https" else None)
    for host in hosts:
        emulator.network.add_route(host, 443 if scheme == "https" else 80, server.port)
    budget = radio.max_sockets - 1
    options = {"ssl_context": client_context} if scheme == "https" else {}
    with PoolManager(radio=radio, timeout=10, **options) as http:
        for _ in range(2):
            for host in hosts:
                assert http.request("GET", "%s://%s/" % (scheme, host)).data == b"hello"
                assert emulator.open_sockets <= budget
        # In turn, the least recently used is always the one that is needed next.
        assert server.accepted == 2 * len(hosts)
        for host in hosts[-budget:]:
            assert http.request("GET", "%s://%s/" % (scheme, host)).data == b"hello"
        # The last of them were open still.
        assert server.accepted == 2 * len(hosts)
    assert emulator.open_sockets == 0


def test_adafruit_requests_over_the_managers_face(manager, serve, emulator):
    """The vendor's HTTP on top of us, through its own connection manager."""
    import adafruit_requests

    server = serve(website)
    emulator.network.add_route("www.test", 80, server.port)
    session = adafruit_requests.Session(manager, None)
    for _ in range(2):
        with session.get("http://www.test/") as response:
            assert response.text == "hello"
    with session.post("http://www.test/", data=b"p" * 5000) as response:
        assert response.text == "5000"
    assert manager.managed_socket_count == 1
    adafruit_connection_manager.connection_manager_close_all(manager)
    assert manager.managed_socket_count == 0


# Certificates.


def test_certificates_are_checked(manager, serve, emulator, echo, server_context, client_context):
    past = datetime.datetime(2001, 1, 1, tzinfo=datetime.timezone.utc)
    stranger = server_context("untrusted.test")
    trustme.CA().issue_cert("untrusted.test").configure_cert(stranger)
    contexts = {
        "expired.test": server_context("expired.test", not_before=past, not_after=past + datetime.timedelta(days=1)),
        "wrong.test": server_context("right.test"),
        "untrusted.test": stranger,
    }
    for name, context in contexts.items():
        emulator.network.add_route(name, 443, serve(echo, context).port)
        with pytest.raises(CertificateError):
            manager.get_socket(name, 443, "https:", timeout=5, is_ssl=True, ssl_context=client_context)
        assert emulator.open_sockets == 0
    plain = serve(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    with pytest.raises(TLSError):
        manager.get_socket("127.0.0.1", plain.port, "https:", timeout=5, is_ssl=True, ssl_context=client_context)
    assert manager.managed_socket_count == 0
    assert emulator.open_sockets == 0


def test_a_silent_tls_server_costs_the_callers_timeout(manager, emulator, client_context):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(ConnectTimeoutError):
            manager.get_socket("127.0.0.1", port, "https:", timeout=0.1, is_ssl=True, ssl_context=client_context)
    assert emulator.open_sockets == 0


def test_tls_sockets_are_recycled(manager, serve, emulator, echo, read, server_context, client_context):
    server = serve(echo, server_context("tls.test"))
    emulator.network.add_route("tls.test", 443, server.port)
    for turn in range(4):
        with manager.lease("tls.test", 443, timeout=5, is_ssl=True, ssl_context=client_context) as sock:
            sock.sendall(b"turn %d" % turn)
            assert read(sock, 6) == b"turn %d" % turn
    assert server.accepted == 1


# UDP.


@pytest.fixture
def time_server(emulator):
    """An NTP server (RFC 5905, mode 4) on loopback that says it is 2026-01-02 03:04:05."""
    then = int(datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc).timestamp()) + 2_208_988_800
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def serve():
            while True:
                query, client = server.recvfrom(1024)
                if query == b"stop":
                    return
                assert len(query) == 48 and query[0] & 0b111 == 3
                reply = bytearray(48)
                reply[0:4] = bytes((0b00_100_100, 2, 6, 0xEC))
                for received_or_sent in (32, 40):
                    struct.pack_into(">II", reply, received_or_sent, then, 0)
                server.sendto(reply, client)

        thread = threading.Thread(target=serve)
        thread.start()
        emulator.network.add_route("time.test", 123, server.getsockname()[1])
        yield
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stopper:
            stopper.sendto(b"stop", server.getsockname())
        thread.join()


def test_time_by_ntp(manager, time_server, emulator):
    from adafruit_ntp import NTP

    now = NTP(manager, server="time.test", tz_offset=0, socket_timeout=5).datetime
    assert now[:6] == (2026, 1, 2, 3, 4, 5)
    assert manager.managed_socket_count == 0
    assert emulator.open_sockets == 0


def test_a_udp_server(manager, emulator):
    with manager.socket(manager.AF_INET, manager.SOCK_DGRAM) as server:
        server.bind(("", 5007))
        server.settimeout(5)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.bind(("127.0.0.1", 0))
            client.settimeout(5)
            client.sendto(b"hi", emulator.datagram_door(5007))
            buffer = bytearray(20)
            count, sender = server.recvfrom_into(buffer)
            assert (buffer[:count], sender) == (b"hi", client.getsockname())
            server.sendto(b"hi yourself", sender)
            assert client.recv(20) == b"hi yourself"


# Servers.


def test_a_server_counts_in_the_budget(manager, radio, emulator):
    budget = radio.max_sockets - 1
    with manager.socket() as listening:
        listening.bind((None, 8090))
        listening.listen(1)
        listening.settimeout(5)
        door = emulator.door(8090)
        clients, connections = [], []
        for _ in range(budget - 1):
            clients.append(socket.create_connection(door))
            connections.append(listening.accept()[0])
        assert manager.managed_socket_count == budget
        with pytest.raises(OutOfSocketsError):
            manager.socket()
        clients[0].sendall(b"question")
        buffer = bytearray(20)
        connections[0].settimeout(5)
        assert connections[0].recv_into(buffer) == 8
        connections[0].send(b"answer")
        assert clients[0].recv(20) == b"answer"
        listening.settimeout(0)
        with pytest.raises(BlockingIOError):
            listening.accept()
        listening.settimeout(0.02)
        with pytest.raises(TimeoutError):
            listening.accept()
        for one in clients + connections:
            one.close()
    assert emulator.open_sockets == 0


def test_a_client_waits_until_there_is_a_socket_for_it(pool, radio, emulator):
    listening = pool.socket()
    listening.bind((None, 8091))
    listening.listen(1)
    others = [pool.socket() for _ in range(radio.max_sockets - 2)]
    listening.settimeout(5)
    with socket.create_connection(emulator.door(8091)) as client:
        client.settimeout(5)
        with pytest.raises(OSError, match="sockets are in use"):
            listening.accept()
        others.pop().close()
        connection, address = listening.accept()
        assert address == client.getsockname() == connection.getpeername()
        connection.close()
    for one in [listening, *others]:
        one.close()


def test_binding_elsewhere_says_where_the_chip_is(pool):
    with pool.socket() as sock:
        with pytest.raises(InvalidValueError, match="192.168.50.100"):
            sock.bind(("10.0.0.1", 80))
        with pytest.raises(InvalidValueError, match="bind"):
            sock.listen(1)
        with pytest.raises(OSError):
            sock.getpeername()
        with pytest.raises(InvalidValueError, match="timeout"):
            sock.settimeout(-1)
        with pytest.raises(InvalidValueError, match="nbytes"):
            sock.recv_into(bytearray(3), 4)
    with pytest.raises(InvalidValueError, match="family"):
        pool.socket(10)
    with pytest.raises(InvalidValueError, match="type"):
        pool.socket(2, 3)


# MQTT.


class Mosquitto:
    """mosquitto in a process of its own."""

    def __init__(self, folder):
        self._program = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
        if self._program is None:
            pytest.skip("mosquitto is not installed (make test-servers)")
        self._settings = folder / "mosquitto.conf"
        self._process = None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    def start(self, certificate=()):
        # As root it would become another user, who may not read the key.
        lines = ["listener %d 127.0.0.1" % self.port, "allow_anonymous true", "user " + getpass.getuser()]
        lines += [
            "log_dest stderr",
            *("%s %s" % pair for pair in zip(("certfile", "keyfile"), certificate, strict=False)),
        ]
        self._settings.write_text("\n".join(lines) + "\n")
        self._process = subprocess.Popen([self._program, "-c", self._settings], stderr=subprocess.PIPE, text=True)
        assert any("running" in line for line in self._process.stderr)

    def stop(self):
        self._process.terminate()
        self._process.communicate(timeout=20)

    def close(self):
        pass


class Broker:
    """amqtt in a thread of its own."""

    def __init__(self, folder):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._broker = None
        self.port = 0

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    async def _start(self, certificate):
        from amqtt.broker import Broker as AMQTT
        from amqtt.contexts import BrokerConfig

        listener = {"type": "tcp", "bind": "127.0.0.1:%d" % self.port}
        if certificate:
            listener.update({"ssl": True, "certfile": str(certificate[0]), "keyfile": str(certificate[1])})
        config = {
            "listeners": {"default": listener},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
        self._broker = AMQTT(BrokerConfig.from_dict(config), loop=self._loop)
        await self._broker.start()
        if not self.port:
            (server,) = self._broker._servers.values()
            self.port = server.instance.sockets[0].getsockname()[1]

    def start(self, certificate=()):
        self.call(self._start(certificate))

    def stop(self):
        self.call(self._broker.shutdown())

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture(params=[Broker, Mosquitto])
def idle_broker(request, tmp_path):
    """A broker that the test starts."""
    if request.param is Broker:
        pytest.importorskip("amqtt")
    broker = request.param(tmp_path)
    yield broker
    broker.close()


@pytest.fixture
def broker(idle_broker):
    idle_broker.start()
    yield idle_broker
    idle_broker.stop()


def test_mqtt(manager, broker, emulator):
    import adafruit_minimqtt.adafruit_minimqtt as minimqtt

    emulator.network.add_route("broker.test", 1883, broker.port)
    received = []
    client = minimqtt.MQTT(
        broker="broker.test",
        port=1883,
        client_id="wiznet",
        socket_pool=manager,
        socket_timeout=0.1,
        recv_timeout=5,
        connect_retries=1,
    )
    client.on_message = lambda _, topic, text: received.append((topic, text))
    client.connect()
    client.subscribe("sensors/#")
    for number in range(5):
        client.publish("sensors/%d" % number, "m" * 100 * number, qos=1)
    while len(received) < 5:
        client.loop(0.2)
    assert received == [("sensors/%d" % number, "m" * 100 * number) for number in range(5)]
    client.ping()
    assert manager.managed_socket_count == 1
    client.disconnect()
    adafruit_connection_manager.connection_manager_close_all(manager)
    assert manager.managed_socket_count == 0
    assert emulator.open_sockets == 0


def test_mqtt_over_tls(manager, idle_broker, emulator, authority, client_context, tmp_path):
    import adafruit_minimqtt.adafruit_minimqtt as minimqtt

    issued = authority.issue_cert("broker.test")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    idle_broker.start((tmp_path / "cert.pem", tmp_path / "key.pem"))
    emulator.network.add_route("broker.test", 8883, idle_broker.port)
    received = []
    client = minimqtt.MQTT(
        broker="broker.test",
        port=8883,
        is_ssl=True,
        ssl_context=client_context,
        socket_pool=manager,
        socket_timeout=0.1,
        recv_timeout=5,
        connect_retries=1,
    )
    # What the library's own manager would refuse: TLS over this radio.
    client._connection_manager = manager
    client.on_message = lambda _, topic, text: received.append(text)
    client.connect()
    client.subscribe("door")
    client.publish("door", "open", qos=1)
    while not received:
        client.loop(0.2)
    assert received == ["open"]
    client.disconnect()
    idle_broker.stop()
    assert emulator.open_sockets == 0


def test_mqtt_after_the_broker_restarted(manager, broker, emulator):
    import adafruit_minimqtt.adafruit_minimqtt as minimqtt

    emulator.network.add_route("broker.test", 1883, broker.port)
    received = []
    client = minimqtt.MQTT(
        broker="broker.test",
        port=1883,
        client_id="wiznet",
        socket_pool=manager,
        socket_timeout=0.1,
        recv_timeout=2,  # how long it waits for the answer of a broker that is gone
        connect_retries=1,
    )
    client.on_message = lambda _, topic, text: received.append(text)
    client.will_set("status", "gone")
    client.connect()
    client.subscribe("news")
    broker.stop()
    with pytest.raises((minimqtt.MMQTTException, OSError)):
        while True:
            client.ping()
    broker.start()
    client.reconnect(resub_topics=False)
    client.subscribe("news")
    client.publish("news", "back again", qos=1)
    while not received:
        client.loop(0.2)
    assert received == ["back again"]
    assert manager.managed_socket_count == 1
    client.disconnect()
    adafruit_connection_manager.connection_manager_close_all(manager)
    assert emulator.open_sockets == 0


# Several radios in one process.


def test_two_chips_at_once(chips, driver, start_afresh, serve, echo, read):
    servers = {name: serve(echo) for name in chips}
    for name, radio in chips.items():
        start_afresh(radio)
        radio.emulator.network.add_route("same.test", 80, servers[name].port)
    errors = []

    def work(radio, word):
        try:
            with ConnectionManager(driver.socket_pool(radio), driver=driver) as manager:
                budget = radio.max_sockets - 1
                held = [manager.get_socket("same.test", 80, str(n), timeout=10) for n in range(budget)]
                with pytest.raises(OutOfSocketsError):
                    manager.acquire(*manager.key_for("same.test", 80, "more"), wait=0)
                for _ in range(20):
                    for sock in held:
                        sock.sendall(word)
                    for sock in held:
                        assert read(sock, len(word)) == word
                for sock in held:
                    manager.free_socket(sock)
                assert manager.stats()["opened"] == budget
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(radio, name.encode() * 100)) for name, radio in chips.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert [server.accepted for server in servers.values()] == [7, 3]
    assert all(radio.emulator.open_sockets == 0 for radio in chips.values())


def disturb_each_in_turn(managers, names, radios, read):
    """One radio loses its network while all work, each in a thread of its own; only that one fails."""

    def work(manager, name, failures, timeout=10):
        try:
            for _ in range(20):
                with manager.lease(name, 80, "shared", timeout=timeout) as sock:
                    sock.sendall(b"undisturbed")
                    assert read(sock, 11) == b"undisturbed"
        except (OSError, AssertionError) as error:
            failures[manager] = error

    for victim, radio in zip(managers, radios, strict=True):
        emulator = radio.emulator
        is_esp32 = hasattr(emulator, "lose_access_point")
        (emulator.lose_access_point if is_esp32 else emulator.unplug)()
        failures = {}
        threads = [
            threading.Thread(target=work, args=(manager, name, failures, 0.2 if manager is victim else 10))
            for manager, name in zip(managers, names, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert list(failures) == [victim]
        assert isinstance(failures[victim], OSError)
        (emulator.find_access_point if is_esp32 else emulator.plug)()
        failures.clear()
        work(victim, names[managers.index(victim)], failures)
        assert failures == {}


def test_an_esp32_beside_them(chips, driver, start_afresh, serve, echo, read):
    esp32spi = pytest.importorskip("radiopool_esp32spi")
    other = esp32spi.ESP32SPIDriver()
    server = serve(echo)
    co_processor = other.emulated(routes={("192.0.2.9", 80): server.port}, hosts={"esp.test": "192.0.2.9"})
    try:
        managers = [ConnectionManager(other.socket_pool(co_processor), driver=other)]
        names = ["esp.test"]
        for radio in chips.values():
            start_afresh(radio)
            radio.emulator.network.add_route("wiz.test", 80, server.port)
            managers.append(ConnectionManager(driver.socket_pool(radio), driver=driver))
            names.append("wiz.test")
        budgets = [manager.stats()["budget"][0] for manager in managers]
        assert budgets == [6, 7, 3]
        held = []
        for manager, name, budget in zip(managers, names, budgets, strict=True):
            held.append([manager.get_socket(name, 80, str(n), timeout=10) for n in range(budget)])
        for manager, sockets in zip(managers, held, strict=True):
            for sock in sockets:
                sock.send(b"three radios")
                assert read(sock, 12) == b"three radios"
                manager.free_socket(sock)
        disturb_each_in_turn(managers, names, [co_processor, *chips.values()], read)
        for manager in managers:
            manager.close()
        assert all(radio.emulator.open_sockets == 0 for radio in chips.values())
        assert co_processor.emulator.table.in_use == []
    finally:
        co_processor.emulator.close()
