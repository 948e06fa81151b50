"""The connection pools of a manager: the keys that choose one, and the container that keeps those used last.

The keys have the field names that urllib3's document lists.
"""

from collections import OrderedDict, namedtuple

from radiopool.platform import CPYTHON, Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

if TYPE_CHECKING or CPYTHON:
    # The half that a board loads later: see `platform.Later`.
    from radiopool.http.container_methods import ContainerMethods as _ContainerMethods
else:
    _ContainerMethods = object

# In one text, since a board would keep a name for each.
_HTTP = tuple("scheme host port timeout retries strict block source_address".split())

if TYPE_CHECKING or CPYTHON:
    BasePoolKey = namedtuple("BasePoolKey", _HTTP[:3])  # type: ignore[misc]
    """What every pool key has at least."""
HTTPPoolKey = namedtuple("HTTPPoolKey", _HTTP)  # type: ignore[misc]
"""What chooses the connection pool of a plain HTTP request."""

FIELDS: "dict[Any, tuple[str, ...]]" = {HTTPPoolKey: _HTTP}
"""The field names of key classes, which do not know them on a board."""


def default_key_normalizer(
    key_class: "Callable[..., Any]", request_context: "dict[str, Any]", fields: "tuple[str, ...] | None" = None
) -> "Any":
    """A `key_class` made of the request context: scheme and host in lower case, what the context lacks None.

    fields: the key's field names, for a `key_class` of your own on a board, whose namedtuples do not know them.
    Mappings and lists among the values are made hashable.
    """
    values = []
    names: "Any" = fields or FIELDS.get(key_class) or (CPYTHON and getattr(key_class, "_fields", None))
    for name in names:
        value = request_context.get(name)
        if name == "scheme" or name == "host":
            value = value.lower()  # type: ignore[union-attr]
        elif isinstance(value, dict):
            value = frozenset(value.items())
        elif isinstance(value, list):
            value = tuple(value)
        values.append(value)
    return key_class(*values)


class RecentlyUsedContainer(_ContainerMethods):
    """A mapping of at most `maxsize` entries: one more drops the least recently used.

    Setting, `get` and `[]` are uses. `dispose_func(value)` is called for every value that leaves, outside the lock.
    """

    def __init__(self, maxsize: int = 10, dispose_func: "Callable[[Any], None] | None" = None) -> None:
        self.maxsize = maxsize
        self.dispose_func = dispose_func
        self._lock = Lock()
        self._container: "OrderedDict[Any, Any]" = OrderedDict()

    def get(self, key: "Any", default: "Any" = None) -> "Any":
        """The value, now the most recently used; `default` if there is none."""
        container = self._container
        if CPYTHON:
            if key is self._newest:
                # At its place already, as a rule: most programs talk to one host at a time.
                value = container.get(key, self)
                if value is not self:
                    return value
            with self._lock:
                value = container.get(key, self)
                if value is not self:
                    container.move_to_end(key)
                    self._newest = key
                    return value
        else:
            value = container.pop(key, self)
            if value is not self:
                container[key] = value
                return value
        return default

    def setdefault(self, key: "Any", value: "Any") -> "Any":
        """The value that is there, else this one from now on."""
        gone = None
        container = self._container
        with self._lock:
            if key in container:
                return container[key]
            if len(container) >= self.maxsize > 0:
                gone = container.pop(next(iter(container)))
            container[key] = value
            if CPYTHON:
                self._newest = None
        if gone is not None and self.dispose_func:
            self.dispose_func(gone)
        return value

    def __len__(self) -> int:
        return len(self._container)

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            gone = list(self._container.values())
            self._container.clear()
        if self.dispose_func:
            for value in gone:
                self.dispose_func(value)
