"""Level 1: TLS. Board-safe."""

import binascii
import time

from radiopool.testing.bench import pattern, require

TYPE_CHECKING = False
if TYPE_CHECKING:
    from radiopool.testing.bench import Bench


def check_tls_sends_and_receives(bench: "Bench") -> None:
    """Over TLS what is sent arrives and what the peer sends is received, large transfers included."""
    socket = bench.connect("tls", context=bench.context())
    bench.echoes(socket)
    data = pattern(bench.size)
    bench.send(socket, b"take %d\n" % bench.size)
    bench.send(socket, data)
    answer = bench.read(socket, 9)[:8].decode()
    require(answer == "%08x" % (binascii.crc32(data) & 0xFFFFFFFF), "the peer got other bytes over TLS")
    bench.send(socket, b"send %d\n" % bench.size)
    require(bench.read(socket, bench.size) == data, "the bytes that arrived over TLS are not those sent")


def check_tls_end_is_zero(bench: "Bench") -> None:
    """When the peer has closed its TLS connection, `recv_into` gives what it sent before, then 0, and 0 again."""
    socket = bench.connect("tls", context=bench.context())
    bench.send(socket, b"bye 600\n")
    require(bench.read(socket, 600) == pattern(600), "the bytes before the end did not arrive whole")
    for _ in range(2):
        count = socket.recv_into(bytearray(10))
        require(count == 0, "after the end recv_into returned %r", count)


def check_tls_timeout_is_told(bench: "Bench") -> None:
    """A TLS read that runs into its timeout raises what `is_timeout` recognises; the connection goes on working."""
    socket = bench.connect("tls", context=bench.context())
    error = bench.vain_read(socket, bench.timeout)
    require(bench.driver.is_timeout(error), "is_timeout() does not recognise %r", error)
    socket.settimeout(bench.patience)
    bench.echoes(socket)


def check_tls_handshake_timeout(bench: "Bench") -> None:
    """A peer that never answers the handshake costs the timeout: what comes out is recognised by `is_timeout`."""
    error = bench.failure(bench.connect, "silent", bench.timeout, bench.context())
    require(bench.driver.is_timeout(error), "is_timeout() does not recognise %r", error)


def check_tls_refuses_expired(bench: "Bench") -> None:
    """A certificate that has expired is refused with an OSError, and no socket comes out."""
    _refused(bench, "expired")


def check_tls_refuses_wrong_name(bench: "Bench") -> None:
    """A certificate for another name is refused with an OSError, and no socket comes out."""
    _refused(bench, "wrong name")


def check_tls_refuses_untrusted(bench: "Bench") -> None:
    """A certificate of an unknown CA is refused with an OSError, and no socket comes out."""
    _refused(bench, "untrusted")


def _refused(bench: "Bench", word: str) -> None:
    context = bench.context()
    # The good one first: a driver that refuses everything proves nothing.
    bench.driver.close(bench.connect("tls", context=context))
    error = bench.failure(bench.connect, word, None, context)
    require(not bench.driver.is_timeout(error), "is_timeout() takes a refused certificate for its own: %r", error)
    require(not bench.driver.is_exhausted(error), "is_exhausted() takes a refused certificate for its own: %r", error)


def check_tls_idle_socket_is_alive(bench: "Bench") -> None:
    """An idle TLS connection is alive, with session tickets unread (RFC 8446 section 4.6.1) and after answers."""
    socket = bench.connect("tls", context=bench.context())
    # A server sends its tickets when its side of the handshake is done; they take a moment to arrive.
    time.sleep(bench.timeout)
    require(bench.driver.is_alive(socket), "is_alive() is false for a TLS connection fresh from its handshake")
    for _ in range(2):
        socket.settimeout(bench.patience)
        bench.echoes(socket)
        require(bench.driver.is_alive(socket), "is_alive() is false for a TLS connection that works")


def check_tls_closed_by_peer_is_not_alive(bench: "Bench") -> None:
    """A TLS connection that the peer has closed is not alive."""
    socket = bench.connect("tls", context=bench.context())
    bench.send(socket, b"bye 0\n")
    bench.until(lambda: not bench.driver.is_alive(socket), "is_alive() stays true after the peer has closed")


def check_tls_unread_bytes_are_not_alive(bench: "Bench") -> None:
    """A TLS connection on which unread bytes wait is not to be handed out, decrypted already or not."""
    socket = bench.connect("tls", context=bench.context())
    bench.send(socket, b"send 5\n")
    bench.read(socket, 2)
    require(not bench.driver.is_alive(socket), "is_alive() is true with three bytes of a TLS record unread")


CHECKS = (
    (check_tls_sends_and_receives, "tls"),
    (check_tls_end_is_zero, "tls"),
    (check_tls_timeout_is_told, "tls"),
    (check_tls_handshake_timeout, "tls"),
    (check_tls_refuses_expired, "tls"),
    (check_tls_refuses_wrong_name, "tls"),
    (check_tls_refuses_untrusted, "tls"),
    (check_tls_idle_socket_is_alive, "tls"),
    (check_tls_closed_by_peer_is_not_alive, "tls"),
    (check_tls_unread_bytes_are_not_alive, "tls"),
)
