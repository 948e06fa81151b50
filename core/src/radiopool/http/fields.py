"""The parts of a multipart/form-data body (RFC 7578), written as browsers write them."""

import mimetypes
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from radiopool.errors import InvalidValueError
from radiopool.http.errors import InvalidHeader

Value: TypeAlias = str | bytes
FieldValue: TypeAlias = Value | int | tuple[str | None, Value] | tuple[str | None, Value, str | None]
"""A field's value: text, bytes, or (file name, contents) or (file name, contents, content type)."""

# What the WHATWG HTML standard escapes in a parameter, and how (form-submission algorithm, "multipart/form-data").
_ESCAPES = {ord("\n"): "%0A", ord("\r"): "%0D", ord('"'): "%22"}

_FIRST = ("Content-Disposition", "Content-Type", "Content-Location")


def guess_content_type(filename: "str | None", default: str = "application/octet-stream") -> str:
    """The content type that the file name's ending stands for, or `default`."""
    return (mimetypes.guess_type(filename)[0] if filename else None) or default


def format_multipart_header_param(name: str, value: Value) -> str:
    """`name="value"`, quoted as the WHATWG HTML standard does: UTF-8, with line ends and quotes percent-encoded."""
    text = value.decode("utf-8") if isinstance(value, bytes) else value
    return '%s="%s"' % (name, text.translate(_ESCAPES))


class RequestField:
    """One part of a multipart body: its `data`, and the `headers` that stand before it.

    `name` and `filename` are text; `headers` are those to begin with.
    """

    def __init__(
        self,
        name: str,
        data: Any,
        filename: "str | None" = None,
        headers: "Mapping[str, str] | None" = None,
        header_formatter: "Callable[[str, Value], str] | None" = None,
    ) -> None:
        self._name = name
        self._filename = filename
        self.data = data
        self.headers: dict[str, str | None] = dict(headers or {})
        self.header_formatter = header_formatter or format_multipart_header_param

    @classmethod
    def from_tuples(
        cls, fieldname: str, value: Any, header_formatter: "Callable[[str, Value], str] | None" = None
    ) -> "RequestField":
        """The part that a `fields=` entry stands for; `value` is a `FieldValue`.

        With a file name and no content type, the type is guessed from the name. Raises InvalidValueError.
        """
        filename: str | None = None
        content_type: str | None = None
        if isinstance(value, tuple):
            if len(value) == 3:
                filename, contents, content_type = value
            elif len(value) == 2:
                filename, contents = value
                content_type = guess_content_type(filename)
            else:
                raise InvalidValueError(
                    "field %r: a file is (name, contents) or (name, contents, type), not a tuple of %d"
                    % (fieldname, len(value))
                )
        else:
            contents = value
        field = cls(fieldname, contents, filename=filename, header_formatter=header_formatter)
        field.make_multipart(content_type=content_type)
        return field

    def make_multipart(
        self,
        content_disposition: "str | None" = None,
        content_type: "str | None" = None,
        content_location: "str | None" = None,
    ) -> None:
        """Set the headers of a part: Content-Disposition (form-data unless given) with the name and the file name,
        Content-Type and Content-Location.
        """
        parameters = self._render_parts((("name", self._name), ("filename", self._filename)))
        disposition = content_disposition or "form-data"
        self.headers["Content-Disposition"] = "; ".join((disposition, parameters)) if parameters else disposition
        self.headers["Content-Type"] = content_type
        self.headers["Content-Location"] = content_location

    def render_headers(self) -> str:
        """The header lines, with the empty line that ends them. Raises InvalidHeader for one that holds a line end."""
        names = [name for name in _FIRST if self.headers.get(name)]
        names += [name for name in self.headers if name not in _FIRST and self.headers[name]]
        lines = ["%s: %s" % (name, self.headers[name]) for name in names]
        for name, line in zip(names, lines, strict=True):
            if "\r" in line or "\n" in line or "\0" in line:
                raise InvalidHeader("field %r: the header %r has a line end or a NUL in it" % (self._name, name))
        return "\r\n".join([*lines, "", ""])

    def _render_part(self, name: str, value: Value) -> str:
        # A subclass may write parameters its own way: this name is part of the API.
        return self.header_formatter(name, value)

    def _render_parts(self, parts: "Mapping[str, Value | None] | Iterable[tuple[str, Value | None]]") -> str:
        pairs = parts.items() if isinstance(parts, Mapping) else parts
        return "; ".join(self._render_part(name, value) for name, value in pairs if value is not None)
