"""The firmware's `ssl` over this distribution's sockets, on CPython.

`ssl.create_default_context().wrap_socket(sock, server_hostname=...)` is what programs for boards write. CPython's
`ssl` wraps sockets of the operating system only; `install` adds ours, through the hook that `ssl.SSLContext` has for
it (`sslsocket_class`). What it does with every other socket stays as it is.
"""

import errno
import ssl
from typing import Any

from radiopool.tls import TLSSocket
from radiopool_socketpool.channel import READ, SLICE, Peer
from radiopool_socketpool.firmware_socket import Socket
from radiopool_socketpool.personality import firmware_error


class SSLSocket:
    """TLS security on a `Socket`. Cannot be created directly. Instead, call `SSLContext.wrap_socket`.

    Wrap before `connect`: the handshake runs in there. As in the firmware it has no sendall, no recv and no type, and
    after a failed handshake `close` does nothing: close the socket below. Errors of TLS are `ssl.SSLError`s here,
    where a board has OSErrors with the numbers of mbedTLS.
    """

    __module__ = "ssl"
    __slots__ = ("__weakref__", "_closed", "_context", "_socket", "_tls")

    _socket: Socket
    _context: ssl.SSLContext
    _tls: TLSSocket
    _closed: bool

    def __new__(cls, *arguments: Any, **keywords: Any) -> "SSLSocket":
        """Raises TypeError."""
        raise TypeError("cannot create an SSLSocket directly: call SSLContext.wrap_socket()")

    @classmethod
    def _over(cls, socket: Socket, context: ssl.SSLContext, server_side: bool, server_hostname: Any) -> "SSLSocket":
        if socket.type != 1:
            raise RuntimeError("Invalid socket for TLS")
        channel = socket._channel
        channel.radio.meet("wrap_socket")
        self = super().__new__(cls)
        self._socket = socket
        self._context = context
        self._closed = False
        engine: Any = _ServerSide(context) if server_side else context
        self._tls = TLSSocket(socket, engine, server_hostname)
        self._tls.settimeout(socket._timeout)
        # Its buffers are memory, and memory for TLS is what a board runs out of first.
        cost = channel.radio.personality.tls_cost - 1
        if cost and not channel.tls_slots:
            if not channel.radio.slots.take("tls", cost):
                raise MemoryError("memory allocation failed")
            channel.tls_slots = cost
        return self

    def connect(self, address: "tuple[str, int]", /) -> None:
        """Connect, then do the handshake, both within the timeout."""
        try:
            self._call(self._tls.connect, address)
        except BaseException:
            # The firmware takes a handshake that fails for the end, and forgets to close what is below.
            self._closed = self._socket._connected
            raise

    def bind(self, address: "tuple[str, int]", /) -> None:
        """Bind the socket below."""
        self._socket.bind(address)

    def listen(self, backlog: int, /) -> None:
        """Listen on the socket below."""
        self._socket.listen(backlog)

    def accept(self) -> "tuple[SSLSocket, Peer]":
        """An (SSLSocket, remote address), after the handshake as the server. Leaks nothing when that fails.

        As in the firmware the handshake waits as long as the new socket's own timeout, and without an end if that is
        0: a client that connects and says nothing stops a server that polls.
        """
        raw, peer = self._socket.accept()
        try:
            accepted = SSLSocket._over(raw, self._context, True, None)
            while True:
                try:
                    accepted._call(accepted._tls.do_handshake)
                    return accepted, peer
                except OSError as error:
                    if error.errno != errno.EAGAIN:
                        raise
                raw._channel.poll(READ, SLICE)
        except BaseException:
            raw.close()
            raise

    def recv_into(self, buffer: Any, bufsize: int = 0, /) -> int:
        """As `Socket.recv_into`."""
        self._check_open()
        size = len(memoryview(buffer).cast("B"))
        if bufsize > size:
            raise ValueError("buffer too small for requested bytes")
        if not size:
            return 0
        count: int = self._call(self._tls.recv_into, buffer, max(0, bufsize))
        return count

    def send(self, data: Any, /) -> int:
        """As `Socket.send`."""
        self._check_open()
        count: int = self._call(self._tls.send, memoryview(data).cast("B"))
        return count

    def settimeout(self, value: float | None, /) -> None:
        """As `Socket.settimeout`."""
        self._socket.settimeout(value)
        self._tls.settimeout(self._socket._timeout)

    def setblocking(self, flag: Any, /) -> None:
        """As `Socket.setblocking`."""
        self.settimeout(None if flag else 0)

    def setsockopt(self, level: int, optname: int, value: Any, /) -> None:
        """As `Socket.setsockopt`."""
        self._socket.setsockopt(level, optname, value)

    def close(self) -> None:
        """Close, with the socket below; nothing after a failed handshake. Idempotent."""
        if not self._closed:
            self._closed = True
            self._tls.close()

    def __enter__(self) -> "SSLSocket":
        """No-op used by context managers."""
        return self

    def __exit__(self, *_: Any) -> None:
        """Close the socket."""
        self.close()

    def __repr__(self) -> str:
        return "<SSLSocket %sover %r>" % ("closed, " if self._closed else "", self._socket)

    def _check_open(self) -> None:
        if self._closed:
            raise firmware_error(errno.EBADF)

    def _readable(self) -> bool:
        return bool(self._tls.pending()) or self._socket._readable()

    def _call(self, call: Any, *arguments: Any) -> Any:
        """Call TLS; a deadline that ran out between two calls of the socket below is that socket's timeout."""
        try:
            return call(*arguments)
        except TimeoutError:
            raise firmware_error(errno.ETIMEDOUT) from None


class _ServerSide:
    """A context whose engines speak the server's part."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context

    def wrap_bio(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, **_: Any) -> ssl.SSLObject:
        return self._context.wrap_bio(incoming, outgoing, server_side=True)


class _Wrapper(ssl.SSLSocket):
    """What `SSLContext.wrap_socket` calls: ours for our sockets, `other` for the rest."""

    other: Any = ssl.SSLSocket

    @classmethod
    def _create(cls, sock: Any, *arguments: Any, **keywords: Any) -> Any:
        # A manager's socket-pool face keeps ours as its `raw`.
        if not isinstance(getattr(sock, "raw", sock), Socket):
            return cls.other._create(sock, *arguments, **keywords)
        return SSLSocket._over(
            sock, keywords["context"], keywords.get("server_side", False), keywords.get("server_hostname")
        )


def install() -> None:
    """Let `ssl.SSLContext.wrap_socket` take our sockets. Done once, by importing `socketpool`."""
    context: Any = ssl.SSLContext
    if context.sslsocket_class is not _Wrapper:
        _Wrapper.other = context.sslsocket_class
        context.sslsocket_class = _Wrapper
