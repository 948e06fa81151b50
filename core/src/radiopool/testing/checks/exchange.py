"""Level 1: open, send, receive, close; timeouts and errors. Board-safe."""

import binascii

from radiopool import platform
from radiopool.testing.bench import Skipped, address_of, pattern, require

TYPE_CHECKING = False
if TYPE_CHECKING:
    from radiopool.testing.bench import Bench


def check_claims_its_radio(bench: "Bench") -> None:
    """The driver claims its radio, and no object that is none."""
    require(bench.driver.matches(bench.radio), "matches() is false for %r", bench.radio)
    require(not bench.driver.matches(object()), "matches() claims a bare object()")


def check_one_socket_pool_per_radio(bench: "Bench") -> None:
    """`socket_pool` gives the same object for the same radio every time: the budget is kept per socket pool."""
    again = bench.driver.socket_pool(bench.radio)
    require(again is bench.pool, "socket_pool() made another: %r, then %r", bench.pool, again)
    known = bench.driver.radio_of(bench.pool)
    require(known is None or known is bench.radio, "radio_of(its own pool) is %r", known)


def check_finds_addresses(bench: "Bench") -> None:
    """`getaddrinfo` of the socket pool gives 5-tuples, whose first two make a socket and whose last connects it."""
    found = list(bench.pool.getaddrinfo(bench.peer.host, bench.port("plain"), 0, bench.pool.SOCK_STREAM))
    require(found, "no address for %r", bench.peer.host)
    require(len(found[0]) == 5, "getaddrinfo gave %r, which is no 5-tuple", found[0])
    socket = bench.own(bench.pool.socket(found[0][0], found[0][1]))
    socket.settimeout(bench.patience)
    socket.connect(address_of(found[0]))
    bench.echoes(socket)


def check_sends_and_receives(bench: "Bench") -> None:
    """What is sent arrives, and what the peer sends is received, on one connection again and again."""
    socket = bench.connect()
    for payload in (b"a", b"\0\r\n\xff", b"x" * 700):
        bench.echoes(socket, payload)


def check_connections_are_apart(bench: "Bench") -> None:
    """Two connections at once are different sockets, as keys of a dict too, and neither gets the other's bytes."""
    bench.takes(2)
    first, second = bench.connect(), bench.connect()
    require(len({first: 1, second: 2}) == 2, "two open sockets are equal, or share a hash: %r and %r", first, second)
    bench.send(first, b"echo 5\nfirst")
    bench.send(second, b"echo 6\nsecond")
    require(bench.read(second, 6) == b"second", "the second connection did not get its own bytes")
    require(bench.read(first, 5) == b"first", "the first connection did not get its own bytes")


def check_receives_into_part_of_a_buffer(bench: "Bench") -> None:
    """`recv_into(buffer, n)` receives at most n bytes, and touches nothing behind what it received."""
    socket = bench.connect()
    bench.send(socket, b"echo 9\n123456789")
    buffer = bytearray(b"-" * 12)
    got = 0
    while got < 4:
        count = socket.recv_into(memoryview(buffer)[got:], 4 - got)
        require(0 < count <= 4 - got, "recv_into(buffer, %d) returned %r", 4 - got, count)
        got += count
    require(buffer == b"1234--------", "after recv_into(buffer, 4) the buffer is %r", bytes(buffer))
    rest = bench.read(socket, 5)
    require(rest == b"56789", "the bytes after the first four were %r", rest)


def check_zero_asks_for_the_whole_buffer(bench: "Bench") -> None:
    """`recv_into(buffer, 0)`, like `recv_into(buffer)`, receives up to the buffer's length; it never means "none"."""
    socket = bench.connect()
    for arguments in ((0,), ()):
        bench.send(socket, b"echo 3\nabc")
        buffer = bytearray(3)
        got = 0
        while got < 3:
            count = socket.recv_into(memoryview(buffer)[got:], *arguments)
            require(count, "recv_into(buffer%s) returned 0 with the peer still there", ", 0" if arguments else "")
            got += count
        require(buffer == b"abc", "received %r", bytes(buffer))


def check_sends_much(bench: "Bench") -> None:
    """A large transfer out arrives whole and in order; `send` may take a part, and says how much it took."""
    socket = bench.connect()
    data = pattern(bench.size)
    bench.send(socket, b"take %d\n" % bench.size)
    bench.send(socket, data)
    answer = bench.read(socket, 9)[:8].decode()
    wanted = "%08x" % (binascii.crc32(data) & 0xFFFFFFFF)
    require(answer == wanted, "the peer got other bytes: CRC-32 %s, not %s", answer, wanted)


def check_receives_much(bench: "Bench") -> None:
    """A large transfer in arrives whole and in order."""
    socket = bench.connect()
    bench.send(socket, b"send %d\n" % bench.size)
    require(bench.read(socket, bench.size) == pattern(bench.size), "the bytes that arrived are not those sent")


