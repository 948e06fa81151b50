"""Header fields: case-insensitive names, in their order, repeated ones kept apart."""

from radiopool.platform import CPYTHON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

if TYPE_CHECKING or CPYTHON:
    from radiopool.http.header_mapping import HeaderMapping
else:
    HeaderMapping = object


class HTTPHeaderDict(HeaderMapping):
    """Header fields, by name in any case.

    `headers[name]` joins the values of a repeated field with ", "; `getlist(name)` keeps them apart. Iterating gives
    each name once, `items()` each field as (name, value). On CPython it is a MutableMapping with all that urllib3's
    has (`header_mapping`); on a board it is what stands here.

    headers: a mapping, another HTTPHeaderDict, or an iterable of (name, value).
    """

    def __init__(self, headers: "Any" = None, **kwargs: str) -> None:
        # Lower-case name: [name as first written, value, value, ...]; `_order` because a board's dict has none.
        self._fields: "dict[str, list[str]]" = {}
        self._order: "list[str]" = []
        if headers is not None:
            self._extend(headers)
        if kwargs:
            self._extend(kwargs)

    def _extend(self, headers: "Any") -> None:
        if hasattr(headers, "items"):
            headers = headers.items()
        elif CPYTHON and hasattr(headers, "keys"):
            headers = [(name, headers[name]) for name in headers.keys()]  # noqa: SIM118 (it may be no mapping)
        for name, value in headers:
            self.add(name, value)

    def add(self, key: str, val: str, *, combine: bool = False) -> None:
        """One more field; those of that name stay. `combine` joins the value to the last one's with ", "."""
        key = _name(key)
        low = key.lower()
        known = self._fields.get(low)
        if known is None:
            self._fields[low] = [key, val]
            self._order.append(low)
        elif combine:
            known[-1] += ", " + val
        else:
            known.append(val)

    def getlist(self, key: str, default: "Any" = ()) -> "Any":
        """The values of every field of that name; `default` if there is none."""
        known = self._fields.get(_lower(key))
        if known is None:
            return [] if default == () else default
        return known[1:]

    def get(self, key: str, default: "Any" = None) -> "Any":
        """The value, repeated ones joined with ", "; `default` if there is none."""
        known = self._fields.get(_lower(key))
        return default if known is None else ", ".join(known[1:])

    def iteritems(self) -> "Iterator[tuple[str, str]]":
        """Each field as (name, value), repeated ones one by one, under the name as first written."""
        for low in self._order:
            known = self._fields[low]
            for value in known[1:]:
                yield known[0], value

    if not CPYTHON:
        items = iteritems

    def __getitem__(self, key: str) -> str:
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value  # type: ignore[no-any-return]

    def __setitem__(self, key: str, val: str) -> None:
        key = _name(key)
        low = key.lower()
        if low not in self._fields:
            self._order.append(low)
        self._fields[low] = [key, val]

    def __delitem__(self, key: str) -> None:
        low = _lower(key)
        del self._fields[low]
        self._order.remove(low)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, (str, bytes)) and _lower(key) in self._fields

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> "Iterator[str]":
        for low in self._order:
            yield self._fields[low][0]

    def __repr__(self) -> str:
        return "HTTPHeaderDict(%r)" % (list(self.items()),)


def _name(name: "Any") -> str:
    return text(name) if isinstance(name, bytes) else name


def _lower(name: "Any") -> str:
    return _name(name).lower()


def parse(head: bytes) -> HTTPHeaderDict:
    """The fields of a head that `wire` has judged, its status line left out."""
    headers = HTTPHeaderDict()
    start = head.find(b"\r\n") + 2
    end = len(head) - 2
    while start < end:
        colon = head.find(b":", start)
        stop = head.find(b"\r\n", colon)
        headers.add(text(head[start:colon]), text(head[colon + 1 : stop].strip(b" \t")))
        start = stop + 2
    return headers


if TYPE_CHECKING or CPYTHON:

    def text(value: bytes) -> str:
        """A field's name or value as text: Latin-1, as urllib3 and http.client read it."""
        return value.decode("latin-1")

else:

    def text(value):
        # A board decodes UTF-8 whatever it is told.
        try:
            return value.decode()
        except UnicodeError:
            return "".join([chr(byte) for byte in value])
