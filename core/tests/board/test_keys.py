from expect import raises
from radiopool.errors import InvalidValueError
from radiopool.keys import PoolKey, check_address, check_timeout

KEY = ("http", "a.example", 80, None, None, None, None, None, None)


def test_equal_fields_make_equal_keys():
    assert PoolKey(*KEY) == PoolKey(*KEY)
    assert hash(PoolKey(*KEY)) == hash(PoolKey(*KEY))


def test_every_field_makes_keys_unequal():
    for index in range(len(KEY)):
        other = list(KEY)
        other[index] = ("another",)
        assert PoolKey(*other) != PoolKey(*KEY), index


def test_fields_have_names():
    key = PoolKey(*KEY)
    assert (key.scheme, key.host, key.port) == ("http", "a.example", 80)


def test_a_bad_port_is_named():
    for port in ("http", 0, 70000, -1, None, True, 80.0):
        assert repr(port) in str(raises(InvalidValueError, check_address, "a", port))


def test_a_bad_host_is_named():
    for host in ("", "a b", "a\0b", "a\nb", None, 7, b"a"):
        assert "host" in str(raises(InvalidValueError, check_address, host, 80))


def test_good_addresses_pass():
    for host in ("a.example", "127.0.0.1", "::1", "xn--bcher-kva.example"):
        check_address(host, 1)
        check_address(host, 65535)


def test_a_bad_timeout_is_named():
    for timeout in (-1, -0.5, "5", float("nan"), True):
        error = raises(InvalidValueError, check_timeout, timeout, "wait")
        assert "wait" in str(error) and repr(timeout) in str(error)


def test_good_timeouts_pass():
    for timeout in (None, 0, 0.5, 10):
        check_timeout(timeout)
