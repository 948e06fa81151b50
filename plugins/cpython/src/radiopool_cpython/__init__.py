"""The host's own network as a radio of radiopool: CPython's sockets, addresses raced, TLS sessions resumed."""

from radiopool_cpython.contexts import client_context
from radiopool_cpython.driver import CPythonDriver
from radiopool_cpython.pool import HostSocketPool
from radiopool_cpython.radio import HostNetwork, default_radio

__version__ = "0.1.0"

__all__ = ["CPythonDriver", "HostNetwork", "HostSocketPool", "client_context", "default_radio"]

CPythonDriver.version = __version__
