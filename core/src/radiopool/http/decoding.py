"""Content codings (RFC 9110, 8.4): gzip and deflate, and brotli and zstd where their libraries are installed.

A decoder takes the bytes as they come and gives at most as many as asked for, so that a small read of a small
response costs little memory, whatever the response would grow to. One that grows beyond all proportion is refused.
"""

import zlib
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from radiopool.http.exceptions import DecodeError

MAX_CODINGS = 5
"""Codings that may be applied one on the other."""
MAX_RATIO = 250
"""How many bytes one received byte may become, once a response has more than `RATIO_FLOOR` decoded bytes. Text and
logs reach 50; gzip's worst is 1032, and brotli, zstd and chains have no worst."""
RATIO_FLOOR = 4 * 1024 * 1024
"""Decoded bytes below which the ratio does not matter."""
STEP = 256 * 1024
"""Bytes decoded between two looks at the ratio, by each coding of a chain."""


class _Coding:
    """One coding's decoder: keeps what it was given until it is asked for its meaning.

    A subclass decodes in `_decode(limit)`, taking from `_held` and setting `_starved` if nothing more can come out
    before more goes in.
    """

    name = ""

    def __init__(self) -> None:
        self._held = b""
        self._starved = True
        self._begun = False

    @property
    def is_starved(self) -> bool:
        return self._starved

    def feed(self, received: bytes) -> None:
        if received:
            self._held += received
            self._starved = False
            self._begun = True

    def decode(self, limit: int) -> bytes:
        """At most `limit` bytes, more than 0 unless it is starved then. Raises DecodeError."""
        try:
            return self._decode(limit)
        except MemoryError:
            raise
        # zlib.error, brotli.error, ZstdError: every library has its own.
        except Exception as error:
            raise DecodeError("the body is not %s: %s" % (self.name, error)) from error

    def check_end(self) -> None:
        """Raises DecodeError if the stream does not end here. No byte at all is no stream."""
        if self._begun and not self._is_finished():
            raise DecodeError("the body is %s that ends in its middle" % self.name)

    def _decode(self, limit: int) -> bytes:
        raise NotImplementedError

    def _is_finished(self) -> bool:
        raise NotImplementedError


class _Zlib(_Coding):
    """What gzip and deflate have in common. `_wbits` tells zlib which header the stream has."""

    def __init__(self) -> None:
        super().__init__()
        self._stream: Any = None

    def _decode(self, limit: int) -> bytes:
        while not self._starved:
            if self._stream is None or self._stream.eof:
                self._begin()
                continue
            piece: bytes = self._stream.decompress(self._held, limit)
            self._held = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
            # A full piece may leave bytes inside zlib, although it has taken all its input.
            self._starved = not self._held and len(piece) < limit
            if piece:
                return piece
        return b""

    def _begin(self) -> None:
        raise NotImplementedError

    def _is_finished(self) -> bool:
        return self._stream is not None and bool(self._stream.eof)


class Gzip(_Zlib):
    """RFC 1952. Members may follow each other, and what follows the last is ignored, as every client does."""

    name = "gzip"

    def _begin(self) -> None:
        if self._stream is not None and not self._held.startswith(b"\x1f"):
            self._held = b""
            self._starved = True
            return
        self._stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._starved = not self._held


class Deflate(_Zlib):
    """RFC 1950; or RFC 1951 alone, which some servers send under the same name."""

    name = "deflate"

    def _begin(self) -> None:
        if self._stream is not None:
            self._held = b""
        if self._stream is not None or len(self._held) < 2:
            self._starved = True
            return
        first, second = self._held[0], self._held[1]
        # RFC 1950, 2.2: method 8 in the low bits, and a multiple of 31. A raw stream that begins so would be a stored
        # block with its padding set, which no encoder makes.
        wrapped = first & 15 == 8 and (first << 8 | second) % 31 == 0
        self._stream = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)


class Brotli(_Coding):
    """RFC 7932, through brotli or brotlicffi; those before 1.2 can't decode in small steps."""

    name = "br"

    def __init__(self) -> None:
        super().__init__()
        self._stream = _brotli.Decompressor()
        process = getattr(self._stream, "process", None) or self._stream.decompress
        try:
            process(b"", output_buffer_limit=STEP)
            self._process = partial(process, output_buffer_limit=STEP)
        except TypeError:
            self._process = process
        self._surplus = b""

    def _decode(self, limit: int) -> bytes:
        piece, self._surplus = self._surplus, b""
        while not piece and not self._starved:
            # It takes new bytes only when it has worked through the last ones, and says so before it has given all.
            received = b""
            if self._accepts():
                received, self._held = self._held, b""
            if not self._stream.is_finished():
                piece = self._process(received)
            self._starved = not piece and not self._held
        # Its own limit is where it stops growing, not the most it gives.
        self._surplus = piece[limit:]
        return piece[:limit]

    def _accepts(self) -> bool:
        accepts = getattr(self._stream, "can_accept_more_data", None)
        return accepts is None or bool(accepts())

    def _is_finished(self) -> bool:
        return bool(self._stream.is_finished())


