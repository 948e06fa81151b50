"""TLS over a leased socket, against real TLS servers on the loopback."""

import contextlib
import datetime
import errno
import fcntl
import gc
import os
import re
import select
import shutil
import socket
import ssl
import struct
import subprocess
import termios
import threading
import weakref

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from radiopool.errors import CertificateError, ConnectTimeoutError, InvalidValueError, TLSError
from radiopool.tls import SEND_SIZE, TLSSocket, wrap
from radiopool.tls_errors import handshake_error
from radiopool.tls_sessions import SESSIONS, certificate_name, recall_session, remember_session

CA = trustme.CA()
CERTIFICATE = CA.issue_cert("localhost", "127.0.0.1")
SECONDS = 20
"""For what must happen: long, so that a slow machine fails nothing."""
MOMENT = 0.05
"""For what must not happen, and for timeouts that are to run out."""
MEGABYTE = bytes(range(256)) * 4096


def server_context(certificate=CERTIFICATE, version=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    if version:
        context.maximum_version = version
    return context


def client_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    CA.configure_trust(context)
    return context


def read_exactly(connection, count):
    received = bytearray()
    while len(received) < count:
        buffer = bytearray(min(65536, count - len(received)))
        size = connection.recv_into(buffer)
        if not size:
            break
        received += buffer[:size]
    return bytes(received)


class Server:
    """Accepts on the loopback and hands each connection to `serve(connection)` in a thread; keeps what it raises."""

    def __init__(self, serve):
        self.errors = []
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self._lock = threading.Lock()
        self._threads = []
        self._open = []
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def _accept(self):
        while True:
            connection, _ = self._listener.accept()
            if self._closing:
                connection.close()
                return
            connection.settimeout(SECONDS)
            self._open.append(connection)
            thread = threading.Thread(target=self._run, args=(connection,))
            with self._lock:
                self._threads.append(thread)
                thread.start()

    def _run(self, connection):
        try:
            with connection:
                self._serve(connection)
        except Exception as error:
            self.errors.append(error)

    _closing = False

    def finish(self):
        """Wait for the connections that are being served."""
        with self._lock:
            # None of them is yet to be started.
            threads = list(self._threads)
        for thread in threads:
            thread.join()

    def close(self):
        self._closing = True
        socket.create_connection(self.address).close()
        self._accepting.join()
        self._listener.close()
        self.finish()


@pytest.fixture
def serve():
    """Start servers: serve(handler) of raw connections, serve(handler, context) of TLS ones."""
    servers = []

    def start(handler, context=None):
        def over_tls(connection):
            with context.wrap_socket(connection, server_side=True, suppress_ragged_eofs=False) as secured:
                handler(secured)

        servers.append(Server(over_tls if context else handler))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def connect():
    """TLS connections to a server, closed at the end of the test."""
    opened = []

    def open_connection(server, context=None, raw=None, timeout=SECONDS, name="localhost", **options):
        raw = raw or socket.socket()
        raw.settimeout(timeout)
        secured = TLSSocket(raw, context or client_context(), name, **options)
        opened.append(secured)
        secured.connect(server.address)
        return secured

    yield open_connection
    for secured in opened:
        secured.close()


def echo(connection):
    with contextlib.suppress(ssl.SSLEOFError):
        while received := connection.recv(65536):
            connection.sendall(received)


versions = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])


class Wire:
    """A raw socket of the contract and nothing more, which moves few bytes at once."""

    def __init__(self, read_size=65536, send_size=65536):
        self._socket = socket.socket()
        self._read_size = read_size
        self._send_size = send_size
        for name in ("connect", "settimeout", "close", "fileno"):
            setattr(self, name, getattr(self._socket, name))

    def send(self, buffer):
        return self._socket.send(buffer[: self._send_size])

    def recv_into(self, buffer, nbytes=0):
        return self._socket.recv_into(buffer, min(nbytes or len(buffer), self._read_size))


