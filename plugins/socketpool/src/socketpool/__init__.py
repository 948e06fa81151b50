"""CircuitPython's `socketpool` on CPython, by radiopool-socketpool. Like the firmware, not like CPython's `socket`."""

from radiopool_socketpool.firmware_socket import Socket
from radiopool_socketpool.pool import SocketPool

__all__ = ("Socket", "SocketPool")
