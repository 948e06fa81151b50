"""Request headers that many requests have, by name."""

from base64 import b64encode
from collections.abc import Iterable

from radiopool.http.decoding import ACCEPT_ENCODING
from radiopool.http.errors import InvalidHeader


def make_headers(
    keep_alive: "bool | None" = None,
    accept_encoding: "bool | list[str] | str | None" = None,
    user_agent: "str | None" = None,
    basic_auth: "str | None" = None,
    proxy_basic_auth: "str | None" = None,
    disable_cache: "bool | None" = None,
    *,
    basic_auth_encoding: str = "latin-1",
    proxy_basic_auth_encoding: str = "latin-1",
) -> "dict[str, str]":
    """A dictionary of headers, with lower-case names.

    accept_encoding: True for all that can be decoded here, or a list, or the header's text.
    basic_auth, proxy_basic_auth: `user:password` as they are, not percent-encoded (RFC 7617).
    disable_cache: ask every cache on the way for a fresh answer.
    Raises InvalidHeader if credentials have characters outside the encoding.
    """
    headers: dict[str, str] = {}
    if accept_encoding:
        headers["accept-encoding"] = _codings(accept_encoding)
    if user_agent:
        headers["user-agent"] = user_agent
    if keep_alive:
        headers["connection"] = "keep-alive"
    if basic_auth:
        headers["authorization"] = _basic(basic_auth, basic_auth_encoding, "basic_auth")
    if proxy_basic_auth:
        headers["proxy-authorization"] = _basic(proxy_basic_auth, proxy_basic_auth_encoding, "proxy_basic_auth")
    if disable_cache:
        headers["cache-control"] = "no-cache"
    return headers


def _codings(accept_encoding: "bool | Iterable[str] | str") -> str:
    if isinstance(accept_encoding, str):
        return accept_encoding
    return ACCEPT_ENCODING if isinstance(accept_encoding, bool) else ",".join(accept_encoding)


def _basic(credentials: str, encoding: str, name: str) -> str:
    # The credentials stay out of the message.
    try:
        return "Basic " + b64encode(credentials.encode(encoding)).decode("ascii")
    except UnicodeEncodeError:
        raise InvalidHeader("%s has characters outside %s; pass %s_encoding='utf-8'" % (name, encoding, name)) from None