@versions
def test_a_conversation(serve, connect, version):
    secured = connect(serve(echo, server_context(version=version)))
    assert secured.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]
    assert secured.getpeercert()["subjectAltName"] == (("DNS", "localhost"), ("IP Address", "127.0.0.1"))
    assert secured.cipher()[2] >= 128
    assert secured.getpeername()[0] == "127.0.0.1"
    assert secured.send(b"hello") == 5
    buffer = bytearray(b"........")
    assert secured.recv_into(buffer, 3) == 3
    assert buffer == b"hel....."
    assert secured.pending() == 2
    assert secured.recv_into(memoryview(buffer)[4:]) == 2
    assert buffer == b"hel.lo.."
    assert secured.send(b"") == 0 and secured.recv_into(bytearray()) == 0


@versions
@pytest.mark.parametrize("raw", [lambda: Wire(read_size=1), lambda: Wire(send_size=1)], ids=["reads", "sends"])
def test_one_byte_at_a_time(serve, connect, version, raw):
    secured = connect(serve(echo, server_context(version=version)), raw=raw())
    secured.sendall(b"hello" * 100)
    assert read_exactly(secured, 500) == b"hello" * 100


@versions
def test_a_megabyte_in_turn(serve, connect, version):
    arrived = []

    def swap(connection):
        arrived.append(read_exactly(connection, len(MEGABYTE)))
        connection.sendall(MEGABYTE)

    secured = connect(serve(swap, server_context(version=version)))
    assert secured.send(MEGABYTE) == SEND_SIZE
    secured.sendall(memoryview(MEGABYTE)[SEND_SIZE:])
    assert read_exactly(secured, len(MEGABYTE)) == MEGABYTE
    assert arrived == [MEGABYTE]


@versions
def test_one_thread_sends_while_another_receives(serve, connect, version):
    secured = connect(serve(echo, server_context(version=version)))
    sending = threading.Thread(target=secured.sendall, args=(MEGABYTE,))
    sending.start()
    assert read_exactly(secured, len(MEGABYTE)) == MEGABYTE
    sending.join()


def narrow_socket():
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    return narrow


def send_until_stuck(secured, piece=b"0123456789" * 1000):
    """Send until a whole timeout brings nothing more; what the socket said it took."""
    taken = bytearray()
    while True:
        try:
            taken += piece[: secured.send(piece)]
        except (TimeoutError, BlockingIOError):
            return bytes(taken)


@versions
@pytest.mark.parametrize("timeout", [MOMENT, 0])
def test_what_send_took_arrives_although_it_timed_out(serve, connect, version, timeout):
    go_on = threading.Event()
    arrived = []

    def read_late(connection):
        go_on.wait(SECONDS)
        received = b""
        while not received.endswith(b"the end"):
            received += connection.recv(65536)
        arrived.append(received)
        connection.sendall(b"!")

    server = serve(read_late, server_context(version=version))
    secured = connect(server, raw=narrow_socket())
    secured.settimeout(timeout)
    taken = send_until_stuck(secured)
    go_on.set()
    secured.settimeout(SECONDS)
    secured.sendall(b"the end")
    assert secured.recv(1) == b"!"
    assert arrived == [taken + b"the end"]


class NumberedWire(Wire):
    """Its errors have no more than a number, as drivers of boards have them."""

    def _numbered(self, call, *arguments):
        try:
            return call(*arguments)
        except BlockingIOError:
            raise OSError(errno.EAGAIN) from None
        except TimeoutError:
            raise self.timed_out from None

    def send(self, buffer):
        return self._numbered(super().send, buffer)

    def recv_into(self, buffer, nbytes=0):
        return self._numbered(super().recv_into, buffer, nbytes)


