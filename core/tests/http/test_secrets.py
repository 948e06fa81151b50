"""What a request refuses is named in its error; what may be a secret is not."""

import pytest

from radiopool import ConnectionManager, GenericDriver
from radiopool.http import (
    HTTPConnectionPool,
    InvalidHeader,
    LocationParseError,
    PoolManager,
    ProxyManager,
    make_headers,
)

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
