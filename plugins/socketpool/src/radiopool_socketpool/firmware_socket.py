"""`socketpool.Socket` on CPython: the firmware's rules, over a `Channel`."""

import errno
import socket as host_socket
import time
import warnings
from typing import TYPE_CHECKING, Any

from radiopool_socketpool.channel import END, READ, WRITE, Channel, Peer
from radiopool_socketpool.options import host_option
from radiopool_socketpool.personality import firmware_error

if TYPE_CHECKING:
    from radiopool_socketpool.pool import SocketPool

NUMBERS = {"stream": 1, "datagram": 2, "raw": 3}


class Socket:
    """TCP, UDP and RAW socket. Cannot be created directly. Instead, call `SocketPool.socket()`.

    Only what the firmware has: no recv, no makefile, no fileno. Errors are plain OSErrors with the port's errno; see
    `radiopool_socketpool.personality`. Whatever is called on a closed socket raises EBADF.
    """

    __module__ = "socketpool"
    # As in the firmware, no attribute can be added.
    __slots__ = (
        "__weakref__",
        "_channel",
        "_connected",
        "_connecting",
        "_family",
        "_listening",
        "_peer",
        "_pool",
        "_reset_seen",
        "_timeout",
    )

    _pool: "SocketPool"
    _channel: Channel
    _family: int
    _timeout: float | None
    _peer: Peer | None
    _connected: bool
    _connecting: bool
    _listening: bool
    _reset_seen: bool

    def __new__(cls, *arguments: Any, **keywords: Any) -> "Socket":
        """Raises TypeError."""
        raise TypeError("cannot create a Socket directly: call SocketPool.socket()")

    @classmethod
    def _over(cls, pool: "SocketPool", channel: Channel, family: int) -> "Socket":
        self = super().__new__(cls)
        self._pool = pool
        self._channel = channel
        self._family = family
        self._timeout = None
        self._peer = None
        self._connected = self._connecting = self._listening = self._reset_seen = False
        channel.radio.adopt(self)
        return self

    @property
    def type(self) -> int:
        """Read-only access to the socket type."""
        return NUMBERS[self._channel.kind]

    def settimeout(self, value: float | None, /) -> None:
        """Seconds, kept in whole milliseconds. 0 means non-blocking, None means block indefinitely.

        A negative number is not rejected, and means 0 (*inferred*: its conversion to unsigned is undefined).
        """
        if value is not None and not isinstance(value, (int, float)):
            raise TypeError("can't convert %s to float" % value.__class__.__name__)
        self._timeout = None if value is None else max(0, int(value * 1000)) / 1000

    def setblocking(self, flag: Any, /) -> None:
        """False means non-blocking, True means block indefinitely."""
        self._timeout = None if flag else 0

    def setsockopt(self, level: int, optname: int, value: Any, /) -> None:
        """Set an option by the firmware's numbers; `value` is an int or a buffer."""
        host = self._channel.host
        number = host_option(self._port, self._channel.kind, level, optname)
        host.setsockopt(*number, int(value) if isinstance(value, int) else value)

    def bind(self, address: "tuple[str, int]", /) -> None:
        """Bind to (address, port); "" is every address, "<broadcast>" IPv4's broadcast address."""
        name, port = _split(address)
        host = self._channel.host
        self._meet("bind")
        if name and name != "<broadcast>":
            name = self._resolve(name)
        try:
            host.bind((name, port))
        except OSError as error:
            raise firmware_error(error.errno or errno.EIO) from None

    def listen(self, backlog: int, /) -> None:
        """Listen, with room for `backlog` connections that wait to be accepted."""
        _check_int(backlog)
        host = self._channel.host
        self._meet("listen")
        try:
            host.listen(max(backlog, 1))
        except OSError as error:
            raise firmware_error(error.errno or errno.EIO) from None
        self._listening = True

    def accept(self) -> "tuple[Socket, Peer]":
        """A (new socket, remote address) of a connection that came in.

        When no socket is left for it, the connection is closed: espressif goes on waiting, raspberrypi raises
        RuntimeError("Out of sockets").
        """
        channel = self._channel
        deadline = self._begin("accept")
        if not self._listening and self._port.accept_needs_listen is not None:
            raise firmware_error(self._port.accept_needs_listen)
        while True:
            listener = channel.host
            try:
                if not channel.is_deaf:
                    host, peer = listener.accept()
                    if channel.radio.slots.take("stream"):
                        break
                    host.close()
                    if self._port.accept_raises_when_full:
                        raise RuntimeError("Out of sockets")
            except OSError:
                # Nothing is there yet; or it does not listen, which espressif takes for the same.
                pass
            self._wait(READ if self._listening else 0, deadline)
        accepted = Socket._over(self._pool, Channel(channel.radio, host, "stream"), self._family)
        accepted._connected = True
        accepted._peer = peer
        accepted._timeout = self._timeout if self._port.accept_inherits_timeout else 0
        return accepted, peer

    def connect(self, address: "tuple[str, int]", /) -> None:
        """Connect to (host, port).

        Raises gaierror; EHOSTUNREACH; ECONNRESET where nobody listens, since lwIP does not tell refused from reset;
        after the timeout ETIMEDOUT on espressif, EINPROGRESS on raspberrypi. The attempt then goes on by itself.
        """
        name, port = _split(address)
        channel, late = self._channel, self._port.connect_timeout
        host = channel.host
        found = self._resolve(name)
        deadline = self._begin("connect", late)
        if channel.kind == "stream" and (self._connected or self._connecting):
            raise firmware_error(errno.EISCONN if self._is_connected() else errno.EALREADY)
        target = channel.way_to(found, port)
        self._peer = (found, port)
        number = host.connect_ex(target) if target else errno.ECONNREFUSED
        if channel.kind == "stream" and number in (0, errno.EINPROGRESS):
            self._connecting = True
            if self._timeout == 0:
                raise firmware_error(late)
            while not channel.poll(WRITE):
                channel.wait(WRITE, deadline, late)
            self._connecting = False
            number = channel.host.getsockopt(host_socket.SOL_SOCKET, host_socket.SO_ERROR)
        if number:
            raise firmware_error(errno.ECONNRESET if number == errno.ECONNREFUSED else number)
        self._connected = True

    def send(self, data: Any, /) -> int:
        """Send some of the bytes to the connected peer; how many went.

        Raises BrokenPipeError when not connected. A full buffer is EAGAIN on espressif, whatever the timeout;
        raspberrypi waits, and raises ETIMEDOUT.
        """
        self._check_connected()
        view = memoryview(data).cast("B")
        deadline = self._begin("send")
        if not view:
            return 0
        while True:
            try:
                sent = self._channel.send(view, self._port.send_buffer)
            except OSError:
                self._connected = not self._channel.reset
                raise
            if sent:
                return sent
            if not self._port.waits_to_send:
                raise firmware_error(errno.EAGAIN)
            self._wait(WRITE, deadline)

    def sendall(self, data: Any, /) -> None:
        """Call `send` until all of it is sent or an error occurs, which says nothing of how much was."""
        self._check_connected()
        rest = memoryview(data).cast("B")
        while rest:
            rest = rest[self.send(rest) :]

    def sendto(self, data: Any, address: "tuple[str, int]", /) -> int:
        """Send a datagram to (host, port); its length."""
        name, port = _split(address)
        channel = self._channel
        channel.host  # noqa: B018 - raises EBADF
        if channel.kind == "stream":
            return self.send(data)
        found = self._resolve(name)
        self._begin("sendto")
        try:
            target = channel.way_to(found, port)
            # Nobody hears what is sent where nobody listens, or through silence.
            return channel.host.sendto(data, target) if target and not channel.silent else _size(data)
        except OSError as error:
            if self._port.sendto_is_a_pipe:
                raise firmware_error(errno.EPIPE, BrokenPipeError) from None
            raise firmware_error(error.errno or errno.EIO) from None

    def recv_into(self, buffer: Any, bufsize: int = 0, /) -> int:
        """Read up to `bufsize` bytes into the buffer, its length if that is not above 0; how many came.

        0 means that the peer closed (or that the buffer is empty), except that a non-blocking espressif socket raises
        ENOTCONN then. Raises ValueError if `bufsize` is more than the buffer holds.
        """
        self._channel.host  # noqa: B018 - raises EBADF
        view = _writable(buffer)
        _check_int(bufsize)
        if bufsize > len(view):
            raise ValueError("buffer too small for requested bytes")
        if bufsize > 0:
            view = view[:bufsize]
        if not view:
            return 0
        return self._receive(view, self._begin("recv_into"))[0]

    def recvfrom_into(self, buffer: Any, /) -> "tuple[int, Peer]":
        """Read a datagram into the buffer: (bytes that came, remote address). What does not fit is lost."""
        channel = self._channel
        channel.host  # noqa: B018 - raises EBADF
        size, peer = self._receive(_writable(buffer), self._begin("recvfrom_into"))
        if not peer:
            return size, self._peer or ("0.0.0.0", 0)
        return size, (*channel.radio.names.origin(peer[0], peer[1]), *peer[2:])

    def close(self) -> None:
        """Close this Socket and make its resources available to its SocketPool. Idempotent."""
        self._connected = self._connecting = self._listening = False
        self._channel.close()

    def __enter__(self) -> "Socket":
        """No-op used by context managers."""
        return self

    def __exit__(self, *_: Any) -> None:
        """Close the socket."""
        self.close()

    def __del__(self) -> None:
        # The firmware's finaliser closes it without a word; on the desk a leak is worth one.
        channel = getattr(self, "_channel", None)
        if channel is not None and not channel.is_closed:
            warnings.warn("unclosed %r" % self, ResourceWarning, stacklevel=2, source=self)
            channel.close()

    def __repr__(self) -> str:
        state = "closed" if self._channel.is_closed else "connected" if self._connected else "open"
        peer = " to %s port %d" % self._peer[:2] if self._peer else ""
        return "<Socket %s %s%s>" % (self._channel.kind, "listening" if self._listening else state, peer)

    @property
    def _port(self) -> Any:
        return self._channel.radio.personality

    def _meet(self, call: str) -> None:
        self._channel.radio.meet(call)

    def _begin(self, call: str, late: int = errno.ETIMEDOUT) -> float | None:
        """The call's deadline. Raises EBADF, what a fault planned, and `late` when its delay outlasts the timeout."""
        self._channel.host  # noqa: B018 - raises EBADF
        deadline = None if self._timeout is None else time.monotonic() + self._timeout
        if not self._channel.radio.meet(call, self._timeout):
            raise firmware_error(late)
        return deadline

    def _wait(self, events: int, deadline: float | None) -> None:
        if self._timeout == 0:
            raise firmware_error(errno.EAGAIN)
        self._channel.wait(events, deadline)

    def _resolve(self, name: str) -> str:
        return self._channel.radio.resolve(name, [self._family])[0][1]

    def _check_connected(self) -> None:
        self._channel.host  # noqa: B018 - raises EBADF
        if not self._is_connected():
            raise firmware_error(errno.EPIPE, BrokenPipeError)

    def _is_connected(self) -> bool:
        """What the port's own flag says."""
        channel = self._channel
        if self._connecting and self._port.connects_behind and channel.poll(WRITE):
            self._connecting = False
            self._connected = not channel.host.getsockopt(host_socket.SOL_SOCKET, host_socket.SO_ERROR)
        if not self._connected or channel.kind != "stream" or self._port.sends_after_end:
            return self._connected
        return not channel.ended and not channel.reset and not channel.poll(END)

    def _readable(self) -> bool:
        """What the firmware's `select.poll` says of POLLIN: data waits, an end or an error."""
        return self._channel.reset or self._channel.ended or self._channel.poll(READ)

    def _receive(self, view: memoryview, deadline: float | None) -> "tuple[int, Peer | None]":
        """(bytes, sender of a datagram), once there are any; what the port makes of an end or an error."""
        channel, port = self._channel, self._port
        if port.segment and channel.kind == "stream":
            view = view[: port.segment]
        while True:
            try:
                received = channel.receive(view)
            except OSError as error:
                self._receive_failed(error, deadline)
                continue
            if received is None:
                self._wait(READ, deadline)
            elif received[0] or not channel.ended:
                return received
            elif self._timeout == 0 and port.end_without_blocking is not None:
                self._connected = False
                raise firmware_error(port.end_without_blocking)
            else:
                return received

    def _receive_failed(self, error: OSError, deadline: float | None) -> None:
        """Raise what the port makes of it; return to try again until the timeout."""
        channel, port = self._channel, self._port
        if channel.reset and port.reset is not None:
            raise firmware_error(port.reset) from None
        if channel.reset and self._timeout == 0:
            # espressif says EAGAIN once for an RST, and ENOTCONN from then on (*inferred*).
            seen, self._reset_seen = self._reset_seen, True
            self._connected = not seen
            raise firmware_error(errno.ENOTCONN if seen else errno.EAGAIN) from None
        if not channel.reset and (error.errno != errno.ENOTCONN or port.receive_needs_peer or self._timeout == 0):
            raise error
        self._wait(0, deadline)


def _split(address: Any) -> "tuple[str, int]":
    """The two parts of an address; the firmware takes no more, IPv6's four neither."""
    if not isinstance(address, (tuple, list)):
        raise TypeError("object '%s' isn't a tuple or list" % type(address).__name__)
    if len(address) != 2:
        raise ValueError("requested length 2 but object has length %d" % len(address))
    name, port = address
    if not isinstance(name, str):
        raise TypeError("can't convert '%s' object to str implicitly" % type(name).__name__)
    _check_int(port)
    if port < 0:
        raise ValueError("port must be >= 0")
    return name, port & 0xFFFF


def _check_int(value: Any) -> None:
    if not isinstance(value, int):
        raise TypeError("can't convert %s to int" % type(value).__name__)


def _writable(buffer: Any) -> memoryview:
    view = memoryview(buffer)
    if view.readonly:
        raise TypeError("object with buffer protocol required")
    return view.cast("B")


def _size(data: Any) -> int:
    return len(memoryview(data).cast("B"))
