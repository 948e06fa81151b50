"""urllib3's `util.url`."""

from radiopool.http.rfc3986 import Url, parse_url

__all__ = ["Url", "parse_url"]
