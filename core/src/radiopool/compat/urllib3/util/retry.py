"""urllib3's `util.retry`."""

import logging

from radiopool.http.retry import RequestHistory, Retry

__all__ = ["RequestHistory", "Retry"]

log = logging.getLogger(__name__)
