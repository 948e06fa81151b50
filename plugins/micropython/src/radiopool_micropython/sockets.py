"""MicroPython's sockets with the socket contract on top.

The native socket never blocks once it is connected; waiting is `select.poll`'s. So a read takes what is there and
copies nothing (a blocking `readinto` would wait until the buffer is full, `recv` allocates what it returns), a
timeout is ETIMEDOUT on every port, and TLS sockets, which have no `settimeout`, keep their timeouts too.
"""

import errno

from radiopool.platform import CPYTHON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

if TYPE_CHECKING or CPYTHON:
    # The half that a board loads later: see `platform.Later`.
    from radiopool_micropython.socket_methods import SocketMethods as Later
else:
    from radiopool.platform import Later

# The same on every port (extmod/modselect.c).
_IN = 1
_OUT = 4


class SocketPool:
    """The module `socket` as a socket pool; its constants are the module's."""

    def __init__(self, module: "Any") -> None:
        self.module = module

    def socket(self, family: int = 2, type: int = 1, proto: int = 0) -> "NativeSocket":
        """A new socket. Raises OSError, as the port does, when there is none left."""
        # There may be no memory left for one that is made around the native socket.
        made = NativeSocket(self)
        made.take(self.module.socket(family, type, proto))
        return made

    def getaddrinfo(
        self, host: str, port: int, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> "Any":
        """The 5-tuples of a name, their addresses packed. Raises OSError for a name that does not resolve."""
        try:
            return self.module.getaddrinfo(host, port, family, type)
        except OSError as error:
            # Each port has numbers of its own for it (-2, -202, a text).
            raise OSError(-2, "%s does not resolve: %s" % (host, error)) from error

    def packed(self, address: "Any") -> "Any":
        """An address as `connect` and `bind` take it: packed ones as they are, (host, port) looked up."""
        if not isinstance(address, tuple):
            return address
        return self.getaddrinfo(address[0] or "0.0.0.0", address[1], 0, 1)[0][-1]

    def __getattr__(self, name: str) -> "Any":
        if name == "module":
            raise AttributeError(name)
        return getattr(self.module, name)


class NativeSocket(Later):
    """One of MicroPython's sockets. `raw` is the native one, `stream` what is read and written: it, or TLS over it."""

    _later = "_micropython.socket_methods"

    def __init__(self, pool: SocketPool) -> None:
        self.raw: "Any" = None
        self.stream: "Any" = None
        self._pool = pool
        self._poller: "Any" = None
        # Milliseconds, as poll has them: -1 is for ever.
        self._patience = -1

    def take(self, raw: "Any") -> None:
        """Stand for that native socket from now on."""
        self.raw = self.stream = raw
        raw.setblocking(False)

    def settimeout(self, timeout: "float | None") -> None:
        """Seconds each operation may take; None is no limit, 0 does not wait."""
        self._patience = -1 if timeout is None else int(timeout * 1000)

    def connect(self, address: "Any") -> None:
        """Connect to a packed address, or to (host, port). Raises OSError: ETIMEDOUT after the timeout."""
        raw = self.raw
        # Every port keeps a timeout of its own over connect; what comes of a connect that does not wait differs.
        raw.settimeout(None if self._patience < 0 else self._patience / 1000)
        try:
            raw.connect(self._pool.packed(address))
        except OSError as error:
            if self._patience and error.args[:1] in ((errno.EINPROGRESS,), (errno.EAGAIN,)):
                raise OSError(errno.ETIMEDOUT) from error
            raise
        finally:
            raw.setblocking(False)

    def start_tls(self, context: "Any", server_name: str) -> None:
        """TLS over the connected socket, within the timeout. Raises OSError, or ValueError for a bad certificate."""
        from radiopool_micropython.tls_stream import handshake

        self.stream = handshake(self, context, server_name)

    def send(self, data: "Any") -> int:
        """Send what fits: how many bytes. Raises OSError: ETIMEDOUT after the timeout, EAGAIN if that is 0."""
        while True:
            count = self.stream.write(data)
            if count is not None:
                return count  # type: ignore[no-any-return]
            self.wait(_OUT)

    def recv_into(self, buffer: "Any", nbytes: int = 0) -> int:
        """Receive into the buffer, at most `nbytes` (0: what fits); 0 means that the peer closed.

        Raises as `send`, and OSError when the connection broke.
        """
        while True:
            count = self.stream.readinto(buffer, nbytes or len(buffer))
            if count is not None:
                return count  # type: ignore[no-any-return]
            self.wait(_IN)

    def is_alive(self) -> bool:
        """Whether the connection stands and nothing waits on it: a byte, an end and an error all say no."""
        try:
            return self.stream.readinto(bytearray(1)) is None
        except OSError:
            return False

    def wait(self, event: int) -> None:
        """Until the native socket is ready. Raises OSError: ETIMEDOUT after the timeout, EAGAIN if that is 0."""
        if not self._patience:
            raise OSError(errno.EAGAIN)
        poller = self._poller
        if poller is None:
            import select

            poller = self._poller = select.poll()
        poller.register(self.raw, event)
        # ipoll, because poll makes a list.
        for _ in poller.ipoll(self._patience):
            return
        raise OSError(errno.ETIMEDOUT)

    def close(self) -> None:
        """Close, the TLS session first. Idempotent."""
        try:
            if self.stream is not self.raw:
                self.stream.close()
        except OSError:
            # The peer need not take our goodbye.
            pass
        finally:
            self.raw.close()
