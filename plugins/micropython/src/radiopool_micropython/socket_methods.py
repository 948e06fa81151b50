"""What a socket of a client is seldom asked: servers, datagrams and the rest. A board loads it when it is."""

import errno

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class SocketMethods:
    """The parent of `NativeSocket`, whose attributes these methods use."""

    if TYPE_CHECKING:
        raw: Any
        _pool: Any
        _patience: int

        def send(self, data: Any) -> int: ...
        def recv_into(self, buffer: Any, nbytes: int = 0) -> int: ...
        def wait(self, event: int) -> None: ...
        def close(self) -> None: ...

    def setblocking(self, flag: bool) -> None:
        """`settimeout(None)` or `settimeout(0)`."""
        self._patience = -1 if flag else 0

    def sendall(self, data: "Any") -> None:
        """Send everything. Raises as `send`."""
        data = memoryview(data)
        while len(data):
            data = data[self.send(data) :]

    def write(self, data: "Any") -> int:
        """Send everything, as MicroPython's `write` does: how many bytes. Raises as `send`."""
        self.sendall(data)
        return len(data)

    def recv(self, size: int) -> bytes:
        """Receive at most `size` bytes; none means that the peer closed. Raises as `send`."""
        buffer = bytearray(size)
        return bytes(buffer[: self.recv_into(buffer)])

    def readinto(self, buffer: "Any", nbytes: int = 0) -> int:
        """`recv_into`: what is there, not all that fits."""
        return self.recv_into(buffer, nbytes)

    def bind(self, address: "Any") -> None:
        """Bind to a packed address, or to (host, port)."""
        self.raw.bind(self._pool.packed(address))

    def accept(self) -> "tuple[Any, Any]":
        """(socket, packed address) of the next that connects. Raises as `send`."""
        made: Any = type(self)(self._pool)  # type: ignore[call-arg]
        while True:
            try:
                raw, address = self.raw.accept()
                made.take(raw)
                return made, address
            except OSError as error:
                if error.args[:1] != (errno.EAGAIN,):
                    raise
            self.wait(1)

    def sendto(self, data: "Any", address: "Any") -> int:
        """Send a datagram: how many bytes. Raises as `send`."""
        return self.raw.sendto(data, self._pool.packed(address))  # type: ignore[no-any-return]

    def recvfrom_into(self, buffer: "Any", nbytes: int = 0) -> "tuple[int, Any]":
        """Receive a datagram: (how many bytes, packed address of who sent it). Raises as `send`."""
        while True:
            try:
                received, address = self.raw.recvfrom(nbytes or len(buffer))
                buffer[: len(received)] = received
                return len(received), address
            except OSError as error:
                if error.args[:1] != (errno.EAGAIN,):
                    raise
            self.wait(1)

    def __enter__(self) -> "Any":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> "Any":
        # Nothing that reads or writes: the native socket's would go past TLS and the timeout.
        if name in ("listen", "setsockopt", "fileno", "getpeername", "getsockname"):
            return getattr(self.raw, name)
        raise AttributeError(name)

    def _describe(self) -> str:
        return "<NativeSocket over %r>" % (self.raw,)


Half = SocketMethods
