"""Observers: who wants to know when a socket is opened, reused or closed, and why. CPython only.

All of it costs nothing while nobody observes: `hooks` is None then, and logging that nobody imported is not asked.
"""

from __future__ import annotations

import sys

from radiopool.account import Account

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pluggy import PluginManager

hooks: Any = None
"""pluggy's callers of the hooks, while somebody observes."""

_plugins: PluginManager | None = None


def observe(observer: object) -> object:
    """Call an observer's hooks from now on; returns it.

    An observer is any object or module with one or more of these, each marked with `radiopool.observer`:

    - `opened(key, socket)`: a socket was opened and leased;
    - `reused(key, socket)`: an idle socket was leased again;
    - `closed(key, socket, reason)`: a socket was closed; `stats()` counts it under that reason.

    `key` is the PoolKey, or None for a socket made through the socket-pool face. A hook that raises stops nobody's
    lease: its error is logged. Needs pluggy, whose ValueError
    says that the observer is registered already or has a hook of another name.
    """
    global hooks, _plugins
    import pluggy

    if _plugins is None:
        from radiopool import hookspecs

        _plugins = hookspecs.plugin_manager()
    _plugins.register(observer)
    try:
        _plugins.check_pending()
    except pluggy.PluginValidationError:
        _plugins.unregister(observer)
        raise
    hooks = _plugins.hook
    Account.watched = True
    return observer


def ignore(observer: object) -> None:
    """Stop calling an observer; nothing if it is none."""
    global hooks
    if _plugins is not None and _plugins.is_registered(observer):
        _plugins.unregister(observer)
        if not _plugins.get_plugins():
            hooks = None
            Account.watched = False


def tell(event: str, **facts: Any) -> None:
    """Call one hook of every observer, and log what it raises instead of failing the lease.

    Each by itself: pluggy would not call those behind one that raised.
    """
    called = getattr(hooks, event, None)
    for hook in reversed(called.get_hookimpls() if called else ()):
        try:
            hook.function(*(facts[name] for name in hook.argnames))
        except Exception:
            import logging

            logging.getLogger("radiopool").exception("an observer of %s failed", event)


def debug(message: str, *facts: Any) -> None:
    """Log at debug level, if the program uses logging at all: importing it would be most of our own import."""
    logging = sys.modules.get("logging")
    if logging is not None:
        log = logging.getLogger("radiopool")
        if log.isEnabledFor(10):
            log.debug(message, *facts)