def check_receives_what_is_there(bench: "Bench") -> None:
    """`recv_into` returns as soon as something is there; it does not wait for its buffer to be full."""
    socket = bench.connect()
    socket.settimeout(bench.patience)
    bench.send(socket, b"slow 3 20\n")
    buffer = bytearray(100)
    got = 0
    while got < 3:
        count = socket.recv_into(memoryview(buffer)[got:])
        require(count, "the connection ended after %d of 3 bytes", got)
        got += count
    require(buffer[:3] == pattern(3), "received %r", bytes(buffer[:3]))


def check_end_is_zero(bench: "Bench") -> None:
    """When the peer has closed, `recv_into` gives what it sent before, then 0, and 0 again."""
    socket = bench.connect()
    bench.send(socket, b"bye 600\n")
    received = bench.read(socket, 600)
    require(received == pattern(600), "%d of the 600 bytes before the end arrived", len(received))
    for _ in range(2):
        count = socket.recv_into(bytearray(10))
        require(count == 0, "after the end recv_into returned %r", count)


def check_half_close_is_an_end(bench: "Bench") -> None:
    """A peer that ends only its own sending can be read to its end: all its bytes, then 0."""
    socket = bench.connect()
    bench.send(socket, b"half 600\n")
    require(bench.read(socket, 601) == pattern(600), "the bytes before the half-close did not arrive whole")


def check_reset_is_an_error_or_an_end(bench: "Bench") -> None:
    """After a TCP reset by the peer `recv_into` raises an OSError or returns 0, at the latest when its time is up.

    CircuitPython on Espressif takes a reset for silence, and its bare sockets are right all the same.
    """
    socket = bench.connect()
    socket.settimeout(bench.timeout * 3)
    bench.send(socket, b"reset\n")
    try:
        count = socket.recv_into(bytearray(10))
    except OSError as error:
        require(not bench.driver.is_exhausted(error), "is_exhausted() takes a reset for its own: %r", error)
    else:
        require(count == 0, "after a reset recv_into returned %r", count)


def check_timeout_is_told(bench: "Bench") -> None:
    """A read that runs into its timeout raises what `is_timeout` recognises; the connection goes on working."""
    socket = bench.connect()
    error = bench.vain_read(socket, bench.timeout)
    require(bench.driver.is_timeout(error), "is_timeout() does not recognise %r", error)
    require(not bench.driver.is_exhausted(error), "is_exhausted() takes the timeout %r for its own", error)
    socket.settimeout(bench.patience)
    bench.echoes(socket)


def check_send_timeout_is_told(bench: "Bench") -> None:
    """A send to a peer that does not read ends with an OSError once all buffers are full: one that `is_timeout` or
    `would_block` recognises, or the connection is given up and `is_alive` says so. No send waits for ever.

    The chip of an ESP32 gives a connection up after 10 s, whatever the timeout.
    """
    # A timeout that was set earlier is longer than the peer's deafness.
    socket = bench.connect("narrow", bench.patience * 3)
    bench.send(socket, b"deaf %d\n" % int(bench.patience * 1000))
    socket.settimeout(bench.timeout)
    end = platform.now_ms() + int(bench.patience * 1000)
    data, error = pattern(bench.size), None
    while error is None:
        require(
            platform.now_ms() < end,
            "with a timeout of %s s, send waited until the peer read again, %s s later: let `send` obey `settimeout`",
            bench.timeout,
            bench.patience,
        )
        try:
            socket.send(data)
        except OSError as failure:
            error = failure
    driver = bench.driver
    require(not driver.is_exhausted(error), "is_exhausted() takes a send that ran out of time for its own: %r", error)
    require(
        driver.is_timeout(error) or driver.would_block(error) or not driver.is_alive(socket),
        "neither is_timeout() nor would_block() recognises %r",
        error,
    )
    driver.close(socket)
    bench.send(bench.connect(), b"hear\n")


def check_timeouts_can_change(bench: "Bench") -> None:
    """The last `settimeout` counts: after 0 and after a short one, a long one waits for an answer that takes longer."""
    socket = bench.connect()
    for before in (0, bench.timeout):
        bench.vain_read(socket, before)
        socket.settimeout(bench.patience)
        bench.send(socket, b"later %d\n" % int(bench.timeout * 1500))
        answer = bench.read(socket, 1)
        require(answer == b"!", "the late answer was %r", answer)


def check_none_waits(bench: "Bench") -> None:
    """`settimeout(None)` waits for as long as it takes."""
    socket = bench.connect()
    socket.settimeout(bench.timeout)
    bench.send(socket, b"later %d\n" % int(bench.timeout * 1500))
    socket.settimeout(None)
    answer = bench.read(socket, 1)
    require(answer == b"!", "the late answer was %r", answer)


