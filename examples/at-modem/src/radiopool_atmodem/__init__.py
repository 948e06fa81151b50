"""The radiopool driver of a made-up modem with AT commands."""

__version__ = "0.1.0"

from radiopool_atmodem.driver import ATModemDriver

__all__ = ["ATModemDriver"]
