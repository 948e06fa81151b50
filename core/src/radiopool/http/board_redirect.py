"""Redirects on a board, where `Retry` is not: at most MAX_REDIRECTS of them; `resend` is CPython's."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_REDIRECTS = 3

_PRIVATE = ("authorization", "cookie", "proxy-authorization")


def follow(
    manager: "Any", method: str, url: str, response: "Any", pool: "Any", kw: "dict[str, Any]", depth: int = 0
) -> "Any":
    """What a redirect leads to, across hosts: RFC 9110 section 15.4. Raises MaxRetryError for one too many."""
    location = response.headers.get("location")
    if not location or response.status not in (301, 302, 303, 307, 308):
        return response
    if depth >= MAX_REDIRECTS:
        from radiopool.http.errors import MaxRetryError

        response.close()
        raise MaxRetryError(pool, url, "more than %d redirects" % MAX_REDIRECTS)  # type: ignore[arg-type]
    response.drain_conn()
    target = join(url, location)
    if response.status == 303:
        # What it points at is to be got, whatever was sent.
        method = method if method == "HEAD" else "GET"
        kw["body"] = None
        _drop(kw, ("content-type", "content-language", "content-location"))
    following, path = manager.pool_of(target)
    if following is not pool:
        # No other host sees what was meant for this one.
        _drop(kw, _PRIVATE)
    response = following.urlopen(method, path, redirect=False, assert_same_host=False, **kw)
    return follow(manager, method, target, response, following, kw, depth + 1)


def _drop(kw: "dict[str, Any]", names: "tuple[str, ...]") -> None:
    """Leave headers of those names out of a request's."""
    if kw.get("headers"):
        from radiopool.http.header_lines import lower

        kw["headers"] = {name: value for name, value in kw["headers"].items() if lower(name) not in names}


def join(url: str, location: str) -> str:
    """The absolute URL that `location` means in a response from `url`, without its fragment. Dot segments are left to
    the server."""
    location = location.split("#")[0]
    if "://" in location.split("?")[0]:
        return location
    scheme = url.find("://") + 3
    if location[:2] == "//":
        return url[: scheme - 2] + location
    path = url.split("?")[0]
    root = path.find("/", scheme)
    if root < 0:
        return path + ("" if location[:1] == "/" else "/") + location
    if location[:1] == "/":
        return url[:root] + location
    if location[:1] == "?":
        return path + location
    return path.rsplit("/", 1)[0] + "/" + location if location else url
