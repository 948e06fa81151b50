"""Plain URLs, taken apart: `scheme://host[:port][/path][?query]` in characters that need no change.

Anything else goes to `rfc3986` on CPython: user information, IPv6, dot segments, percent signs, capitals in the host,
fragments, spaces, letters beyond ASCII. A board leaves dot segments and percent signs as they are, and refuses the
rest, but for capitals.
"""

from radiopool.platform import CPYTHON

TYPE_CHECKING = False

_HOST = "abcdefghijklmnopqrstuvwxyz0123456789.-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_TARGET = _HOST + "/?_~!$&'()*+,;=:@%"
if CPYTHON:
    # A host's capitals are folded there, which connection pools do too; and what a percent sign hides is looked at.
    _HOST = _HOST[:-26]
    _TARGET = _TARGET[:-1]

if TYPE_CHECKING or CPYTHON:
    from radiopool.platform import remembered

    def _is_plain_host(host: str) -> bool:
        if len(host) > 63 or host[0] == "." or ".." in host:
            return False
        # 127.1 and 0x7f.1 are addresses to some resolvers; rfc3986 knows which.
        if host[-1] > "9":
            return True
        numbers = [number for number in host.split(".") if number.isdigit() and number == str(int(number[:3]))]
        return len(numbers) == 4 == host.count(".") + 1 and max([int(number) for number in numbers]) < 256


def split(url: str) -> "tuple[str | None, str, int | None, str]":
    """(scheme, host, port, target) of an absolute URL: port None if it names none, target what the request line has.

    scheme is None if the URL has none. Raises LocationParseError for what is no URL.
    """
    if not isinstance(url, str) or (CPYTHON and ("\r" in url or "\n" in url or "\0" in url)):
        from radiopool.http.failures import bad_url

        raise bad_url(url)
    # A target alone, of a connection pool's host: never the `//host/path` of RFC 3986.
    if url[:1] == "/" and not url.strip(_TARGET):
        return None, "", None, url
    start = url.find("://")
    scheme = url[:start]
    start += 3
    end = url.find("/", start)
    if end < 0:
        end = url.find("?", start)
        if end < 0:
            end = len(url)
    host, _, port = url[start:end].partition(":")
    target = url[end:]
    if (
        (scheme == "http" or scheme == "https")
        and host
        and not host.strip(_HOST)
        and (not port or (port.isdigit() and len(port) < 6 and 0 < int(port) < 65536))
        and not target.strip(_TARGET)
        and (not CPYTHON or "/." not in target)
        and (not CPYTHON or _is_plain_host(host))
    ):
        return scheme, host, int(port) if port else None, target if target[:1] == "/" else "/" + target
    if CPYTHON:
        from radiopool.http.rfc3986 import encode_target, parse_url

        if url[:1] == "/":
            return None, "", None, encode_target(url)
        parsed = parse_url(url)
        return parsed.scheme, parsed.host or "", parsed.port, parsed.request_uri
    from radiopool.http.failures import bad_url

    raise bad_url(url, start, scheme)


if TYPE_CHECKING or CPYTHON:
    split = remembered(split)

    def normal_host(host: str) -> str:
        """The host of a connection pool as a URL would give it. Raises LocationParseError for what can be none."""
        if host.strip(_HOST):
            from radiopool.http.rfc3986 import check_host

            return check_host(host)
        return host
