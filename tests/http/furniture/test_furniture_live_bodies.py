"""Request bodies against a real server: each kind, its framing, forms, and 100 Continue."""

import email.parser
import email.policy
import io
import json

import pytest

from radiopool.errors import InvalidValueError
from radiopool.http import HTTPHeaderDict, InvalidHeader, RequestField, encode_multipart_formdata

ECHO = "http://one.example/echo"


def parts_of(heard):
    head = b"Content-Type: " + heard["fields"]["content-type"].encode() + b"\r\n\r\n"
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + heard["body"])
    return [
        (part.get_param("name", header="content-disposition"), part.get_filename(), part["content-type"],
         part.get_payload(decode=True))
        for part in message.iter_parts()
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "contents", "length"),
    [
        (b"bytes", b"bytes", "5"),
        ("grüße", "grüße".encode(), "7"),
        (bytearray(b"array"), b"array", "5"),
        (memoryview(b"view"), b"view", "4"),
        (b"", b"", "0"),
        (io.BytesIO(b"file"), b"file", "4"),
        (io.StringIO("grüße"), "grüße".encode(), None),
        ([b"a", "ü"], "aü".encode(), None),
        ((piece for piece in (b"x" * 70000, b"", b"y")), b"x" * 70000 + b"y", None),
        (b"z" * 300000, b"z" * 300000, "300000"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_kind_of_body(http, echoed, body, contents, length):
    heard = echoed(http.request("PUT", ECHO, body=body))
    assert heard["body"] == contents
    assert heard["fields"].get("content-length") == length
    assert heard["fields"].get("transfer-encoding") == (None if length else "chunked")


def test_a_file_goes_from_where_it_stands(http, echoed, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"skipped" + b"x" * 50000)
    with open(path, "rb") as file:
        file.seek(7)
        assert echoed(http.request("POST", ECHO, body=file))["body"] == b"x" * 50000


def test_chunked_by_wish(http, echoed):
    heard = echoed(http.request("POST", ECHO, body=b"bytes", chunked=True))
    assert (heard["body"], heard["fields"]["transfer-encoding"]) == (b"bytes", "chunked")
    assert "content-length" not in heard["fields"]
    heard = echoed(http.request("POST", ECHO, body=b"bytes", headers={"Transfer-Encoding": "chunked"}))
    assert (heard["body"], heard["fields"]["transfer-encoding"]) == (b"bytes", "chunked")


@pytest.mark.parametrize(
    ("method", "length"),
    [("GET", None), ("HEAD", None), ("DELETE", None), ("OPTIONS", None), ("POST", "0"), ("PUT", "0"), ("PATCH", "0")],
)
def test_no_body(http, server, method, length):
    assert http.request(method, ECHO).status == 200
    assert server.fields("content-length") == [length]


def test_a_stated_length_is_kept(http, echoed):
    heard = echoed(http.request("PUT", ECHO, body=iter([b"ab", b"cd"]), headers={"Content-Length": "4"}))
    assert (heard["body"], heard["fields"]["content-length"]) == (b"abcd", "4")
    assert "transfer-encoding" not in heard["fields"]


@pytest.mark.parametrize(
    ("stated", "body"), [("3", b"four"), ("9", b"four"), ("x", b"four"), ("3", io.BytesIO(b"four"))]
)
def test_a_stated_length_that_is_wrong_sends_nothing(http, server, stated, body):
    with pytest.raises(InvalidHeader, match="Content-Length"):
        http.request("PUT", ECHO, body=body, headers={"Content-Length": stated})
    assert not server.requests


@pytest.mark.parametrize("stated", ["3", "9"])
def test_a_stated_length_that_an_iterable_breaks(http, server, stated):
    with pytest.raises((InvalidHeader, InvalidValueError), match="Content-Length"):
        http.request("PUT", ECHO, body=iter([b"fo", b"ur"]), headers={"Content-Length": stated}, retries=False)
    assert http.manager.stats()["leased"] == 0


@pytest.mark.parametrize("body", [5, 1.5, {"a": "b"}, object()])
def test_what_is_no_body(http, server, body):
    with pytest.raises(InvalidValueError, match="body"):
        http.request("POST", ECHO, body=body)
    assert not server.requests


@pytest.mark.parametrize("piece", [5, None, ["a"]])
def test_an_iterable_that_yields_something_else(http, server, piece):
    with pytest.raises(InvalidValueError, match="piece 1 of the body"):
        http.request("POST", ECHO, body=iter([b"ok", piece]))
    # Half a body is on the wire: the connection can't be used again.
    assert http.manager.stats()["idle"] == 0
    assert http.request("GET", ECHO).status == 200


def test_an_iterable_that_raises(http):
    def pieces():
        yield b"ok"
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        http.request("POST", ECHO, body=pieces())
    assert http.manager.stats()["leased"] == 0


# The five `fields` of urllib3's document.
def fields_of_the_document(tmp_path):
    (tmp_path / "barfile.txt").write_text("real contents")
    (tmp_path / "bazfile").write_bytes(b"\x89PNG\x00\xff")
    return {
        "foo": "bar",
        "fakefile": ("foofile.txt", "contents of foofile"),
        "realfile": ("barfile.txt", (tmp_path / "barfile.txt").read_text()),
        "typedfile": ("bazfile.bin", (tmp_path / "bazfile").read_bytes(), "image/jpeg"),
        "nonamefile": "contents of nonamefile field",
    }


def test_the_five_fields_of_the_document(http, echoed, tmp_path):
    heard = echoed(http.request("POST", ECHO, fields=fields_of_the_document(tmp_path)))
    assert parts_of(heard) == [
        ("foo", None, None, b"bar"),
        ("fakefile", "foofile.txt", "text/plain", b"contents of foofile"),
        ("realfile", "barfile.txt", "text/plain", b"real contents"),
        ("typedfile", "bazfile.bin", "image/jpeg", b"\x89PNG\x00\xff"),
        ("nonamefile", None, None, b"contents of nonamefile field"),
    ]


def test_the_boundary_may_be_chosen(http, echoed):
    heard = echoed(http.request("POST", ECHO, fields={"a": "1"}, multipart_boundary="own-boundary"))
    assert heard["fields"]["content-type"] == "multipart/form-data; boundary=own-boundary"
    assert heard["body"] == encode_multipart_formdata({"a": "1"}, "own-boundary")[0]


def test_content_type_is_overwritten(http, echoed):
    heard = echoed(http.request("POST", ECHO, fields={"a": "1"}, headers={"Content-Type": "text/plain", "X": "1"}))
    assert heard["fields"]["content-type"].startswith("multipart/form-data")
    assert heard["fields"]["x"] == "1"


def test_urlencoded(http, echoed):
    fields = [("a b", "1&2"), ("ü", "é"), ("a b", b"\xff"), ("n", 3)]
    heard = echoed(http.request("POST", ECHO, fields=fields, encode_multipart=False))
    assert heard["body"] == b"a+b=1%262&%C3%BC=%C3%A9&a+b=%FF&n=3"
    assert heard["fields"]["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_fields_in_the_url(http, server, method):
    http.request(method, ECHO + "?x=y", fields={"a b": "1", "c": "ü"})
    assert server.requests[0][1] == "/echo?x=y&a+b=1&c=%C3%BC"


def test_request_fields_and_repeats(http, echoed):
    own = RequestField("own", b"data", filename="own.bin", headers={"X-Part": "yes"})
    own.make_multipart(content_type="application/x-own")
    heard = echoed(http.request("POST", ECHO, fields=[("a", "1"), ("a", "2"), own]))
    assert parts_of(heard) == [
        ("a", None, None, b"1"),
        ("a", None, None, b"2"),
        ("own", "own.bin", "application/x-own", b"data"),
    ]
    assert b"X-Part: yes" in heard["body"]


@pytest.mark.parametrize("document", [{"a": [1, "ü", None]}, [], 0, "text", None])
def test_json(http, echoed, document):
    heard = echoed(http.request("POST", ECHO, json=document))
    if document is None:
        assert heard["body"] == b""
    else:
        assert json.loads(heard["body"]) == document
        assert heard["fields"]["content-type"] == "application/json"


def test_json_with_a_content_type_of_ones_own(http, echoed):
    heard = echoed(http.request("PUT", ECHO, json={}, headers=HTTPHeaderDict({"content-type": "application/x"})))
    assert heard["fields"]["content-type"] == "application/x"


@pytest.mark.parametrize("keywords", [{"json": {}, "body": b"x"}, {"fields": {"a": "b"}, "body": b"x"}])
def test_two_bodies_are_one_too_many(http, server, keywords):
    with pytest.raises(TypeError, match="can only specify one"):
        http.request("POST", ECHO, **keywords)
    assert not server.requests


def test_expect_is_honoured(http, server, echoed):
    heard = echoed(http.request("POST", ECHO, body=b"payload", headers={"Expect": "100-continue"}))
    assert heard["body"] == b"payload"
    assert server.expected == ["/echo"]


def test_a_refused_body_is_never_sent(http, server):
    def pieces():
        raise AssertionError("the body was asked for")
        yield b""

    response = http.request("POST", "http://one.example/refuse", body=pieces(), headers={"Expect": "100-continue"})
    assert (response.status, response.data) == (417, b"no")
    assert http.manager.stats()["idle"] == 0
