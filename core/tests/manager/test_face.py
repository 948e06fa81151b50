"""The manager as a socket pool: what opens its own sockets counts in the budget."""

import gc
import socket

import pytest

from radiopool import OutOfSocketsError

HOST = "127.0.0.1"


def test_the_face_has_what_the_socket_pool_has(make, port):
    manager = make()
    assert manager.AF_INET == socket.AF_INET and manager.SOCK_DGRAM == socket.SOCK_DGRAM
    assert manager.getaddrinfo(HOST, port, 0, manager.SOCK_STREAM)[0][4] == (HOST, port)
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = manager.no_such_thing


def test_a_socket_made_through_the_face_takes_a_unit_until_it_is_closed(make, port):
    manager = make(budget=1, wait=0)
    with manager.lease(HOST, port) as idle:
        pass
    with manager.socket(manager.AF_INET, manager.SOCK_STREAM) as sock:
        assert idle.fileno() == -1, "an idle socket made room"
        sock.connect((HOST, port))
        sock.sendall(b"echo 2\nhi")
        assert sock.recv(2) == b"hi"
        with pytest.raises(OutOfSocketsError):
            manager.get_socket(HOST, port, "")
        with pytest.raises(OutOfSocketsError):
            manager.socket()
        assert manager.stats()["leased"] == 1
    sock.close()
    assert manager.stats()["leased"] == 0
    with manager.lease(HOST, port):
        pass
    assert "closed of" in repr(sock)


def test_a_socket_that_its_user_forgot_goes_to_whoever_wants_one(make, port):
    manager = make(budget=1)
    manager.socket().connect((HOST, port))
    gc.collect()
    with manager.lease(HOST, port):
        assert manager.stats()["closed"] == {"forgotten by its user": 1}


def test_accepted_sockets_count_too(make, driver):
    manager = make(budget=2)
    with manager.socket() as server:
        server.bind((HOST, 0))
        server.listen(4)
        address = server.getsockname()
        with socket.create_connection(address), socket.create_connection(address) as refused:
            accepted, peer = server.accept()
            assert peer[0] == HOST and manager.stats()["leased"] == 2
            with pytest.raises(OutOfSocketsError):
                server.accept()
            refused.settimeout(5)
            assert refused.recv(1) == b"", "what there is no room for is closed"
            accepted.close()
            assert manager.stats()["leased"] == 1


def test_a_socket_that_cannot_be_made_takes_nothing(make):
    manager = make(budget=1)
    with pytest.raises(OSError):
        manager.socket(12345)
    with manager.socket():
        pass


def test_a_pool_that_is_exhausted_gets_room_made(make, port, driver, monkeypatch):
    manager = make(wait=0)
    with manager.lease(HOST, port) as idle:
        pass
    real = manager.socket_pool.socket

    def exhausted(*arguments):
        if idle.fileno() > 0:
            raise RuntimeError("Out of sockets")
        return real(*arguments)

    monkeypatch.setattr(manager.socket_pool, "socket", exhausted)
    with manager.socket():
        assert driver.closed[0] is idle

    def always(*arguments):
        raise MemoryError

    monkeypatch.setattr(manager.socket_pool, "socket", always)
    with pytest.raises(OutOfSocketsError):
        manager.socket()
    assert manager.stats()["connecting"] == 0


def test_accept_makes_room_before_it_waits_and_gives_the_unit_back(make, port):
    manager = make(budget=2, wait=0)
    with manager.socket() as server:
        server.bind((HOST, 0))
        server.listen(4)
        server.settimeout(0)
        with manager.lease(HOST, port) as idle:
            pass
        with pytest.raises(BlockingIOError):
            server.accept()
        assert idle.fileno() == -1 and manager.stats()["connecting"] == 0
        with manager.lease(HOST, port) as idle:
            pass
        server.settimeout(30)
        with socket.create_connection(server.getsockname()):
            accepted, _ = server.accept()
            assert idle.fileno() == -1 and manager.stats()["leased"] == 2
            accepted.close()


def test_an_accept_that_is_exhausted_gets_room_made(make, port):
    manager = make(wait=0)
    with manager.socket() as server:
        with manager.lease(HOST, port) as idle:
            pass

        class Chip:
            """The listener of a chip with two sockets."""

            def accept(self):
                if idle.fileno() > 0:
                    raise OSError(105, "all 2 sockets are in use")
                return listening.accept()

        with socket.create_server((HOST, 0)) as listening, socket.create_connection(listening.getsockname()):
            raw, server.raw = server.raw, Chip()
            server.accept()[0].close()
        server.raw = raw
    assert manager.stats()["leased"] == 0