@pytest.mark.parametrize("timed_out", [OSError(errno.ETIMEDOUT), OSError("timed out")])
def test_a_raw_socket_whose_errors_are_a_number_or_words(serve, connect, timed_out):
    go_on = threading.Event()
    arrived = []

    def read_late(connection):
        go_on.wait(SECONDS)
        arrived.append(b"".join(iter(lambda: connection.recv(65536), b"")))

    server = serve(read_late, server_context())
    raw = NumberedWire()
    raw._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    raw.timed_out = timed_out
    secured = connect(server, raw=raw)
    assert secured.is_alive()
    secured.settimeout(MOMENT)
    taken = b""
    with pytest.raises(OSError) as caught:
        while True:
            taken += MEGABYTE[: secured.send(MEGABYTE)]
    assert caught.value is timed_out
    go_on.set()
    secured.settimeout(SECONDS)
    secured.sendall(b"the end")
    secured.close()
    server.finish()
    # Nothing was sent twice.
    assert arrived == [taken + b"the end"]


def test_tickets_that_nobody_read_do_not_cut_off_what_was_sent(serve, connect):
    closed = threading.Event()
    arrived = []

    def read_late(connection):
        closed.wait(SECONDS)
        arrived.append(b"".join(iter(lambda: connection.recv(65536), b"")))

    server = serve(read_late, server_context(version=ssl.TLSVersion.TLSv1_3))
    secured = connect(server)
    select.select([secured.raw], [], [], SECONDS)
    secured.sendall(MEGABYTE)
    secured.close()
    closed.set()
    server.finish()
    assert not server.errors
    assert arrived == [MEGABYTE]


def test_a_peer_that_reads_only_after_it_was_read_from(serve, connect):
    def send_first(connection):
        connection.sendall(MEGABYTE)
        echo(connection)

    server = serve(send_first, server_context())
    secured = connect(server)
    secured.settimeout(MOMENT)
    taken = send_until_stuck(secured)
    secured.settimeout(SECONDS)
    # Ciphertext waits on our side, and the peer won't take it before its own is read.
    assert read_exactly(secured, len(MEGABYTE)) == MEGABYTE
    assert read_exactly(secured, len(taken)) == taken


@versions
def test_close_says_close_notify(serve, connect, version):
    ended = []
    server = serve(lambda connection: ended.append(connection.recv(1)), server_context(version=version))
    secured = connect(server)
    secured.close()
    server.finish()
    # The server does not suppress ragged ends: without close_notify this were an SSLEOFError.
    assert ended == [b""] and not server.errors


def test_close_does_not_wait_for_a_peer_that_takes_nothing(serve, connect):
    gone = threading.Event()
    server = serve(lambda connection: gone.wait(SECONDS), server_context())
    secured = connect(server, raw=narrow_socket(), timeout=SECONDS)
    secured.settimeout(MOMENT)
    send_until_stuck(secured)
    secured.settimeout(None)
    secured.close()
    assert secured.raw.fileno() == -1
    gone.set()


@versions
def test_close_notify_is_an_end(serve, connect, version):
    secured = connect(serve(lambda connection: connection.unwrap(), server_context(version=version)))
    assert secured.recv_into(bytearray(9)) == 0
    assert secured.recv(9) == b""


def test_half_close(serve, connect):
    arrived = []
    half_closed = threading.Event()

    def half_close(connection):
        connection.settimeout(0)
        with pytest.raises(ssl.SSLWantReadError):
            connection.unwrap()
        half_closed.set()
        connection.settimeout(SECONDS)
        arrived.append(connection.recv(5))

    server = serve(half_close, server_context())
    secured = connect(server)
    assert secured.recv(9) == b""
    half_closed.wait(SECONDS)
    assert secured.send(b"still") == 5
    server.finish()
    assert arrived == [b"still"] and not server.errors


@versions
@pytest.mark.parametrize("suppress", [True, False])
def test_an_end_without_close_notify(serve, connect, version, suppress):
    def hang_up(connection):
        connection.sendall(b"half a sente")

    server = serve(hang_up, server_context(version=version))
    secured = connect(server, suppress_ragged_eofs=suppress)
    assert read_exactly(secured, 12) == b"half a sente"
    if suppress:
        assert secured.recv(9) == b""
        assert secured.recv(9) == b""
    else:
        with pytest.raises(ssl.SSLEOFError):
            secured.recv(9)
    assert not secured.is_alive()


