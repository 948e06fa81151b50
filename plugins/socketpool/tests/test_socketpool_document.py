"""Each statement of CircuitPython's page "socketpool" is a test, and names it."""

import array
import errno
import inspect
import socket as host_socket

import pytest

import socketpool
import wifi

DOCUMENTED_METHODS = {
    "accept",
    "bind",
    "close",
    "connect",
    "listen",
    "recv_into",
    "recvfrom_into",
    "send",
    "sendall",
    "sendto",
    "setblocking",
    "setsockopt",
    "settimeout",
    "type",
}
CONSTANTS = {
    "AF_INET": 2,
    "AF_INET6": 10,
    "SOCK_STREAM": 1,
    "SOCK_DGRAM": 2,
    "SOCK_RAW": 3,
    "EAI_NONAME": -2,
    "SOL_SOCKET": 0xFFF,
    "SO_REUSEADDR": 4,
    "TCP_NODELAY": 1,
    "IPPROTO_IP": 0,
    "IPPROTO_ICMP": 1,
    "IPPROTO_TCP": 6,
    "IPPROTO_UDP": 17,
    "IPPROTO_IPV6": 41,
    "IPPROTO_RAW": 255,
    "IP_MULTICAST_TTL": 5,
}


def public(thing):
    return {name for name in dir(thing) if not name.startswith("_")}


# -- the module


def test_the_socketpool_module_provides_sockets_through_a_pool(radio):
    """The socketpool module provides sockets through a pool."""
    with socketpool.SocketPool(radio).socket() as sock:
        assert isinstance(sock, socketpool.Socket)


def test_the_pools_themselves_act_like_cpythons_socket_module(pool, listener):
    """The pools themselves act like CPython's socket module."""
    for module in (pool, host_socket):
        family, kind, proto, _, address = module.getaddrinfo(*listener.address, 0, module.SOCK_STREAM)[0]
        with module.socket(family, kind, proto) as sock:
            sock.settimeout(5)
            sock.connect(address)
            with listener.accept() as peer:
                sock.sendall(b"hello")
                assert peer.recv(5) == b"hello"
                peer.sendall(b"world")
                buffer = bytearray(5)
                assert sock.recv_into(buffer) == 5 and buffer == b"world"


def test_af_inet6_ipv6_supported_on_these_boards(espressif, raspberrypi, listener6):
    """AF_INET6 (IPv6) supported on these boards: those with an Espressif chip, and not the Pico W's kin."""
    client, peer = listener6.connect(socketpool.SocketPool(espressif))
    with client:
        client.send(b"over IPv6")
        assert peer.recv(20) == b"over IPv6"
    with pytest.raises(NotImplementedError):
        socketpool.SocketPool(raspberrypi).socket(socketpool.SocketPool.AF_INET6)


def test_available_on_these_boards():
    """Available on these boards: of both ports, each with its `sys.platform`."""
    assert {wifi.Radio(port).personality.platform for port in ("espressif", "raspberrypi")} == {"Espressif", "RP2040"}


# -- class Socket


def test_tcp_udp_and_raw_socket(pool):
    """TCP, UDP and RAW socket."""
    for kind in (pool.SOCK_STREAM, pool.SOCK_DGRAM):
        with pool.socket(pool.AF_INET, kind) as sock:
            assert sock.type == kind
    try:
        raw = pool.socket(pool.AF_INET, pool.SOCK_RAW, pool.IPPROTO_ICMP)
    except PermissionError:
        pytest.skip("this computer does not permit RAW sockets")
    with raw:
        assert raw.type == pool.SOCK_RAW


def test_cannot_be_created_directly_instead_call_socketpool_socket():
    """Cannot be created directly. Instead, call SocketPool.socket()."""
    with pytest.raises(TypeError, match=r"SocketPool\.socket"):
        socketpool.Socket()


def test_provides_a_subset_of_cpythons_socket_socket_api(pool):
    """Provides a subset of CPython's socket.socket API."""
    with pool.socket() as sock:
        assert public(sock) == DOCUMENTED_METHODS
    assert public(host_socket.socket) >= DOCUMENTED_METHODS


