"""Cables, peers, servers and leases that come and go: no socket is lost, and whoever waits is served.

The emulator's own table of hardware sockets is the witness.
"""

import errno
import random
import socket
import threading

import pytest

from radiopool import ConnectionManager, Policy
from radiopool.errors import ConnectError, ConnectTimeoutError, NameResolutionError, RefusedError, UnreachableError
from radiopool_wiznet5k.chip import LookupSocket


def use(manager, port, read, host="127.0.0.1", timeout=5):
    """One exchange with an echo server on a leased socket."""
    with manager.lease(host, port, "echo", timeout=timeout) as sock:
        sock.sendall(b"ping")
        assert read(sock, 4) == b"ping"


def test_cable_out_and_in_again(manager, serve, emulator, read, echo):
    port = serve(echo).port
    use(manager, port, read)
    with manager.lease("127.0.0.1", port, "echo", timeout=5) as sock:
        emulator.unplug()
        with pytest.raises(UnreachableError, match="the Ethernet link is down"):
            manager.get_socket("127.0.0.1", port, "another", timeout=5)
        with pytest.raises(UnreachableError):
            manager.get_socket("nobody.test", port, "another", timeout=5)
        # What is on its way waits for the cable.
        sock.sendall(b"over")
        sock.settimeout(0.02)
        with pytest.raises(TimeoutError):
            sock.recv_into(bytearray(4))
        emulator.plug()
        sock.settimeout(5)
        assert read(sock, 4) == b"over"
    use(manager, port, read)
    assert manager.stats()["opened"] == 1
    manager.close_all()
    assert emulator.open_sockets == 0


def test_a_connection_that_the_chip_gave_up(manager, serve, emulator, read, echo, monkeypatch):
    port = serve(echo).port
    now = [0.0]
    monkeypatch.setattr(emulator.chip, "clock", lambda: now[0])
    lease = manager.lease("127.0.0.1", port, "echo", timeout=5)
    with pytest.raises(ConnectionResetError, match="gave the connection up"), lease as sock:
        emulator.unplug()
        sock.sendall(b"lost")
        now[0] += 32
        sock.recv_into(bytearray(4))
    assert emulator.open_sockets == 0
    emulator.plug()
    use(manager, port, read)


def test_a_peer_that_vanished_costs_a_timeout_and_no_socket(manager, serve, emulator, read, echo):
    port = serve(echo).port
    use(manager, port, read)
    emulator.faults.vanish("127.0.0.1")
    with pytest.raises(TimeoutError):
        # Nothing tells that it is gone, so the idle socket is handed out once more.
        use(manager, port, read, timeout=0.05)
    with pytest.raises(ConnectTimeoutError):
        use(manager, port, read, timeout=0.05)
    emulator.faults.come_back("127.0.0.1")
    use(manager, port, read)
    assert manager.stats()["leased"] == 0
    manager.close_all()
    assert emulator.open_sockets == 0


def test_black_hole_refusal_and_unknown_name_are_told_apart(manager, emulator, serve, echo):
    server = serve(echo)
    emulator.network.add_route("closed.test", 80, server.port)
    emulator.network.add_route("hole.test", 80, None)
    server.close()
    with pytest.raises(RefusedError):
        manager.get_socket("closed.test", 80, "http:", timeout=5)
    with pytest.raises(ConnectTimeoutError):
        manager.get_socket("hole.test", 80, "http:", timeout=0.05)
    with pytest.raises(NameResolutionError, match="no such name"):
        manager.get_socket("unknown.test", 80, "http:", timeout=5)
    emulator.faults.dns_silent = True
    with pytest.raises(ConnectTimeoutError):
        manager.get_socket("closed.test", 80, "http:", timeout=0.05)
    assert emulator.open_sockets == 0
    assert manager.managed_socket_count == 0


def test_names_that_are_none(pool):
    for name in ("a..b", "x" * 64 + ".test"):
        with pytest.raises(NameResolutionError, match="1 to 63 bytes"):
            pool.getaddrinfo(name, 80)


def test_no_name_server(pool, radio):
    before = radio.ifconfig
    radio.ifconfig = (*before[:3], bytes(4))
    try:
        with pytest.raises(NameResolutionError, match="no name server"):
            pool.getaddrinfo("a.test", 80)
    finally:
        radio.ifconfig = before