def test_a_reset_is_the_raw_sockets_own_error(serve, connect):
    def reset(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.close(connection.detach())

    secured = connect(serve(reset, server_context()))
    with pytest.raises(ConnectionResetError):
        secured.recv(9)


def test_a_handshake_that_stalls_times_out(serve, connect):
    done = threading.Event()
    server = serve(lambda connection: done.wait(SECONDS))
    with pytest.raises(TimeoutError):
        connect(server, timeout=MOMENT)
    done.set()


def test_the_timeout_covers_the_whole_handshake(serve, connect):
    done = threading.Event()

    def dribble(connection):
        # A record that announces 16 kB: at this pace none of its bytes comes too late, and all of them do.
        connection.sendall(b"\x16\x03\x03\x40\x00")
        while not done.wait(MOMENT / 20):
            connection.sendall(b"\x02")

    server = serve(dribble)
    with pytest.raises(TimeoutError):
        connect(server, timeout=MOMENT)
    done.set()


def test_the_timeout_covers_the_whole_of_a_read(serve, connect):
    done = threading.Event()

    def dribble(connection):
        with server_context().wrap_socket(connection, server_side=True) as secured:
            raw = socket.socket(fileno=socket.dup(secured.fileno()))
            with raw:
                raw.sendall(b"\x17\x03\x03\x40\x00")
                while not done.wait(MOMENT / 20):
                    raw.sendall(b"x")

    secured = connect(serve(dribble))
    secured.settimeout(MOMENT)
    with pytest.raises(TimeoutError):
        secured.recv(9)
    done.set()


def test_a_raw_sockets_own_timeout_error_comes_through():
    class ChipSocket:
        def settimeout(self, timeout):
            pass

        def send(self, buffer):
            return len(buffer)

        def recv_into(self, buffer, nbytes=0):
            raise OSError(errno.ETIMEDOUT)

    secured = TLSSocket(ChipSocket(), client_context(), "localhost")
    with pytest.raises(OSError) as caught:
        secured.do_handshake()
    assert caught.value.args == (errno.ETIMEDOUT,)


@versions
def test_without_blocking(serve, version):
    server = serve(echo, server_context(version=version))
    raw = socket.create_connection(server.address)
    raw.settimeout(0)
    secured = TLSSocket(raw, client_context(), "localhost")
    while True:
        try:
            secured.do_handshake()
            break
        except BlockingIOError:
            select.select([raw], [], [], SECONDS)
    with pytest.raises(BlockingIOError):
        secured.recv_into(bytearray(9))
    assert secured.send(b"hello") == 5
    received = b""
    while len(received) < 5:
        select.select([raw], [], [], SECONDS)
        # What came may have been a ticket.
        with contextlib.suppress(BlockingIOError):
            received += secured.recv(9)
    assert received == b"hello"
    secured.close()


@versions
@pytest.mark.parametrize("read_size", [7, 65536])
def test_alive_in_spite_of_session_tickets(serve, connect, version, read_size):
    secured = connect(serve(echo, server_context(version=version)), raw=Wire(read_size))
    if version is ssl.TLSVersion.TLSv1_3:
        select.select([secured.raw], [], [], SECONDS)
    assert secured.is_alive()
    # The tickets were taken in.
    assert secured.session.has_ticket
    assert secured.is_alive()
    secured.settimeout(SECONDS)
    secured.sendall(b"hello")
    assert read_exactly(secured, 5) == b"hello"
    assert secured.is_alive()


@pytest.mark.parametrize(
    "deed",
    [lambda s: s.sendall(b"chatter"), lambda s: s.unwrap(), lambda s: None, lambda s: s.write(b"x")],
    ids=["bytes", "close_notify", "end", "byte"],
)
@versions
def test_not_alive(serve, connect, version, deed):
    done = threading.Event()

    def act(connection):
        connection.recv(1)
        deed(connection)
        done.wait(SECONDS)

    server = serve(act, server_context(version=version))
    secured = connect(server)
    assert secured.is_alive()
    secured.settimeout(SECONDS)
    secured.sendall(b"!")
    if deed.__code__.co_names:
        select.select([secured.raw], [], [], SECONDS)
        while secured.is_alive():
            select.select([secured.raw], [], [], SECONDS)
        done.set()
    else:
        done.set()
        server.finish()
        assert not secured.is_alive()
    secured.close()
    assert not secured.is_alive()


def relay_to(target):
    """A handler that pipes a connection to another server: what an HTTPS proxy does after CONNECT."""

    def relay(connection):
        with socket.create_connection(target.address, SECONDS) as onward, contextlib.suppress(OSError):
            ends = {connection: onward, onward: connection}
            while True:
                # One thread: an SSLSocket must not be used by two at once before Python 3.13.
                for source in select.select(list(ends), [], [])[0]:
                    received = source.recv(65536)
                    if not received:
                        return
                    ends[source].sendall(received)

    return relay


@versions
def test_tls_within_tls(serve, connect, version):
    ended = []

    def echo_and_end(connection):
        connection.sendall(connection.recv(5))
        ended.append(connection.recv(5))

    target = serve(echo_and_end, server_context(version=version))
    proxy = serve(relay_to(target), server_context(CA.issue_cert("proxy.test")))
    tunnel = connect(proxy, name="proxy.test")
    inner = wrap(tunnel, client_context(), "localhost")
    assert inner.version() is not None, "a connected socket is handshaked at once"
    inner.sendall(b"hello")
    assert read_exactly(inner, 5) == b"hello"
    assert inner.is_alive()
    inner.close()
    target.finish()
    assert ended == [b""] and not target.errors


def test_tls_within_an_sslsocket(serve):
    target = serve(echo, server_context())
    proxy = serve(relay_to(target), server_context())
    raw = socket.create_connection(proxy.address, SECONDS)
    tunnel = client_context().wrap_socket(raw, server_hostname="localhost")
    inner = wrap(tunnel, client_context(), "localhost")
    with pytest.raises(BlockingIOError):
        inner.settimeout(0)
        inner.recv(9)
    assert inner.is_alive()
    inner.settimeout(SECONDS)
    inner.sendall(MEGABYTE[:100_000])
    assert read_exactly(inner, 100_000) == MEGABYTE[:100_000]
    inner.close()


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs the openssl command")
@pytest.mark.parametrize(("flag", "command"), [("-tls1_3", b"K\n"), ("-tls1_3", b"k\n"), ("-tls1_2", b"r\n")])
def test_the_peer_wants_new_keys(flag, command, tmp_path):
    """KeyUpdate (RFC 8446 section 4.6.3), asked back or not, and renegotiation (RFC 5246 section 7.4.1.1)."""
    pem = tmp_path / "server.pem"
    pem.write_bytes(CERTIFICATE.private_key_and_cert_chain_pem.bytes())
    # -accept 0 takes a free port and says which.
    program = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", str(pem), flag]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as openssl:
        try:
            port = 0
            for line in openssl.stdout:
                if line.startswith(b"ACCEPT"):
                    port = int(line.rpartition(b":")[2])
                    break
            raw = socket.socket()
            raw.settimeout(SECONDS)
            secured = TLSSocket(raw, client_context(), "localhost")
            secured.connect(("127.0.0.1", port))
            sizes = []
            for word in (b"first", b"second"):
                openssl.stdin.write(command)
                openssl.stdin.flush()
                # A command is one when it is all that was read: wait until it was.
                while fcntl.ioctl(openssl.stdin, termios.FIONREAD, bytes(4)) != bytes(4):
                    os.sched_yield()
                openssl.stdin.write(word + b"\n")
                openssl.stdin.flush()
                assert read_exactly(secured, len(word) + 1) == word + b"\n"
                sizes.append(secured.send(word + b"\n"))
                for line in openssl.stdout:
                    if line == word + b"\n":
                        break
            assert sizes == [6, 7]
            secured.close()
        finally:
            openssl.kill()


class Peer:
    """A raw socket whose other end is a real TLS server engine in this process, cut up as told.

    cuts: sizes of the next raw sends and reads; 0 is a timeout that ran out with nothing done.
    """

    def __init__(self, context, cuts):
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._engine = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._cuts = iter(cuts)
        self._waiting = b""
        self.arrived = bytearray()

    def settimeout(self, timeout):
        pass

    def _cut(self):
        size = next(self._cuts, 65536)
        if not size:
            raise TimeoutError("timed out")
        return size

    def send(self, buffer):
        taken = buffer[: self._cut()]
        self._incoming.write(taken)
        self._pump()
        return len(taken)

    def recv_into(self, buffer, nbytes=0):
        size = min(self._cut(), len(buffer))
        self._waiting += self._outgoing.read()
        if not self._waiting:
            raise TimeoutError("timed out")
        given, self._waiting = self._waiting[:size], self._waiting[size:]
        buffer[: len(given)] = given
        return len(given)

    def _pump(self):
        with contextlib.suppress(ssl.SSLWantReadError):
            self._engine.do_handshake()
            while received := self._engine.read(65536):
                self.arrived += received
                self._engine.write(received)

    def close(self):
        pass


SERVER_CONTEXTS = [server_context(version=version) for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)]
CLIENT_CONTEXT = client_context()