def test_it_only_implements_the_versions_of_recv_that_do_not_allocate_bytes_objects(pool):
    """It only implements the versions of recv that do not allocate bytes objects."""
    with pool.socket() as sock:
        for absent in ("recv", "recvfrom", "makefile", "shutdown", "fileno", "gettimeout", "getpeername"):
            assert not hasattr(sock, absent)


def test_hash_returns_a_hash_for_the_socket(pool):
    """__hash__: Returns a hash for the Socket."""
    with pool.socket() as one, pool.socket() as other:
        assert isinstance(hash(one), int)
        assert len({one, other, one}) == 2
        assert one != other and one == one


def test_enter_no_op_used_by_context_managers(pool):
    """__enter__: No-op used by Context Managers."""
    sock = pool.socket()
    assert sock.__enter__() is sock
    sock.close()


def test_exit_automatically_closes_the_socket_when_exiting_a_context(pool):
    """__exit__: Automatically closes the Socket when exiting a context."""
    with pool.socket() as sock:
        pass
    with pytest.raises(OSError) as caught:
        sock.recv_into(bytearray(1))
    assert caught.value.errno == errno.EBADF


def test_accept_a_connection_on_a_listening_socket_of_type_sock_stream_creating_a_new_socket_of_type_sock_stream(pool):
    """Accept a connection on a listening socket of type SOCK_STREAM, creating a new socket of type SOCK_STREAM."""
    with pool.socket(), pool.socket() as server:
        server.settimeout(5)
        server.bind(("127.0.0.1", 0))
        server.listen(2)
        host, port = server._channel.host.getsockname()
        with host_socket.create_connection((host, port)) as client:
            new_socket, remote_address = server.accept()
            with new_socket:
                assert new_socket.type == pool.SOCK_STREAM
                assert isinstance(new_socket, socketpool.Socket)
                assert remote_address == client.getsockname()
                new_socket.settimeout(5)
                client.sendall(b"hello")
                buffer = bytearray(5)
                assert new_socket.recv_into(buffer) == 5


