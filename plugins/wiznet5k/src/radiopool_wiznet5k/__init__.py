"""radiopool's driver for WIZnet Ethernet chips: W5500 and W5100S through Adafruit's library.

A board ships this file and those that `board.json` lists; the emulator stays on CPython.
"""

__version__ = "0.1.0"

from radiopool_wiznet5k.driver import WIZNET5KDriver

__all__ = ["WIZNET5KDriver", "__version__"]
