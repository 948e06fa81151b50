"""Response bodies against a real server: codings, streaming, the file interface, what goes wrong."""

import io
import shutil

import pytest

from radiopool.http import DecodeError, HTTPResponse, IncompleteRead, ProtocolError, ResponseNotChunked, Retry


def url(path):
    return "http://one.example/" + path


def test_every_coding_is_undone(http, codings, text):
    response = http.request("GET", url("coded/" + codings))
    assert response.data == text
    assert response.headers["content-encoding"] == codings.replace("raw-", "").replace(",", ", ")


def test_every_coding_in_small_reads(http, codings, text):
    response = http.request("GET", url("coded/" + codings), preload_content=False)
    pieces = []
    while True:
        piece = response.read(700)
        if not piece:
            break
        pieces.append(piece)
    assert b"".join(pieces) == text
    assert [len(piece) for piece in pieces[:-1]] == [700] * (len(pieces) - 1)
    assert http.manager.stats()["idle"] == 1


def test_not_decoded_by_wish(http, text):
    import gzip

    response = http.request("GET", url("coded/gzip"), decode_content=False)
    assert gzip.decompress(response.data) == text
    response = http.request("GET", url("coded/gzip"), preload_content=False)
    assert gzip.decompress(response.read(decode_content=False)) == text
    response = http.request("GET", url("coded/gzip"), preload_content=False, decode_content=False)
    assert response.read(decode_content=True) == text


@pytest.mark.parametrize("path", ["bomb", "garbled", "truncated"])
@pytest.mark.parametrize("preload", [True, False])
def test_what_cannot_be_decoded(http, path, preload):
    with pytest.raises(DecodeError):
        response = http.request("GET", url(path), preload_content=preload, retries=False)
        with response:
            while response.read(10000):
                pass
    assert http.manager.stats()["leased"] == 0


def test_a_head_of_something_coded(http):
    response = http.request("HEAD", url("coded/gzip"))
    assert (response.status, response.data) == (200, b"")


def test_stream(http, text):
    response = http.request("GET", url("text"), preload_content=False)
    pieces = list(response.stream(1000))
    assert b"".join(pieces) == text
    assert {len(piece) for piece in pieces[:-1]} == {1000}
    assert http.manager.stats()["idle"] == 1


@pytest.mark.parametrize("path", ["chunked", "chunked?coded=1"])
def test_stream_and_read_chunked(http, text, path):
    for pieces in (
        http.request("GET", url(path), preload_content=False).stream(),
        http.request("GET", url(path), preload_content=False).read_chunked(),
        http.request("GET", url(path), preload_content=False).read_chunked(300),
    ):
        assert b"".join(pieces) == text
    chunks = list(http.request("GET", url("chunked"), preload_content=False).read_chunked())
    assert [len(chunk) for chunk in chunks[:3]] == [1000, 1000, 1000]
    assert http.manager.stats()["idle"] == 1


def test_read_chunked_of_what_is_not(http):
    with http.request("GET", url("text"), preload_content=False) as response, pytest.raises(ResponseNotChunked):
        next(response.read_chunked())


@pytest.mark.parametrize("path", ["text", "chunked", "chunked?coded=1", "coded/gzip"])
def test_read1_and_readinto(http, text, path):
    response = http.request("GET", url(path), preload_content=False)
    first = response.read1(10)
    assert 0 < len(first) <= 10
    buffer = bytearray(50)
    count = response.readinto(buffer)
    rest = b"".join(iter(response.read1, b""))
    assert first + bytes(buffer[:count]) + rest == text
    assert response.read1() == b""


@pytest.mark.parametrize("path", ["text", "chunked", "coded/gzip"])
def test_it_is_a_file(http, text, path):
    response = http.request("GET", url(path), preload_content=False)
    assert isinstance(response, io.IOBase)
    assert response.readable() and not response.writable() and not response.seekable()
    copy = io.BytesIO()
    shutil.copyfileobj(response, copy)
    assert copy.getvalue() == text


@pytest.mark.parametrize("path", ["text", "chunked", "coded/gzip"])
def test_lines_of_text(http, text, path):
    lines = text.decode().splitlines(keepends=True)
    response = http.request("GET", url(path), preload_content=False)
    response.auto_close = False
    assert list(io.TextIOWrapper(response)) == lines
    response.close()
    response = http.request("GET", url(path), preload_content=False)
    assert [line.decode() for line in response] == lines
    response = http.request("GET", url(path), preload_content=False)
    assert response.readline() == lines[0].encode()
    response.close()
    assert list(http.request("GET", url(path))) == [line.encode() for line in lines]


def test_buffered_reader(http, text):
    response = http.request("GET", url("text"), preload_content=False)
    reader = io.BufferedReader(response, 100)
    assert reader.read(10) == text[:10]
    assert reader.peek(1)
    assert reader.read() == text[10:]


def test_what_it_knows(http, server):
    response = http.request("GET", url("text"), preload_content=False)
    assert isinstance(response, HTTPResponse)
    assert response.connection is not None
    assert response.length_remaining == int(response.headers["content-length"])
    assert (response.version, response.version_string) == (11, "HTTP/1.1")
    response.read(10)
    assert response.tell() == 10
    response.close()
    assert response.closed and response.connection is None
    assert http.manager.stats()["idle"] == 0


def test_retries_are_kept(http):
    retry = Retry(4)
    assert http.request("GET", url("echo"), retries=retry).retries == retry
    assert http.request("GET", url("echo"), retries=2).retries.total == 2
    assert http.request("GET", url("echo")).retries.total == 3


def test_a_body_that_is_too_short(http):
    with pytest.raises(ProtocolError) as caught:
        http.request("GET", url("short"), retries=False)
    assert isinstance(caught.value, IncompleteRead)
    assert caught.value.partial == b"0123456789"
    assert caught.value.expected == 90
    response = http.request("GET", url("short"), preload_content=False)
    assert response.read(4) == b"0123"
    with pytest.raises(IncompleteRead):
        response.read()
    assert http.manager.stats()["leased"] == 0


def test_a_body_that_may_be_too_short(http):
    response = http.request("GET", url("short"), enforce_content_length=False, retries=False)
    assert response.data == b"0123456789"
    response = http.request("GET", url("short"), enforce_content_length=False, preload_content=False)
    assert b"".join(response.stream(4)) == b"0123456789"
