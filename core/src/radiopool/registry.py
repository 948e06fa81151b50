"""The registry: which driver knows which radio.

Registering a driver by hand is the base, and all that a board has. On CPython a finder adds what is installed (see
`radiopool.discovery`); a driver registered by hand beats one that was found.
"""

from radiopool.platform import CPYTHON
from radiopool.vocabulary import CONTRACT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from radiopool.driver import Driver

PARTS = ("matches", "socket_pool", "traits", "connect", "is_alive")
"""The methods without which an object is no driver."""

NAMES = ("radios", "emulations")
"""Its attributes that are tuples of names, where it has them."""

_registered: "list[Driver]" = []
_finder: "Callable[[], list[Driver]] | None" = None
_host_finder: "Callable[[], Driver | None] | None" = None


def find_with(finder: "Callable[[], list[Driver]]", host_finder: "Callable[[], Driver | None] | None" = None) -> None:
    """Ask `finder` for more drivers when none that is registered fits, and `host_finder` for that of the machine's own
    network."""
    global _finder, _host_finder
    _finder = finder
    _host_finder = host_finder


def register(driver: "Driver | type[Driver]") -> "Driver":
    """Register a driver (an instance, or a class to make one of); returns it. It goes before those registered earlier
    under its own name, which it replaces.

    Raises DriverError if it lacks a part of the contract or was written for another major of it.
    """
    made: Driver = driver() if isinstance(driver, type) else driver
    check_driver(made)
    unregister(made.name)
    _registered.append(made)
    return made


def unregister(driver: "Driver | str") -> None:
    """Forget a registered driver, given as itself or by its name; nothing if it is not registered."""
    for known in list(_registered):
        if known is driver or known.name == driver:
            _registered.remove(known)


def check_driver(driver: "Any") -> None:
    """Raise DriverError unless the object is a driver that this core can use; says what is missing."""
    try:
        if CPYTHON and (isinstance(driver, type) or str in [type(getattr(driver, name, ())) for name in NAMES]):
            raise TypeError
        for part in PARTS:
            if not callable(getattr(driver, part)):
                raise TypeError
        major, minor = driver.contract
        if major == CONTRACT[0] and isinstance(minor, int) and isinstance(driver.name, str) and driver.name:
            return
    except (AttributeError, TypeError, ValueError):
        pass
    from radiopool.registry_errors import not_a_driver

    raise not_a_driver(driver)


def drivers() -> "list[Driver]":
    """Every driver there is: the registered ones, then those found whose name is not registered."""
    known = list(_registered)
    names = [driver.name for driver in known]
    if _finder is not None:
        known += [driver for driver in _finder() if driver.name not in names]
    return known


def driver_named(name: str) -> "Driver":
    """The driver of that name. Raises NoDriverError, which names those there are, and DriverConflictError if two were
    found that have it."""
    named = [driver for driver in drivers() if driver.name == name]
    if len(named) != 1:
        from radiopool.registry_errors import not_one_of_that_name

        raise not_one_of_that_name(name, len(named))
    return named[0]


def driver_for(radio: "Any") -> "Driver":
    """The driver that claims a radio: a registered one, else one that was found.

    One that fails when it is asked costs only itself. Raises NoDriverError if none claims it (and says which failed),
    DriverConflictError if two of the same standing do.
    """
    failed: list[str] = []
    for found in (False, True):
        group = _found() if found else _registered
        claims = [driver for driver in group if _claims(driver, radio, failed)]
        if len(claims) == 1:
            return claims[0]
        if claims:
            from radiopool.registry_errors import conflict

            raise conflict(claims, radio)
    from radiopool.registry_errors import nobody

    raise nobody(radio, failed)


def _claims(driver: "Driver", radio: "Any", failed: "list[str]") -> bool:
    try:
        return driver.matches(radio)
    except Exception as error:
        _note(driver, error, failed)
        return False


def _note(driver: "Driver", error: Exception, failed: "list[str]") -> None:
    failed.append("; driver %r failed when asked: %s: %s" % (driver.name, type(error).__name__, error))


def driver_of(socket_pool: "Any") -> "tuple[Driver, Any]":
    """The driver that knows a socket pool, and the pool's radio; a GenericDriver and None if none does.

    Raises InvalidValueError for None.
    """
    if socket_pool is None:
        from radiopool.registry_errors import no_pool

        raise no_pool()
    for driver in drivers():
        try:
            radio = driver.radio_of(socket_pool)
        except Exception:
            continue  # one that fails when it is asked costs only itself
        if radio is not None:
            return driver, radio
    from radiopool.generic import GenericDriver

    return GenericDriver(), None


def default_radio(driver: "Driver | None" = None) -> "tuple[Driver, Any]":
    """The radio to use when none is named, and its driver: a registered one that has one, else the host's own.

    Raises NoDriverError where there is none.
    """
    candidates = list(_registered) if driver is None else [driver]
    if driver is None and _host_finder is not None:
        host_driver = _host_finder()
        if host_driver is not None:
            candidates.append(host_driver)
    failed: list[str] = []
    for candidate in candidates:
        try:
            radio = candidate.default_radio()
        except Exception as error:
            _note(candidate, error, failed)
            continue
        if radio is not None:
            return candidate, radio
    from radiopool.registry_errors import no_default_radio

    raise no_default_radio(driver, failed)


def _found() -> "list[Driver]":
    return drivers()[len(_registered) :]
