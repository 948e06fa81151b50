"""The host's own network as a radio of radiopool: CPython's sockets, addresses raced, TLS sessions resumed."""

from radiopool_cpython.driver import CPythonDriver
from radiopool_cpython.pool import HostSocketPool
from radiopool_cpython.radio import HostNetwork, default_radio

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from radiopool_cpython.contexts import client_context

__all__ = ["CPythonDriver", "HostNetwork", "HostSocketPool", "client_context", "default_radio", "host_driver"]

CPythonDriver.version = __version__

host_driver = CPythonDriver()
"""The driver that is discovered, and that serves where no radio is named."""


def __getattr__(name: str) -> object:
    if name == "client_context":
        # With it comes `ssl`, which a program without TLS need not wait for.
        from radiopool_cpython.contexts import client_context

        return client_context
    raise AttributeError(f"module 'radiopool_cpython' has no attribute {name!r}")
