"""HTTPHeaderDict, RecentlyUsedContainer, plain URLs beside the full parser, and what chooses a connection pool."""

import email.message
import io
import operator
import ssl
import subprocess
import sys
import threading
from collections.abc import MutableMapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radiopool import manager_for
from radiopool.http import (
    HTTPHeaderDict,
    HTTPPoolKey,
    HTTPResponse,
    HTTPSPoolKey,
    PoolManager,
    RecentlyUsedContainer,
    parse_url,
)
from radiopool.http.errors import LocationValueError, URLSchemeUnknown
from radiopool.http.url import split
from radiopool_cpython import HostNetwork


@pytest.fixture
def headers():
    made = HTTPHeaderDict({"Content-Length": "0"})
    made.add("Set-Cookie", "a=1")
    made.add("set-cookie", "b=2")
    return made


def test_header_names_have_no_case(headers):
    assert headers["CONTENT-length"] == "0" and "content-LENGTH" in headers and 5 not in headers
    headers["content-length"] = "1"
    assert headers.getlist("Content-Length") == ["1"]
    del headers["CONTENT-LENGTH"]
    assert "Content-Length" not in headers
    with pytest.raises(KeyError):
        headers["Content-Length"]
    with pytest.raises(KeyError):
        del headers["Content-Length"]
    headers.discard("Content-Length")


