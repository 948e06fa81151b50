"""The hooks that observers may implement, as pluggy sees them. Loaded with the first observer."""

from __future__ import annotations

from typing import Any

import pluggy

from radiopool.keys import PoolKey

hookspec = pluggy.HookspecMarker("radiopool")
observer = pluggy.HookimplMarker("radiopool")
"""Marks a method or function of an observer as a hook."""


@hookspec
def opened(key: PoolKey | None, socket: Any) -> None:
    """A socket was opened and leased."""


@hookspec
def reused(key: PoolKey | None, socket: Any) -> None:
    """An idle socket was leased again."""


@hookspec
def closed(key: PoolKey | None, socket: Any, reason: str) -> None:
    """A socket was closed; the reason is one of `radiopool.recycling`, or its user's own."""


def plugin_manager() -> pluggy.PluginManager:
    """A manager of observers."""
    import sys

    plugins = pluggy.PluginManager("radiopool")
    plugins.add_hookspecs(sys.modules[__name__])
    return plugins
