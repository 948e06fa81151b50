"""What helps, or disturbs, at a desk: a log on the terminal, and warnings."""

from __future__ import annotations

import logging
import warnings
from typing import TextIO

from radiopool.http.exceptions import HTTPWarning


def add_stderr_logger(level: int = logging.DEBUG, name: str = "radiopool") -> logging.StreamHandler[TextIO]:
    """Log to the standard error stream, from that level up. Returns the log handler."""
    logger = logging.getLogger(name)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.debug("Added a stderr logging handler to logger: %s", name)
    return handler


def disable_warnings(category: type[Warning] = HTTPWarning) -> None:
    """Silence the warnings of that kind: by default all of `radiopool.http`."""
    warnings.simplefilter("ignore", category)