class Zstd(_Coding):
    """RFC 8878, through compression.zstd (Python 3.14) or backports.zstd. Frames may follow each other."""

    name = "zstd"

    def __init__(self) -> None:
        super().__init__()
        self._stream = _zstd.ZstdDecompressor()

    def _decode(self, limit: int) -> bytes:
        while not self._starved:
            if self._stream.eof:
                self._stream = _zstd.ZstdDecompressor()
            held, self._held = self._held, b""
            piece: bytes = self._stream.decompress(held, max_length=limit)
            if self._stream.eof:
                self._held = self._stream.unused_data
                self._starved = not self._held
            else:
                self._starved = bool(self._stream.needs_input)
            if piece:
                return piece
        return b""

    def _is_finished(self) -> bool:
        return bool(self._stream.eof)


class ContentDecoder:
    """Undoes the codings of a Content-Encoding field, the last one first."""

    def __init__(self, codings: "list[Callable[[], _Coding]]") -> None:
        self._stages = [coding() for coding in reversed(codings)]
        self._received = 0
        self._decoded = 0

    @property
    def has_unconsumed_tail(self) -> bool:
        """Whether more may come out without more going in."""
        return not all(stage.is_starved for stage in self._stages)

    def decompress(self, received: bytes, max_length: int = -1) -> bytes:
        """At most `max_length` decoded bytes (-1: all there are); the rest comes with the next call, whose `received`
        may be empty. Raises DecodeError for what is not so coded, or grows out of proportion.
        """
        self._received += len(received)
        self._stages[0].feed(received)
        pieces = []
        room = max_length
        while room and self.has_unconsumed_tail:
            piece = self._step(STEP if room < 0 else min(room, STEP))
            pieces.append(piece)
            if room > 0:
                room = max(0, room - len(piece))
            self._check_ratio(len(piece))
        return b"".join(pieces)

    def flush(self) -> bytes:
        """To be called when all is received: no bytes, since none are kept back. Raises DecodeError if the end is
        missing."""
        for stage in self._stages:
            stage.check_end()
        return b""

    def _step(self, limit: int) -> bytes:
        # From the last stage that has something: so no stage ever holds more than one step of its forerunner's.
        last = len(self._stages) - 1
        busy = max(number for number, stage in enumerate(self._stages) if not stage.is_starved)
        piece = self._stages[busy].decode(limit if busy == last else STEP)
        while busy < last:
            busy += 1
            self._stages[busy].feed(piece)
            piece = self._stages[busy].decode(limit if busy == last else STEP)
        return piece

    def _check_ratio(self, count: int) -> None:
        self._decoded += count
        if self._decoded > RATIO_FLOOR and self._decoded > MAX_RATIO * self._received:
            raise DecodeError(
                "%d received bytes became more than %d when decoded (over %d to 1); if the server is to be trusted, "
                "take them with decode_content=False" % (self._received, self._decoded, MAX_RATIO)
            )


def _imported(*names: str) -> Any:
    for name in names:
        try:
            return import_module(name)
        except ImportError:
            continue
    return None


_brotli = _imported("brotli", "brotlicffi")
_zstd = _imported("compression.zstd", "backports.zstd")

CODINGS: "dict[str, Callable[[], _Coding]]" = {"gzip": Gzip, "x-gzip": Gzip, "deflate": Deflate}
"""What can be decoded here, by its name in Content-Encoding."""
if _brotli is not None:
    CODINGS["br"] = Brotli
if _zstd is not None:
    CODINGS["zstd"] = Zstd

ACCEPT_ENCODING = ",".join(name for name in CODINGS if not name.startswith("x-"))
"""The same as an Accept-Encoding field's value."""


def get_decoder(content_encoding: "str | None") -> "ContentDecoder | None":
    """The decoder of a Content-Encoding field, or None if there is nothing to decode, or a coding not known here: then
    the bytes stay as they came. Raises DecodeError for more than `MAX_CODINGS` codings.
    """
    names = [name.strip().lower() for name in (content_encoding or "").split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if not names or not all(name in CODINGS for name in names):
        return None
    if len(names) > MAX_CODINGS:
        raise DecodeError("Content-Encoding names %d codings, at most %d are decoded" % (len(names), MAX_CODINGS))
    return ContentDecoder([CODINGS[name] for name in names])
