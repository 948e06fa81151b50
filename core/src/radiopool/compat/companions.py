"""What to install when one of the libraries on top of a connection manager is missing."""

import sys
from importlib.machinery import ModuleSpec
from typing import Any

# Module to (distribution on PyPI, name for circup); None where the firmware has it.
COMPANIONS: "dict[str, tuple[str, str | None]]" = {
    "adafruit_esp32spi": ("adafruit-circuitpython-esp32spi", "adafruit_esp32spi"),
    "adafruit_httpserver": ("adafruit-circuitpython-httpserver", "adafruit_httpserver"),
    "adafruit_io": ("adafruit-circuitpython-adafruitio", "adafruit_io"),
    "adafruit_minimqtt": ("adafruit-circuitpython-minimqtt", "adafruit_minimqtt"),
    "adafruit_ntp": ("adafruit-circuitpython-ntp", "adafruit_ntp"),
    "adafruit_requests": ("adafruit-circuitpython-requests", "adafruit_requests"),
    "adafruit_wiznet5k": ("adafruit-circuitpython-wiznet5k", "adafruit_wiznet5k"),
    "socketpool": ("radiopool-socketpool", None),
    "wifi": ("radiopool-socketpool", None),
}


class _LastResort:
    """The last finder on `sys.meta_path`: asked for what nobody else has found."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> "ModuleSpec | None":
        """None for names that are not ours to explain; else raises ModuleNotFoundError with the remedy."""
        if name in COMPANIONS:
            distribution, bundled = COMPANIONS[name]
            on_a_board = "`circup install %s`" % bundled if bundled else "it is part of the firmware"
            raise ModuleNotFoundError(
                "No module named %r: `pip install %s` (on a board: %s)" % (name, distribution, on_a_board), name=name
            )
        return None


_last_resort = _LastResort()


def explain_missing() -> None:
    """Let the import of a missing companion say how to get it."""
    if _last_resort not in sys.meta_path:
        sys.meta_path.append(_last_resort)
