"""Faces for leavers: other libraries' interfaces on radiopool.

`compat.adafruit` is adafruit_connection_manager's, `compat.urllib3` is urllib3's. A program changes its import, or
calls `install()` and changes nothing else.
"""

import sys

from radiopool.errors import RadiopoolError, RefusedUse
from radiopool.platform import CPYTHON

INCUMBENT = "adafruit_connection_manager"


class AlreadyImportedError(RadiopoolError, RefusedUse):
    """`install()` came after the real adafruit_connection_manager was imported: who has that keeps it."""


def install() -> None:
    """Make `import adafruit_connection_manager` mean `radiopool.compat.adafruit` in this process.

    The libraries on top of it (adafruit_requests, adafruit_minimqtt, ...) then lease from radiopool, whether the real
    one is installed or not. On CPython, importing one of those libraries that is missing then says how to get it. A
    second call does nothing.

    Raises AlreadyImportedError if the real one was imported before.
    """
    from radiopool.compat import adafruit

    known = sys.modules.get(INCUMBENT)
    if known is not None and known is not adafruit:
        raise AlreadyImportedError(
            "%s was imported already (%s), and what imported it goes on using it: call "
            "radiopool.compat.install() first, before adafruit_requests and its like"
            % (INCUMBENT, getattr(known, "__file__", "?"))
        )
    sys.modules[INCUMBENT] = adafruit
    if CPYTHON:
        from radiopool.compat import companions

        companions.explain_missing()
