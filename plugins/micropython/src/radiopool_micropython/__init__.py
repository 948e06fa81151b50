"""The driver of MicroPython's own network: its `socket`, `ssl` and `network` modules as a radio."""

__version__ = "0.1.0"

from radiopool_micropython.driver import HostNetwork, MicroPythonDriver

__all__ = ("HostNetwork", "MicroPythonDriver", "__version__")