def check_does_not_block(bench: "Bench") -> None:
    """With `settimeout(0)` a read that finds nothing raises at once what `would_block` recognises."""
    socket = bench.connect()
    error = bench.vain_read(socket, 0)
    require(bench.driver.would_block(error), "would_block() does not recognise %r", error)
    socket.settimeout(bench.patience)
    bench.echoes(socket)


def check_refused_connect(bench: "Bench") -> None:
    """A connect to a closed port raises an OSError, which is no exhaustion and no timeout."""
    error = bench.failure(bench.connect, "refused")
    require(not bench.driver.is_exhausted(error), "is_exhausted() takes a refused connect for its own: %r", error)
    require(not bench.driver.is_timeout(error), "is_timeout() takes a refused connect for its own: %r", error)


def check_unknown_name(bench: "Bench") -> None:
    """A connect to a name that nobody has raises an OSError, which is no exhaustion."""
    if bench.unknown_name is None:
        raise Skipped("the bench has no unknown_name")
    error = bench.failure(bench.driver.connect, bench.pool, bench.unknown_name, bench.port("plain"), bench.patience)
    require(not bench.driver.is_exhausted(error), "is_exhausted() takes an unknown name for its own: %r", error)


def check_connect_timeout(bench: "Bench") -> None:
    """A connect that nobody answers raises, when its timeout has run out, what `is_timeout` recognises."""
    begun = platform.now_ms()
    error = bench.failure(bench.connect, "blackhole", bench.timeout)
    taken = (platform.now_ms() - begun) // 1000
    require(bench.driver.is_timeout(error), "is_timeout() does not recognise %r", error)
    require(taken <= bench.timeout + bench.patience, "with a timeout of %s s it took %d s", bench.timeout, taken)


def check_closes(bench: "Bench") -> None:
    """A closed socket is closed: the peer sees its end, and nothing of it stays open."""
    for _ in range(3):
        socket = bench.connect()
        bench.echoes(socket)
        bench.driver.close(socket)
    bench.nothing_stays_open()


def check_ipv6(bench: "Bench") -> None:
    """A connection to an IPv6 address works."""
    socket = bench.connect("ipv6")
    bench.echoes(socket)


def check_datagrams(bench: "Bench") -> None:
    """A datagram socket sends to an address and receives what comes back, with the address it came from."""
    pool = bench.pool
    info = list(pool.getaddrinfo(bench.peer.host, bench.port("udp"), 0, pool.SOCK_DGRAM))[0]
    socket = bench.own(pool.socket(info[0], pool.SOCK_DGRAM))
    socket.settimeout(bench.patience)
    require(socket.sendto(b"datagram", address_of(info)) == 8, "sendto did not say that it took 8 bytes")
    buffer = bytearray(20)
    count, sender = socket.recvfrom_into(buffer)
    require(buffer[:count] == b"datagram", "the datagram came back as %r", bytes(buffer[:count]))
    if isinstance(sender, tuple):  # MicroPython's unix port packs it into bytes
        require(sender[1] == bench.port("udp"), "it came from port %r, not %d", sender[1], bench.port("udp"))


def check_listens(bench: "Bench") -> None:
    """A server socket accepts a connection, and both directions of it work."""
    bench.takes(2)
    control = bench.connect()
    port = int(bench.ask(control, "port"))
    server = bench.own(bench.pool.socket(bench.pool.AF_INET6 if ":" in bench.bind_host else bench.pool.AF_INET))
    server.settimeout(bench.patience)
    server.bind((bench.bind_host, port))
    server.listen(1)
    bench.send(control, b"dial %s %d\n" % (bench.listen_host.encode(), port))
    # The accepted one may need its place.
    bench.driver.close(control)
    accepted = bench.own(server.accept()[0])
    accepted.settimeout(bench.patience)
    greeting = bench.read(accepted, 5)
    require(greeting == b"hello", "the peer that connected said %r", greeting)
    bench.send(accepted, b"welcome")
    answer = bench.read(accepted, 7)
    require(answer == b"welcome", "the peer that connected echoed %r", answer)


CHECKS = (
    (check_claims_its_radio, None),
    (check_one_socket_pool_per_radio, None),
    (check_finds_addresses, None),
    (check_sends_and_receives, None),
    (check_connections_are_apart, None),
    (check_receives_into_part_of_a_buffer, None),
    (check_zero_asks_for_the_whole_buffer, None),
    (check_sends_much, None),
    (check_receives_much, None),
    (check_receives_what_is_there, None),
    (check_end_is_zero, None),
    (check_half_close_is_an_end, None),
    (check_reset_is_an_error_or_an_end, None),
    (check_timeout_is_told, None),
    (check_send_timeout_is_told, None),
    (check_timeouts_can_change, None),
    (check_none_waits, None),
    (check_does_not_block, None),
    (check_refused_connect, None),
    (check_unknown_name, None),
    (check_connect_timeout, None),
    (check_closes, None),
    (check_ipv6, "ipv6"),
    (check_datagrams, "udp"),
    (check_listens, "listen"),
)
