"""What the registry says when it has no answer. A board loads it when that happens."""

from radiopool.errors import DriverConflictError, DriverError, InvalidValueError, NoDriverError
from radiopool.platform import CPYTHON
from radiopool.registry import PARTS, drivers
from radiopool.vocabulary import CONTRACT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool.driver import Driver


def not_a_driver(driver: "Any") -> DriverError:
    """What `check_driver` found missing."""
    if CPYTHON and isinstance(driver, type):
        return DriverError("%r is a class; a driver is one that was made of it: %s()" % (driver, driver.__name__))
    for part in PARTS:
        if not callable(getattr(driver, part, None)):
            return DriverError("%r is not a driver: it has no method %s; subclass radiopool.Driver" % (driver, part))
    if not isinstance(driver.name, str) or not driver.name:
        return DriverError("%r is not a driver: its name must be a word, not %r" % (driver, driver.name))
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


def no_default_radio(failed: "list[str]") -> NoDriverError:
    """No driver has a default radio; `failed`: what went wrong with some, each as "; ..."."""
    return NoDriverError("there is no default radio here: pass one; %s%s" % (_known(), "".join(failed)))


def _known() -> str:
    names = [driver.name for driver in drivers()]
    return "there are: " + ", ".join(names) if names else "no driver is registered"
