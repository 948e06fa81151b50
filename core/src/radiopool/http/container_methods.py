"""What `RecentlyUsedContainer` offers on CPython beyond a board's needs: the rest of a mapping."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any


class ContainerMethods:
    """The parent of `RecentlyUsedContainer`, which has the storage.

    Iterating is refused, since other threads change it meanwhile: take `keys()`, a list.
    """

    maxsize: int
    dispose_func: Callable[[Any], None] | None
    _lock: Lock
    _container: OrderedDict[Any, Any]
    # The key of the last entry, where that is known.
    _newest: Any = None

    def get(self, key: Any, default: Any = None) -> Any:
        raise NotImplementedError

    def __getitem__(self, key: Any) -> Any:
        value = self.get(key, self)
        if value is self:
            raise KeyError(key)
        return value

    def __setitem__(self, key: Any, value: Any) -> None:
        with self._lock:
            gone = [self._container.pop(key)] if key in self._container else []
            self._container[key] = value
            self._newest = None
            if len(self._container) > self.maxsize:
                gone.append(self._container.popitem(last=False)[1])
        self._dispose(gone)

    def __delitem__(self, key: Any) -> None:
        with self._lock:
            gone = self._container.pop(key)
        self._dispose([gone])

    def __contains__(self, key: object) -> bool:
        return key in self._container

    def __iter__(self) -> Any:
        raise NotImplementedError("iterating while other threads use the container is not safe: take keys()")

    def keys(self) -> list[Any]:
        """The keys, the least recently used first."""
        with self._lock:
            return list(self._container)

    def _dispose(self, values: list[Any]) -> None:
        if self.dispose_func:
            for value in values:
                self.dispose_func(value)
