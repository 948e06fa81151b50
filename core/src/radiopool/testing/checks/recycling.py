"""Level 3: a connection manager over the driver. Board-safe."""

from radiopool.errors import OutOfSocketsError
from radiopool.policy import Policy
from radiopool.testing.bench import Clock, Skipped, address_of, require

TYPE_CHECKING = False
if TYPE_CHECKING:
    from radiopool.testing.bench import Bench

MOST_TLS = 8
"""A larger TLS budget is not tried: each handshake takes its time."""


def check_recycles(bench: "Bench") -> None:
    """A socket that was given back serves the next lease with an equal key, and works."""
    manager = bench.manager()
    first = bench.lease(manager)
    socket = first.socket
    for _ in range(3):
        bench.echoes(socket)
        manager.recycle(first)
        first = bench.lease(manager)
        require(first.socket is socket, "an idle socket that lives was not recycled: %r", manager.stats())


def stale(bench: "Bench", command: bytes, why: str) -> None:
    """Fail if a socket on which the peer did that is handed out again."""
    manager = bench.manager()
    entry = bench.lease(manager)
    socket = entry.socket
    bench.echoes(socket)
    bench.send(socket, command)
    # Whether the driver notices is asked here; whether the manager asks the driver, below.
    bench.until(lambda: not bench.driver.is_alive(socket), "is_alive() stays true on a socket that %s", why)
    manager.recycle(entry)
    again = bench.lease(manager)
    require(again.socket is not socket, "a socket that %s was handed out again", why)
    bench.echoes(again.socket)
    require(manager.stats()["closed"] == {"stale": 1}, "closed: %r", manager.stats()["closed"])
    manager.discard(again)
    bench.nothing_stays_open()


def check_stale_is_replaced(bench: "Bench") -> None:
    """An idle socket that the peer has closed is never handed out: the lease gets a fresh one instead."""
    stale(bench, b"bye 0\n", "the peer has closed")


def check_reset_is_replaced(bench: "Bench") -> None:
    """An idle socket that the peer has reset is never handed out."""
    stale(bench, b"reset\n", "the peer has reset")


def check_chatty_is_replaced(bench: "Bench") -> None:
    """An idle socket on which the peer said something unasked is never handed out."""
    stale(bench, b"send 3\n", "has unread bytes")


def check_timeout_is_applied_again(bench: "Bench") -> None:
    """A recycled socket has its new lease's timeout, not that of the lease before and not the probe's."""
    manager = bench.manager()
    entry = bench.lease(manager, timeout=bench.patience)
    bench.echoes(entry.socket)
    entry.socket.settimeout(bench.timeout)
    manager.recycle(entry)
    entry = bench.lease(manager, timeout=bench.patience)
    bench.send(entry.socket, b"later %d\n" % int(bench.timeout * 2000))
    answer = bench.read(entry.socket, 1)
    require(answer == b"!", "the answer that came after the old timeout was %r", answer)
    manager.recycle(entry)
    entry = bench.lease(manager, timeout=bench.timeout)
    bench.send(entry.socket, b"unless %d\n" % int(bench.patience * 1000))
    error = bench.failure(entry.socket.recv_into, bytearray(1))
    require(bench.driver.is_timeout(error), "is_timeout() does not recognise %r", error)


def check_keys_are_apart(bench: "Bench") -> None:
    """A socket is recycled for an equal key only."""
    manager = bench.manager()
    entry = bench.lease(manager, "a")
    socket = entry.socket
    manager.recycle(entry)
    other = bench.lease(manager, "b")
    require(other.socket is not socket, "a socket was handed out for another key")
    bench.echoes(other.socket)
    manager.recycle(other)
    again = bench.lease(manager, "a")
    # On a radio with one socket the other lease evicted it.
    require(again.socket is socket or bench.budget() == 1, "the key's own socket was not recycled")
    bench.echoes(again.socket)


def check_tls_keys_are_apart(bench: "Bench") -> None:
    """A TLS socket is handed out for the TLS context it was made with, and for no other and no plain lease."""
    manager = bench.manager()
    contexts = (bench.context(), bench.context())
    if contexts[0] is contexts[1]:
        raise Skipped("the driver has one TLS context for everything")
    first = bench.lease(manager, context=contexts[0])
    socket = first.socket
    bench.echoes(socket)
    manager.recycle(first)
    plain = bench.lease(manager)
    require(plain.socket is not socket, "a TLS socket was handed out for a plain lease")
    bench.echoes(plain.socket)
    manager.recycle(plain)
    again = bench.lease(manager, context=contexts[0])
    evicted = bench.budget() <= bench.traits.tls_cost
    require(again.socket is socket or evicted, "a TLS socket was not recycled for its own context")
    bench.echoes(again.socket)
    manager.recycle(again)
    other = bench.lease(manager, context=contexts[1])
    require(other.socket is not again.socket, "a TLS socket was handed out for another TLS context")
    bench.echoes(other.socket)


