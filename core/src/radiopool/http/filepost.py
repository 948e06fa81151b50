"""multipart/form-data bodies (RFC 7578) from the `fields=` of a request."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from radiopool.errors import InvalidValueError
from radiopool.http.fields import RequestField

# RFC 2046, 5.1.1; the space that it also allows would need quotes.
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=?-]{1,70}")


def choose_boundary() -> str:
    """32 random characters, so that no part can be made to hold the boundary."""
    return os.urandom(16).hex()


def iter_field_objects(fields: "Mapping[str, Any] | Iterable[Any]") -> Iterator[RequestField]:
    """Each of `fields` as a RequestField: a mapping, or any number of pairs and RequestFields.

    Raises InvalidValueError for what is neither.
    """
    for field in fields.items() if isinstance(fields, Mapping) else fields:
        if isinstance(field, RequestField):
            yield field
        elif isinstance(field, (tuple, list)) and len(field) == 2:
            yield RequestField.from_tuples(*field)
        else:
            # Fields are passwords, too: their values are not shown.
            kind = type(field).__name__ + (" of %d" % len(field) if isinstance(field, (tuple, list)) else "")
            raise InvalidValueError("fields must be (name, value) pairs or RequestFields, not a " + kind)


def encode_multipart_formdata(
    fields: "Mapping[str, Any] | Iterable[Any]", boundary: "str | None" = None
) -> "tuple[bytes, str]":
    """(body, content type) of a form. Text goes out as UTF-8, a number as its digits.

    Raises InvalidValueError for contents of another type, or a boundary that is none (RFC 2046, 5.1.1).
    """
    if boundary is None:
        boundary = choose_boundary()
    elif not _BOUNDARY.fullmatch(boundary):
        raise InvalidValueError("boundary must be 1 to 70 letters, digits and '()+_,-./:=? not %r" % boundary)
    between = b"--" + boundary.encode("ascii")
    pieces: list[Any] = []
    for field in iter_field_objects(fields):
        pieces += (between, b"\r\n", field.render_headers().encode("utf-8"), _contents(field), b"\r\n")
    pieces += (between, b"--\r\n")
    return b"".join(pieces), "multipart/form-data; boundary=" + boundary


def _contents(field: RequestField) -> Any:
    contents = field.data
    if isinstance(contents, (bytes, bytearray, memoryview)):
        return contents
    if isinstance(contents, int):
        contents = str(contents)
    if isinstance(contents, str):
        return contents.encode("utf-8")
    raise InvalidValueError(
        "field %r: contents must be text or bytes, not %s%s"
        % (field._name, type(contents).__name__, "; read() the file" if hasattr(contents, "read") else "")
    )
