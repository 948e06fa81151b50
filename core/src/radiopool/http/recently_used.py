"""A container that keeps what was used last."""

from collections import OrderedDict

from radiopool.platform import CPYTHON, Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

if TYPE_CHECKING or CPYTHON:
    from radiopool.http.container_methods import ContainerMethods
else:
    ContainerMethods = object


class RecentlyUsedContainer(ContainerMethods):
    """A mapping of at most `maxsize` entries: one more drops the least recently used.

    Setting, `get` and `[]` are uses. `dispose_func(value)` is called for every value that leaves, outside the lock.
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

    def setdefault(self, key: "Any", value: "Any") -> "Any":
        """The value that is there, else this one from now on."""
        gone = None
        with self.lock:
            if key in self._container:
                return self._container[key]
            if len(self._container) >= self._maxsize > 0:
                gone = self._container.pop(next(iter(self._container)))
            self._container[key] = value
        if gone is not None and self.dispose_func:
            self.dispose_func(gone)
        return value

    def __len__(self) -> int:
        return len(self._container)

    def clear(self) -> None:
        """Drop everything."""
        with self.lock:
            gone = list(self._container.values())
            self._container.clear()
        if self.dispose_func:
            for value in gone:
                self.dispose_func(value)
