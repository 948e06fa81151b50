"""The room for what came before connection managers: socket sources whose sockets connect in a "TLS mode".

adafruit_requests 1.1.4 to 2.0.5 have `set_socket(source)`, and expect of the source what the ESP32 library had then:
`_the_interface` with a `TLS_MODE`, `set_interface`, and sockets with `connect(address, conntype)`. Once `set_interface`
was called on a manager of `radiopool.compat.adafruit`, its stream sockets are of that kind.
"""

import errno

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool.compat.adafruit import ConnectionManager

TLS_MODE = 2
"""The number that means TLS to `connect`; the ESP32's firmware has it so."""


class Interface:
    """What stands for the radio."""

    TLS_MODE = TLS_MODE


class Room:
    """The legacy face of one manager."""

    def __init__(self, manager: "ConnectionManager") -> None:
        self._manager = manager
        self._the_interface = Interface()

    def set_interface(self, iface: "Any" = None) -> None:
        """From now on the manager's stream sockets are legacy ones. The radio is the manager's, whatever `iface` is."""
        self._manager._legacy = self

    def socket(self, *args: "Any", **keywords: "Any") -> "Any":
        """A legacy socket for a stream, else the manager's."""
        kind = args[1] if len(args) > 1 else keywords.get("type", self._manager.SOCK_STREAM)
        if kind != self._manager.SOCK_STREAM:
            return _managed(self._manager, args, keywords)
        return Socket(self._manager, args, keywords)


def room_of(manager: "ConnectionManager") -> Room:
    """The legacy room of a manager."""
    return manager._legacy or Room(manager)


class Socket:
    """A stream socket that is leased when it connects, since only then it is known whether with TLS."""

    def __init__(self, manager: "ConnectionManager", args: "tuple[Any, ...]", keywords: "dict[str, Any]") -> None:
        self._manager = manager
        self._asked = (args, keywords)
        self._timeout: float | None = None
        self._entry: Any = None
        self._socket: Any = None

    def connect(self, address: "tuple[str, int]", conntype: "int | None" = None) -> None:
        """Connect; with TLS, and the address's name checked, if `conntype` is `TLS_MODE`.

        Raises what `ConnectionManager.get_socket` does.
        """
        manager = self._manager
        host, port = address[0], address[1]
        is_ssl = conntype == TLS_MODE
        # A session of its own, since whoever wants such sockets recycles them himself.
        socket = manager.get_socket(host, port, "legacy", "%x" % id(self), timeout=self._timeout, is_ssl=is_ssl)
        self._close()
        self._socket = socket
        self._entry = manager._account.ledger.find(socket)

    def settimeout(self, value: "float | None") -> None:
        """Seconds for connecting and for each operation from now on; None is no limit."""
        self._timeout = value
        if self._socket is not None:
            self._socket.settimeout(value)

    def send(self, data: "Any") -> int:
        """Send; how many bytes went. Raises OSError."""
        return self._open().send(data)  # type: ignore[no-any-return]

    def recv(self, bufsize: int = 0) -> bytes:
        """At most `bufsize` bytes; b"" at the end. Raises OSError."""
        buffer = bytearray(bufsize)
        return bytes(memoryview(buffer)[: self.recv_into(buffer)])

    def recv_into(self, buffer: "Any", nbytes: int = 0) -> int:
        """Receive into a buffer, at most `nbytes` bytes if that is not 0; 0 at the end. Raises OSError."""
        return self._open().recv_into(buffer, nbytes or len(buffer))  # type: ignore[no-any-return]

    def close(self) -> None:
        """Close. Idempotent."""
        self._close()

    def _close(self) -> None:
        entry, socket = self._entry, self._socket
        self._entry = self._socket = None
        if entry is not None:
            self._manager.discard(entry, "closed by its user")
        elif socket is not None:
            socket.close()

    def _open(self) -> "Any":
        if self._socket is None:
            raise OSError(errno.ENOTCONN, "the socket is not connected")
        return self._socket

    def __getattr__(self, name: str) -> "Any":
        if name in ("_manager", "_asked", "_socket", "_entry"):
            raise AttributeError(name)
        if self._socket is None:
            # Whoever binds or listens wants a plain socket of the radio.
            self._socket = _managed(self._manager, *self._asked)
        return getattr(self._socket, name)


class ModeContext:
    """The TLS context of a radio that no driver knows, whose sockets take a mode when they connect."""

    def __init__(self, iface: "Any") -> None:
        self._iface = iface

    def wrap_socket(self, socket: "Any", server_hostname: "str | None" = None) -> "ModeSocket":
        """The socket, to be connected with TLS. Raises ValueError for a radio without."""
        if not hasattr(self._iface, "TLS_MODE"):
            raise ValueError("This radio does not support TLS/HTTPS")
        return ModeSocket(socket, self._iface.TLS_MODE, server_hostname)


class ModeSocket:
    """A socket that connects with TLS."""

    def __init__(self, socket: "Any", mode: int, name: "str | None") -> None:
        self._socket = socket
        self._mode = mode
        self._name = name

    def connect(self, address: "tuple[str, int]") -> None:
        """Connect to the name, which is what the chip checks. Raises OSError."""
        try:
            self._socket.connect((self._name or address[0], address[1]), self._mode)
        except RuntimeError as error:
            raise OSError(errno.ENOMEM, str(error)) from error

    def __getattr__(self, name: str) -> "Any":
        if name == "_socket":
            raise AttributeError(name)
        return getattr(self._socket, name)


def _managed(manager: "ConnectionManager", args: "tuple[Any, ...]", keywords: "dict[str, Any]") -> "Any":
    from radiopool.managed import managed_socket

    return managed_socket(manager._account, args, keywords)
