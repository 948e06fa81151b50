"""What `fields=` and `json=` of a request become."""

from radiopool.http.header_lines import lower
from radiopool.http.outgoing import not_on_a_board
from radiopool.platform import CPYTHON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_IN_URL = ("DELETE", "GET", "HEAD", "OPTIONS")
_SAFE = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-~"


def encode(
    methods: "Any",
    method: str,
    url: str,
    fields: "Any",
    headers: "Any",
    body: "Any",
    json: "Any",
    urlopen_kw: "dict[str, Any]",
) -> "tuple[str, Any, Any]":
    """(url, body, headers) of a request with `fields=` or `json=`; the form's own keywords are taken out of the rest.

    Raises TypeError for more than one body.
    """
    if json is not None:
        if body is not None:
            raise TypeError("request got values for both 'body' and 'json', can only specify one.")
        from json import dumps

        # Text beyond ASCII goes as escapes, which is all that a board can write; it reads the same.
        body = dumps(json, separators=(",", ":")).encode()
        headers = _copied(methods.headers if headers is None else headers)
        if not _has(headers, "content-type"):
            headers["Content-Type"] = "application/json"
    if fields is not None:
        if method in _IN_URL:
            if fields:
                url = with_query(url, fields)
        else:
            multipart = urlopen_kw.pop("encode_multipart", True)
            body, headers = form_body(
                methods, fields, headers, body, multipart, urlopen_kw.pop("multipart_boundary", None)
            )
    return url, body, headers


def with_query(url: str, fields: "Any") -> str:
    """The URL with the fields appended to its query."""
    url, mark, fragment = url.partition("#")
    return url + ("&" if "?" in url else "?") + urlencode(fields) + mark + fragment


def form_body(
    methods: "Any", fields: "Any", headers: "Any", body: "Any", multipart: bool, boundary: "str | None"
) -> "tuple[Any, Any]":
    """The body and headers of a request with `fields=` in its body. Raises TypeError if there is a body already."""
    headers = _copied(methods.headers if headers is None else headers)
    if fields:
        if body is not None:
            raise TypeError("request got values for both 'fields' and 'body', can only specify one.")
        if multipart:
            if not CPYTHON:
                raise not_on_a_board("fields in a multipart/form-data body", "encode_multipart=False")
            from radiopool.http.filepost import encode_multipart_formdata

            body, kind = encode_multipart_formdata(fields, boundary)
        else:
            body, kind = urlencode(fields).encode(), "application/x-www-form-urlencoded"
        for name in list(headers):
            if lower(name) == "content-type":
                del headers[name]
        headers["Content-Type"] = kind
    return body, headers


def urlencode(fields: "Any") -> str:
    """Pairs or a mapping as application/x-www-form-urlencoded; text goes as UTF-8.

    Raises InvalidValueError for what is neither.
    """
    if hasattr(fields, "items"):
        fields = fields.items()
    try:
        return "&".join([_quote(name) + "=" + _quote(value) for name, value in fields])
    except (TypeError, ValueError) as error:
        from radiopool.errors import InvalidValueError

        # A field may be a password: none is shown.
        raise InvalidValueError(
            "fields must be a mapping, or pairs of name and value, not " + type(fields).__name__
        ) from error


def _quote(value: "Any") -> str:
    if not isinstance(value, bytes):
        value = str(value).encode()
    return "".join([chr(byte) if byte in _SAFE else "+" if byte == 32 else "%%%02X" % byte for byte in value])


def _copied(headers: "Any") -> "Any":
    if headers is None:
        return {}
    return headers.copy() if hasattr(headers, "copy") else dict(headers)


def _has(headers: "Any", wanted: str) -> bool:
    return wanted in [lower(name) for name in headers]
