"""Level 1: what the driver says of an idle socket. Board-safe."""

from radiopool.testing.bench import require

TYPE_CHECKING = False
if TYPE_CHECKING:
    from radiopool.testing.bench import Bench


def check_idle_socket_is_alive(bench: "Bench") -> None:
    """An idle connection is alive, however often it is asked, and asking takes nothing away from what comes later."""
    socket = bench.connect()
    bench.echoes(socket)
    for _ in range(3):
        require(bench.driver.is_alive(socket), "is_alive() is false for a connection that works")
        socket.settimeout(bench.patience)
        bench.echoes(socket)


def check_closed_by_peer_is_not_alive(bench: "Bench") -> None:
    """A connection that the peer has closed is not alive."""
    socket = bench.connect()
    bench.send(socket, b"bye 0\n")
    bench.until(lambda: not bench.driver.is_alive(socket), "is_alive() stays true after the peer has closed")


def check_half_closed_is_not_alive(bench: "Bench") -> None:
    """A connection whose peer has ended its sending is not alive: nobody will answer on it."""
    socket = bench.connect()
    bench.send(socket, b"half 0\n")
    bench.until(lambda: not bench.driver.is_alive(socket), "is_alive() stays true after the peer's half-close")


def check_reset_is_not_alive(bench: "Bench") -> None:
    """A connection that the peer has reset is not alive."""
    socket = bench.connect()
    bench.send(socket, b"reset\n")
    bench.until(lambda: not bench.driver.is_alive(socket), "is_alive() stays true after the peer's reset")


def check_unread_bytes_are_not_alive(bench: "Bench") -> None:
    """A connection on which unread bytes wait is not to be handed out: they would answer somebody else's question."""
    socket = bench.connect()
    bench.send(socket, b"send 5\n")
    bench.until(lambda: not bench.driver.is_alive(socket), "is_alive() stays true with unread bytes")


def check_asking_does_not_block(bench: "Bench") -> None:
    """`is_alive` answers at once, whatever timeout the socket has: here one that waits for ever."""
    socket = bench.connect()
    socket.settimeout(None)
    # Were it to wait, it would meet the byte that comes later and say no.
    bench.send(socket, b"later %d\n" % int(bench.timeout * 6000))
    require(bench.driver.is_alive(socket), "is_alive() waited for a byte that came later")


CHECKS = (
    (check_idle_socket_is_alive, None),
    (check_closed_by_peer_is_not_alive, None),
    (check_half_closed_is_not_alive, None),
    (check_reset_is_not_alive, None),
    (check_unread_bytes_are_not_alive, None),
    (check_asking_does_not_block, None),
)
