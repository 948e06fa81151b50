"""The drop-in for adafruit_connection_manager, on every interpreter."""

import sys

import radiopool
from expect import raises
from radiopool.compat import AlreadyImportedError, adafruit, install


class Radio:
    connected = True


class gaierror(OSError):
    """As the firmware's."""


class Socket:
    def __init__(self, pool):
        self.pool = pool
        self.is_open = True
        pool.open += 1

    def settimeout(self, seconds):
        self.seconds = seconds

    def connect(self, address):
        if not self.pool.radio.connected:
            raise OSError(113)
        self.address = address

    def send(self, data):
        return len(data)

    def recv_into(self, buffer, nbytes=0):
        raise OSError(11)

    def close(self):
        if self.is_open:
            self.is_open = False
            self.pool.open -= 1


class Pool:
    SOCK_STREAM = 1

    def __init__(self, radio):
        self.radio = radio
        self.open = 0

    def socket(self, *args):
        return Socket(self)

    def getaddrinfo(self, host, port, *args):
        if host == "nowhere.example":
            raise gaierror(-2, "Name or service not known")
        return [(2, 1, 0, "", ("10.0.0.1", port))]


class Driver(radiopool.Driver):
    name = "toy"

    def matches(self, radio):
        return isinstance(radio, Radio)

    def socket_pool(self, radio):
        if not hasattr(radio, "pool"):
            radio.pool = Pool(radio)
        return radio.pool

    def radio_of(self, pool):
        return pool.radio if isinstance(pool, Pool) else None

    def ssl_context(self, radio):
        return self


def started():
    radiopool.register(Driver)
    return Radio()


def ended(manager):
    adafruit.get_connection_manager(manager)
    adafruit.connection_manager_close_all(manager, True)
    manager.close()
    radiopool.unregister("toy")


def test_lease_free_lease_close():
    face = adafruit.get_radio_socketpool(started())
    manager = adafruit.get_connection_manager(face)
    assert manager is face
    leased = manager.get_socket("host.example", 80, "http:")
    assert leased.address == ("10.0.0.1", 80)
    raises(RuntimeError, manager.get_socket, "host.example", 80, "http:")
    manager.free_socket(leased)
    manager.free_socket(leased)
    assert (manager.available_socket_count, manager.managed_socket_count) == (1, 1)
    assert manager.get_socket("host.example", 80, "http:") == leased
    manager.close_socket(leased)
    assert manager.managed_socket_count == 0
    assert manager.socket_pool.open == 0
    raises(RuntimeError, manager.free_socket, leased)
    raises(RuntimeError, manager.close_socket, leased)
    ended(manager)


def test_close_all_closes_what_is_leased():
    manager = adafruit.get_connection_manager(adafruit.get_radio_socketpool(started()))
    manager.get_socket("host.example", 80, "http:")
    adafruit.connection_manager_close_all()
    assert manager.socket_pool.open == 0
    ended(manager)
    raises(RuntimeError, adafruit.connection_manager_close_all, manager.socket_pool)


def test_what_is_wrong_is_said():
    radio = started()
    manager = adafruit.get_connection_manager(adafruit.get_radio_socketpool(radio))
    error = raises(ValueError, manager.get_socket, "host.example", 443, "https:")
    assert "ssl_context must be provided if using ssl" in str(error)
    error = raises(OSError, manager.get_socket, "nowhere.example", 80, "http:")
    assert "does not resolve" in str(error)
    radio.connected = False
    error = raises(OSError, manager.get_socket, "host.example", 80, "http:")
    assert "not connected" in str(error)
    raises(TypeError, adafruit.ConnectionManager)
    raises(ValueError, adafruit.get_radio_socketpool, object())
    ended(manager)


def test_a_socket_of_the_face_counts():
    face = adafruit.get_radio_socketpool(started())
    made = face.socket()
    assert face.managed_socket_count == 1
    made.close()
    assert face.managed_socket_count == 0
    ended(face)


def test_install_makes_the_name_ours():
    name = "adafruit_connection_manager"
    before = sys.modules.pop(name, None)
    try:
        install()
        install()
        assert sys.modules[name] is adafruit
        sys.modules[name] = radiopool
        raises(AlreadyImportedError, install)
    finally:
        del sys.modules[name]
        if before is not None:
            sys.modules[name] = before
