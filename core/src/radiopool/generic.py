"""The driver of what no driver knows."""

from radiopool.driver import Driver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool.types import SocketPool


class GenericDriver(Driver):
    """The driver of a socket pool that nobody claims: the defaults, and no limit until exhaustion teaches one."""

    name = "generic"

    def socket_pool(self, radio: "Any") -> "SocketPool":
        return radio  # type: ignore[no-any-return]
