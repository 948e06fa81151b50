"""radiopool.compat.adafruit: the rules of adafruit_connection_manager, without its faults."""

import errno
import gc
import pickle
import socket
import ssl
import sys
import threading

import pytest

import radiopool
from radiopool import ConnectError, NameResolutionError, OutOfSocketsError
from radiopool.compat import adafruit, handed_out
from radiopool.http import PoolManager
from radiopool.vocabulary import EVICTED
from radiopool_cpython import HostNetwork

HERE = "127.0.0.1"


@pytest.fixture
def manager(pool):
    return adafruit.get_connection_manager(pool)


def ask(leased, text=b"hello"):
    leased.send(text)
    buffer = bytearray(100)
    return bytes(buffer[: leased.recv_into(buffer)])


# -- what programs rely on


def test_a_freed_socket_is_handed_out_again(manager, greeter):
    first = manager.get_socket(HERE, greeter.port, "http:")
    assert ask(first) == b"hello"
    assert (manager.available_socket_count, manager.managed_socket_count) == (0, 1)
    manager.free_socket(first)
    manager.free_socket(first)
    assert (manager.available_socket_count, manager.managed_socket_count) == (1, 1)
    assert manager.get_socket(HERE, greeter.port, "http:") is first
    assert len(greeter.accepted) == 1
    manager.close_socket(first)
    assert (manager.available_socket_count, manager.managed_socket_count) == (0, 0)


def test_a_socket_in_use_is_refused_with_the_text_that_programs_match(manager, greeter):
    leased = manager.get_socket(HERE, greeter.port, "http:")
    with pytest.raises(RuntimeError) as caught:
        manager.get_socket(HERE, greeter.port, "http:")
    assert str(caught.value) == f"An existing socket is already connected to http://{HERE}:{greeter.port}"
    other = manager.get_socket(HERE, greeter.port, "http:", session_id="2")
    assert other != leased
    assert manager.get_socket(HERE, greeter.port, "mqtt:") not in (leased, other)


@pytest.mark.parametrize("call", ["free_socket", "close_socket"])
def test_a_strangers_socket_is_refused(manager, greeter, call):
    with socket.create_connection((HERE, greeter.port)) as stranger, pytest.raises(RuntimeError) as caught:
        getattr(manager, call)(stranger)
    assert str(caught.value) == "Socket not managed"
    leased = manager.get_socket(HERE, greeter.port, "http:")
    manager.close_socket(leased)
    with pytest.raises(RuntimeError, match="^Socket not managed$"):
        getattr(manager, call)(leased)


def test_an_idle_socket_can_be_closed(manager, greeter):
    leased = manager.get_socket(HERE, greeter.port, "http:")
    manager.free_socket(leased)
    manager.close_socket(leased)
    assert manager.managed_socket_count == 0
    assert leased.fileno() == -1


def test_sessions_are_told_apart_by_their_text(manager, greeter):
    leased = manager.get_socket(HERE, greeter.port, "http:", session_id=5)
    manager.free_socket(leased)
    assert manager.get_socket(HERE, greeter.port, "http:", session_id="5") is leased


def test_https_without_a_context_says_what_to_pass(manager, greeter):
    for keywords in ({"proto": "https:"}, {"proto": "mqtt", "is_ssl": True}):
        with pytest.raises(ValueError, match="^ssl_context must be provided if using ssl") as caught:
            manager.get_socket(HERE, greeter.port, **keywords)
        assert "ssl.create_default_context()" in str(caught.value)
    assert greeter.accepted == []


def test_https_with_the_managers_own_context(pool, greeters, client_context):
    server = greeters(tls=True)
    manager = adafruit.ConnectionManager(pool, client_context)
    leased = manager.get_socket("host.example", server.port, "https:")
    assert ask(leased) == b"hello"
    assert leased.version().startswith("TLS")
    manager.close_socket(leased)


def test_the_pool_manager_of_documents_for_cpython_is_the_same():
    assert adafruit.PoolManager is adafruit.ConnectionManager


