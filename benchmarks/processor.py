"""One processor, for what takes turns."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_processor() -> Iterator[None]:
    """Keep this thread on one processor, with the threads and processes that it starts, where the system can.

    A client and its server take turns, and so do CPython's threads. On several processors each turn wakes another one
    up, which takes a virtual machine longer than a request does, and moves what is touched from cache to cache.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
