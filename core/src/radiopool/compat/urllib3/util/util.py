"""urllib3's `util.util`."""

from __future__ import annotations

from types import TracebackType
from typing import NoReturn


def to_bytes(x: str | bytes, encoding: str | None = None, errors: str | None = None) -> bytes:
    """Text as bytes. Raises TypeError for what is neither."""
    if isinstance(x, bytes):
        return x
    if not isinstance(x, str):
        raise TypeError(f"not expecting type {type(x).__name__}")
    return x.encode(encoding or "utf-8", errors or "strict")


def to_str(x: str | bytes, encoding: str | None = None, errors: str | None = None) -> str:
    """Bytes as text. Raises TypeError for what is neither."""
    if isinstance(x, str):
        return x
    if not isinstance(x, bytes):
        raise TypeError(f"not expecting type {type(x).__name__}")
    return x.decode(encoding or "utf-8", errors or "strict")


def reraise(tp: type[BaseException] | None, value: BaseException, tb: TracebackType | None = None) -> NoReturn:
    """Raise an error, with that traceback."""
    raise value if value.__traceback__ is tb else value.with_traceback(tb)