@settings(max_examples=60, deadline=None)
@given(
    context=st.sampled_from(SERVER_CONTEXTS),
    cuts=st.lists(st.integers(0, 1) | st.integers(0, 40) | st.integers(0, 20_000), max_size=80),
    text=st.binary(min_size=1, max_size=200).map(lambda seed: seed * 700),
)
def test_wherever_the_wire_is_cut(context, cuts, text):
    peer = Peer(context, cuts)
    secured = TLSSocket(peer, CLIENT_CONTEXT, "localhost")

    def again(call, *arguments):
        # Every call can be repeated after a timeout, and nothing is lost or sent twice.
        for _ in range(len(cuts) + 2):
            with contextlib.suppress(TimeoutError):
                return call(*arguments)
        raise AssertionError("no progress")

    again(secured.do_handshake)
    rest = memoryview(text)
    received = bytearray()
    buffer = bytearray(50_000)
    while rest:
        rest = rest[again(secured.send, rest) :]
    while len(received) < len(text):
        received += buffer[: again(secured.recv_into, buffer)]
    assert peer.arrived == text
    assert received == text


def test_closing_twice_and_using_after(serve, connect):
    secured = connect(serve(echo, server_context()))
    assert len({secured, secured}) == 1
    secured.close()
    secured.close()
    for use in (lambda: secured.send(b"x"), lambda: secured.recv_into(bytearray(1)), secured.do_handshake):
        with pytest.raises(OSError) as caught:
            use()
        assert caught.value.errno == errno.EBADF


