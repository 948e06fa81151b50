"""The bodies of requests: small ones go out with the head, in one send."""

from radiopool.http.header_lines import ENCODING
from radiopool.platform import CPYTHON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

IDEMPOTENT = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE")
"""The methods that do no harm when they come twice (RFC 9110 section 9.2.2)."""

SMALL = 16384 if CPYTHON else 1024
"""Bytes of a body that are copied to go out with the head."""


def encode(method: str, head: str, body: "Any", lines: "tuple[Any, ...]", chunked: bool) -> "tuple[bytes, Any]":
    """The request's head as it is sent, a small body included, and what remains to be sent of the body.

    head: its lines without the empty one. lines: what `HTTPConnectionPool._lines_of` made. Raises InvalidHeader.
    """
    if method not in IDEMPOTENT and method != "POST":
        from radiopool.http.header_lines import check_method

        check_method(method)
    if body is None and CPYTHON and announces_body(lines[4]):
        # None is as long as it is sent: with its last chunk, or not at all.
        body = b""
    if body is not None:
        return with_body(head, body, chunked, lines[4])
    # RFC 9110 section 8.6: a method that means a body says that there is none.
    if method in ("POST", "PUT", "PATCH") and "content-length" not in lines[4]:
        head += "Content-Length: 0\r\n"
    return (head + "\r\n").encode(ENCODING), None


def with_body(head: str, body: "Any", chunked: bool, given: "dict[str, str]") -> "tuple[bytes, Any]":
    """The bytes to send first, and what then remains of the body: None, bytes, or what has a `send(exchange)`.

    head: the request's lines without the empty one. given: the headers in it that the caller gave, by lower-case
    name. What is neither bytes nor text needs CPython (`sending`).
    """
    if isinstance(body, str):
        body = body.encode()
    elif not CPYTHON and isinstance(body, (bytearray, memoryview)):
        body = bytes(body)
    plain = type(body) is bytes and (len(body) <= SMALL or not CPYTHON)
    if not plain or chunked or "content-length" in given or "transfer-encoding" in given or "expect" in given:
        if not CPYTHON:
            raise not_on_a_board(
                "a %s as the body" % type(body).__name__ if not plain else "a body whose length or coding is given",
                "bytes or text" if not plain else "no such headers, and no chunked=True",
            )
        from radiopool.http.sending import add_body

        lengths, body = add_body(body, chunked, given)
        return (head + lengths + "\r\n").encode(ENCODING), body
    first = (head + "Content-Length: %d\r\n\r\n" % len(body)).encode(ENCODING)
    if len(body) <= SMALL:
        return first + body, None
    return first, body


if TYPE_CHECKING or CPYTHON:

    def announces_body(given: "dict[str, str]") -> bool:
        """Whether the headers that were given say that a body follows."""
        return "transfer-encoding" in given or given.get("content-length", "0") != "0"


def not_on_a_board(what: str, instead: str) -> Exception:
    """The error of a body that a board can't send."""
    from radiopool.errors import InvalidValueError

    return InvalidValueError("a board can't send %s; give %s" % (what, instead))
