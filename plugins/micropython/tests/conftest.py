"""The real server that the board tests talk to, on CPython; on MicroPython tools/board_tests.py starts it."""

import os
from collections.abc import Iterator

import pytest

from board_server import SERVER, BoardServer


@pytest.fixture(scope="session", autouse=True)
def board_server() -> "Iterator[None]":
    """One that listens, found through the environment, unless one does already."""
    if SERVER in os.environ:
        yield
        return
    with BoardServer():
        yield
