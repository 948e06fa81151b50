"""parse_url and Url: RFC 3986's normal form, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radiopool.http.errors import LocationParseError
from radiopool.http.rfc3986 import Url, encode_target, parse_url, remove_dot_segments


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("http://host/path?q#f", Url("http", None, "host", None, "/path", "q", "f")),
        ("HTTPS://Host.EXAMPLE:8443", Url("https", None, "host.example", 8443)),
        ("host.example:80", Url(None, None, "host.example", 80)),
        ("/path?q", Url(None, None, None, None, "/path", "q")),
        ("", Url()),
        ("http://host:", Url("http", None, "host")),
        ("http://host:00080/", Url("http", None, "host", 80, "/")),
        ("http://host?", Url("http", None, "host", None, "", "")),
        ("http://user:pass@host/", Url("http", "user:pass", "host", None, "/")),
        ("http://a@b:c@host/", Url("http", "a%40b:c", "host", None, "/")),
        ("http://[2001:DB8::1]:8080/", Url("http", None, "[2001:db8::1]", 8080, "/")),
        ("http://[fe80::1%25eth0]/", Url("http", None, "[fe80::1%eth0]", None, "/")),
        ("http://[fe80::1%eth0]/", Url("http", None, "[fe80::1%eth0]", None, "/")),
        ("http://[fe80::1%25]/", Url("http", None, "[fe80::1%25]", None, "/")),
        ("http://127.0.0.1:80", Url("http", None, "127.0.0.1", 80)),
        ("http://Bücher.example/", Url("http", None, "xn--bcher-kva.example", None, "/")),
        ("http://host/a/./b/../c/%7e%2f é", Url("http", None, "host", None, "/a/c/%7E%2F%20%C3%A9")),
        ("http://host/%zz", Url("http", None, "host", None, "/%25zz")),
        ("http://ho%73t/", Url("http", None, "host", None, "/")),
        ("http://good.example\\@evil.example/", Url("http", None, "good.example", None, "/%5C@evil.example/")),
        ("ftp://Host/a/../b", Url("ftp", None, "Host", None, "/a/../b")),
    ],
)
def test_taken_apart_and_normalised(url, parts):
    assert parse_url(url) == parts


@pytest.mark.parametrize(
    "url",
    [
        "http://host:-80",
        "http://host:65536",
        "http://host:99999999999999999999",
        "http://host:8o",
        "http://host:²",
        "http://::1/",
        "http://[::1",
        "http://::1]",
        "http://[[::1]]",
        "http://[::1]x",
        "http://[1.2.3.4]",
        "http://[::1%]",
        "http://[::1% eth0]",
        "http://ho st/",
        "http://host\n/",
        "http://host\x00.example/",
        "http://ho%0ast/",
        "http://ho%st/",
        "http://%",
        "http://❤.example/",
        "http://\ud800.example/",
        "http://" + "a" * 64 + ".example/",
        "http://" + "ä" * 63 + ".example/",
        "http://a..b/",
        "http://.example/",
    ],
)
def test_refused(url):
    with pytest.raises(LocationParseError) as caught:
        parse_url(url)
    assert isinstance(caught.value, ValueError)
    assert caught.value.location


@pytest.mark.parametrize(
    ("path", "without"),
    [
        ("/a/b/c/./../../g", "/a/g"),
        ("mid/content=5/../6", "mid/6"),
        ("/", "/"),
        ("/..", "/"),
        ("/../..", "/"),
        ("/a/..", "/"),
        ("/a/.", "/a/"),
        ("//a", "//a"),
        ("", ""),
    ],
)
def test_dot_segments(path, without):
    assert remove_dot_segments(path) == without


@pytest.mark.parametrize(
    ("url", "authority", "netloc", "uri", "auth", "joined"),
    [
        ("http://host", "host", "host", "/", (None, None), None),
        ("http://u%3A:p%40@host:8/p?q=1", "u%3A:p%40@host:8", "host:8", "/p?q=1", ("u:", "p@"), "u::p@"),
        ("http://u@host/", "u@host", "host", "/", ("u", None), "u:"),
        ("/p?", None, None, "/p?", (None, None), None),
    ],
)
def test_what_is_derived(url, authority, netloc, uri, auth, joined):
    parts = parse_url(url)
    assert parts.authority == authority
    assert parts.netloc == netloc
    assert parts.request_uri == uri
    assert parts.auth_decoded == auth
    assert parts.auth_decoded_joined == joined
    assert parts.hostname == parts.host


@given(st.text("htps:/@[]%?#.a1é\\ ", max_size=30))
def test_normal_form_is_stable(text):
    try:
        parts = parse_url("http://" + text)
    except LocationParseError:
        return
    assert str(parse_url(parts.url)) == parts.url


PIECES = [
    *("http://", "HTTPS://", "//", "ftp:", "file:///", "a", "Host", "exa-mple", ".com", ":", "80", "65536", "0", "::1"),
    *("[", "]", "[::1]", "[fe80::1%25eth0]", "%", "%41", "%2f", "%00", "%zz", "@", "user", "/", "/a/./b/../c", "?"),
    *("q=1", "#", "frag", "é", "❤", "ß", " ", "\t", "\\", "1.2.3.4", "0x7f.1", "~", "localhost", "_", "%C3%A9", "xn--"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_same_as_urllib3(url):
    theirs = pytest.importorskip("urllib3.util.url")
    failed = pytest.importorskip("urllib3.exceptions").LocationParseError
    try:
        expected = tuple(theirs.parse_url(url))
    except failed:
        with pytest.raises(LocationParseError):
            parse_url(url)
        return
    try:
        assert tuple(parse_url(url)) == expected
    except LocationParseError:
        # Stricter: a label that is empty or longer than 63 can't be looked up.
        host = expected[2] or ""
        assert any(not 0 < len(label) < 64 for label in host.removesuffix(".").split(".")), url


@pytest.mark.parametrize(
    ("target", "encoded"), [("/a b?c d#e", "/a%20b?c%20d"), ("/%7e?%zz", "/%7E?%25zz"), ("/é", "/%C3%A9")]
)
def test_request_targets(target, encoded):
    assert encode_target(target) == encoded
    with pytest.raises(LocationParseError):
        encode_target(target[1:])
