"""What the registry says when it has no answer. A board loads it when that happens."""

from radiopool.errors import DriverConflictError, DriverError, InvalidValueError, NoDriverError
from radiopool.platform import CPYTHON
from radiopool.registry import NAMES, PARTS, drivers
from radiopool.vocabulary import CONTRACT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool.driver import Driver


def not_a_driver(driver: "Any") -> DriverError:
    """What `check_driver` found missing."""
    if CPYTHON and isinstance(driver, type):
        return DriverError("%r is a class, and no driver: pass one of its objects, %s()" % (driver, driver.__name__))
    for part in PARTS:
        if not callable(getattr(driver, part, None)):
            return DriverError("%r is not a driver: it has no method %s; subclass radiopool.Driver" % (driver, part))
    if not isinstance(driver.name, str) or not driver.name:
        return DriverError("%r is not a driver: its name must be a word, not %r" % (driver, driver.name))
    for name in NAMES if CPYTHON else ():
        words = getattr(driver, name, ())
        if isinstance(words, str):
            return DriverError("driver %r: its %s must be a tuple, (%r,), not %r" % (driver.name, name, words, words))
    try:
        major, minor = driver.contract
        wants = "%d.%d" % (major, minor)
    except (TypeError, ValueError):
        return DriverError("driver %r: its contract must be a pair of numbers, not %r" % (driver.name, driver.contract))
    return DriverError(
        "driver %r was written for contract %s, and this radiopool offers %d.%d: %s"
        % ((driver.name, wants) + CONTRACT + ("upgrade radiopool" if major > CONTRACT[0] else "upgrade the driver",))
    )


def not_one_of_that_name(name: str, count: int) -> DriverError:
    """No installed driver has the name, or several have."""
    if count:
        return DriverConflictError(
            "%d installed drivers are named %r: uninstall one, or register(...) the one that is meant" % (count, name)
        )
    return NoDriverError("no driver is named %r; %s" % (name, _known()))


def conflict(claims: "list[Driver]", radio: "Any") -> DriverConflictError:
    """Several drivers claim a radio."""
    return DriverConflictError(
        "%s claim %r: choose with register(...) or driver=..."
        % (" and ".join(["driver %r" % driver.name for driver in claims]), radio)
    )


def nobody(radio: "Any", failed: "list[str]") -> NoDriverError:
    """No driver claims a radio; `failed` says which could not be asked."""
    return NoDriverError(
        "no driver claims %r; %s%s. A driver comes with `pip install radiopool-NAME` (on a board: copy it to lib/ "
        "and register() it)" % (radio, _known(), "".join(failed))
    )


def no_pool() -> InvalidValueError:
    """A connection manager was asked for without a socket pool."""
    return InvalidValueError(
        "ConnectionManager needs a socket pool, not None: pass the driver's, or use manager_for(radio)"
    )


def no_default_radio(driver: "Driver | None", failed: "list[str]") -> NoDriverError:
    """The driver, or without one none there is, has a default radio; `failed`: what went wrong, each as "; ..."."""
    if driver is not None:
        return NoDriverError("driver %r has no default radio here: pass the radio%s" % (driver.name, "".join(failed)))
    remedy = "pass one"
    if CPYTHON and "cpython" not in [driver.name for driver in drivers()]:
        remedy += ', or use the host\'s own network: pip install "radiopool[cpython]"'
    return NoDriverError("there is no default radio here: %s; %s%s" % (remedy, _known(), "".join(failed)))


def _known() -> str:
    names = [driver.name for driver in drivers()]
    known = "there are: " + ", ".join(names) if names else "no driver is registered"
    if CPYTHON:
        import os

        if os.environ.get("RADIOPOOL_NO_DISCOVERY", "") not in ("", "0"):
            known += " (installed ones are not looked for: RADIOPOOL_NO_DISCOVERY is set)"
        elif "RADIOPOOL_DRIVERS" in os.environ:
            known += " (of those installed only what RADIOPOOL_DRIVERS names, %r)" % os.environ["RADIOPOOL_DRIVERS"]
    return known
