"""URLs as RFC 3986 has them: taken apart, normalised, and refused where they could mean two things.

`parse_url` is for what people type: a URL without a scheme is taken as one with a host. http and https URLs are
normalised (6.2.2: case, percent-encoding, dot segments); others are only taken apart.
"""

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import unquote

from radiopool.http.errors import LocationParseError

# Appendix B of the RFC, with a scheme that is one and without the backslash in an authority, which browsers and
# servers read differently.
_PARTS = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):)?(?://(?P<authority>[^\\/?#]*))?"
    r"(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?",
    re.DOTALL,
)
# `localhost:80` is a host and a port to people, and a scheme and a path to the RFC. With a dot it can't be a scheme
# that we know; without one, the RFC has it.
_HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+-]*:|/")
_HOST_PORT = re.compile(r"(?P<host>\[[^\[\]]*\]|[^\[\]:/?#]*)(?::(?P<port>[0-9]*))?", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# What resolvers take for an IPv4 address, in any of its forms.
_NUMERIC = re.compile(r"(?:0[xX][0-9A-Fa-f]+|[0-9]+)(?:\.(?:0[xX][0-9A-Fa-f]+|[0-9]+)){0,3}")
_ZONE = re.compile(r"(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+")

_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_USERINFO = _UNRESERVED | frozenset("!$&'()*+,;=:")
_PATH = _USERINFO | frozenset("@/")
_QUERY = _PATH | frozenset("?")

_NORMALISED = ("http", "https", None)


class _Fields(NamedTuple):
    scheme: "str | None"
    auth: "str | None"
    host: "str | None"
    port: "int | None"
    path: "str | None"
    query: "str | None"
    fragment: "str | None"


class Url(_Fields):
    """A URL in its parts: (scheme, auth, host, port, path, query, fragment), each None where it is absent.

    `auth` is the user information as it stands in the URL; an IPv6 host keeps its brackets.
    """

    __slots__ = ()

    def __new__(
        cls,
        scheme: "str | None" = None,
        auth: "str | None" = None,
        host: "str | None" = None,
        port: "int | None" = None,
        path: "str | None" = None,
        query: "str | None" = None,
        fragment: "str | None" = None,
    ) -> "Url":
        if path and not path.startswith("/"):
            path = "/" + path
        return super().__new__(cls, scheme.lower() if scheme else scheme, auth, host, port, path, query, fragment)

    @property
    def auth_decoded(self) -> "tuple[str | None, str | None]":
        """(user, password) with their percent-encoding undone; None for what is absent."""
        if self.auth is None:
            return None, None
        user, colon, password = self.auth.partition(":")
        return unquote(user), unquote(password) if colon else None

    @property
    def auth_decoded_joined(self) -> "str | None":
        """`user:password` decoded, as `make_headers(basic_auth=...)` takes it; None without user information."""
        user, password = self.auth_decoded
        return None if user is None else "%s:%s" % (user, password or "")

    @property
    def hostname(self) -> "str | None":
        """The host, under the name that `urllib.parse` has for it."""
        return self.host

    @property
    def request_uri(self) -> str:
        """Path and query: what a request line asks an origin server for."""
        return (self.path or "/") + ("" if self.query is None else "?" + self.query)

    @property
    def netloc(self) -> "str | None":
        """Host and port, without user information."""
        if self.host is None or self.port is None:
            return self.host
        return "%s:%d" % (self.host, self.port)

    @property
    def authority(self) -> "str | None":
        """User information, host and port (RFC 3986, 3.2)."""
        if self.host is None or self.auth is None:
            return self.netloc
        return "%s@%s" % (self.auth, self.netloc)

    @property
    def url(self) -> str:
        """The URL put together again."""
        scheme, auth, host, port, path, query, fragment = self
        return "".join(
            (
                "" if scheme is None else scheme + "://",
                "" if auth is None else auth + "@",
                host or "",
                "" if port is None else ":%d" % port,
                path or "",
                "" if query is None else "?" + query,
                "" if fragment is None else "#" + fragment,
            )
        )

    def __str__(self) -> str:
        return self.url


def parse_url(url: str) -> Url:
    """Take a URL apart and normalise it. Raises LocationParseError, which is a ValueError, for what is not one."""
    if not url:
        return Url()
    match = _PARTS.fullmatch(url if _HAS_SCHEME.match(url) else "//" + url)
    if match is None:  # the pattern takes any string; this is for the type checker
        raise LocationParseError(url)
    scheme, authority, path, query, fragment = match.groups()
    scheme = scheme and scheme.lower()
    normal = scheme in _NORMALISED
    auth, host, port = _split_authority(authority, normal) if authority else (None, None, None)
    if normal:
        path = path and encode(remove_dot_segments(path), _PATH)
        query = query and encode(query, _QUERY)
        fragment = fragment and encode(fragment, _QUERY)
    if not path:
        # An absent path is None, unless something stands behind it.
        path = None if query is None and fragment is None else ""
    return Url(scheme, auth, host, port, path, query, fragment)


def encode_target(target: str) -> str:
    """A request target (path and query) with everything encoded that may not stand in it; a fragment is dropped.

    Raises LocationParseError if it does not begin with a slash.
    """
    if not target.startswith("/"):
        raise LocationParseError("%r is not a request target: it must begin with /" % target)
    path, mark, query = target.partition("#")[0].partition("?")
    return encode(path, _PATH) + mark + encode(query, _QUERY)


def encode(component: str, allowed: "frozenset[str]") -> str:
    """Percent-encode what is not allowed in a component (RFC 3986, 2.1).

    Escapes that are there already stay, in upper case, unless a lone `%` shows that the text was never encoded.
    """
    if "%" not in component and component.isascii() and allowed.issuperset(component):
        return component
    escaped = _BAD_ESCAPE.search(component) is None
    component = _ESCAPE.sub(lambda escape: escape.group().upper(), component)
    return "".join(
        chr(byte) if (byte < 128 and chr(byte) in allowed) or (byte == 0x25 and escaped) else "%%%02X" % byte
        for byte in component.encode("utf-8", "surrogatepass")
    )


def remove_dot_segments(path: str) -> str:
    """The path without `.` and `..` (RFC 3986, 5.2.4)."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if path.startswith("/") and (not kept or kept[0]):
        kept.insert(0, "")
    if path.endswith(("/.", "/..")):
        kept.append("")
    return "/".join(kept)


def check_host(host: str) -> str:
    """The host of a connection pool, which no URL was taken apart for: a name in ASCII, or an IPv6 address as it is.

    Raises LocationParseError for what can be neither.
    """
    if "@" in host:
        raise LocationParseError("a host has no user information: ***@%s" % host.rpartition("@")[2])
    _check_characters(host)
    bare = host.strip("[]")
    if ":" not in bare:
        return _name(bare)
    # A zone is no escape here: from a URL it comes without its %25.
    _ipv6("[%s]" % bare.partition("%")[0])
    if not bare.isascii():
        raise LocationParseError("%r has an invalid zone" % host)
    return host


def _check_characters(host: str) -> None:
    # Spaces and control characters are refused, not encoded: resolvers and servers disagree about them.
    control = _CONTROL.search(host)
    if control is not None:
        raise LocationParseError("host %r contains the invalid character %r" % (host, control.group()))


def _split_authority(authority: str, normal: bool) -> "tuple[str | None, str | None, int | None]":
    auth, _, host_port = authority.rpartition("@")
    match = _HOST_PORT.fullmatch(host_port)
    if match is None:
        raise LocationParseError(_no_host_or_port(host_port))
    host, digits = match.groups()
    _check_characters(host)
    number = (digits or "").lstrip("0")
    if len(number) > 5 or int(number or 0) > 65535:
        raise LocationParseError("%r: the port must be 0 to 65535" % host_port)
    if host.startswith("["):
        host = _ipv6(host)
    elif _BAD_ESCAPE.search(host):
        raise LocationParseError("%r is not a valid host: %% must be followed by two hexadecimal digits" % host)
    elif normal and host and not _NUMERIC.fullmatch(host):
        host = _name(host)
    if auth and normal:
        auth = encode(auth, _USERINFO)
    return auth or None, host, int(digits) if digits else None


def _no_host_or_port(host_port: str) -> str:
    host, colon, _ = host_port.partition(":")
    if not colon or "[" in host or "]" in host:
        return "%r is not a valid host" % host_port
    # Not the port: `user:pass/word@host` is a host, a port and a path.
    return (
        "what follows %r is not a valid port; in a user name or a password /, ?, # and \\ must be percent-encoded"
        % host
    )


def _ipv6(host: str) -> str:
    """A bracketed IPv6 address in lower case, its zone (RFC 6874: behind %25) as RFC 4007 writes it: behind %."""
    address, percent, zone = host[1:-1].partition("%")
    try:
        ipaddress.IPv6Address(address)
    except ValueError as error:
        raise LocationParseError("%r is not a valid IPv6 address: %s" % (host, error)) from None
    if not percent:
        return host.lower()
    if zone.startswith("25") and len(zone) > 2:
        zone = zone[2:]
    if not _ZONE.fullmatch(zone):
        raise LocationParseError("%r has an invalid zone" % host)
    _check_escapes(zone, host)
    return "[%s%%%s]" % (address.lower(), encode(zone, _UNRESERVED))


def _name(host: str) -> str:
    """A registered name in lower case ASCII, its labels in IDNA 2008 form (RFC 5891)."""
    _check_escapes(host, host)
    host = _ESCAPE.sub(_unescape, host)
    labels = [label if label.isascii() else _idna(label) for label in host.split(".")]
    # RFC 1035, 2.3.4. The last may be empty: the root.
    for label in labels[:-1] if len(labels) > 1 else labels:
        if not 0 < len(label) < 64:
            raise LocationParseError("%r: label %r is empty or longer than 63" % (host, label))
    lowered = ".".join(labels).lower()
    return _ESCAPE.sub(lambda escape: escape.group().upper(), lowered)


def _unescape(escape: "re.Match[str]") -> str:
    character = chr(int(escape.group()[1:], 16))
    return character if character in _UNRESERVED else escape.group()


def _check_escapes(text: str, host: str) -> None:
    for escape in _ESCAPE.findall(text):
        number = int(escape[1:], 16)
        if number < 0x20 or number == 0x7F:
            raise LocationParseError("host %r contains the encoded control character %s" % (host, escape))


def _idna(label: str) -> str:
    try:
        import idna
    except ImportError:
        raise LocationParseError("host label %r is not ASCII; `pip install idna` to use it" % label) from None
    try:
        return idna.encode(label.lower(), strict=True, std3_rules=True).decode("ascii")
    except idna.IDNAError as error:
        raise LocationParseError("host label %r is not a valid IDNA label: %s" % (label, error)) from None
