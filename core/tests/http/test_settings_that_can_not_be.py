"""Settings and arguments of the wrong kind: refused by name before a socket is leased, and nothing left behind."""

import pytest

from radiopool import manager_for
from radiopool.errors import InvalidValueError
from radiopool.http import HTTPConnectionPool, LocationParseError, PoolManager
from radiopool.http.errors import InvalidHeader
from radiopool_cpython import HostNetwork


@pytest.fixture
def manager():
    with manager_for(HostNetwork()) as made:
        yield made
        assert made.stats()["opened"] == made.stats()["leased"] == 0


@pytest.mark.parametrize("count", ["4", 1.5, None, True, -1])
def test_maxsize_is_a_whole_number(manager, count):
    with pytest.raises(InvalidValueError, match="maxsize must be a whole number of at least 0, not"):
        HTTPConnectionPool("a.example", maxsize=count, manager=manager)
    with PoolManager(manager=manager, maxsize=count) as http, pytest.raises(ValueError, match="maxsize"):
        http.request("GET", "http://127.0.0.1:1/")


def test_a_pool_that_blocks_has_room_for_one(manager):
    with pytest.raises(InvalidValueError, match="maxsize must be a whole number of at least 1, not 0"):
        HTTPConnectionPool("a.example", maxsize=0, block=True, manager=manager)


@pytest.mark.parametrize("count", ["10", 1.5, None, False, 0, -1])
def test_num_pools_is_a_whole_number(manager, count):
    with pytest.raises(InvalidValueError, match="num_pools must be a whole number of at least 1, not"):
        PoolManager(count, manager=manager)


@pytest.mark.parametrize("headers", [[("a", "b")], "a: b", 7])
def test_headers_are_a_mapping(manager, headers):
    with PoolManager(manager=manager) as http, pytest.raises(InvalidHeader, match="headers must be a mapping"):
        http.request("GET", "http://127.0.0.1:1/", headers=headers)


@pytest.mark.parametrize("url", [None, b"http://127.0.0.1:1/", 7])
def test_a_url_is_text(manager, url):
    with PoolManager(manager=manager) as http, pytest.raises(LocationParseError, match="a URL is text"):
        http.request("GET", url)
