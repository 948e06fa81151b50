"""The driver of native Wi-Fi (`wifi.radio`), and CircuitPython's `socketpool` and `wifi` on CPython."""

__version__ = "0.1.0"

from radiopool_socketpool.driver import SocketPoolDriver

__all__ = ("SocketPoolDriver", "__version__")
