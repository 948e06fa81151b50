"""What CPython needs more than a board does: a lock, a clock; and what a board leaves for later.

Everything else in the core is written once. This module is the only place that asks which interpreter it runs
on; a board gets a no-op wherever CPython gets machinery.
"""

import sys
import time

TYPE_CHECKING = False

CPYTHON = sys.implementation.name == "cpython"

if TYPE_CHECKING or CPYTHON:
    # threading.Lock, without waiting for the rest of that module.
    import _thread
    import functools

    Lock = _thread.allocate_lock

    # A stack from which anything can be removed: CPython's dict keeps its order, a board's does not.
    Stack = dict

    # Keys are asked for again and again; what is remembered is bounded, and is no socket.
    remembered = functools.lru_cache(1024)

    def now_ms() -> int:
        """Milliseconds of a clock that never goes back; only differences mean anything."""
        return time.monotonic_ns() // 1_000_000

    def collect() -> None:
        """Before something is made that stays. On a board nothing ever moves: made on a heap full of garbage, it would
        leave that in pieces too small for a buffer."""

else:
    from collections import OrderedDict as Stack  # noqa: F401
    from gc import collect

    def find(package, modules, name):
        """What is called `name` in the first of a package's modules that has it, else its module of that name.

        What an import leaves behind is collected before the next, so that the heap does not end in pieces too small
        for a buffer. Raises AttributeError.
        """
        if name[0] != "_":
            for module in modules.split():
                collect()
                found = getattr(__import__(package + "." + module, None, None, (name,)), name, None)
                if found is not None:
                    return found
            try:
                return __import__(package + "." + name, None, None, (name,))
            except ImportError:
                pass
        raise AttributeError(name)

    class Lock:
        """Boards have one thread of Python: nothing to exclude."""

        def acquire(self, *_):
            pass

        __enter__ = __exit__ = release = acquire

    class Later:
        """The parent of a class whose rarely needed half is the class `Half` of another module: `_later`, without the
        `radiopool` that it begins with.

        What is not found here is looked for there, and that module loaded by the first to need it. (On CPython that
        class is the parent itself.) Special methods and `super()` do not find what stands there. A property there is
        made with `attributes.attribute`.
        """

        def __getattr__(self, name):
            half = __import__("radiopool" + self._later, None, None, ("Half",)).Half
            found = getattr(half, name, None)
            if callable(found):
                return lambda *args, **keywords: found(self, *args, **keywords)
            if isinstance(found, list):
                return found[0](self)
            if found is not None:
                return found
            if hasattr(half, "__getattr__"):
                return half.__getattr__(self, name)
            raise AttributeError(name)

        def __repr__(self):
            return self._describe()

    if hasattr(time, "ticks_ms"):
        # In names of this module's own, which are found faster: every lease asks.
        from time import ticks_add, ticks_ms

        # ticks_ms wraps (after 12 days on a 32-bit port), so the total is kept here. It never goes back, and is right
        # as long as the clock is read at least once in a wrap.
        _last = ticks_ms()
        _total = 0

        def now_ms():
            global _last, _total
            ticks = ticks_ms()
            _total += ticks - _last & ticks_add(0, -1)
            _last = ticks
            return _total

    else:

        def now_ms():
            return time.monotonic_ns() // 1_000_000
