"""What a request refuses is named in its error; what may be a secret is not."""

import pytest

from radiopool import ConnectionManager, GenericDriver
from radiopool.errors import InvalidValueError
from radiopool.http import (
    HostChangedError,
    HTTPConnectionPool,
    InvalidHeader,
    LocationParseError,
    MaxRetryError,
    PoolManager,
    ProxyManager,
    RequestField,
    Retry,
    encode_multipart_formdata,
    make_headers,
    parse_url,
)
from radiopool.http.body import RequestBody
from radiopool.http.redirects import target

SECRETS = make_headers(basic_auth="alice:sesame", proxy_basic_auth="alice:sesame")


class NoPool:
    """A socket pool that must not be asked."""


@pytest.fixture
def manager():
    with ConnectionManager(NoPool(), driver=GenericDriver()) as manager:
        yield manager


def everything_told(error):
    """An error's text, its repr and its attributes, and those of all that led to it."""
    told = ""
    while error is not None:
        told += str(error) + repr(error) + repr(vars(error)) + repr(getattr(error, "object", ""))
        error = error.__cause__ or error.__context__
    return told


def assert_nothing_told(error):
    told = everything_told(error)
    assert "sesame" not in told
    for name in SECRETS:
        assert SECRETS[name].split()[1] not in told


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("name", ["X-Name", "Host"])
def test_a_value_outside_latin_1_shows_no_other_header(manager, method, name):
    pool = HTTPConnectionPool("h.example", manager=manager, retries=False)
    with pytest.raises(InvalidHeader, match=name + " has characters outside Latin-1") as caught:
        pool.request(method, "/", headers={**SECRETS, name: "5 \u20ac"})
    assert_nothing_told(caught.value)
    assert "\u20ac" not in str(caught.value)


def test_nor_those_for_the_proxy(manager):
    http = ProxyManager("http://proxy.example/", proxy_headers=SECRETS, manager=manager)
    with pytest.raises(InvalidHeader, match="X-Name has characters outside Latin-1") as caught:
        http.request("GET", "http://h.example/", headers={"X-Name": "\u20ac"}, retries=False)
    assert_nothing_told(caught.value)
    with pytest.raises(InvalidHeader, match="Proxy-Authorization has characters outside Latin-1") as caught:
        ProxyManager("http://proxy.example/", proxy_headers={"Proxy-Authorization": "sesame\u20ac"}, manager=manager)
    assert_nothing_told(caught.value)


def test_a_host_that_is_no_name_is_refused_before_there_are_headers(manager):
    with pytest.raises(LocationParseError):
        HTTPConnectionPool("h\u20ac.example", manager=manager, retries=False)


@pytest.mark.parametrize("kind", [tuple, list, set])
def test_a_value_of_another_type_is_not_shown(manager, kind):
    pool = HTTPConnectionPool("h.example", manager=manager, retries=False)
    with pytest.raises(InvalidHeader, match="Authorization' must have text for a value, not of type " + kind.__name__):
        pool.request("GET", "/", headers={"Authorization": kind([SECRETS["authorization"]])})


@pytest.mark.parametrize(
    "url", ["http://alice:sesame@h.example/\n", "http://alice:ses@me\r@h.example/", b"http://alice:sesame@h.example/"]
)
def test_a_url_that_is_none_is_shown_without_user_information(manager, url):
    http = PoolManager(manager=manager)
    with pytest.raises(LocationParseError, match=r"http://\*\*\*@h\.example/.*: a URL is text") as caught:
        http.request("GET", url)
    assert "ses" not in repr(caught.value) + str(caught.value) + caught.value.location


def test_nor_is_what_has_no_scheme(manager):
    http = PoolManager(manager=manager)
    with pytest.raises(LocationParseError, match=r"\*\*\*@h\.example") as caught:
        http.request("GET", "alice.a:sesame@h.example/\n")
    assert "ses" not in repr(caught.value) + str(caught.value) + caught.value.location


@pytest.mark.parametrize("delimiter", list("/?#\\"))
def test_a_password_with_a_delimiter_in_it_is_not_shown_as_a_port(manager, delimiter):
    url = "http://alice:sesame%sopen@h.example/" % delimiter
    for parse in (parse_url, lambda url: PoolManager(manager=manager).request("GET", url)):
        with pytest.raises(
            LocationParseError, match="follows 'alice' is not a valid port; .* percent-encoded"
        ) as caught:
            parse(url)
        assert_nothing_told(caught.value)


@pytest.mark.parametrize("host", ["alice:sesame@h.example", "http://alice:sesame@h.example/", "alice:sesame@h ."])
def test_a_host_with_user_information_is_shown_without(manager, host):
    with pytest.raises(LocationParseError, match=r"no user information: \*\*\*@h") as caught:
        HTTPConnectionPool(host, manager=manager)
    assert_nothing_told(caught.value)


@pytest.mark.parametrize("location", ["http://alice:sesame@/", "//alice:sesame@h\u2100/", "//alice:sesame@[x/"])
def test_a_location_that_leads_nowhere_is_shown_without_user_information(location):
    with pytest.raises(LocationParseError) as caught:
        target("http://h.example/", location)
    assert_nothing_told(caught.value)


def test_requests_that_failed_show_no_user_information(manager):
    pool = HTTPConnectionPool("h.example", manager=manager)
    with pytest.raises(HostChangedError, match=r"http://\*\*\*@other\.example/a@b$") as caught:
        pool.request("GET", "http://alice:sesame@other.example/a@b")
    assert "sesame" not in repr(caught.value)
    error = MaxRetryError(pool, "http://alice:ses@me@h.example/a@b?c@d", HostChangedError(pool, "//u:sesame@h/"))
    assert "http://***@h.example/a@b?c@d (Caused by" in str(error)
    assert "ses" not in repr(error) + str(error)
    with pytest.raises(MaxRetryError) as caught:
        Retry(0).increment("GET", "http://alice:sesame@h.example/", error=error.reason)
    assert "sesame" not in repr(caught.value) + str(caught.value)


def test_a_header_in_one_text_shows_no_value(manager):
    with pytest.raises(InvalidHeader, match="'Authorization:' is no token") as caught:
        HTTPConnectionPool("h.example", manager=manager).request("GET", "/", headers={"Authorization: sesame": ""})
    assert_nothing_told(caught.value)


@pytest.mark.parametrize(
    "fields", [[("password", "sesame", "x")], ["sesame"], [RequestField("a", "b", headers={"Cookie": "sesame\n"})]]
)
def test_fields_and_their_headers_are_not_shown(manager, fields):
    with pytest.raises(ValueError, match="pairs|header 'Cookie'") as caught:
        encode_multipart_formdata(fields)
    assert_nothing_told(caught.value)


class Sesame:
    def __repr__(self):
        return "sesame"


@pytest.mark.parametrize("body", [[b"a", Sesame()], Sesame()])
def test_what_is_no_body_is_not_shown(body):
    with pytest.raises(InvalidValueError, match="Sesame") as caught:
        list(RequestBody(body))
    assert_nothing_told(caught.value)


def test_what_are_no_fields_is_not_shown(manager):
    with pytest.raises(InvalidValueError, match="not str") as caught:
        HTTPConnectionPool("h.example", manager=manager).request("GET", "/", fields="sesame")
    assert_nothing_told(caught.value)
