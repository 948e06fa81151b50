"""For each check, a driver with the one fault that it must catch. CPython only.

Most of the faults are those of real libraries for boards. Each driver is `LoopbackDriver`, which passes every check,
with one thing wrong. `BROKEN` maps a check's name to its driver; the kit's own tests hold that none is missing and
that each fails its check.
"""

# Loading the two modules fills the catalogue.
from radiopool.testing.broken import drivers, sockets
from radiopool.testing.broken.catalogue import BROKEN

__all__ = ["BROKEN", "drivers", "sockets"]
