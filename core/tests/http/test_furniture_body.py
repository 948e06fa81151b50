"""Request bodies: their length, their pieces, and sending them again."""

import array
import io
import os

import pytest

from radiopool.errors import InvalidValueError
from radiopool.http.body import BLOCK, RequestBody
from radiopool.http.exceptions import UnrewindableBodyError


def sent(body):
    pieces = [bytes(piece) for piece in body]
    assert all(pieces)
    return b"".join(pieces)


@pytest.mark.parametrize(
    ("body", "length", "contents"),
    [
        (b"abc", 3, b"abc"),
        ("grüße", 7, "grüße".encode()),
        (bytearray(b"abc"), 3, b"abc"),
        (memoryview(b"abc"), 3, b"abc"),
        (array.array("I", [1, 2]), 8, array.array("I", [1, 2]).tobytes()),
        (b"", 0, b""),
        ("", 0, b""),
        ([b"a", "ü", bytearray(b"b")], None, "aüb".encode()),
        ((), None, b""),
        ([b"", b"a", ""], None, b"a"),
    ],
)
def test_sent_and_sent_again(body, length, contents):
    body = RequestBody(body)
    assert body.length == length
    assert sent(body) == contents
    assert sent(body) == contents


def test_a_file_goes_from_where_it_stands():
    file = io.BytesIO(b"skipped" + b"x" * (BLOCK + 5))
    file.seek(7)
    body = RequestBody(file)
    assert body.length == BLOCK + 5
    assert [len(piece) for piece in body] == [BLOCK, 5]
    assert sent(body) == b"x" * (BLOCK + 5)


def test_a_text_file_is_sent_as_utf8_in_chunks():
    body = RequestBody(io.StringIO("grüße"))
    assert body.length is None
    assert sent(body) == sent(body) == "grüße".encode()


def test_a_file_on_disk(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"contents")
    with open(path, "rb") as file:
        body = RequestBody(file)
        assert body.length == 8
        assert sent(body) == sent(body) == b"contents"


def test_a_pipe_is_sent_once():
    reading, writing = os.pipe()
    with open(reading, "rb") as file:
        with open(writing, "wb") as other:
            other.write(b"through")
        body = RequestBody(file)
        assert body.length is None
        assert sent(body) == b"through"
        with pytest.raises(UnrewindableBodyError, match="can't seek"):
            sent(body)


def test_a_file_whose_seek_fails_later():
    class Grumpy(io.BytesIO):
        def seek(self, position, whence=0):
            if self.closed_for_seeking:
                raise OSError("no more")
            return super().seek(position, whence)

    file = Grumpy(b"abc")
    file.closed_for_seeking = False
    body = RequestBody(file)
    assert sent(body) == b"abc"
    file.closed_for_seeking = True
    with pytest.raises(UnrewindableBodyError, match="no more"):
        sent(body)


def test_a_file_that_shrank():
    file = io.BytesIO(b"abcdef")
    body = RequestBody(file)
    file.truncate(2)
    with pytest.raises(InvalidValueError, match="4 bytes early: it had 6"):
        sent(body)


def test_a_file_that_grew_is_sent_to_its_old_end():
    file = io.BytesIO(b"abc")
    body = RequestBody(file)
    file.seek(0, io.SEEK_END)
    file.write(b"more")
    file.seek(0)
    assert sent(body) == b"abc"


def test_a_generator_is_sent_once():
    body = RequestBody(piece for piece in (b"a", b"b"))
    assert body.length is None
    assert sent(body) == b"ab"
    with pytest.raises(UnrewindableBodyError, match="iterator"):
        sent(body)


@pytest.mark.parametrize(("number", "piece"), [(0, 5), (1, None), (2, 1.5), (0, ["a"])])
def test_a_piece_that_is_none(number, piece):
    pieces = [b"ok"] * number + [piece]
    with pytest.raises(InvalidValueError, match="piece %d of the body is" % number) as caught:
        sent(RequestBody(pieces))
    assert type(piece).__name__ in str(caught.value)


@pytest.mark.parametrize(
    ("body", "words"), [(5, "not int"), (1.5, "not float"), ({"a": "b"}, "fields= or json="), (object, "not type")]
)
def test_what_is_no_body(body, words):
    with pytest.raises(InvalidValueError, match=words):
        RequestBody(body)
