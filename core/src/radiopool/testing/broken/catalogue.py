"""Which broken driver each check must catch."""

from __future__ import annotations

from collections.abc import Callable

from radiopool.testing.loopback import LoopbackDriver, LoopbackSocket

BROKEN: dict[str, type[LoopbackDriver]] = {}
"""A check's name -> the driver that it must catch."""


def caught_by(*checks: str) -> Callable[[type[LoopbackDriver]], type[LoopbackDriver]]:
    """Enter a driver as the one that those checks must catch."""

    def enter(driver: type[LoopbackDriver]) -> type[LoopbackDriver]:
        for check in checks:
            BROKEN[check] = driver
        return driver

    return enter


def with_socket(*checks: str) -> Callable[[type[LoopbackSocket]], type[LoopbackSocket]]:
    """Enter a driver whose sockets are of that class, and all else right."""

    def enter(kind: type[LoopbackSocket]) -> type[LoopbackSocket]:
        parts = {"socket_kind": kind, "__doc__": kind.__doc__}
        caught_by(*checks)(type("With" + kind.__name__, (LoopbackDriver,), parts))
        return kind

    return enter
