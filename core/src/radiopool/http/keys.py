"""The keys that choose a connection pool, with the field names that urllib3's document lists."""

from collections import namedtuple

from radiopool.platform import CPYTHON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_HTTP = ("scheme", "host", "port", "timeout", "retries", "strict", "block", "source_address")

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
    names: "Any" = fields or FIELDS.get(key_class) or getattr(key_class, "_fields", None)
    for name in names:
        value = request_context.get(name)
        if name in ("scheme", "host"):
            value = value.lower()  # type: ignore[union-attr]
        elif isinstance(value, dict):
            value = frozenset(value.items())
        elif isinstance(value, list):
            value = tuple(value)
        values.append(value)
    return key_class(*values)
