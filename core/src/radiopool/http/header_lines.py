"""A request's headers as they are sent, once a caller gives any."""

from radiopool.platform import CPYTHON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SKIP_HEADER = "@@@SKIP_HEADER@@@"
"""As the value of Host, User-Agent or Accept-Encoding: leave that header out."""

ENCODING = "latin-1" if CPYTHON else "utf-8"
"""Of heads (RFC 9110 section 5.5). A board encodes as UTF-8 whatever it is told."""

TOKEN = "-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+.^_`|~"
"""What names of methods and headers are made of (RFC 9110 section 5.6.2)."""


def given_lines(headers: "Any", host: str) -> "tuple[Any, ...]":
    """What `HTTPConnectionPool._lines_of` returns, for a request with headers. Raises InvalidHeader."""
    text, given = header_lines((("Accept-Encoding", "identity"), ("User-Agent", "radiopool"), ("Host", host)), headers)
    close = "asked to close" if "close" in given.get("connection", "").lower() else None
    return dict(headers), {}, close, text, given


def header_lines(defaults: "tuple[tuple[str, str], ...]", headers: "Any") -> "tuple[str, dict[str, str]]":
    """The header lines of a request as text, and the headers by lower-case name.

    defaults: (name, value) of those that the request has unless they are given or skipped.
    Raises InvalidHeader for a name or a value that can't be sent.
    """
    if not hasattr(headers, "items"):
        raise refused("headers must be a mapping of names to values, not of type " + type(headers).__name__)
    given = {}
    text = ""
    for name, value in headers.items():
        if isinstance(name, bytes):
            name = name.decode()
        if isinstance(value, bytes):
            value = value.decode(ENCODING)
        elif not isinstance(value, str):
            if not isinstance(value, int):
                raise refused("header %r must have text for a value, not of type %s" % (name, type(value).__name__))
            value = str(value)
        if not isinstance(name, str) or not name or name.strip(TOKEN):
            # What follows a colon was meant as the value.
            start, colon, _ = str(name).partition(":")
            raise refused("header name %r is no token (RFC 9110 section 5.1)" % (start + colon))
        if "\r" in value or "\n" in value or "\0" in value:
            # Without the value, which may be a secret.
            raise refused("header %s has a line end or a NUL in its value" % name)
        low = name.lower()
        given[low] = value
        if value != SKIP_HEADER:
            text += name + ": " + value + "\r\n"
        elif low not in ("host", "user-agent", "accept-encoding"):
            raise refused("header %s can't be skipped, only Host, User-Agent and Accept-Encoding" % name)
    for name, value in defaults:
        if name.lower() not in given:
            text = name + ": " + value + "\r\n" + text
    if CPYTHON:
        _check_latin_1(text)
    return text, given


def lower(name: "Any") -> str:
    """A header's name as text in lower case; it may be given as bytes. "" for what is no name."""
    if isinstance(name, bytes):
        name = name.decode()
    return name.lower() if isinstance(name, str) else ""


if TYPE_CHECKING or CPYTHON:

    def _check_latin_1(text: str) -> None:
        # Before the whole head is encoded: a UnicodeEncodeError carries all that it was to encode.
        if not text.isascii():
            for line in text.split("\r\n"):
                if max(line, default="") > "\xff":
                    raise refused("header %s has characters outside Latin-1 in its value" % line[: line.find(":")])


def check_method(method: object) -> None:
    """Raise InvalidHeader for what is no method."""
    if not isinstance(method, str):
        raise refused("method must be text, not %r" % (method,))
    if not method or method.strip(TOKEN):
        raise refused("method %r is no token (RFC 9110 section 9.1)" % method)


def refused(message: str) -> Exception:
    """The InvalidHeader to raise."""
    from radiopool.http.errors import InvalidHeader

    return InvalidHeader(message)
