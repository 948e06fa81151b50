"""urllib3's `util.timeout`."""

from radiopool.http.timeout import Timeout

__all__ = ["Timeout"]

_DEFAULT_TIMEOUT = Timeout.DEFAULT_TIMEOUT
