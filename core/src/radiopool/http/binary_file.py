"""What io asks of a binary file that is read once, from its start to its end: lines, on top of `read1`."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any


class BinaryFile:
    """A parent of `HTTPResponse`, which has the other reads: they take what is in `_ahead` first.

    `_body` is the whole content where it is kept: iterating begins anew each time then.
    """

    _body: bytes | None
    _ahead: io.BytesIO | None = None
    """What `readline` has received beyond its line: all reads take it first."""

    def read1(self, amt: int | None = None) -> bytes:
        raise NotImplementedError

    def readable(self) -> bool:
        """True."""
        return True

    def writable(self) -> bool:
        """False."""
        return False

    def seekable(self) -> bool:
        """False."""
        return False

    def isatty(self) -> bool:
        """False."""
        return False

    def flush(self) -> None:
        """Nothing is written, nothing to do."""

    def readline(self, limit: int | None = -1) -> bytes:
        """The next line, with its end, or its first `limit` bytes; b"" at the end of the body."""
        room = -1 if limit is None else limit
        pieces: list[bytes] = []
        while True:
            if self._ahead is not None:
                piece = self._ahead.readline(room)
                pieces.append(piece)
                room -= len(piece)
                if room == 0 or piece.endswith(b"\n"):
                    break
            received = self.read1(16384)
            if not received:
                break
            self._ahead = io.BytesIO(received)
        return b"".join(pieces)

    def readlines(self, hint: int | None = -1) -> list[bytes]:
        """The rest of the lines, or those of about `hint` bytes."""
        lines: list[bytes] = []
        size = 0
        for line in self:
            lines.append(line)
            size += len(line)
            if hint and 0 < hint <= size:
                break
        return lines

    def __iter__(self) -> Iterator[bytes]:
        if self._body is not None:
            yield from io.BytesIO(self._body)
            return
        while True:
            line = self.readline()
            if not line:
                break
            yield line

    def __next__(self) -> bytes:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def seek(self, offset: int, whence: int = 0) -> int:
        """Raises io.UnsupportedOperation."""
        raise io.UnsupportedOperation("seek")

    def truncate(self, size: int | None = None) -> int:
        """Raises io.UnsupportedOperation."""
        raise io.UnsupportedOperation("truncate")

    def writelines(self, lines: Any) -> None:
        """Raises io.UnsupportedOperation."""
        raise io.UnsupportedOperation("write")
