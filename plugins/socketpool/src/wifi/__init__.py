"""CircuitPython's `wifi` on CPython, by radiopool-socketpool: `radio`, as far as board scripts need it."""

from radiopool_socketpool.radio import Network, Radio, radio

__all__ = ("Network", "Radio", "radio")
