"""Multipart forms, read back by the standard library's parser, and make_headers."""

import email.parser
import email.policy

import pytest

from radiopool.errors import InvalidValueError
from radiopool.http.errors import InvalidHeader
from radiopool.http.fields import RequestField, format_multipart_header_param, guess_content_type
from radiopool.http.filepost import choose_boundary, encode_multipart_formdata, iter_field_objects
from radiopool.http.request_headers import make_headers


def parts_of(fields, boundary=None):
    """(disposition parameters, content type, contents) of each part, as the standard library reads them."""
    body, content_type = encode_multipart_formdata(fields, boundary)
    head = b"Content-Type: " + content_type.encode() + b"\r\n\r\n"
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    assert not message.defects
    return [
        (
            dict(part["content-disposition"].params),
            part["content-type"] and part.get_content_type(),
            part.get_payload(decode=True),
        )
        for part in message.iter_parts()
    ]


@pytest.mark.parametrize(
    ("value", "filename", "kind", "contents"),
    [
        ("bar", None, None, b"bar"),
        (("foofile.txt", "contents of foofile"), "foofile.txt", "text/plain", b"contents of foofile"),
        (("barfile", b"\x00\xff"), "barfile", "application/octet-stream", b"\x00\xff"),
        (("bazfile.bin", b"\x89PNG", "image/jpeg"), "bazfile.bin", "image/jpeg", b"\x89PNG"),
        ("contents of nonamefile field", None, None, b"contents of nonamefile field"),
        (42, None, None, b"42"),
        ("grüße", None, None, "grüße".encode()),
        (b"", None, None, b""),
        (bytearray(b"abc"), None, None, b"abc"),
        ((None, "contents", "text/html"), None, "text/html", b"contents"),
    ],
)
def test_each_form_of_a_value(value, filename, kind, contents):
    ((parameters, content_type, read),) = parts_of({"field": value})
    assert parameters == {"name": "field", **({"filename": filename} if filename else {})}
    assert (content_type, read) == (kind, contents)


def test_order_and_repeats_are_kept():
    field = RequestField("c", b"3", headers={"X-Own": "1"})
    field.make_multipart()
    fields = [("a", "1"), ("b", "2"), ("a", "4"), field]
    assert [part[0]["name"] for part in parts_of(fields)] == ["a", "b", "a", "c"]
    assert [part.data for part in iter_field_objects(fields)] == ["1", "2", "4", b"3"]


def test_bytes_of_a_body():
    body, content_type = encode_multipart_formdata([("k", "v")], boundary="!b"[1:])
    assert content_type == "multipart/form-data; boundary=b"
    assert body == b'--b\r\nContent-Disposition: form-data; name="k"\r\n\r\nv\r\n--b--\r\n'
    assert encode_multipart_formdata({}, "b")[0] == b"--b--\r\n"


def test_every_boundary_is_another():
    assert len({choose_boundary() for _ in range(50)}) == 50


def test_names_are_quoted_as_browsers_do():
    assert format_multipart_header_param("filename", 'n"a\r\nm\\e') == 'filename="n%22a%0D%0Am\\e"'
    assert format_multipart_header_param("name", "ü".encode()) == 'name="ü"'


def test_headers_of_a_part():
    field = RequestField("name", "data", headers={"X-One": "1", "X-None": None})
    field.make_multipart(content_disposition="attachment", content_type="text/html", content_location="/here")
    assert field.render_headers() == (
        'Content-Disposition: attachment; name="name"\r\nContent-Type: text/html\r\nContent-Location: /here\r\n'
        "X-One: 1\r\n\r\n"
    )


def test_a_subclass_may_write_parameters_its_own_way():
    class Shouting(RequestField):
        def _render_part(self, name, value):
            return super()._render_part(name, value.upper())

    assert Shouting.from_tuples("name", "v").headers["Content-Disposition"] == 'form-data; name="NAME"'
    field = RequestField.from_tuples("name", "v", header_formatter=lambda name, value: name + ":" + value)
    assert field.headers["Content-Disposition"] == "form-data; name:name"


@pytest.mark.parametrize(("name", "kind"), [("a.txt", "text/plain"), ("a.unknown", "x/y"), (None, "x/y"), ("", "x/y")])
def test_guess_content_type(name, kind):
    assert guess_content_type(name, "x/y") == kind


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"f": ("name", b"", "text/plain\r\nX-Evil: 1")}, InvalidHeader, "header 'Content-Type' has a line end"),
        ({"f": ("a", "b", "c", "d")}, InvalidValueError, "tuple of 4"),
        ({"f": None}, InvalidValueError, "'f'.*NoneType"),
        ({"f": 1.5}, InvalidValueError, "'f'.*float"),
        ({"f": ("name", open)}, InvalidValueError, "'f'"),
        ([("a", "b", "c")], InvalidValueError, "pairs"),
        (["ab"], InvalidValueError, "pairs"),
    ],
)
def test_bad_fields_are_named(fields, error, words):
    with pytest.raises(error, match=words):
        encode_multipart_formdata(fields)


@pytest.mark.parametrize("boundary", ["", "a" * 71, "a b", "a\r\nb", "ä"])
def test_bad_boundaries(boundary):
    with pytest.raises(InvalidValueError, match="boundary"):
        encode_multipart_formdata({}, boundary)


@pytest.mark.parametrize(
    ("keywords", "headers"),
    [
        ({}, {}),
        ({"keep_alive": True}, {"connection": "keep-alive"}),
        ({"user_agent": "mine/1"}, {"user-agent": "mine/1"}),
        ({"accept_encoding": "br"}, {"accept-encoding": "br"}),
        ({"accept_encoding": ["gzip", "br"]}, {"accept-encoding": "gzip,br"}),
        ({"accept_encoding": False}, {}),
        ({"disable_cache": True}, {"cache-control": "no-cache"}),
        ({"basic_auth": "user:pass"}, {"authorization": "Basic dXNlcjpwYXNz"}),
        ({"proxy_basic_auth": "user:pass"}, {"proxy-authorization": "Basic dXNlcjpwYXNz"}),
        ({"basic_auth": "ü:€", "basic_auth_encoding": "utf-8"}, {"authorization": "Basic w7w64oKs"}),
    ],
)
def test_make_headers(keywords, headers):
    assert make_headers(**keywords) == headers


def test_accept_encoding_is_all_that_can_be_decoded():
    assert make_headers(accept_encoding=True)["accept-encoding"].startswith("gzip,deflate")


def test_credentials_stay_out_of_the_error():
    with pytest.raises(InvalidHeader, match="basic_auth_encoding") as caught:
        make_headers(basic_auth="user:secret€")
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_same_as_urllib3():
    theirs = pytest.importorskip("urllib3")
    fields = [("a", "1"), ("b", ("n.txt", "x")), ("c", ('q"\n.bin', b"\xff", "image/png")), ("d", ("grüße", "y"))]
    assert encode_multipart_formdata(fields, "bound") == theirs.encode_multipart_formdata(fields, "bound")
    assert make_headers(basic_auth="a:b", keep_alive=True) == theirs.make_headers(basic_auth="a:b", keep_alive=True)