def check_budget_is_kept(bench: "Bench") -> None:
    """With more hosts than sockets idle ones make room, leased ones never, and not one too many is open."""
    limit = min(bench.budget(), 4)
    manager = bench.manager(Policy(budget=limit))
    held = [bench.lease(manager, "held %d" % number) for number in range(limit // 2)]
    for number in range(limit * 2 + 1):
        entry = bench.lease(manager, "host %d" % number)
        bench.echoes(entry.socket)
        manager.recycle(entry)
    require(bench.driver.peak <= limit, "%d sockets were open under a budget of %d", bench.driver.peak, limit)
    held += [bench.lease(manager, "more %d" % number) for number in range(limit - len(held))]
    try:
        bench.lease(manager, "one too many")
    except OutOfSocketsError:
        pass
    else:
        require(False, "a lease beyond the budget was granted: %r", manager.stats())
    for entry in held:
        bench.echoes(entry.socket)
        manager.discard(entry)
    manager.close_all()
    bench.nothing_stays_open()


def check_tls_budget_is_kept(bench: "Bench") -> None:
    """With one TLS host more than TLS sockets, they take turns, and all are served."""
    limit = bench.traits.budget[1]
    if limit is None or limit > MOST_TLS:
        raise Skipped("there is no small TLS budget")
    manager = bench.manager()
    context = bench.context()
    for turn in range(2):
        for number in range(limit + 1):
            entry = bench.lease(manager, "host %d" % number, context)
            bench.echoes(entry.socket, b"turn %d" % turn)
            require(manager.stats()["tls"] <= limit, "%r TLS sockets of %d", manager.stats()["tls"], limit)
            manager.recycle(entry)


def check_exhaustion_makes_room(bench: "Bench") -> None:
    """When the radio itself has no socket left, idle ones are closed until the connect succeeds."""
    manager = bench.manager(Policy(budget=(bench.most + 2, None)))
    sockets, error = 0, None
    while sockets < bench.most and error is None:
        entry = bench.lease(manager, "host %d" % sockets)
        manager.recycle(entry)
        sockets += 1
        if manager.stats()["closed"].get("evicted"):
            error = manager.stats()
    if error is None:
        raise Skipped("%d sockets did not exhaust the radio" % sockets)
    for number in range(3):
        entry = bench.lease(manager, "after %d" % number)
        bench.echoes(entry.socket)
        manager.recycle(entry)


def check_close_all_leaves_nothing(bench: "Bench") -> None:
    """After `close_all` and the last socket given back nothing is open, and the manager works as before."""
    manager = bench.manager()
    leased = bench.lease(manager, "leased")
    if bench.budget() > 1:
        manager.recycle(bench.lease(manager, "idle"))
    manager.close_all()
    bench.echoes(leased.socket)
    manager.recycle(leased)
    require(manager.managed_socket_count == 0, "%d sockets are still managed", manager.managed_socket_count)
    bench.nothing_stays_open()
    entry = bench.lease(manager, "idle")
    bench.echoes(entry.socket)


def check_own_sockets_count(bench: "Bench") -> None:
    """A socket that code opens by itself through the manager takes a unit of the budget until it is closed."""
    manager = bench.manager(Policy(budget=1))
    info = list(manager.getaddrinfo(bench.peer.host, bench.port("plain"), 0, manager.SOCK_STREAM))[0]
    for _ in range(2):
        socket = manager.socket(info[0], info[1])
        socket.settimeout(bench.patience)
        socket.connect(address_of(info))
        bench.echoes(socket)
        try:
            bench.lease(manager)
        except OutOfSocketsError:
            pass
        else:
            require(False, "a lease was granted beside a socket that takes the only unit")
        socket.close()
        entry = bench.lease(manager)
        bench.echoes(entry.socket)
        manager.discard(entry)
    bench.nothing_stays_open()


def check_idle_timeout(bench: "Bench") -> None:
    """A socket that was idle for too long is closed, and its successor works. Time is the bench's own."""
    clock = Clock()
    manager = bench.manager(Policy(idle_timeout=30), clock)
    entry = bench.lease(manager)
    socket = entry.socket
    manager.recycle(entry)
    clock.advance(31)
    entry = bench.lease(manager)
    require(entry.socket is not socket, "a socket was handed out after its idle timeout")
    bench.echoes(entry.socket)
    manager.discard(entry)
    bench.nothing_stays_open()


CHECKS = (
    (check_recycles, None),
    (check_stale_is_replaced, None),
    (check_reset_is_replaced, None),
    (check_chatty_is_replaced, None),
    (check_timeout_is_applied_again, None),
    (check_keys_are_apart, None),
    (check_tls_keys_are_apart, "tls"),
    (check_budget_is_kept, None),
    (check_tls_budget_is_kept, "tls"),
    (check_exhaustion_makes_room, None),
    (check_close_all_leaves_nothing, None),
    (check_own_sockets_count, None),
    (check_idle_timeout, None),
)