def test_closing_that_is_interrupted_closes_the_raw_socket(serve, connect, monkeypatch):
    secured = connect(serve(echo, server_context()), raw=Wire())

    def interrupted(buffer, nbytes=0):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(secured.raw, "recv_into", interrupted)
        secured.close()
    assert secured.raw.fileno() == -1


def test_closing_while_another_thread_reads(serve, connect):
    secured = connect(serve(echo, server_context()))
    secured.sendall(b"hello")
    assert read_exactly(secured, 5) == b"hello"
    ended = []

    def read():
        try:
            ended.append(secured.recv(1))
        except OSError as error:
            ended.append(error)

    reading = threading.Thread(target=read)
    reading.start()
    # The peer answers our close_notify by closing, which ends the read.
    secured.close()
    reading.join()
    assert ended == [b""] or isinstance(ended[0], OSError)


def test_repr_tells_the_state(serve, connect):
    secured = TLSSocket(socket.socket(), client_context(), "localhost")
    assert repr(secured).startswith("<TLSSocket no handshake to localhost over <socket.socket")
    secured.close()
    assert repr(secured).startswith("<TLSSocket closed")
    assert "TLSv1.3" in repr(connect(serve(echo, server_context())))


def test_a_context_of_something_else():
    with pytest.raises(InvalidValueError, match=r"ssl_context must be an ssl\.SSLContext, not 'trust me'"):
        TLSSocket(None, "trust me", "localhost")


