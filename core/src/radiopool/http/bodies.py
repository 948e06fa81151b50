"""What `fields=` and `json=` of a request become."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SAFE = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-~"


def json_body(methods: "Any", json: "Any", body: "Any", headers: "Any") -> "tuple[bytes, Any]":
    """The body and headers of a request with `json=`. Raises TypeError if there is a body already."""
    if body is not None:
        raise TypeError("request got values for both 'body' and 'json', can only specify one.")
    from json import dumps

    headers = _copied(methods.headers if headers is None else headers)
    if not _has(headers, "content-type"):
        headers["Content-Type"] = "application/json"
    # JSON in ASCII escapes is what a board writes too; urllib3 sends UTF-8, which reads the same.
    return dumps(json).encode(), headers


def with_query(url: str, fields: "Any") -> str:
    """The URL with the fields appended to its query."""
    url, mark, fragment = url.partition("#")
    return url + ("&" if "?" in url else "?") + urlencode(fields) + mark + fragment


def form_body(
    methods: "Any", fields: "Any", headers: "Any", multipart: bool, boundary: "str | None", urlopen_kw: "dict[str, Any]"
) -> "tuple[Any, Any]":
    """The body and headers of a request with `fields=` in its body."""
    headers = _copied(methods.headers if headers is None else headers)
    body = urlopen_kw.pop("body", None)
    if fields:
        if body is not None:
            raise TypeError("request got values for both 'fields' and 'body', can only specify one.")
        if multipart:
            from radiopool.http.filepost import encode_multipart_formdata

            body, kind = encode_multipart_formdata(fields, boundary)
        else:
            body, kind = urlencode(fields).encode(), "application/x-www-form-urlencoded"
        for name in list(headers):
            if name.lower() == "content-type":
                del headers[name]
        headers["Content-Type"] = kind
    return body, headers


def urlencode(fields: "Any") -> str:
    """Pairs or a mapping as application/x-www-form-urlencoded; text goes as UTF-8."""
    if hasattr(fields, "items"):
        fields = fields.items()
    return "&".join([_quote(name) + "=" + _quote(value) for name, value in fields])


def _quote(value: "Any") -> str:
    if not isinstance(value, bytes):
        value = str(value).encode()
    return "".join([chr(byte) if byte in _SAFE else "+" if byte == 32 else "%%%02X" % byte for byte in value])


def _copied(headers: "Any") -> "Any":
    if headers is None:
        return {}
    return headers.copy() if hasattr(headers, "copy") else dict(headers)


def _has(headers: "Any", wanted: str) -> bool:
    for name in headers:
        if name.lower() == wanted:
            return True
    return False
