"""Discovery: the drivers that are installed, found by their entry points. CPython only.

Every entry point of the group `radiopool.drivers` is loaded by itself and handed to pluggy. One that fails costs only
itself, and its record says what went wrong (pluggy's own loader would stop at the first failing import).

Two environment variables steer it: `RADIOPOOL_NO_DISCOVERY=1` switches it off, and `RADIOPOOL_DRIVERS=cpython,esp32spi`
names the drivers that may be loaded.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import Any

import importlib_metadata
import pluggy

from radiopool.driver import Driver
from radiopool.registry import check_driver

GROUP = "radiopool.drivers"


@dataclass(frozen=True)
class Discovered:
    """One entry point, and what became of it.

    `driver` is None where it failed; `phase` then says at which step ("load", "make", "check", "blocked") and `reason`
    why. Both are empty for a driver that works.
    """

    name: str
    distribution: str
    version: str
    driver: Driver | None = None
    phase: str = ""
    reason: str = ""


_plugins: pluggy.PluginManager | None = None
_records: list[Discovered] | None = None
# Loading runs foreign code, once; threads that ask meanwhile wait for it.
_lock = threading.RLock()


def plugins() -> pluggy.PluginManager:
    """pluggy's manager, which holds the drivers that were found."""
    global _plugins
    if _plugins is None:
        _plugins = pluggy.PluginManager("radiopool")
    return _plugins


def records() -> list[Discovered]:
    """Every entry point of the group, working or not, in the order of their names. Loaded at the first call."""
    global _records
    with _lock:
        if _records is None:
            _records = []
            if os.environ.get("RADIOPOOL_NO_DISCOVERY", "") in ("", "0"):
                points = importlib_metadata.entry_points(group=GROUP)
                for point in sorted(points, key=lambda point: point.name):
                    _records.append(_load(point))
        return list(_records)


def drivers() -> list[Driver]:
    """The drivers that were found and work."""
    return [record.driver for record in records() if record.driver is not None]


def forget() -> None:
    """Look again at the next call: something was installed meanwhile."""
    global _plugins, _records
    with _lock:
        _plugins = _records = None


def _load(point: importlib_metadata.EntryPoint) -> Discovered:
    """Take one entry point through load, make and check; whatever it raises stays in its record."""
    distribution = point.dist
    about = (point.name, distribution.name if distribution else "", distribution.version if distribution else "")
    allowed = os.environ.get("RADIOPOOL_DRIVERS")
    if allowed is not None and point.name not in [word.strip() for word in allowed.split(",")]:
        return Discovered(*about, phase="blocked", reason="not named in RADIOPOOL_DRIVERS")
    phase = "load"
    try:
        found: Any = point.load()
        phase = "make"
        driver = found() if isinstance(found, type) else found
        phase = "check"
        check_driver(driver)
        plugins().register(driver, name=f"{point.name} of {about[1]}")
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # a plugin may even call sys.exit() when it is imported
        return Discovered(*about, phase=phase, reason=f"{type(error).__name__}: {error}")
    return Discovered(*about, driver=driver)
