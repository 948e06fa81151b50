"""Content codings: all of them against their encoders, in any pieces, with any limit; bombs and broken streams."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radiopool.http import decoding
from radiopool.http.exceptions import DecodeError


def raw_deflate(contents):
    encoder = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return encoder.compress(contents) + encoder.flush()


def _optional(name, *modules):
    for module in modules:
        try:
            return __import__(module, fromlist=["compress"]).compress
        except ImportError:
            continue
    return None


ENCODERS = {
    "gzip": gzip.compress,
    "x-gzip": lambda contents: gzip.compress(contents[:1]) + gzip.compress(contents[1:]),
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
    "br": _optional("br", "brotli", "brotlicffi"),
    "zstd": _optional("zstd", "compression.zstd", "backports.zstd"),
}
ENCODERS = {name: encoder for name, encoder in ENCODERS.items() if encoder is not None}

contents = st.binary(max_size=3000) | st.builds(bytes.__mul__, st.binary(max_size=9), st.integers(0, 40000))


@given(contents, st.lists(st.sampled_from(sorted(ENCODERS)), min_size=1, max_size=4), st.data())
def test_what_was_encoded_is_decoded(original, names, data):
    body = original
    for name in names:
        body = ENCODERS[name](body)
    decoder = decoding.get_decoder(" , ".join(names))
    limit = data.draw(st.sampled_from([-1, 100_000] + ([3, 50] if len(original) < 3000 else [4096])))
    size = data.draw(st.sampled_from([1, 2, 7, 100_000] if len(body) < 500 else [500, 100_000]))
    pieces = []
    for start in range(0, len(body), size):
        pieces.append(decoder.decompress(body[start : start + size], limit))
    while decoder.has_unconsumed_tail:
        pieces.append(decoder.decompress(b"", limit))
    pieces.append(decoder.flush())
    assert b"".join(pieces) == original
    assert limit < 0 or max(map(len, pieces)) <= limit


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_nothing_is_decoded_beyond_the_limit(name):
    decoder = decoding.get_decoder(name)
    assert decoder.decompress(ENCODERS[name](bytes(1_000_000)), 0) == b""
    assert decoder.has_unconsumed_tail
    assert decoder.decompress(b"", 10) == bytes(10)
    assert decoder.has_unconsumed_tail


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_a_bomb_is_refused(name):
    with pytest.raises(DecodeError, match="250 to 1.*decode_content=False"):
        decoding.get_decoder(name).decompress(ENCODERS[name](bytes(12_000_000)))


def test_a_bomb_in_small_reads_is_refused_too():
    decoder = decoding.get_decoder("gzip, gzip")
    bomb = gzip.compress(gzip.compress(bytes(12_000_000)))
    read = 0
    with pytest.raises(DecodeError, match="250 to 1"):
        while True:
            read += len(decoder.decompress(bomb, 8192))
            bomb = b""
    assert read <= decoding.RATIO_FLOOR + 8192


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_what_is_plausible_is_not_refused(name):
    # 4 MiB of one letter is what a test page may have.
    original = b"a" * decoding.RATIO_FLOOR
    assert decoding.get_decoder(name).decompress(ENCODERS[name](original)) == original


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_a_stream_without_its_end(name):
    decoder = decoding.get_decoder(name)
    decoder.decompress(ENCODERS[name](b"some text, " * 100)[:-3])
    with pytest.raises(DecodeError, match="ends in its middle"):
        decoder.flush()


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_a_stream_that_is_none(name):
    with pytest.raises(DecodeError, match="not") as caught:
        decoding.get_decoder(name).decompress(b"plainly not encoded at all")
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_an_empty_body_is_no_error(name):
    decoder = decoding.get_decoder(name)
    assert decoder.decompress(b"") == b""
    assert decoder.flush() == b""


@pytest.mark.parametrize("name", ["gzip", "deflate"])
def test_what_follows_the_stream_is_ignored(name):
    decoder = decoding.get_decoder(name)
    assert decoder.decompress(ENCODERS[name](b"text") + b"\0\0 padding") == b"text"
    assert decoder.decompress(b"more") == b""
    assert decoder.flush() == b""


@pytest.mark.parametrize("field", [None, "", "identity", "compress", "gzip, compress", "x-own"])
def test_what_is_not_known_is_left_alone(field):
    assert decoding.get_decoder(field) is None


def test_a_chain_has_an_end():
    assert decoding.get_decoder(",".join(["gzip"] * 5)) is not None
    with pytest.raises(DecodeError, match="6 codings"):
        decoding.get_decoder(",".join(["gzip"] * 6))


def test_accept_encoding_names_what_is_here():
    assert decoding.ACCEPT_ENCODING.split(",")[:2] == ["gzip", "deflate"]
    assert ("br" in decoding.ACCEPT_ENCODING) == ("br" in ENCODERS)
    assert ("zstd" in decoding.ACCEPT_ENCODING) == ("zstd" in ENCODERS)
