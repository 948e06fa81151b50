"""Request bodies beyond plain bytes and text: files, iterables, and how each is sent a second time."""

import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from radiopool.errors import InvalidValueError
from radiopool.http.exceptions import UnrewindableBodyError

BLOCK = 16384
"""Bytes read from a file at a time."""


class RequestBody:
    """A body that can be sent, and sent again for a retry or a redirect.

    `body` is bytes (or anything with the buffer protocol), text (sent as UTF-8), a file (anything with `read`) from
    where it stands, or an iterable of bytes and text. `length` is how many bytes it has, or None where only sending
    it can tell: then it goes out chunked. Raises InvalidValueError for anything else.
    """

    def __init__(self, body: Any) -> None:
        self.body = body
        self.length: int | None = None
        self._start: int | None = None
        self._is_file = False
        self._sent = False
        if isinstance(body, str):
            self.body = body.encode("utf-8")
            self.length = len(self.body)
        elif hasattr(body, "read"):
            self._is_file = True
            self._measure()
        else:
            self._check()

    def _measure(self) -> None:
        """Where the file stands, and how many bytes are left in it if it can say."""
        try:
            self._start = self.body.tell()
            # Characters of a text file are not its bytes.
            if not isinstance(self.body, io.TextIOBase):
                end = self.body.seek(0, io.SEEK_END)
                self.body.seek(self._start)
                # Files of another make may return nothing from seek().
                self.length = max(0, end - self._start) if isinstance(end, int) else None
        except (AttributeError, OSError, TypeError, ValueError):
            # A pipe, a socket's file, a decompressor: it is sent chunked, from where it stands.
            pass

    def _check(self) -> None:
        try:
            self.length = memoryview(self.body).nbytes
        except TypeError:
            if isinstance(self.body, Mapping):
                raise InvalidValueError("body can't be a mapping: pass it as fields= or json=") from None
            if not isinstance(self.body, Iterable):
                raise InvalidValueError(
                    "body must be bytes, text, a file or an iterable of them, not %s" % type(self.body).__name__
                ) from None

    def start_at(self, position: int) -> None:
        """Send a file from that position, each time. Raises UnrewindableBodyError if it can't seek, InvalidValueError
        if it is no file or that no position."""
        if not self._is_file or not isinstance(position, int):
            raise InvalidValueError("body_pos must be a position in the file that is the body, not %r" % (position,))
        self._start = position
        self._rewind()
        self._measure()

    def __iter__(self) -> Iterator[Any]:
        """The body's pieces, bytes each and none empty, from its start.

        Raises UnrewindableBodyError on a second round that can't be, InvalidValueError for a piece that is neither
        bytes nor text, or a file that does not have the length it had.
        """
        again, self._sent = self._sent, True
        if self._is_file:
            if again:
                self._rewind()
            return self._read()
        if self.length is not None:
            return iter((self.body,)) if self.length else iter(())
        pieces = iter(self.body)
        if again and pieces is self.body:
            raise UnrewindableBodyError(
                "the request must be sent again, and its body is an iterator that was read already; give a list, a "
                "file or bytes, or retries=False"
            )
        return _checked(pieces)

    def _rewind(self) -> None:
        if self._start is None:
            raise UnrewindableBodyError(
                "the request must be sent again, and its body is a file that can't seek; give bytes, or retries=False"
            )
        try:
            self.body.seek(self._start)
        except (AttributeError, OSError, TypeError, ValueError) as error:
            # HTTPResponse has a tell() and no seek().
            raise UnrewindableBodyError(
                "the request must be sent again, and its body can't be rewound: %s" % error
            ) from error

    def _read(self) -> Iterator[Any]:
        left = self.length
        while left is None or left > 0:
            piece = self.body.read(BLOCK if left is None else min(left, BLOCK))
            if not piece:
                break
            if isinstance(piece, str):
                piece = piece.encode("utf-8")
            if left is not None:
                left -= len(piece)
            yield piece
        if left:
            raise InvalidValueError("the body's file ended %d bytes early: it had %d" % (left, self.length or 0))


def replayable(body: Any) -> RequestBody:
    """One object for all attempts: it knows where a file stood when the first began. Raises as RequestBody."""
    return body if isinstance(body, RequestBody) else RequestBody(body)


def _checked(pieces: Iterator[Any]) -> Iterator[Any]:
    for number, piece in enumerate(pieces):
        if isinstance(piece, str):
            piece = piece.encode("utf-8")
        elif not isinstance(piece, (bytes, bytearray, memoryview)):
            raise InvalidValueError(
                "piece %d of the body is of type %s: give bytes or text" % (number, type(piece).__name__)
            )
        # An empty chunk would end the body (RFC 9112, 7.1).
        if len(piece):
            yield piece
