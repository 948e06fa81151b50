"""urllib3's `exceptions`."""

from radiopool.http.exceptions import *  # noqa: F403
from radiopool.http.exceptions import __all__ as __all__