def test_lookups_of_many_threads_take_turns(pool, emulator):
    for number in range(8):
        emulator.network.hosts["host%d.test" % number] = "192.0.2.%d" % number
    found = {}

    def look_up(number):
        found[number] = pool.getaddrinfo("host%d.test" % number, 80)[0][-1]

    threads = [threading.Thread(target=look_up, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: ("192.0.2.%d" % number, 80) for number in range(8)}


def test_a_lost_question_is_asked_again(pool, emulator, monkeypatch):
    emulator.network.hosts["slow.test"] = "192.0.2.1"
    answers = iter([[], None])
    real = emulator.network.services[53]

    def forgetful(query):
        answer = next(answers, None)
        return real(query) if answer is None else answer

    monkeypatch.setitem(emulator.network.services, 53, forgetful)
    monkeypatch.setattr("radiopool_wiznet5k.lookup._ASK_AGAIN", 0.02)
    assert pool.getaddrinfo("slow.test", 80)[0][-1] == ("192.0.2.1", 80)


def test_a_server_that_restarts(manager, serve, emulator, read, echo):
    server = serve(echo)
    emulator.network.add_route("restarts.test", 80, server.port)
    use(manager, 80, read, "restarts.test")
    server.close()
    with pytest.raises(RefusedError):
        use(manager, 80, read, "restarts.test")
    emulator.network.add_route("restarts.test", 80, serve(echo).port)
    use(manager, 80, read, "restarts.test")
    assert manager.stats()["closed"]["stale"] == 1


def test_a_lease_is_renewed_under_open_sockets(manager, radio, serve, emulator, read, echo, monkeypatch):
    from adafruit_wiznet5k import adafruit_wiznet5k_dhcp as vendor_dhcp

    port = serve(echo).port
    chip = manager.socket_pool.chip
    messages = emulator.lease_server.messages
    with manager.lease("127.0.0.1", port, "echo", timeout=5) as sock:
        messages.clear()
        radio.maintain_dhcp_lease()
        assert messages == []
        # Half of the lease has passed on the vendor's clock.
        real = vendor_dhcp.ticks_ms
        monkeypatch.setattr(vendor_dhcp, "ticks_ms", lambda: real() + 1_900_000)
        lookup = LookupSocket()
        assert chip.claim_lookup_socket(lookup)
        manager.maintain_dhcp_lease()
        assert messages == []  # a lookup has the socket it needs
        with chip.lock:
            chip.release(lookup, 0)
        manager.maintain_dhcp_lease()
        assert messages == [(3, 5)]
        sock.sendall(b"ping")
        assert read(sock, 4) == b"ping"
    # The server forgot everything, and the lease ran out: a new one is asked for.
    emulator.lease_server.forget()
    monkeypatch.setattr(vendor_dhcp, "ticks_ms", lambda: real() + 9_000_000)
    messages.clear()
    manager.maintain_dhcp_lease()
    assert messages[0][0] in (1, 3) and messages[-1] == (3, 5)
    use(manager, port, read)


def test_a_silent_lease_server_leaves_the_lease_alone(radio, emulator, monkeypatch):
    from adafruit_wiznet5k import adafruit_wiznet5k_dhcp as vendor_dhcp

    before = radio.ifconfig
    emulator.faults.dhcp_silent = True
    real = vendor_dhcp.ticks_ms
    start = real()
    # The vendor waits seconds for the answer: its clock a thousand times faster, and past half of the lease.
    client = radio._dhcp_client
    monkeypatch.setattr(vendor_dhcp, "ticks_ms", lambda: start + (real() - start) * 1000)
    monkeypatch.setattr(client, "_t1_timeout", start - 1)
    monkeypatch.setattr(client, "_t2_timeout", vendor_dhcp.ticks_add(start, 50_000_000))
    monkeypatch.setattr(client, "_lease_timeout", vendor_dhcp.ticks_add(start, 60_000_000))
    radio.maintain_dhcp_lease()
    assert radio.ifconfig == before


def test_the_chip_is_reset(manager, radio, serve, emulator, read, echo):
    port = serve(echo).port
    settings = radio.ifconfig
    leased = manager.get_socket("127.0.0.1", port, "one", timeout=5)
    use(manager, port, read)
    radio.sw_reset()
    radio.ifconfig = settings
    manager.radio_reset()
    assert emulator.open_sockets == 0
    with pytest.raises(OSError) as caught:
        leased.send(b"x")
    assert caught.value.errno == errno.EBADF
    for name in range(radio.max_sockets):
        use(manager, port, read, timeout=5 + name)
    assert len([one for one in emulator.states if one == "established"]) == 1


def test_a_chip_that_does_not_obey(manager, serve, emulator, read, echo, monkeypatch):
    port = serve(echo).port
    with monkeypatch.context() as patch:
        patch.setattr(emulator.chip.sockets[1], "_open", lambda: None)
        with pytest.raises(ConnectError, match="Could not open socket") as caught:
            manager.get_socket("127.0.0.1", port, "echo", timeout=5)
        assert caught.value.__cause__.errno == errno.EIO
    use(manager, port, read)
    assert manager.managed_socket_count == 1


def test_few_sockets_and_many_hosts(manager, radio, serve, emulator, read, echo):
    server = serve(echo)
    names = ["host%d.test" % number for number in range(radio.max_sockets + 1)]
    for name in names:
        emulator.network.add_route(name, 80, server.port)
    for _ in range(3):
        for name in names:
            use(manager, 80, read, name)
            assert emulator.open_sockets <= radio.max_sockets - 1
    stats = manager.stats()
    assert stats["peak"] == radio.max_sockets - 1
    assert stats["closed"]["evicted"] == stats["opened"] - (radio.max_sockets - 1)


def test_waiters_are_served_when_the_cable_is_back(pool, driver, radio, serve, emulator, read, echo):
    port = serve(echo).port
    results = []
    budget = radio.max_sockets - 1
    with ConnectionManager(pool, driver=driver, policy=Policy(wait=10)) as manager:
        held = [manager.get_socket("127.0.0.1", port, str(number), timeout=5) for number in range(budget)]

        def work(number):
            try:
                use(manager, port, read)
                results.append("served")
            except ConnectError as error:
                results.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(2 * budget)]
        for thread in threads:
            thread.start()
        patience = threading.Event()
        while manager.stats()["waiting"] < 2 * budget:
            patience.wait(0.001)
        emulator.unplug()
        for sock in held:
            manager.close_socket(sock)
        emulator.plug()
        for thread in threads:
            thread.join()
        assert len(results) == 2 * budget
        assert all(one == "served" or isinstance(one, UnreachableError) for one in results)
        use(manager, port, read)
    assert emulator.open_sockets == 0