def test_repeated_fields_are_kept(headers):
    assert headers["set-cookie"] == "a=1, b=2"
    assert headers.getlist("SET-COOKIE") == headers.getheaders("Set-Cookie") == ["a=1", "b=2"]
    assert headers.getlist("nothing") == [] and headers.getlist("nothing", ["x"]) == ["x"]
    assert list(headers) == ["Content-Length", "Set-Cookie"] and len(headers) == 2
    assert list(headers.items()) == [("Content-Length", "0"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    assert ("set-cookie", "b=2") in headers.items() and len(headers.items()) == 3
    assert list(headers.itermerged()) == [("Content-Length", "0"), ("Set-Cookie", "a=1, b=2")]
    headers.add("Set-Cookie", "c", combine=True)
    assert headers.getlist("set-cookie") == ["a=1", "b=2, c"]


def test_headers_are_a_mapping(headers):
    assert isinstance(headers, MutableMapping)
    assert headers == {"content-length": "0", "SET-COOKIE": "a=1, b=2"} and headers != {"a": "b"} and headers != 5
    assert headers.copy() == headers and headers.copy() is not headers
    assert headers.copy().getlist("set-cookie") == ["a=1", "b=2"]
    assert (headers | {"X": "y"})["x"] == "y" and "X" not in headers
    assert ({"X": "y"} | headers).getlist("set-cookie") == ["a=1", "b=2"]
    headers |= [("X", "1"), ("X", "2")]
    assert headers.getlist("x") == ["1", "2"]
    headers.extend(HTTPHeaderDict(a="b"), c="d")
    assert headers["A"] == "b" and headers["C"] == "d"
    with pytest.raises(TypeError):
        headers.extend({}, {})
    assert headers.pop("a") == "b" and headers.pop("a", "gone") == "gone" and headers.setdefault("a", "x") == "x"
    assert eval(repr(headers)) == headers


def test_header_names_may_be_bytes():
    headers = HTTPHeaderDict({b"X-\xe4": "1"})
    headers[b"Y"] = "2"
    assert list(headers) == ["X-\xe4", "Y"]
    assert b"x-\xe4" in headers and headers[b"y"] == headers["y"] == "2"


def test_the_default_of_a_list_of_values_is_given_as_it_is(headers):
    assert headers.getlist("x") == []
    assert headers.getlist("x", None) is headers.get_all("x", None) is None
    assert headers.getlist("x", "default") == "default"


@pytest.mark.parametrize("other", [None, "", b"", 5, "ab"])
def test_headers_are_not_equal_to_and_not_joined_with_what_has_no_fields(other):
    headers = HTTPHeaderDict()
    assert headers != other and headers == {}
    for join in (operator.or_, operator.ior):
        with pytest.raises(TypeError, match="unsupported operand"):
            join(headers, other)
    with pytest.raises(TypeError, match="unsupported operand"):
        other | headers


def test_headers_are_made_of_a_message_and_of_what_has_keys():
    class Keyed:
        def keys(self):
            return ["a"]

        def __getitem__(self, key):
            return key * 2

    message = email.message.Message()
    message["X"], message["x"] = "1", "2"
    extended = HTTPHeaderDict()
    extended.extend(message)
    assert extended.getlist("X") == HTTPHeaderDict(message).getlist("X") == ["1", "2"]
    assert HTTPHeaderDict(Keyed()) == HTTPHeaderDict() | Keyed() == {"a": "aa"}


def test_the_container_drops_what_was_used_longest_ago():
    gone = []
    container = RecentlyUsedContainer(2, gone.append)
    container["a"], container["b"] = 1, 2
    assert container["a"] == 1
    container["c"] = 3
    assert gone == [2] and container.keys() == ["a", "c"] and "b" not in container and len(container) == 2
    container["a"] = 4
    assert gone == [2, 1] and container.get("nothing") is None
    with pytest.raises(KeyError):
        container["b"]
    with pytest.raises(NotImplementedError):
        iter(container)
    assert container.setdefault("a", 9) == 4 and container.setdefault("d", 5) == 5 and gone == [2, 1, 3]
    del container["d"]
    container.clear()
    assert gone == [2, 1, 3, 5, 4] and len(container) == 0


@given(
    st.from_regex(
        r"https?://[a-z0-9.-]{1,12}(:[0-9]{1,5})?(/[a-zA-Z0-9/._~!$&'()*+,;=:@%-]{0,12})?(\?[a-z/?=]{0,5})?(#[a-z]{0,3})?",
        fullmatch=True,
    )
)
def test_plain_urls_are_split_as_the_full_parser_has_them(url):
    try:
        parsed = parse_url(url)
    except LocationValueError:
        with pytest.raises(LocationValueError):
            split(url)
    else:
        assert split(url) == (parsed.scheme, parsed.host, parsed.port, parsed.request_uri)


@pytest.fixture
def http():
    with manager_for(HostNetwork()) as manager, PoolManager(manager=manager) as made:
        yield made


def test_what_chooses_a_pool(http):
    pool = http.connection_from_host("Example.COM")
    assert http.connection_from_host("example.com", 80) is pool
    assert http.connection_from_url("http://EXAMPLE.com:80/path") is pool
    assert http.connection_from_context({"scheme": "HTTP", "host": "example.com", "port": 80}) is pool
    assert http.connection_from_pool_key(pool.pool_key) is pool
    assert pool.pool_key == HTTPPoolKey("http", "example.com", 80, None, None, None, None, None)
    assert http.connection_from_host("example.com", scheme="https") is not pool
    assert http.connection_from_host("example.com", 81) is not pool
    assert http.connection_from_host("example.com", pool_kwargs={"timeout": 3}) is not pool
    assert http.connection_from_host("example.com", pool_kwargs={"timeout": None}) is pool
    with pytest.raises(URLSchemeUnknown, match="gopher"):
        http.connection_from_host("example.com", scheme="gopher")
    with pytest.raises(LocationValueError):
        http.connection_from_host("")


def test_settings_that_stand_in_no_documented_key_separate_pools_too(http):
    pools = set()
    for settings in (
        {},
        {"ssl_context": ssl.create_default_context()},
        {"assert_hostname": False},
        {"server_hostname": "a.example"},
        {"assert_fingerprint": "0" * 64},
        {"ca_cert_data": "x"},
        {"cert_reqs": "CERT_NONE"},
        {"ssl_minimum_version": ssl.TLSVersion.TLSv1_3},
    ):
        pool = http.connection_from_host("a.example", scheme="https", pool_kwargs=settings)
        assert http.connection_from_host("a.example", scheme="https", pool_kwargs=settings) is pool
        pools.add(pool)
    assert len(pools) == 8
    assert HTTPSPoolKey._fields == (*HTTPPoolKey._fields, *HTTPSPoolKey._fields[8:])


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_every_setting_separates_pools(http, scheme):
    def pool(**settings):
        return http.connection_from_host("a.example", scheme=scheme, pool_kwargs=settings)

    one = pool(headers={"Authorization": "A"})
    two = pool(headers={"Authorization": "B"})
    assert (one.headers, two.headers) == ({"Authorization": "A"}, {"Authorization": "B"})
    assert pool(headers={"Authorization": "A"}) is one
    assert pool(headers=HTTPHeaderDict(Authorization="A")).headers == {"Authorization": "A"}
    seven = pool(maxsize=7)
    assert seven.maxsize == 7 and pool(maxsize=7) is seven and pool() is not seven
    assert (seven.pool_key.scheme, seven.pool_key.host) == (scheme, "a.example")
    assert http.connection_from_pool_key(seven.pool_key) is seven
    http.connection_pool_kw["maxsize"] = 7
    assert pool() is seven
    assert pool(assert_hostname=False, maxsize=7) is (seven if scheme == "http" else pool(assert_hostname=False))


def test_settings_changed_later_count(http):
    first = http.connection_from_url("http://a.example/")
    http.connection_pool_kw["block"] = True
    assert http.connection_from_url("http://a.example/") is not first
    assert http.pool_of("http://a.example/")[0].block is True
    del http.connection_pool_kw["block"]
    assert http.pool_of("http://a.example/")[0] is first


def test_two_threads_get_one_pool(http):
    pools = []
    start = threading.Barrier(8)

    def ask():
        start.wait()
        pools.append(http.connection_from_host("a.example"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, pools))) == 1


def test_a_response_is_a_file():
    assert issubclass(HTTPResponse, io.IOBase)


def test_every_name_of_urllib3_is_here():
    import radiopool.http

    urllib3 = pytest.importorskip("urllib3")
    assert [name for name in urllib3.__all__ if not hasattr(radiopool.http, name)] == []


def test_names_are_loaded_when_used():
    program = (
        "import sys, radiopool.http as http\n"
        "before = [name for name in sys.modules if name.startswith('radiopool.http.')]\n"
        "assert before == [], before\n"
        "from radiopool.http import *\n"
        "assert http.Retry and http.MaxRetryError and http.exceptions.HTTPError\n"
        "try:\n    http.nothing\nexcept AttributeError as error:\n    assert 'nothing' in str(error)\n"
        "else:\n    raise AssertionError\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)
