"""The host that a connection pool is given without a URL: what can be none is refused, names become ASCII."""

import pytest

from radiopool import manager_for
from radiopool.http import HTTPConnectionPool, LocationParseError, PoolManager, ProxyManager
from radiopool_cpython import HostNetwork


@pytest.fixture
def manager():
    with manager_for(HostNetwork()) as made:
        yield made
        assert made.stats()["opened"] == 0


@pytest.mark.parametrize(
    "host", ["a\r\nX-Evil: 1\r\nY:", "a\nb", "a b", "a\0", "[::1\r\nX: 1]", "fe80::1%\r\nX", "a%0d%0ab", "::x", "[]"]
)
def test_what_can_be_no_host_is_refused(manager, host):
    with pytest.raises(LocationParseError):
        HTTPConnectionPool(host, 80, manager=manager)
    with PoolManager(manager=manager) as http, pytest.raises(LocationParseError):
        http.connection_from_host(host)
    with ProxyManager("http://127.0.0.1:1", manager=manager) as http, pytest.raises(LocationParseError):
        http.connection_from_host(host, 443, "https")


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ("Bücher.example", "xn--bcher-kva.example"),
        ("Example.COM", "example.com"),
        ("my_host", "my_host"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("[FE80::1%eth0]", "fe80::1%eth0"),
        ("fe80::1%250", "fe80::1%250"),
        ("0x7F.1", "0x7f.1"),
    ],
)
def test_a_host_is_as_a_url_would_give_it(manager, given, host):
    pool = HTTPConnectionPool(given, 80, manager=manager)
    assert pool.host == host
    if "%" not in given and "x7" not in given:
        assert pool.is_same_host("http://%s:80/" % ("[::1]" if ":" in given else given))