@pytest.mark.parametrize("back_in_time", [True, False])
def test_waiters_while_the_cable_is_out(pool, driver, radio, serve, emulator, read, echo, back_in_time):
    """All are served if the cable is back when a socket is free; if not, all are told, and none waits on."""
    port = serve(echo).port
    budget = radio.max_sockets - 1
    served, told = [], []
    with ConnectionManager(pool, driver=driver, policy=Policy(wait=10)) as manager:
        held = [manager.get_socket("127.0.0.1", port, str(number), timeout=5) for number in range(budget)]

        def work():
            try:
                use(manager, port, read)
                served.append(manager)
            except UnreachableError as error:
                told.append(error)

        threads = [threading.Thread(target=work) for _ in range(2 * budget)]
        for thread in threads:
            thread.start()
        patience = threading.Event()
        while manager.stats()["waiting"] < 2 * budget:
            patience.wait(0.001)
        emulator.unplug()
        if back_in_time:
            emulator.plug()
        for sock in held:
            manager.close_socket(sock)
        for thread in threads:
            thread.join()
        emulator.plug()
        assert (len(served), len(told)) == ((2 * budget, 0) if back_in_time else (0, 2 * budget))
        assert manager.stats()["leased"] == manager.stats()["waiting"] == 0
        use(manager, port, read)
    assert emulator.open_sockets == 0


def test_a_long_life_of_faults_loses_no_socket(manager, radio, serve, emulator, read, echo):
    rng = random.Random(8)
    server = serve(echo)
    emulator.network.add_route("life.test", 80, server.port)
    emulator.network.add_route("other.test", 80, server.port)

    def one_turn():
        fault = rng.choice(["none", "none", "cable", "vanish", "dns", "restart", "abandon"])
        name = rng.choice(["life.test", "other.test"])
        address = emulator.network.address_of(name)
        if fault == "cable":
            emulator.unplug()
        elif fault == "vanish":
            emulator.faults.vanish(address)
        elif fault == "dns":
            emulator.faults.dns_silent = True
        try:
            use(manager, 80, read, name, timeout=5 if fault in ("none", "restart", "abandon") else 0.02)
            if fault == "abandon":
                with manager.lease(name, 80, "echo", timeout=5) as sock:
                    sock.sendall(b"never read")
                    raise ConnectionAbortedError("the program lost interest")
        except OSError:
            assert fault != "none"
        emulator.plug()
        emulator.faults.come_back(address)
        emulator.faults.dns_silent = False
        if fault == "restart":
            for connection in server._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    for _ in range(40):
        one_turn()
        assert emulator.open_sockets == manager.managed_socket_count
    use(manager, 80, read, "life.test")
    manager.close_all()
    assert emulator.open_sockets == 0
    assert manager.managed_socket_count == 0
