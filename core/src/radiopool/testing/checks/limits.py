"""Level 2: exhaustion and recovery, and nothing lost on the way. Board-safe."""

from radiopool.testing.bench import Skipped, require

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool.testing.bench import Bench


class RefusingContext:
    """A TLS context of which no TLS socket can be made."""

    def wrap_socket(self, *_: "Any", **__: "Any") -> "Any":
        raise ValueError("this context refuses")

    wrap_bio = wrap_socket


def open_until_exhausted(bench: "Bench", most: int) -> "tuple[list[Any], Exception | None]":
    """Up to `most` connections, and what the radio said when it had no more, if it said so."""
    sockets: "list[Any]" = []
    while len(sockets) < most:
        try:
            sockets.append(bench.connect())
        except Exception as error:
            require(bench.driver.is_exhausted(error), "with %d sockets open, connect raised %r", len(sockets), error)
            return sockets, error
    return sockets, None


def all_fit(bench: "Bench", after: str) -> None:
    """Fail unless as many sockets as the budget has can be open; closes them."""
    sockets = []
    wanted = bench.budget() if bench.traits.budget[0] is not None else 4
    for number in range(wanted):
        try:
            sockets.append(bench.connect())
        except Exception as error:
            require(False, "%s, only %d of %d sockets could be opened: %r", after, number, wanted, error)
    bench.echoes(sockets[-1])
    for socket in sockets:
        bench.driver.close(socket)


def check_budget_can_be_used(bench: "Bench") -> None:
    """As many sockets as the declared budget says can be open at once, and every one works."""
    sockets, error = open_until_exhausted(bench, bench.budget())
    declared = bench.traits.budget[0]
    if declared is None:
        require(error, "no limit was met")
    require(len(sockets) == bench.budget(), "exhausted after %d sockets: %r", len(sockets), error)
    for number, socket in enumerate(sockets):
        bench.echoes(socket, b"socket %d" % number)


def check_exhaustion_is_told(bench: "Bench") -> None:
    """A radio that has no socket left says so by an error that `is_exhausted` recognises, and open ones go on."""
    sockets, error = open_until_exhausted(bench, bench.most)
    if error is None:
        raise Skipped("%d sockets did not exhaust the radio" % len(sockets))
    require(not bench.driver.is_timeout(error), "is_timeout() takes exhaustion for its own: %r", error)
    require(sockets, "the radio was exhausted from the start: %r", error)
    for socket in sockets:
        bench.echoes(socket)


def check_recovers_from_exhaustion(bench: "Bench") -> None:
    """After exhaustion, closing one socket makes room for one, again and again."""
    sockets, error = open_until_exhausted(bench, bench.most)
    if error is None:
        raise Skipped("%d sockets did not exhaust the radio" % len(sockets))
    for _ in range(3):
        bench.driver.close(sockets.pop(0))
        socket = bench.connect()
        bench.echoes(socket)
        sockets.append(socket)


def check_closes_twice(bench: "Bench") -> None:
    """Closing a closed socket does nothing: not an error, and not to the socket that was opened since."""
    first = bench.connect()
    first.close()
    second = bench.connect()
    first.close()
    if bench.budget() > 1:
        bench.echoes(bench.connect(), b"third")
    bench.echoes(second, b"second")


def check_closed_socket_is_dead(bench: "Bench") -> None:
    """Using a closed socket raises an OSError, and does not reach the socket that was opened since."""
    first = bench.connect()
    first.close()
    second = bench.connect()
    bench.failure(first.send, b"echo 1\nx")
    bench.failure(first.recv_into, bytearray(1))
    bench.echoes(second, b"second")


def check_closed_socket_gives_nothing(bench: "Bench") -> None:
    """What a socket had received is gone when it is closed: reading it raises an OSError, unread bytes or not."""
    _gives_nothing(bench, bench.connect())


def check_closed_tls_socket_gives_nothing(bench: "Bench") -> None:
    """What a TLS socket had received is gone when it is closed: reading it raises an OSError, unread bytes or not."""
    _gives_nothing(bench, bench.connect("tls", context=bench.context()))


def _gives_nothing(bench: "Bench", socket: "Any") -> None:
    bench.send(socket, b"send 9\n")
    # A driver that receives more than it is asked for has the rest now.
    bench.read(socket, 1)
    socket.close()
    bench.failure(socket.recv_into, bytearray(10))


def check_refused_connect_leaves_nothing(bench: "Bench") -> None:
    """A connect that is refused leaves no socket behind, however often."""
    for _ in range(bench.budget() + 2):
        bench.failure(bench.connect, "refused")
    all_fit(bench, "after connects that were refused")
    bench.nothing_stays_open()


def check_timed_out_connect_leaves_nothing(bench: "Bench") -> None:
    """A connect that times out leaves no socket behind."""
    for _ in range(min(bench.budget() + 1, 5)):
        bench.failure(bench.connect, "blackhole", bench.timeout / 3)
    all_fit(bench, "after connects that timed out")
    bench.nothing_stays_open()


def check_failed_handshake_leaves_nothing(bench: "Bench") -> None:
    """A TLS handshake that fails leaves no socket behind, however often."""
    context = bench.context()
    bench.driver.close(bench.connect("tls", context=context))
    for _ in range(min(bench.budget() + 2, 12)):
        bench.failure(bench.connect, "untrusted", None, context)
    all_fit(bench, "after TLS handshakes that failed")
    bench.nothing_stays_open()
    bench.echoes(bench.connect("tls", context=context))


def check_failed_wrap_leaves_nothing(bench: "Bench") -> None:
    """A TLS context that can't make a socket leaves none behind, however often."""
    if bench.traits.tls == "chip":
        raise Skipped("the chip does TLS: no context wraps anything")
    bench.driver.close(bench.connect("tls", context=bench.context()))
    for _ in range(min(bench.budget() + 2, 12)):
        try:
            bench.connect("tls", context=RefusingContext())
        except Exception as error:
            require(not bench.driver.is_exhausted(error), "a failing wrap used up the sockets: %r", error)
        else:
            require(False, "a context that refuses made a connection")
    all_fit(bench, "after TLS wraps that failed")
    bench.nothing_stays_open()


CHECKS = (
    (check_budget_can_be_used, "budget"),
    (check_exhaustion_is_told, None),
    (check_recovers_from_exhaustion, None),
    (check_closes_twice, None),
    (check_closed_socket_is_dead, None),
    (check_closed_socket_gives_nothing, None),
    (check_closed_tls_socket_gives_nothing, "tls"),
    (check_refused_connect_leaves_nothing, None),
    (check_timed_out_connect_leaves_nothing, None),
    (check_failed_handshake_leaves_nothing, "tls"),
    (check_failed_wrap_leaves_nothing, "tls"),
)
