"""What is no argument for a request is refused by name, before anything is sent or leased."""

import pytest

from radiopool import ConnectionManager, GenericDriver, manager_for
from radiopool.errors import DriverError, InvalidValueError
from radiopool.http import HTTPConnectionPool, PoolManager
from radiopool.http.exceptions import InvalidHeader, LocationValueError


class NoPool:
    """A socket pool that must not be asked."""


@pytest.fixture
def http():
    manager = ConnectionManager(NoPool(), driver=GenericDriver())
    yield PoolManager(manager=manager)
    manager.close()


@pytest.mark.parametrize("method", [None, 7, b"GET", ["GET"]], ids=repr)
def test_a_method_that_is_no_text(http, method):
    with pytest.raises(InvalidHeader, match="method must be text, not "):
        http.request(method, "http://host.example/")


@pytest.mark.parametrize("method", ["", "G T", "GET\r\nX: y"], ids=repr)
def test_a_method_that_is_no_token(http, method):
    with pytest.raises(InvalidHeader, match="no token"):
        http.request(method, "http://host.example/")


@pytest.mark.parametrize("fields", [7, [7], ["abc"], object()], ids=["7", "[7]", "three letters", "object"])
def test_fields_that_are_no_pairs(http, fields):
    with pytest.raises(InvalidValueError, match="fields must be a mapping, or pairs"):
        http.request("GET", "http://host.example/", fields=fields)


@pytest.mark.parametrize("seconds", [-1, "1", float("nan"), True], ids=repr)
def test_a_pool_timeout_that_is_no_number_of_seconds(http, seconds):
    with pytest.raises(InvalidValueError, match="pool_timeout must be None or seconds"):
        http.request("GET", "http://host.example/", pool_timeout=seconds)


@pytest.mark.parametrize("port", ["80", 80.0, -1, 65536, True], ids=repr)
def test_a_port_that_is_none(port):
    manager = ConnectionManager(NoPool(), driver=GenericDriver())
    with pytest.raises(LocationValueError, match="port must be a whole number up to 65535, not "):
        HTTPConnectionPool("host.example", port, manager=manager)
    manager.close()


@pytest.mark.parametrize("make", [manager_for, PoolManager], ids=lambda made: made.__name__)
def test_a_driver_that_is_none(make):
    with pytest.raises(DriverError, match="is not a driver"):
        make(driver=object())
