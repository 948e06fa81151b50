"""The bench on which a driver is tried: the driver, its radio, and a peer that the radio can reach.

Board-safe: the checks run on a board against a peer on another machine.
"""

import sys
import time

from radiopool import platform
from radiopool.manager import ConnectionManager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from radiopool.driver import Driver, Traits
    from radiopool.policy import Policy


class Failed(AssertionError):
    """A requirement is not met; the message says what was seen instead."""


class Skipped(BaseException):
    """The check can't be made here; the message says why. No `except Exception` of a check or a driver stops it."""


def require(condition: "Any", message: str, *seen: "Any") -> None:
    """Raise Failed unless the condition holds. Unlike `assert` it is there under `python -O` too."""
    if not condition:
        raise Failed(message % seen if seen else message)


class Peer:
    """Where the peer is, and what it offers: all that a radio must be told to reach it.

    host: its address. ports: word -> port, of "plain", "narrow", "udp", "refused", "silent", "blackhole", "ipv6",
    "tls", "expired", "wrong name", "untrusted"; a check whose port is missing is skipped. name: what the good
    certificate names. ca: the CA's certificate, PEM text. ipv6_host: the address of the port "ipv6".

    `radiopool.testing.peers.Peers` is one that serves; `python -m radiopool.testing.peers` serves in a process of its
    own and prints these arguments as JSON.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        ports: "dict[str, int] | None" = None,
        name: str = "peer.test",
        ca: "str | None" = None,
        ipv6_host: str = "::1",
    ) -> None:
        self.host = host
        self.ports: "dict[str, int]" = ports or {}
        self.name = name
        self.ca = ca
        self.ipv6_host = ipv6_host


class Clock:
    """Milliseconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let that much time pass."""
        self.now += int(seconds * 1000)


class Witness:
    """A driver that counts: the sockets that its `connect` opened and its `close` has not closed.

    The rest is the driver's own. A socket counts from before it is opened until after it is closed, so a budget that
    is exceeded for a moment only is seen as well.
    """

    def __init__(self, driver: "Driver") -> None:
        self._driver = driver
        self._lock = platform.Lock()
        self.open: "dict[int, Any]" = {}
        self.connecting = 0
        self.peak = 0

    def connect(self, *args: "Any", **keywords: "Any") -> "Any":
        """The driver's own, counted from before it begins."""
        with self._lock:
            self.connecting += 1
            self.peak = max(self.peak, self.connecting + len(self.open))
        socket = None
        try:
            socket = self._driver.connect(*args, **keywords)
            return socket
        finally:
            with self._lock:
                self.connecting -= 1
                if socket is not None:
                    self.open[id(socket)] = socket

    def close(self, socket: "Any") -> None:
        """The driver's own, counted when it is done."""
        try:
            self._driver.close(socket)
        finally:
            self._forget(socket)

    def abandon(self, socket: "Any") -> None:
        """The driver's own, counted when it is done."""
        self._driver.abandon(socket)
        self._forget(socket)

    def _forget(self, socket: "Any") -> None:
        with self._lock:
            self.open.pop(id(socket), None)

    def __getattr__(self, name: str) -> "Any":
        if name == "_driver":
            raise AttributeError(name)
        return getattr(self._driver, name)