def test_one_manager_a_pool(pool):
    manager = adafruit.get_connection_manager(pool)
    assert adafruit.get_connection_manager(pool) is manager
    assert adafruit.get_connection_manager(manager) is manager
    assert adafruit.get_radio_socketpool(pool.radio) is manager


# -- what is missing or wrong, with the remedy


def test_no_socket_pool():
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'socket_pool'.*get_radio_socketpool"):
        adafruit.ConnectionManager()


@pytest.mark.parametrize("wrong", [None, 5, HostNetwork()])
def test_what_is_no_socket_pool(wrong):
    with pytest.raises(ValueError, match="socket_pool must be a socket pool, not .*get_radio_socketpool"):
        adafruit.ConnectionManager(wrong)


def test_a_radio_that_nobody_knows():
    class Toaster:
        pass

    with pytest.raises(ValueError, match="^Unsupported radio class: Toaster; no driver claims .*pip install"):
        adafruit.get_radio_socketpool(Toaster())
    with pytest.raises(ValueError, match="^Unsupported radio class: Toaster"):
        adafruit.get_radio_ssl_context(Toaster())


def test_a_name_that_does_not_resolve(manager):
    with pytest.raises(socket.gaierror, match="does not resolve.*spelled right.*DNS") as caught:
        manager.get_socket("no-such-host.invalid", 80, "http:", timeout=5)
    error = caught.value
    assert isinstance(error, NameResolutionError)
    # The driver has said what to look at: once is enough.
    assert str(error).count("DNS") == 1
    assert (error.host, error.port) == ("no-such-host.invalid", 80)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.errno) == (type(error), str(error), error.errno)
    with pytest.raises(NameResolutionError, match="does not resolve.*spelt right"):
        manager.getaddrinfo("no-such-host.invalid", 80)


