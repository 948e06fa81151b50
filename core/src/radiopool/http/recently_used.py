"""A container that keeps what was used last."""

from collections import OrderedDict

from radiopool.platform import CPYTHON, Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class RecentlyUsedContainer:
    """A mapping of at most `maxsize` entries: one more drops the least recently used.

    Setting, `get` and `[]` are uses. `dispose_func(value)` is called for every value that leaves, outside the lock.
    Iterating is refused, since other threads change it meanwhile: take `keys()`, a list.
    """

    def __init__(self, maxsize: int = 10, dispose_func: "Callable[[Any], None] | None" = None) -> None:
        self._maxsize = maxsize
        self.dispose_func = dispose_func
        self.lock = Lock()
        self._container: "OrderedDict[Any, Any]" = OrderedDict()

    def get(self, key: "Any", default: "Any" = None) -> "Any":
        """The value, now the most recently used; `default` if there is none."""
        with self.lock:
            value = self._container.get(key, self)
            if value is self:
                return default
            if CPYTHON:
                self._container.move_to_end(key)
            else:
                self._container[key] = self._container.pop(key)
            return value

    def __getitem__(self, key: "Any") -> "Any":
        value = self.get(key, self)
        if value is self:
            raise KeyError(key)
        return value

    def __setitem__(self, key: "Any", value: "Any") -> None:
        with self.lock:
            gone = [self._container.pop(key)] if key in self._container else []
            self._container[key] = value
            if len(self._container) > self._maxsize:
                gone.append(self._container.pop(next(iter(self._container))))
        self._dispose(gone)

    def setdefault(self, key: "Any", value: "Any") -> "Any":
        """The value that is there, else this one from now on."""
        with self.lock:
            there = self._container.get(key, self)
        if there is self:
            self[key] = there = value
        return there

    def __delitem__(self, key: "Any") -> None:
        with self.lock:
            gone = self._container.pop(key)
        self._dispose([gone])

    def __contains__(self, key: object) -> bool:
        return key in self._container

    def __len__(self) -> int:
        return len(self._container)

    def __iter__(self) -> "Any":
        raise NotImplementedError("iterating while other threads use the container is not safe: take keys()")

    def keys(self) -> "list[Any]":
        """The keys, the least recently used first."""
        with self.lock:
            return list(self._container)

    def clear(self) -> None:
        """Drop everything."""
        with self.lock:
            gone = list(self._container.values())
            self._container.clear()
        self._dispose(gone)

    def _dispose(self, values: "list[Any]") -> None:
        if self.dispose_func:
            for value in values:
                self.dispose_func(value)