class Bench:
    """What a check gets.

    driver, radio: what is tried. peer: a `Peer`. traits: what the driver declares, if not `driver.traits(radio)`.
    ssl_context: makes a new TLS context that trusts the peer's CA, each time it is called; by default the driver's
    own, to which the CA is added where it takes one. A chip that does TLS itself must know the CA already, unless it is
    emulated and has its bundle, an `ssl.SSLContext`, as `radio.emulator.trust`.
    tls_host: the host for TLS connections, where the radio needs a name in place of `peer.host` and `server_name`.
    bind_host, listen_host: where a server socket of the radio binds, and where the peer reaches it.
    timeout: seconds of the timeouts that are to run out. patience: seconds given to what must happen.
    size: bytes of a large transfer. most: sockets opened at most in search of a limit. steps, examples: how long the
    random use of level 3 lasts. unknown_name: a name that nobody has, or None where asking takes too long.
    open_sockets: the number of sockets open on the radio, from a source of its own (an emulator's table).
    name: what distinguishes this bench from others of the driver, for reports.
    """

    def __init__(
        self,
        driver: "Driver",
        radio: "Any",
        peer: Peer,
        traits: "Traits | None" = None,
        ssl_context: "Callable[[], Any] | None" = None,
        tls_host: "str | None" = None,
        bind_host: "str | None" = None,
        listen_host: "str | None" = None,
        timeout: float = 0.15,
        patience: float = 10,
        size: int = 60000,
        most: int = 24,
        steps: int = 25,
        examples: int = 30,
        unknown_name: "str | None" = "nobody.invalid",
        open_sockets: "Callable[[], int] | None" = None,
        name: str = "",
    ) -> None:
        self.plain_driver = driver
        self.radio = radio
        self.peer = peer
        self.traits = traits or driver.traits(radio)
        require(hasattr(self.traits, "tls_cost"), "traits() must return radiopool.Traits, not %r", self.traits)
        self.pool: "Any" = driver.socket_pool(radio)
        self.make_context = ssl_context
        self.tls_host = tls_host
        self.bind_host = peer.host if bind_host is None else bind_host
        self.listen_host = listen_host or peer.host
        self.timeout = timeout
        self.patience = patience
        self.size = size
        self.most = most
        self.steps = steps
        self.examples = examples
        self.unknown_name = unknown_name
        self.open_sockets = open_sockets
        self.name = name
        chip_trust = getattr(getattr(radio, "emulator", None), "trust", None)
        if chip_trust is not None and peer.ca:
            chip_trust.load_verify_locations(cadata=peer.ca)
        self._managers: "list[ConnectionManager]" = []
        self._sockets: "list[Any]" = []
        self.driver: "Any" = Witness(driver)

    # -- connections

    def port(self, word: str) -> int:
        """The peer's port of that word; the check is skipped where it has none."""
        if word not in self.peer.ports:
            raise Skipped("the peer has no port %r" % word)
        return self.peer.ports[word]

    def connect(self, word: str = "plain", timeout: "float | None" = None, context: "Any" = None) -> "Any":
        """A connection to the peer's port of that word, closed after the check; with TLS if a context is given.

        timeout: seconds; `patience` by default.
        """
        host = self.peer.ipv6_host if word == "ipv6" else self.peer.host
        name = None
        if context is not None:
            host = self.tls_host or host
            name = None if self.tls_host else self.peer.name
        if timeout is None:
            timeout = self.patience
        return self.driver.connect(self.pool, host, self.port(word), timeout, context, name)

    def context(self) -> "Any":
        """A new TLS context that trusts the peer's CA."""
        if self.make_context is not None:
            return self.make_context()
        context = self.driver.ssl_context(self.radio)
        load = getattr(context, "load_verify_locations", None)
        if load is not None and self.peer.ca:
            load(cadata=der(self.peer.ca) if sys.implementation.name == "micropython" else self.peer.ca)
        return context

    def own(self, socket: "Any") -> "Any":
        """A socket that the check made without `connect`, to be closed after the check."""
        self._sockets.append(socket)
        return socket

    def manager(self, policy: "Policy | None" = None, clock: "Callable[[], int] | None" = None) -> ConnectionManager:
        """A connection manager of the radio, closed after the check. Its clock stands still unless one is given."""
        manager = ConnectionManager(
            self.pool, driver=self.driver, radio=self.radio, policy=policy, clock=clock or Clock()
        )
        self._managers.append(manager)
        return manager

    def lease(self, manager: ConnectionManager, scheme: str = "a", context: "Any" = None, timeout: float = -1) -> "Any":
        """A leased entry to the peer, under a key and in a session that `scheme` distinguishes."""
        host = (self.tls_host if context is not None else None) or self.peer.host
        name = self.peer.name if context is not None and not self.tls_host else None
        port = self.port("tls" if context is not None else "plain")
        key, context = manager.key_for(host, port, scheme, scheme, context is not None, context, name)
        return manager.acquire(key, context, timeout=self.patience if timeout < 0 else timeout, wait=0)

    def tidy(self) -> None:
        """Close whatever the check left open. Raises the first error that the driver's `close` raised, at the end."""
        failure = None
        for manager in self._managers:
            try:
                manager.close()
            except Exception as error:
                failure = failure or error
        for socket in list(self.driver.open.values()) + self._sockets:
            try:
                self.driver.close(socket)
            except Exception as error:
                failure = failure or error
        self._managers = []
        self._sockets = []
        self.driver = Witness(self.plain_driver)
        if failure is not None:
            raise failure

    # -- talking with the peer

    def send(self, socket: "Any", data: "bytes | memoryview") -> None:
        """Send all of it; where the buffer is full and the socket says so instead of waiting, try again for a while."""
        rest = memoryview(data)
        patience = 1000
        while len(rest):
            try:
                count = socket.send(rest)
            except OSError as error:
                # CircuitPython's sockets on espressif do, whatever their timeout.
                patience -= 1
                if not patience or not self.driver.would_block(error):
                    raise
                time.sleep(0.005)
                continue
            require(0 < count <= len(rest), "send of %d bytes returned %r", len(rest), count)
            rest = rest[count:]

    def read(self, socket: "Any", size: int) -> bytes:
        """That many bytes; fewer only if the peer ended."""
        buffer = bytearray(size)
        view = memoryview(buffer)
        got = 0
        while got < size:
            count = socket.recv_into(view[got:])
            if not count:
                break
            got += count
        return bytes(buffer[:got])

    def ask(self, socket: "Any", command: str) -> str:
        """A command to the peer, and the line it answers."""
        self.send(socket, command.encode() + b"\n")
        line = b""
        while not line.endswith(b"\n"):
            byte = self.read(socket, 1)
            require(byte, "the peer ended instead of answering %r", command)
            line += byte
        return line[:-1].decode()

    def echoes(self, socket: "Any", payload: bytes = b"ping") -> None:
        """Fail unless the peer echoes over that socket."""
        self.send(socket, b"echo %d\n" % len(payload) + payload)
        answer = self.read(socket, len(payload))
        require(answer == payload, "the peer's echo of %r came back as %r", payload, answer)

    # -- waiting and counting

    def until(self, condition: "Callable[[], Any]", message: str, *seen: "Any") -> None:
        """Wait until the condition holds; fail with the message after `patience` seconds."""
        end = platform.now_ms() + int(self.patience * 1000)
        while not condition():
            require(platform.now_ms() < end, message, *seen)
            time.sleep(0.002)

    def failure(self, call: "Callable[..., Any]", *arguments: "Any") -> "Exception":
        """What the call raises, which must be an OSError; fails if it raises nothing."""
        try:
            result = call(*arguments)
        except OSError as error:
            return error
        except Exception as error:
            raise Failed("%s came out, which is no OSError: %s" % (type(error).__name__, error)) from error
        raise Failed("nothing was raised; it returned %r" % (result,))

    def takes(self, sockets: int) -> None:
        """Skip the check on a radio that has fewer sockets than that."""
        if self.budget() < sockets:
            raise Skipped("it takes %d sockets at once, and the radio has %d" % (sockets, self.budget()))

    def vain_read(self, socket: "Any", timeout: float) -> "Exception":
        """What a read with that timeout raises, which must be an OSError, when nothing comes.

        Something comes after `patience` seconds all the same: a read that ignores its timeout does not wait for ever.
        """
        self.send(socket, b"unless %d\n" % int(self.patience * 1000))
        socket.settimeout(timeout)
        try:
            return self.failure(socket.recv_into, bytearray(1))
        except Failed as failure:
            raise Failed("a read with a timeout of %s s, for which nothing came: %s" % (timeout, failure)) from failure

    def budget(self) -> int:
        """How many sockets are to be open at once: the declared budget, at most `most`."""
        declared = self.traits.budget[0]
        return self.most if declared is None else min(declared, self.most)

    def nothing_stays_open(self) -> None:
        """Fail unless every socket is closed: as the driver counts, as the radio does, and as the peer sees it."""
        require(not self.driver.open, "the driver still has %d open", len(self.driver.open))
        count = self.open_sockets
        if count is not None:
            self.until(lambda: not count(), "the radio's own table still has a socket open")
        witness = self.connect()
        self.until(
            lambda: int(self.ask(witness, "count")) <= 1,
            "the peer still has connections that the radio should have closed",
        )
        self.driver.close(witness)


def address_of(info: "Any") -> "Any":
    """What `connect` and `sendto` are given of a 5-tuple of `getaddrinfo`.

    Of an IPv6 address CircuitPython's `getaddrinfo` gives four parts, and its sockets take two (RFC 3493's flow and
    scope are 0 here, and may be left out). MicroPython packs the whole into bytes.
    """
    address = info[-1]
    return address[:2] if isinstance(address, tuple) else address


def pattern(size: int) -> bytes:
    """The bytes that the peer sends when asked for that many; no two neighbourhoods look alike."""
    block = bytearray(size)
    for index in range(size):
        block[index] = (index * 7 + (index >> 8) * 13) & 0xFF
    return bytes(block)


def der(pem: str) -> bytes:
    """The DER bytes of a PEM text, which is what MicroPython's ssl takes."""
    import binascii

    lines = pem.strip().split("\n")
    return binascii.a2b_base64("".join([line.strip() for line in lines if not line.startswith("-----")]))
