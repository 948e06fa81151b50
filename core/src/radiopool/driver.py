"""The driver contract: the small set of methods by which the core reaches a radio.

Subclass `Driver`, give it a `name`, say which radios it knows and make their socket pool; everything else has a
default that suits a socket pool shaped like CPython's `socket` module. Methods beyond the three required ones are
capabilities: override one where the radio can do better or behaves otherwise.
"""

import errno

from radiopool.platform import CPYTHON
from radiopool.vocabulary import CONTRACT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool.types import Socket

if TYPE_CHECKING or CPYTHON:
    # The half that a board loads later: see `platform.Later`.
    from radiopool.driver_methods import DriverMethods as Later
    from radiopool.traits_methods import TraitsMethods as _TraitsMethods
else:
    from radiopool.platform import Later

    _TraitsMethods = object


# The numbers of what a non-blocking call raises that would have had to wait.
_NOTHING_YET = (errno.EAGAIN, errno.EINPROGRESS)


class Traits(_TraitsMethods):
    """What a radio can do.

    budget: how many sockets and how many TLS sockets can be open at once, a pair; None is "no known limit".
    tls: "host" (the interpreter's ssl over the driver's sockets), "chip" (the radio does it), or None.
    tls_cost: how many of the budget's sockets one TLS socket takes.
    udp, ipv6, listen: whether datagrams, IPv6 and server sockets work.

    Raises InvalidValueError, on CPython.
    """

    def __init__(
        self,
        budget: "tuple[int | None, int | None]" = (None, None),
        tls: "str | None" = None,
        udp: bool = False,
        ipv6: bool = False,
        listen: bool = False,
        tls_cost: int = 1,
    ) -> None:
        self.budget = budget
        self.tls = tls
        self.udp = udp
        self.ipv6 = ipv6
        self.listen = listen
        self.tls_cost = tls_cost
        if CPYTHON:
            self.check()


class Driver(Later):
    """The parent of every driver. `name`, `matches` and `socket_pool` must be written.

    Two more methods are called where a driver has them, on CPython: `bench(peer, which)`, the `radiopool.testing.Bench`
    that the conformance kit tries, and `doctor()`, a list of sentences on what is wrong with the installation.
    """

    _later = ".driver_methods"

    contract: "tuple[int, int]" = CONTRACT
    """The contract the driver was written for."""

    def radio_of(self, pool: "Any") -> "Any":
        """The radio behind a socket pool that this driver made or knows, or None.

        It lets `ConnectionManager(pool)` find its driver when the caller names none.
        """
        return None

    def traits(self, radio: "Any") -> Traits:
        """What the radio can do, or with None what such radios usually can; see `Traits`.

        Default: nothing promised, no limit until exhaustion teaches one.
        """
        return Traits()

    def connect(
        self,
        pool: "Any",
        host: str,
        port: int,
        timeout: "float | None" = None,
        ssl_context: "Any" = None,
        server_name: "str | None" = None,
        source_address: "tuple[str, int] | None" = None,
    ) -> "Socket":
        """A connected socket, after the TLS handshake if `ssl_context` is given. Leaks nothing when it raises.

        `timeout` in seconds covers each step. `server_name` is what the certificate must name (default `host`).
        Default: the addresses of `getaddrinfo` in turn, each on a fresh socket.
        """
        failure: Exception | None = None
        for info in pool.getaddrinfo(host, port, 0, pool.SOCK_STREAM):
            try:
                return self.connect_address(pool, info, host, timeout, ssl_context, server_name, source_address)
            except OSError as error:
                if self.is_exhausted(error):
                    raise
                failure = error
        raise failure or OSError("no address for %r" % host)

    def connect_address(
        self,
        pool: "Any",
        info: "Any",
        host: str,
        timeout: "float | None",
        ssl_context: "Any",
        server_name: "str | None",
        source_address: "tuple[str, int] | None",
    ) -> "Socket":
        """One attempt, to one 5-tuple of `getaddrinfo`."""
        raw = socket = pool.socket(info[0], info[1])
        try:
            raw.settimeout(timeout)
            if source_address:
                raw.bind(source_address)
            if ssl_context is not None:
                # Before connect: CircuitPython's ssl does the handshake in connect(), CPython's can.
                socket = self.wrap(raw, ssl_context, server_name or host)
            socket.connect(info[-1])
        except BaseException:
            # After a failed handshake a firmware's SSLSocket.close() does nothing, so the raw one goes too.
            if socket is not raw:
                self.close(socket)
            self.close(raw)
            raise
        return socket  # type: ignore[no-any-return]

    def close(self, socket: "Any") -> None:
        """Close, whatever state the socket is in; what the vendor raises then helps nobody."""
        try:
            socket.close()
        except Exception:
            pass

    def is_exhausted(self, error: BaseException) -> bool:
        """Whether the error says "no socket (or no memory for one) is left"."""
        if isinstance(error, MemoryError):
            return True
        from radiopool.errors import is_exhausted

        return is_exhausted(error)

    def would_block(self, error: BaseException) -> bool:
        """Whether the error says that a non-blocking call found nothing to do yet."""
        # The number is the first argument wherever else an interpreter puts it.
        if not isinstance(error, OSError) or not error.args:
            return False
        if CPYTHON and type(error).__name__ in ("SSLWantReadError", "SSLWantWriteError"):
            return True
        return error.args[0] in _NOTHING_YET

    def is_alive(self, socket: "Any") -> bool:
        """Whether an idle socket can be handed out: still connected, and nothing unread waits on it.

        May leave any timeout set. Default: a one-byte read that would block; a byte, an end or another error all
        mean that the connection is spent.
        """
        try:
            socket.settimeout(0)
            socket.recv_into(bytearray(1))
        except (OSError, RuntimeError) as error:
            return self.would_block(error)
        return False

    def revive(self, socket: "Any", timeout: "float | None") -> bool:
        """`is_alive`, and the timeout of the next lease applied: a driver that does both faster may say how."""
        if not self.is_alive(socket):
            return False
        socket.settimeout(timeout)
        return True
