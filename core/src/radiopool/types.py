"""The shapes that mypy checks drivers and callers against. Boards neither load nor ship this file."""

from typing import Any, Protocol, TypeAlias

Buffer: TypeAlias = bytearray | memoryview
"""What `recv_into` fills."""
Readable: TypeAlias = bytes | bytearray | memoryview
"""What `send` takes."""


class Socket(Protocol):
    """What every leased socket gives (ARCHITECTURE: the socket contract)."""

    def connect(self, address: Any, /) -> None: ...

    def send(self, data: Readable, /) -> int:
        """Send some of the bytes; the number that went, at least 1."""

    def recv_into(self, buffer: Any, nbytes: int = 0, /) -> int:
        """Fill the buffer with up to `nbytes` (0: its length). 0 means the peer closed, and nothing else."""

    def settimeout(self, timeout: float | None, /) -> None:
        """Seconds; None blocks, 0 never does."""

    def close(self) -> None:
        """Idempotent."""


class SocketPool(Protocol):
    """A socket factory shaped like the `socket` module."""

    @property
    def SOCK_STREAM(self) -> Any: ...

    def socket(self, *args: Any) -> Any: ...

    def getaddrinfo(self, host: str, port: int, family: int = 0, type: int = 0, /) -> Any: ...
