"""Reading a response whose Content-Encoding is to be undone.

`response._held` has what was decoded and not yet asked for, `response._ahead` what comes before that: it was read for
a line. `response._decoder` is None until the first read, False where nothing is to be decoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from radiopool.http import decoding

if TYPE_CHECKING:
    from radiopool.http.file_response import HTTPResponse

BLOCK = 16384
"""Bytes read as sent at a time."""


def _decoder(response: HTTPResponse, decode: bool) -> Any:
    if response._decoder is None and decode:
        response._decoder = decoding.get_decoder(response.headers.get("content-encoding", "")) or False
    if response._decoder and not decode:
        raise RuntimeError("Calling read(decode_content=False) is not supported after read(decode_content=True)")
    return response._decoder or None


def read(response: HTTPResponse, amt: int | None, decode: bool) -> bytes:
    """`HTTPResponse.read` of a response that has a Content-Encoding."""
    decoder = _decoder(response, decode)
    if decoder is None:
        return response._raw(amt)
    if amt is None:
        held, response._held = response._held, b""
        if response._ahead is not None:
            held = response._ahead.read() + held
        return held + bytes(decoder.decompress(response._raw(None))) + _end(response, decoder)
    pieces = []
    while amt:
        piece = read1(response, amt, decode)
        if not piece:
            break
        pieces.append(piece)
        amt -= len(piece)
    return b"".join(pieces)


def read1(response: HTTPResponse, amt: int, decode: bool) -> bytes:
    """Up to `amt` decoded bytes with as few waits for the peer as give any; b"" at the end."""
    decoder = _decoder(response, decode)
    if decoder is None:
        return response._raw1(amt)
    if response._ahead is not None:
        piece = response._ahead.read(amt)
        if piece:
            return piece
    while amt:
        if response._held:
            held = response._held
            response._held = held[amt:]
            return held[:amt]
        if decoder.has_unconsumed_tail:
            response._held = bytes(decoder.decompress(b"", amt))
        else:
            received = response._raw1(BLOCK)
            if not received:
                return _end(response, decoder)
            response._held = bytes(decoder.decompress(received, amt))
    return b""


def pieces(response: HTTPResponse, amt: int | None, decode: bool) -> Iterator[bytes]:
    """The decoded body, each piece as soon as some was received."""
    while True:
        piece = read1(response, 65536 if amt is None else amt, decode)
        if not piece:
            break
        yield piece


def _end(response: HTTPResponse, decoder: Any) -> bytes:
    # A body that may not come (HEAD, 304), or has no bytes at all, has nothing to decode.
    response._decoder = False
    return bytes(decoder.flush()) if response._raw_read else b""