def test_the_timeout_is_the_raw_sockets(serve, connect):
    secured = connect(serve(echo, server_context()), timeout=7)
    assert secured.gettimeout() == 7
    secured.settimeout(None)
    assert secured.gettimeout() is None and secured.raw.gettimeout() is None


def test_the_protocol_that_the_peer_chose(serve, connect):
    offering, asking = server_context(), client_context()
    offering.set_alpn_protocols(["http/1.1"])
    asking.set_alpn_protocols(["h2", "http/1.1"])
    assert connect(serve(echo, offering), asking).selected_alpn_protocol() == "http/1.1"


@versions
def test_connect_resumes_the_last_session(serve, connect, version):
    context = client_context()
    server = serve(echo, server_context(version=version))
    for count in range(3):
        secured = connect(server, context)
        assert secured.session_reused == (count > 0)
        secured.sendall(b"hello")
        assert read_exactly(secured, 5) == b"hello"
        # Its tickets were read with the answer; closing it keeps the session.
        secured.close()


def test_a_session_by_hand(serve, connect):
    server, context = serve(echo, server_context(version=ssl.TLSVersion.TLSv1_2)), client_context()
    first = connect(server, context)
    with contextlib.closing(
        TLSSocket(socket.create_connection(server.address), context, "localhost", first.session)
    ) as s:
        s.do_handshake()
        assert s.session_reused


def test_sessions_stay_with_their_context_name_and_checks(serve, connect):
    context = client_context()
    server = serve(echo, server_context(CA.issue_cert("localhost", "other.test"), ssl.TLSVersion.TLSv1_2))
    connect(server, context)
    assert not connect(server, client_context()).session_reused
    assert not connect(server, context, name="other.test").session_reused
    assert connect(server, context).session_reused
    careless = client_context()
    careless.check_hostname = False
    connect(server, careless)
    assert connect(server, careless).session_reused
    # A resumed handshake checks nothing: what was made without checks is no good for one with them.
    careless.check_hostname = True
    assert not connect(server, careless).session_reused


def test_sessions_go_with_their_context(serve):
    server = serve(echo, server_context(version=ssl.TLSVersion.TLSv1_2))
    context = client_context()
    gone = weakref.ref(context)
    with contextlib.closing(TLSSocket(socket.socket(), context, "localhost")) as secured:
        secured.connect(server.address)
    assert recall_session(context, "localhost", server.address[1])
    del context, secured
    gc.collect()
    assert gone() is None


def test_only_the_sessions_used_last_are_kept(serve, connect):
    context = client_context()
    secured = connect(serve(echo, server_context(version=ssl.TLSVersion.TLSv1_2)), context)
    assert all(remember_session(secured, port) for port in range(1, SESSIONS + 1))
    remember_session(secured, 1)
    remember_session(secured, SESSIONS + 1)
    assert recall_session(context, "localhost", 1)
    assert recall_session(context, "localhost", 2) is None


def test_a_session_whose_handshake_failed_is_not_tried_again(serve, connect):
    context = client_context()
    offering = server_context(version=ssl.TLSVersion.TLSv1_2)
    connect(server := serve(echo, offering), context)
    assert recall_session(context, "localhost", server.address[1])
    offering.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = context.minimum_version = ssl.TLSVersion.TLSv1_3
    with pytest.raises(ssl.SSLError):
        connect(server, context)
    assert recall_session(context, "localhost", server.address[1]) is None


