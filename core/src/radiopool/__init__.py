"""radiopool leases and recycles network sockets, under one budget per radio, for whatever radio you have.

    import radiopool

    manager = radiopool.manager_for()  # the host's own network; on a board: manager_for(wifi.radio)
    with manager.lease("example.com", 80) as socket:
        socket.send(b"...")

Everything public is listed in `__all__`. A board loads each name when it is first used.
"""

import sys

from radiopool.platform import CPYTHON

TYPE_CHECKING = False

__version__ = "0.1.0"

if TYPE_CHECKING or CPYTHON:
    from radiopool import registry
    from radiopool.driver import Driver, Traits
    from radiopool.errors import (
        CertificateError,
        ConnectError,
        ConnectTimeoutError,
        CooldownError,
        DriverConflictError,
        DriverError,
        InvalidValueError,
        LeaseError,
        LeaseTimeoutError,
        NameResolutionError,
        NoDriverError,
        OutOfSocketsError,
        RadiopoolError,
        RefusedError,
        TLSError,
        UnreachableError,
    )
    from radiopool.finding import get_connection_manager, manager_for
    from radiopool.generic import GenericDriver
    from radiopool.keys import PoolKey
    from radiopool.manager import ConnectionManager
    from radiopool.observing import ignore, observe
    from radiopool.policy import Policy
    from radiopool.registry import driver_for, driver_named, drivers, register, unregister
    from radiopool.vocabulary import CONTRACT

    __all__ = [
        "CONTRACT",
        "CertificateError",
        "ConnectError",
        "ConnectTimeoutError",
        "ConnectionManager",
        "CooldownError",
        "Driver",
        "DriverConflictError",
        "DriverError",
        "GenericDriver",
        "InvalidValueError",
        "LeaseError",
        "LeaseTimeoutError",
        "NameResolutionError",
        "NoDriverError",
        "OutOfSocketsError",
        "Policy",
        "PoolKey",
        "RadiopoolError",
        "RefusedError",
        "TLSError",
        "Traits",
        "UnreachableError",
        "driver_for",
        "driver_named",
        "drivers",
        "get_connection_manager",
        "ignore",
        "manager_for",
        "observe",
        "observer",
        "register",
        "unregister",
    ]

    def _find_drivers() -> "list[Driver]":
        try:
            from radiopool import discovery
        except ModuleNotFoundError as error:
            # Without pluggy or importlib-metadata there is explicit registration, as on a board.
            if error.name in ("pluggy", "importlib_metadata"):
                return []
            raise
        return discovery.drivers()

    def _find_host_driver() -> "Driver | None":
        # The plugin for the interpreter's own sockets is named after it. To find it so spares programs that want no
        # other radio the reading of every installed distribution's metadata, most of the time to their first lease.
        from os import environ

        name = "radiopool_" + sys.implementation.name
        if "RADIOPOOL_NO_DISCOVERY" not in environ and "RADIOPOOL_DRIVERS" not in environ:
            try:
                plugin = __import__(name)
                return plugin.host_driver  # type: ignore[no-any-return]
            except ModuleNotFoundError as error:
                if error.name != name:
                    raise
        return next((driver for driver in _find_drivers() if driver.default_radio() is not None), None)

    registry.find_with(_find_drivers, _find_host_driver)

    if TYPE_CHECKING:
        from radiopool.hookspecs import observer

    def __getattr__(name: str) -> object:
        if name == "observer":
            # pluggy's marker; pluggy is loaded by whoever wants it.
            from radiopool.hookspecs import observer

            return observer
        raise AttributeError("module 'radiopool' has no attribute %r" % name)

else:
    from radiopool.platform import find

    def __getattr__(name):
        # In a bundle's bytecode the others are names of this module.
        places = "finding registry policy vocabulary keys driver generic manager"
        return find(__name__, "errors" if name.endswith("Error") else places, name)
