"""urllib3's `util.request`."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any, NamedTuple

from radiopool.http.decoding import ACCEPT_ENCODING as ACCEPT_ENCODING
from radiopool.http.exceptions import UnrewindableBodyError
from radiopool.http.header_lines import SKIP_HEADER as SKIP_HEADER
from radiopool.http.request_headers import make_headers as make_headers

SKIPPABLE_HEADERS = frozenset(["accept-encoding", "host", "user-agent"])
_FAILEDTELL = object()


class ChunksAndContentLength(NamedTuple):
    """A body in pieces, and its length if that is known."""

    chunks: Iterable[bytes] | None
    content_length: int | None


def set_file_position(body: Any, pos: Any) -> Any:
    """Go to a position of a file, or say where it is if `pos` is None. Raises UnrewindableBodyError."""
    if pos is not None:
        rewind_body(body, pos)
    elif getattr(body, "tell", None) is not None:
        try:
            pos = body.tell()
        except OSError:
            pos = _FAILEDTELL
    return pos


def rewind_body(body: Any, body_pos: Any) -> None:
    """Go back to where a file stood. Raises UnrewindableBodyError, ValueError for a position that is none."""
    seek = getattr(body, "seek", None)
    if seek is not None and isinstance(body_pos, int):
        try:
            seek(body_pos)
        except OSError as error:
            raise UnrewindableBodyError("An error occurred when rewinding request body for redirect/retry.") from error
    elif body_pos is _FAILEDTELL:
        raise UnrewindableBodyError(
            "Unable to record file position for rewinding request body during a redirect/retry."
        )
    else:
        raise ValueError(f"body_pos must be of type integer, instead it was {type(body_pos)}.")


def body_to_chunks(body: Any, method: str, blocksize: int) -> ChunksAndContentLength:
    """A request's body as pieces of bytes. Raises TypeError for what is no body."""
    if body is None:
        means_one = method.upper() not in ("GET", "HEAD", "DELETE", "TRACE", "OPTIONS", "CONNECT")
        return ChunksAndContentLength(None, 0 if means_one else None)
    if isinstance(body, (str, bytes)):
        piece = body.encode() if isinstance(body, str) else body
        return ChunksAndContentLength((piece,), len(piece))
    if hasattr(body, "read"):
        return ChunksAndContentLength(_pieces(body, blocksize), None)
    try:
        view = memoryview(body)
    except TypeError:
        try:
            return ChunksAndContentLength(iter(body), None)
        except TypeError:
            raise TypeError(
                f"'body' must be a bytes-like object, file-like object, or iterable. Instead was {body!r}"
            ) from None
    return ChunksAndContentLength((body,), view.nbytes)


def _pieces(file: Any, blocksize: int) -> Iterable[bytes]:
    is_text = isinstance(file, io.TextIOBase)
    while piece := file.read(blocksize):
        yield piece.encode("utf-8") if is_text else piece