def test_a_port_where_nobody_listens(manager):
    with socket.create_server((HERE, 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectError) as caught:
        manager.get_socket(HERE, port, "http:")
    assert isinstance(caught.value, OSError)
    assert caught.value.errno == errno.ECONNREFUSED
    assert manager.managed_socket_count == 0


def test_an_exhausted_budget_is_refused_at_once(manager, greeter):
    manager.set_budget(1)
    leased = manager.get_socket(HERE, greeter.port, "http:")
    with pytest.raises(OutOfSocketsError, match="1 leased"):
        manager.get_socket(HERE, greeter.port, "http:", "other", timeout=1000)
    manager.free_socket(leased)
    other = manager.get_socket(HERE, greeter.port, "http:", "other")
    assert manager.managed_socket_count == 1
    manager.close_socket(other)


# -- the incumbent's faults are not there


def test_a_tls_socket_is_for_its_own_context_only(pool, greeters, client_context, authority):
    server = greeters(tls=True)
    manager = adafruit.get_connection_manager(pool)
    other_context = ssl.create_default_context()
    authority.configure_trust(other_context)
    first = manager.get_socket("host.example", server.port, "https:", ssl_context=client_context)
    manager.free_socket(first)
    second = manager.get_socket("host.example", server.port, "https:", ssl_context=other_context)
    assert second != first
    with pytest.raises(ConnectError, match="certificate"):
        manager.get_socket("host.example", server.port, "https:", ssl_context=ssl.create_default_context())


def test_a_plain_socket_is_not_for_who_asked_for_tls(manager, greeters, client_context):
    server = greeters(tls=True)
    plain = manager.get_socket(HERE, server.port, "mqtt")
    manager.free_socket(plain)
    secure = manager.get_socket(HERE, server.port, "mqtt", is_ssl=True, ssl_context=client_context)
    assert ask(secure) == b"hello"


def test_the_timeout_is_the_callers_on_reuse_too(manager, greeter):
    leased = manager.get_socket(HERE, greeter.port, "http:", timeout=9)
    manager.free_socket(leased)
    assert manager.get_socket(HERE, greeter.port, "http:").gettimeout() == 1.0


def test_a_socket_that_the_peer_closed_is_not_handed_out_again(manager, greeter):
    leased = manager.get_socket(HERE, greeter.port, "http:")
    ask(leased)
    manager.free_socket(leased)
    greeter.hang_up()
    again = manager.get_socket(HERE, greeter.port, "http:")
    assert ask(again) == b"hello"
    assert again != leased


def test_a_socket_with_something_unread_is_not_handed_out_again(manager, greeter):
    leased = manager.get_socket(HERE, greeter.port, "http:")
    leased.send(b"four")
    leased.recv(1)
    manager.free_socket(leased)
    again = manager.get_socket(HERE, greeter.port, "http:")
    assert ask(again) == b"hello"


def test_close_all_of_several_managers(greeter):
    pools = [HostNetwork().socket_pool for _ in range(3)]
    managers = [adafruit.get_connection_manager(pool) for pool in pools]
    for manager in managers:
        manager.get_socket(HERE, greeter.port, "http:")
        manager.free_socket(manager.get_socket(HERE, greeter.port, "http:", "2"))
    adafruit.connection_manager_close_all()
    assert [manager.managed_socket_count for manager in managers] == [0, 0, 0]
    for pool, manager in zip(pools, managers, strict=True):
        adafruit.connection_manager_close_all(pool, release_references=True)
        assert adafruit.get_connection_manager(pool) is not manager
        adafruit.connection_manager_close_all(pool, release_references=True)
        with pytest.raises(RuntimeError, match="^SocketPool not managed$"):
            adafruit.connection_manager_close_all(pool)
        manager.close()


def test_close_all_closes_what_is_leased_here_and_not_what_others_use(manager, greeter):
    with radiopool.ConnectionManager(manager.socket_pool).lease(HERE, greeter.port) as others:
        leased = manager.get_socket(HERE, greeter.port, "http:")
        adafruit.connection_manager_close_all(manager)
        assert leased.fileno() == -1
        assert ask(others) == b"hello"
        assert manager.managed_socket_count == 1


def test_close_all_while_other_threads_give_back(pool, manager, greeter):
    ended = threading.Event()

    def use(session):
        while not ended.is_set():
            socket = manager.get_socket(HERE, greeter.port, "http:", session)
            try:
                manager.free_socket(socket)
            except RuntimeError:
                # Closed while it was in use: the socket is managed no more.
                pass

    users = [threading.Thread(target=use, args=(str(number),)) for number in range(3)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for user in users:
            user.start()
        for _ in range(1500):
            adafruit.connection_manager_close_all(pool)
    finally:
        ended.set()
        sys.setswitchinterval(interval)
        for user in users:
            user.join()
    adafruit.connection_manager_close_all(pool)
    assert manager.managed_socket_count == 0


def test_a_failing_handshake_leaks_no_socket(manager, greeters):
    server = greeters(tls=True)
    for _ in range(5):
        with pytest.raises(ConnectError):
            manager.get_socket(HERE, server.port, "https:", ssl_context=ssl.create_default_context())
    assert manager.managed_socket_count == 0
    gc.collect()  # an unclosed socket would warn, which is an error


def test_a_forgotten_socket_comes_back(manager, greeter):
    for number in range(200):
        assert ask(manager.get_socket(HERE, greeter.port, "http:", str(number % 3))) == b"hello"
        assert manager.managed_socket_count <= 1
    assert manager.stats()["closed"]["forgotten by its user"] >= 199
    leased = manager.get_socket(HERE, greeter.port, "http:")
    manager.free_socket(leased)
    again = manager.get_socket(HERE, greeter.port, "http:")
    del leased
    # The first lease was given back: only the second counts.
    assert manager.managed_socket_count == 1
    assert ask(again) == b"hello"


def test_a_forgotten_socket_is_anybodys(pool, manager, greeter, greeters):
    answering = greeters(greeting=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    manager.set_budget(1)
    manager.get_socket(HERE, greeter.port, "http:")
    with PoolManager(radio=pool.radio) as http:
        response = http.request("GET", f"http://{HERE}:{answering.port}/", retries=False, pool_timeout=0)
        assert response.data == b"ok"
    manager.get_socket(HERE, greeter.port, "http:")
    manager.socket().close()


class Pressed(BaseException):
    """As a Ctrl-C: at any line."""


def press_at(line, files, call):
    """Interrupt `call` at that line of those it executes of some files; False if it executes fewer."""
    executed = 0

    def trace(frame, event, _):
        nonlocal executed
        executed += event == "line"
        if executed == line:
            sys.settrace(None)
            raise Pressed
        return trace

    sys.settrace(lambda frame, *_: trace if frame.f_code.co_filename in files else None)
    try:
        call()
    except Pressed:
        pass
    finally:
        sys.settrace(None)
    return executed == line


def test_an_interrupt_leaves_nothing_leased(manager, greeter, monkeypatch):
    failed = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: failed.append(args.exc_type))

    def use():
        for give_back in (manager.free_socket, manager.close_socket):
            give_back(manager.get_socket(HERE, greeter.port, "http:"))

    line = 1
    while press_at(line, (adafruit.__file__, handed_out.__file__), use):
        assert manager.managed_socket_count == manager.available_socket_count, line
        manager.close_all()
        line += 1
    assert line > 30
    # One is in the finalizer itself.
    assert set(failed) <= {Pressed}


# -- one budget


def test_leases_here_and_those_of_a_pool_manager_share_one_budget(pool, greeter, greeters):
    answering = greeters(greeting=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    manager = adafruit.get_connection_manager(pool)
    manager.set_budget(2)
    http = PoolManager(radio=pool.radio)
    leased = [manager.get_socket(HERE, greeter.port, "http:", str(number)) for number in range(2)]
    with pytest.raises(OutOfSocketsError):
        http.request("GET", f"http://{HERE}:{answering.port}/", retries=False, pool_timeout=0)
    manager.free_socket(leased[0])
    assert http.request("GET", f"http://{HERE}:{answering.port}/").data == b"ok"
    # The idle one made room: there were never more than two.
    assert manager.stats()["peak"] == 2
    assert manager.stats()["closed"][EVICTED] == 1
    http.clear()


def test_sockets_made_through_the_face_count_in_the_budget(pool):
    face = adafruit.get_radio_socketpool(pool.radio)
    face.set_budget(1)
    with face.socket(face.AF_INET, face.SOCK_DGRAM) as datagrams:
        assert face.managed_socket_count == 1
        with pytest.raises(OutOfSocketsError):
            face.socket(face.AF_INET, face.SOCK_DGRAM)
        datagrams.bind((HERE, 0))
    assert face.managed_socket_count == 0


def test_the_socket_module_and_its_radio_are_one():
    face = adafruit.get_radio_socketpool(adafruit.CPythonNetwork())
    assert adafruit.get_connection_manager(socket) is face
    assert radiopool.manager_for().socket_pool is face.socket_pool
    context = adafruit.get_radio_ssl_context(adafruit.CPythonNetwork())
    assert isinstance(context, ssl.SSLContext)
    assert adafruit.get_radio_ssl_context(adafruit.CPythonNetwork()) is context
    face.close_all()


# -- TLS modes, for radios that no driver knows


class Fona:
    """A radio of old: its pool connects with TLS when told so by a mode."""

    TLS_MODE = 7


def test_a_fake_context_connects_in_the_radios_mode():
    interfaces, connects = [], []

    class Socket:
        def connect(self, address, mode):
            connects.append((address, mode))

        def settimeout(self, seconds):
            self.seconds = seconds

    class Pool:
        @staticmethod
        def set_interface(iface):
            interfaces.append(iface)

    radio = Fona()
    context = adafruit.create_fake_ssl_context(Pool, radio)
    assert interfaces == [radio]
    secure = context.wrap_socket(Socket(), server_hostname="host.example")
    secure.settimeout(3)
    secure.connect(("10.0.0.1", 443))
    assert connects == [(("host.example", 443), 7)]


def test_a_fake_context_of_a_radio_without_tls_refuses():
    class Plain:
        pass

    context = adafruit.create_fake_ssl_context(socket, Plain())
    with pytest.raises(ValueError, match="^This radio does not support TLS/HTTPS$"):
        context.wrap_socket(None)


def test_a_fake_context_of_a_known_radio_is_its_drivers(pool):
    context = adafruit.create_fake_ssl_context(pool, pool.radio)
    assert isinstance(context, ssl.SSLContext)