def test_bind_a_socket_to_an_address_tuple_of_remote_address_remote_port(pool):
    """Bind a socket to an address: tuple of (remote_address, remote_port)."""
    with pool.socket(pool.AF_INET, pool.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        assert sock._channel.host.getsockname()[0] == "127.0.0.1"
        with pytest.raises(TypeError):
            sock.bind("127.0.0.1")
        with pytest.raises(ValueError, match="requested length 2"):
            sock.bind(("127.0.0.1", 0, 0))
        with pytest.raises(ValueError, match="port must be >= 0"):
            sock.bind(("127.0.0.1", -1))


def test_closes_this_socket_and_makes_its_resources_available_to_its_socketpool(pool, radio):
    """Closes this Socket and makes its resources available to its SocketPool."""
    limit = radio.slots.streams
    sockets = [pool.socket() for _ in range(limit)]
    with pytest.raises(RuntimeError, match="Out of sockets"):
        pool.socket()
    sockets[0].close()
    sockets[0].close()
    sockets[0] = pool.socket()
    for sock in sockets:
        sock.close()


def test_connect_a_socket_to_a_remote_address_tuple_of_remote_address_remote_port(pool, listener):
    """Connect a socket to a remote address: tuple of (remote_address, remote_port)."""
    client, peer = listener.connect(pool)
    with client:
        client.send(b"x")
        assert peer.recv(1) == b"x"
    with pool.socket() as sock:
        with pytest.raises(TypeError):
            sock.connect("127.0.0.1")
        with pytest.raises(ValueError, match="port must be >= 0"):
            sock.connect(("127.0.0.1", -1))


def test_accept_returns_a_tuple_of_new_socket_remote_address(pool):
    """accept: Returns a tuple of (new_socket, remote_address)."""
    with pool.socket() as server:
        server.settimeout(5)
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        with host_socket.create_connection(server._channel.host.getsockname()) as client:
            accepted = server.accept()
            assert type(accepted) is tuple and len(accepted) == 2
            accepted[0].close()
            assert accepted[1] == client.getsockname()


def test_listen_set_socket_to_listen_for_incoming_connections(pool):
    """Set socket to listen for incoming connections."""
    with pool.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        with host_socket.create_connection(server._channel.host.getsockname()) as client:
            assert client.getpeername()


def test_listen_backlog_length_of_backlog_queue_for_waiting_connections(pool):
    """backlog (int): length of backlog queue for waiting connections. It has no default."""
    assert inspect.signature(socketpool.Socket.listen).parameters["backlog"].default is inspect.Parameter.empty
    with pool.socket() as server:
        server.settimeout(5)
        server.bind(("127.0.0.1", 0))
        with pytest.raises(TypeError):
            server.listen()
        server.listen(3)
        address = server._channel.host.getsockname()
        clients = [host_socket.create_connection(address, 5) for _ in range(3)]
        for client in clients:
            server.accept()[0].close()
            client.close()


def test_recvfrom_into_reads_some_bytes_from_a_remote_address(pool):
    """Reads some bytes from a remote address."""
    with (
        pool.socket(pool.AF_INET, pool.SOCK_DGRAM) as sock,
        host_socket.socket(type=host_socket.SOCK_DGRAM) as peer,
    ):
        peer.bind(("127.0.0.1", 0))
        sock.settimeout(5)
        sock.sendto(b"ping", peer.getsockname())
        peer.sendto(b"a long answer", peer.recvfrom(10)[1])
        buffer = bytearray(6)
        assert sock.recvfrom_into(buffer)[0] == 6
        assert buffer == b"a long"


def test_recvfrom_into_returns_a_tuple_containing_the_number_of_bytes_received_and_a_remote_address(pool):
    """Returns a tuple containing the number of bytes received into the given buffer, and a remote_address, which is a
    tuple of ip address and port number."""
    with (
        pool.socket(pool.AF_INET, pool.SOCK_DGRAM) as sock,
        host_socket.socket(type=host_socket.SOCK_DGRAM) as peer,
    ):
        peer.bind(("127.0.0.1", 0))
        sock.settimeout(5)
        assert sock.sendto(b"ping", peer.getsockname()) == 4
        peer.sendto(b"pong", peer.recvfrom(10)[1])
        assert sock.recvfrom_into(bytearray(10)) == (4, peer.getsockname())


def test_recvfrom_into_buffer_object_buffer_to_read_into(pool):
    """buffer (object): buffer to read into."""
    with (
        pool.socket(pool.AF_INET, pool.SOCK_DGRAM) as sock,
        host_socket.socket(type=host_socket.SOCK_DGRAM) as peer,
    ):
        peer.bind(("127.0.0.1", 0))
        sock.settimeout(5)
        sock.sendto(b"ping", peer.getsockname())
        client = peer.recvfrom(10)[1]
        for buffer in (bytearray(4), memoryview(bytearray(4)), array.array("B", bytes(4))):
            peer.sendto(b"pong", client)
            assert sock.recvfrom_into(buffer)[0] == 4
            assert bytes(buffer) == b"pong"
        with pytest.raises(TypeError):
            sock.recvfrom_into(bytes(4))


def test_recv_into_reads_some_bytes_from_the_connected_remote_address_writing_into_the_provided_buffer(pool, listener):
    """Reads some bytes from the connected remote address, writing into the provided buffer."""
    client, peer = listener.connect(pool)
    with client:
        peer.sendall(b"hello")
        buffer = bytearray(8)
        assert client.recv_into(buffer) == 5
        assert buffer == b"hello\0\0\0"
        with pytest.raises(TypeError):
            client.recv_into(bytes(8))


def test_if_bufsize_up_to_len_buffer_is_given_a_maximum_of_bufsize_bytes_will_be_read_into_the_buffer(pool, listener):
    """If bufsize <= len(buffer) is given, a maximum of bufsize bytes will be read into the buffer."""
    client, peer = listener.connect(pool)
    with client:
        peer.sendall(b"hello")
        buffer = bytearray(8)
        assert client.recv_into(buffer, 3) == 3
        assert buffer == b"hel\0\0\0\0\0"
        with pytest.raises(ValueError, match="buffer too small for requested bytes"):
            client.recv_into(buffer, 9)


def test_if_no_valid_value_is_given_for_bufsize_the_default_is_the_length_of_the_given_buffer(pool, listener):
    """If no valid value is given for bufsize, the default is the length of the given buffer."""
    client, peer = listener.connect(pool)
    with client:
        for bufsize in ((), (0,), (-1,)):
            peer.sendall(b"hello")
            assert client.recv_into(bytearray(5), *bufsize) == 5


def test_recv_into_suits_sockets_of_type_sock_stream_returns_an_int_of_number_of_bytes_read(pool, listener):
    """Suits sockets of type SOCK_STREAM. Returns an int of number of bytes read."""
    client, peer = listener.connect(pool)
    with client:
        assert client.type == pool.SOCK_STREAM
        peer.sendall(b"hello")
        assert client.recv_into(bytearray(3)) == 3
        assert client.recv_into(memoryview(bytearray(9))[2:]) == 2
        assert client.recv_into(bytearray()) == 0


def test_recv_into_buffer_bytearray_buffer_to_receive_into(pool, listener):
    """buffer (bytearray): buffer to receive into."""
    client, peer = listener.connect(pool)
    with client:
        peer.sendall(b"hello")
        buffer = bytearray(5)
        client.recv_into(buffer)
        assert buffer == b"hello"


def test_recv_into_bufsize_int_optionally_a_maximum_number_of_bytes(pool, listener):
    """bufsize (int): optionally, a maximum number of bytes to read."""
    client, peer = listener.connect(pool)
    with client:
        peer.sendall(b"hello")
        assert client.recv_into(bytearray(5), 1) == 1
        assert client.recv_into(bytearray(5)) == 4
        with pytest.raises(TypeError):
            client.recv_into(bytearray(5), None)


def test_send_some_bytes_to_the_connected_remote_address_suits_sockets_of_type_sock_stream(pool, listener):
    """Send some bytes to the connected remote address. Suits sockets of type SOCK_STREAM."""
    client, peer = listener.connect(pool)
    with client:
        for data in (b"bytes", bytearray(b"array"), memoryview(b"a view")[2:]):
            sent = client.send(data)
            assert 0 < sent <= len(data)
            assert peer.recv(20) == bytes(data[:sent])
        assert client.send(bytes(100_000)) < 100_000, "some of the bytes"
        with pytest.raises(TypeError):
            client.send("text")


def test_sendall_some_bytes_to_the_connected_remote_address(pool, listener):
    """Send some bytes to the connected remote address. Suits sockets of type SOCK_STREAM."""
    client, peer = listener.connect(pool)
    with client:
        assert client.sendall(b"hello") is None
        assert peer.recv(20) == b"hello"


def test_this_calls_send_repeatedly_until_all_the_data_is_sent_or_an_error_occurs(pool, radio, listener, in_background):
    """This calls send() repeatedly until all the data is sent or an error occurs."""
    client, peer = listener.connect(pool)
    port = radio.personality
    with client:
        # More than the buffer takes at once. Espressif's socket does not wait for room: much more could be the error.
        body = bytes(51_200 if port.waits_to_send else port.send_buffer + 1)

        def drain():
            received = bytearray()
            while len(received) < len(body):
                received += peer.recv(65536)
            return bytes(received)

        received = in_background(drain)
        before = radio.faults.calls["send"]
        client.sendall(body)
        assert radio.faults.calls["send"] > before + 1
        assert received() == body


def test_if_an_error_occurs_its_impossible_to_tell_how_much_data_has_been_sent(pool, radio, listener):
    """If an error occurs, it's impossible to tell how much data has been sent."""
    client, peer = listener.connect(pool)
    with client:
        radio.faults.fail("send", OSError(errno.ECONNRESET), at=2)
        with pytest.raises(OSError) as caught:
            client.sendall(bytes(100_000))
        assert caught.value.args == (errno.ECONNRESET,)
        assert peer.recv(1), "some was sent, and nothing in the error says how much"


def test_sendto_some_bytes_to_a_specific_address_suits_sockets_of_type_sock_dgram(pool):
    """Send some bytes to a specific address. Suits sockets of type SOCK_DGRAM."""
    with pool.socket(pool.AF_INET, pool.SOCK_DGRAM) as sock:
        for _ in range(2):
            with host_socket.socket(type=host_socket.SOCK_DGRAM) as peer:
                peer.bind(("127.0.0.1", 0))
                peer.settimeout(5)
                assert sock.sendto(b"hello", peer.getsockname()) == 5
                assert peer.recv(10) == b"hello"


def test_sendto_address_tuple_of_remote_address_remote_port(pool):
    """address (tuple): tuple of (remote_address, remote_port)."""
    with pool.socket(pool.AF_INET, pool.SOCK_DGRAM) as sock:
        for wrong, error in (("127.0.0.1", TypeError), (("127.0.0.1",), ValueError), ((1, "127.0.0.1"), TypeError)):
            with pytest.raises(error):
                sock.sendto(b"hello", wrong)


def test_set_the_blocking_behaviour_of_this_socket_false_means_non_blocking_true_means_block_indefinitely(
    pool, listener, in_background
):
    """Set the blocking behaviour of this socket. False means non-blocking, True means block indefinitely."""
    client, peer = listener.connect(pool)
    with client:
        client.setblocking(False)
        with pytest.raises(OSError) as caught:
            client.recv_into(bytearray(1))
        assert caught.value.errno == errno.EAGAIN
        client.setblocking(True)
        received = in_background(client.recv_into, bytearray(1))
        peer.sendall(b"x")
        assert received() == 1


def test_sets_socket_options(pool):
    """Sets socket options."""
    with pool.socket() as sock:
        sock.setsockopt(pool.SOL_SOCKET, pool.SO_REUSEADDR, 1)
        sock.setsockopt(pool.IPPROTO_TCP, pool.TCP_NODELAY, 1)
        host = sock._channel.host
        assert host.getsockopt(host_socket.SOL_SOCKET, host_socket.SO_REUSEADDR)
        assert host.getsockopt(host_socket.IPPROTO_TCP, host_socket.TCP_NODELAY)
        sock.setsockopt(pool.IPPROTO_TCP, pool.TCP_NODELAY, 0)
        assert not host.getsockopt(host_socket.IPPROTO_TCP, host_socket.TCP_NODELAY)
        with pytest.raises(OSError):
            sock.setsockopt(99, 99, 1)
    with pool.socket(pool.AF_INET, pool.SOCK_DGRAM) as sock:
        sock.setsockopt(pool.IPPROTO_IP, pool.IP_MULTICAST_TTL, 7)
        assert sock._channel.host.getsockopt(host_socket.IPPROTO_IP, host_socket.IP_MULTICAST_TTL) == 7


def test_set_the_timeout_value_for_this_socket_timeout_in_seconds(pool, listener):
    """Set the timeout value for this socket. timeout in seconds."""
    client, _ = listener.connect(pool)
    with client:
        client.settimeout(0.05)
        with pytest.raises(OSError) as caught:
            client.recv_into(bytearray(1))
        assert caught.value.errno == errno.ETIMEDOUT
        assert type(caught.value) is OSError, "a board has no TimeoutError for it"
        with pytest.raises(TypeError):
            client.settimeout("1")


def test_settimeout_0_means_non_blocking(pool, listener):
    """0 means non-blocking."""
    client, _ = listener.connect(pool)
    with client:
        for value in (0, 0.0, 0.0004):
            client.settimeout(value)
            with pytest.raises(OSError) as caught:
                client.recv_into(bytearray(1))
            assert caught.value.errno == errno.EAGAIN


def test_settimeout_none_means_block_indefinitely(pool, listener, in_background):
    """None means block indefinitely."""
    client, peer = listener.connect(pool)
    with client:
        client.settimeout(None)
        received = in_background(client.recv_into, bytearray(1))
        peer.sendall(b"x")
        assert received() == 1


def test_type_read_only_access_to_the_socket_type(pool):
    """Read-only access to the socket type."""
    with pool.socket(pool.AF_INET, pool.SOCK_DGRAM) as sock:
        assert sock.type == pool.SOCK_DGRAM == 2
        with pytest.raises(AttributeError):
            sock.type = pool.SOCK_STREAM


# -- class SocketPool


def test_a_pool_of_socket_resources_available_for_the_given_radio():
    """A pool of socket resources available for the given radio."""
    one, other = wifi.Radio(budget=1), wifi.Radio(budget=1)
    with socketpool.SocketPool(one).socket():
        with pytest.raises(RuntimeError, match="Out of sockets"):
            socketpool.SocketPool(one).socket()
        socketpool.SocketPool(other).socket().close()


def test_only_one_socketpool_can_be_created_for_each_radio(radio):
    """Only one SocketPool can be created for each radio."""
    assert socketpool.SocketPool(radio) is socketpool.SocketPool(radio)
    assert socketpool.SocketPool(wifi.Radio()) is not socketpool.SocketPool(radio)


def test_socketpool_should_be_used_in_place_of_cpythons_socket_which_provides_a_pool_of_sockets_provided_by_the_os(
    pool,
):
    """SocketPool should be used in place of CPython's socket which provides a pool of sockets provided by the
    underlying OS."""
    assert public(pool) == {*CONSTANTS, "gaierror", "getaddrinfo", "socket"}


def test_create_a_new_socketpool_object_for_the_provided_radio():
    """Create a new SocketPool object for the provided radio."""
    radio = wifi.Radio()
    pool = socketpool.SocketPool(radio)
    assert type(pool) is socketpool.SocketPool
    assert socketpool.SocketPool(radio=radio) is pool


def test_the_radio_currently_this_will_always_be_the_object_returned_by_wifi_radio():
    """The (connected) network hardware to associate with this SocketPool; currently, this will always be the object
    returned by wifi.radio. On CPython it may be left out."""
    pool = socketpool.SocketPool(wifi.radio)
    assert socketpool.SocketPool() is pool
    assert socketpool.SocketPool(radio=None) is pool
    for wrong in (object(), "wifi.radio", host_socket):
        with pytest.raises(ValueError, match=r"SocketPool can only be used with wifi\.radio"):
            socketpool.SocketPool(wrong)


def test_exception_gaierror_bases_oserror(pool):
    """exception gaierror. Bases: OSError."""
    assert issubclass(socketpool.SocketPool.gaierror, OSError)
    assert pool.gaierror is socketpool.SocketPool.gaierror


def test_errors_raised_by_getaddrinfo(pool):
    """Errors raised by getaddrinfo."""
    with pytest.raises(pool.gaierror) as caught:
        pool.getaddrinfo("no-such-name.test", 80)
    assert caught.value.args == (pool.EAI_NONAME, "Name or service not known")
    assert caught.value.errno == pool.EAI_NONAME


@pytest.mark.parametrize(("name", "value"), CONSTANTS.items())
def test_constants_are_ints(pool, name, value):
    """AF_INET: int, and so on: the firmware's numbers, whatever this computer's are."""
    assert getattr(pool, name) == getattr(socketpool.SocketPool, name) == value
    assert type(getattr(pool, name)) is int


def test_socket_create_a_new_socket(pool):
    """socket(family: int = AF_INET, type: int = SOCK_STREAM, proto: int = IPPROTO_IP): Create a new socket."""
    parameters = inspect.signature(socketpool.SocketPool.socket).parameters
    assert [(name, parameters[name].default) for name in ("family", "type", "proto")] == [
        ("family", pool.AF_INET),
        ("type", pool.SOCK_STREAM),
        ("proto", pool.IPPROTO_IP),
    ]
    with pool.socket() as sock:
        assert sock.type == pool.SOCK_STREAM


def test_socket_family_af_inet_or_af_inet6(pool):
    """family: AF_INET or AF_INET6."""
    for family in (0, 1, 99):
        with pytest.raises(NotImplementedError):
            pool.socket(family)


def test_socket_type_sock_stream_sock_dgram_or_sock_raw(pool):
    """type: SOCK_STREAM, SOCK_DGRAM or SOCK_RAW."""
    with pool.socket(type=pool.SOCK_DGRAM) as sock:
        assert sock.type == pool.SOCK_DGRAM


def test_socket_proto_only_works_with_sock_raw(pool):
    """proto: Only works with SOCK_RAW."""
    with pool.socket(pool.AF_INET, pool.SOCK_STREAM, pool.IPPROTO_UDP) as sock:
        assert sock._channel.host.proto in (0, host_socket.IPPROTO_TCP)
    try:
        raw = pool.socket(pool.AF_INET, pool.SOCK_RAW, pool.IPPROTO_ICMP)
    except PermissionError:
        pytest.skip("this computer does not permit RAW sockets")
    with raw:
        assert raw._channel.host.proto == host_socket.IPPROTO_ICMP


def test_a_raw_socket_carries_icmp(pool):
    """SOCK_RAW with IPPROTO_ICMP: an echo request on loopback is answered."""
    try:
        raw = pool.socket(pool.AF_INET, pool.SOCK_RAW, pool.IPPROTO_ICMP)
    except PermissionError:
        pytest.skip("this computer does not permit RAW sockets")
    with raw:
        raw.settimeout(5)
        # Type 8, code 0, its checksum, identifier 0x1234, sequence 1 (RFC 792).
        raw.sendto(bytes.fromhex("0800e5ca12340001"), ("127.0.0.1", 0))
        buffer = bytearray(64)
        while True:
            size, (address, _) = raw.recvfrom_into(buffer)
            # An IP header of 20 bytes goes before; our own request comes by as well.
            if buffer[20] == 0 and buffer[24:28] == bytes.fromhex("12340001"):
                break
        assert size >= 28 and address == "127.0.0.1"


def test_the_fileno_argument_available_in_socket_socket_in_cpython_is_not_supported(pool):
    """The fileno argument available in socket.socket() in CPython is not supported."""
    with pytest.raises(TypeError):
        pool.socket(fileno=0)


def test_gets_the_address_information_for_a_hostname_and_port(pool):
    """getaddrinfo(host, port, family=0, type=0, proto=0, flags=0): Gets the address information for a hostname and
    port. It is a list of such tuples, as in the firmware."""
    parameters = inspect.signature(socketpool.SocketPool.getaddrinfo).parameters
    assert [*parameters][1:] == ["host", "port", "family", "type", "proto", "flags"]
    found = pool.getaddrinfo("127.0.0.1", 80, family=0, type=pool.SOCK_STREAM, proto=0, flags=0)
    assert found == [(pool.AF_INET, pool.SOCK_STREAM, 0, "", ("127.0.0.1", 80))]
    assert pool.getaddrinfo("localhost", 80)[0][4] == ("127.0.0.1", 80)


def test_returns_the_appropriate_family_socket_type_socket_protocol_and_address_information_as_a_tuple(pool, listener):
    """Returns the appropriate family, socket type, socket protocol and address information to call socket.socket() and
    socket.connect() with, as a tuple."""
    for found in pool.getaddrinfo(*listener.address):
        family, kind, proto, canonical_name, address = found
        assert isinstance(found, tuple) and canonical_name == ""
        with pool.socket(family, kind, proto) as sock:
            sock.settimeout(5)
            sock.connect(address)
            listener.accept()
