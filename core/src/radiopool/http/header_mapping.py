"""What `HTTPHeaderDict` offers on CPython beyond a board's needs: urllib3's whole interface."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any, TypeVar

Self = TypeVar("Self", bound="HeaderMapping")


class HeaderMapping(MutableMapping[str, str]):
    """The parent of `HTTPHeaderDict`, which has the storage: `_fields`, `_order`, `add`, `getlist`."""

    _fields: dict[str, list[str]]
    _order: list[str]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HeaderMapping):
            if not _has_fields(other):
                return NotImplemented
            try:
                other = type(self)(other)  # type: ignore[call-arg]
            except (TypeError, ValueError):
                return NotImplemented
        return dict(self._merged()) == dict(other._merged())

    __hash__ = None  # type: ignore[assignment]

    def _merged(self) -> Iterator[tuple[str, str]]:
        return ((low, ", ".join(values[1:])) for low, values in self._fields.items())

    def add(self, key: str, val: str, *, combine: bool = False) -> None:
        raise NotImplementedError

    def getlist(self, key: str, default: Any = ()) -> Any:
        raise NotImplementedError

    # urllib3's four other names for it.
    def getheaders(self, key: str, default: Any = ()) -> Any:
        """`getlist`."""
        return self.getlist(key, default)

    def getallmatchingheaders(self, key: str, default: Any = ()) -> Any:
        """`getlist`."""
        return self.getlist(key, default)

    def iget(self, key: str, default: Any = ()) -> Any:
        """`getlist`."""
        return self.getlist(key, default)

    def get_all(self, key: str, default: Any = ()) -> Any:
        """`getlist`."""
        return self.getlist(key, default)

    def items(self) -> Any:
        """Each field as (name, value), repeated ones one by one: a view with a length."""
        return HeaderItems(self)

    def iteritems(self) -> Iterator[tuple[str, str]]:
        """Each field as (name, value), repeated ones one by one."""
        raise NotImplementedError

    def itermerged(self) -> Iterator[tuple[str, str]]:
        """Each name once, with its values joined by ", "."""
        for low in self._order:
            name, *values = self._fields[low]
            yield name, ", ".join(values)

    def extend(self, *args: Any, **kwargs: str) -> None:
        """`add` every field of a mapping, an HTTPHeaderDict or an iterable of pairs, and of the keywords.

        Raises TypeError for more than one positional argument.
        """
        if len(args) > 1:
            raise TypeError("extend() takes at most 1 positional arguments (%d given)" % len(args))
        for fields in (*args, kwargs):
            self._extend(fields)

    def _extend(self, headers: Any) -> None:
        raise NotImplementedError

    def discard(self, key: str) -> None:
        """Delete the fields of that name, if there are any."""
        self.pop(key, None)

    def setdefault(self, key: str, default: str = "") -> str:
        """The value, which becomes `default` if there was none."""
        return super().setdefault(key, default)

    def copy(self: Self) -> Self:
        """Another with the same fields."""
        return type(self)(self)  # type: ignore[call-arg]

    def __or__(self: Self, other: object) -> Self:
        if not _has_fields(other):
            return NotImplemented
        merged = self.copy()
        merged.extend(other)
        return merged

    def __ior__(self: Self, other: object) -> Self:
        if not _has_fields(other):
            return NotImplemented
        self.extend(other)
        return self

    def __ror__(self: Self, other: object) -> Self:
        if not _has_fields(other):
            return NotImplemented
        merged = type(self)(other)  # type: ignore[call-arg]
        merged.extend(self)
        return merged


def _has_fields(other: object) -> bool:
    return hasattr(other, "keys") or (hasattr(other, "__iter__") and not isinstance(other, (str, bytes)))


class HeaderItems:
    """`HTTPHeaderDict.items()`: iterable again and again, with a length and `in`."""

    def __init__(self, headers: HeaderMapping) -> None:
        self._headers = headers

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return self._headers.iteritems()

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, pair: object) -> bool:
        if not isinstance(pair, tuple) or len(pair) != 2:
            return False
        return pair[1] in self._headers.getlist(pair[0])

    def __repr__(self) -> str:
        return repr(list(self))