YEAR = datetime.timedelta(days=365)
TODAY = datetime.datetime.now(datetime.timezone.utc)
OTHER_CA = trustme.CA()


@versions
@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        (
            CA.issue_cert("localhost", not_before=TODAY - 2 * YEAR, not_after=TODAY - YEAR),
            r"it expired on \w+ +\d+ [\d:]+ \d+ GMT; is this machine's clock right\?",
        ),
        (
            CA.issue_cert("localhost", not_before=TODAY + YEAR, not_after=TODAY + 2 * YEAR),
            r"it is valid from \w+ .* only",
        ),
        (
            CA.issue_cert("a.test", "b.test", "127.0.0.9"),
            r"not for 'localhost'; it is for a\.test, b\.test, 127\.0\.0\.9",
        ),
        (OTHER_CA.issue_cert("localhost"), r"issuer that is not trusted here \(trustme .*\); .*\(cafile\)"),
    ],
    ids=["expired", "not yet valid", "other name", "unknown issuer"],
)
def test_a_certificate_that_is_refused(serve, version, certificate, reason):
    server = serve(echo, server_context(certificate, version))
    raw = socket.create_connection(server.address, SECONDS)
    secured = TLSSocket(raw, client_context(), "localhost")
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        secured.do_handshake()
    sentence = handshake_error(caught.value, "localhost", 443, secured)
    assert isinstance(sentence, CertificateError)
    assert re.search("the certificate of localhost port 443 is refused: .*" + reason, str(sentence))
    assert (sentence.host, sentence.port) == ("localhost", 443)
    secured.close()
    server.finish()
    # The peer was told why, by an alert, and not just hung up on.
    assert ["ALERT" in error.reason for error in server.errors] == [True]


def test_an_address_that_the_certificate_does_not_name(serve):
    raw = socket.create_connection(serve(echo, server_context(CA.issue_cert("a.test"))).address, SECONDS)
    with contextlib.closing(TLSSocket(raw, client_context(), "127.0.0.1")) as secured:
        with pytest.raises(ssl.SSLCertVerificationError) as caught:
            secured.do_handshake()
        assert "not for '127.0.0.1'; it is for a.test" in str(handshake_error(caught.value, "127.0.0.1", 1, secured))
        assert "not for '127.0.0.1'" in str(handshake_error(caught.value, "127.0.0.1", 1))


def plain_text(connection):
    connection.recv(1)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def old_only(connection):
    context = server_context(version=ssl.TLSVersion.TLSv1_2)
    with contextlib.suppress(ssl.SSLError), context.wrap_socket(connection, server_side=True):
        pass


@pytest.mark.parametrize(
    ("handler", "kind", "reason"),
    [
        (plain_text, TLSError, "does not speak TLS on that port"),
        (lambda connection: connection.recv(4096), TLSError, "the peer closed the connection; does it speak TLS"),
        (old_only, TLSError, "PROTOCOL_VERSION; compare the TLS versions"),
        (
            lambda connection: connection.recv(4096) and connection.recv(1),
            ConnectTimeoutError,
            "longer than the timeout",
        ),
    ],
    ids=["plain", "closes", "old", "silent"],
)
def test_handshakes_that_fail(serve, handler, kind, reason):
    context = client_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    raw = socket.create_connection(serve(handler).address, SECONDS)
    with contextlib.closing(TLSSocket(raw, context, "localhost")) as secured:
        if kind is ConnectTimeoutError:
            secured.settimeout(MOMENT)
        with pytest.raises(OSError) as caught:
            secured.do_handshake()
        sentence = handshake_error(caught.value, "localhost", 443, secured)
        assert type(sentence) is kind
        assert "localhost port 443" in str(sentence) and reason in str(sentence)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("a.test", "a.test"),
        ("a.test.", "a.test"),
        ("fe80::1%eth0", "fe80::1"),
        ("[::1]", "::1"),
        ("", None),
        (None, None),
    ],
)
def test_what_a_certificate_must_name(host, name):
    assert certificate_name(host) == name
