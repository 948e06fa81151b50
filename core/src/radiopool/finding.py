"""Finding the connection manager of a radio, or of a socket pool."""

from radiopool.manager import ConnectionManager
from radiopool.registry import check_driver, default_radio, driver_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool.driver import Driver
    from radiopool.policy import Policy


def manager_for(
    radio: "Any" = None, policy: "Policy | None" = None, driver: "Driver | None" = None
) -> ConnectionManager:
    """The connection manager of a radio; of the default radio (the host's own network) when none is given.

    Raises NoDriverError if no driver claims the radio, DriverConflictError if two do, DriverError if
    `driver` is none.
    """
    if driver is not None:
        check_driver(driver)
    if radio is None:
        driver, radio = default_radio(driver)
    elif driver is None:
        driver = driver_for(radio)
    return ConnectionManager(driver.socket_pool(radio), driver=driver, radio=radio, policy=policy)


def get_connection_manager(socket_pool: "Any") -> ConnectionManager:
    """The connection manager of a socket pool."""
    return ConnectionManager(socket_pool)
