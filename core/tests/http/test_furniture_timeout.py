"""Timeout: what is accepted, and how connect, read and total come together."""

import socket
import time

import pytest

from radiopool.errors import InvalidValueError
from radiopool.http.exceptions import TimeoutStateError
from radiopool.http.timeout import Timeout

NAMES = ("connect", "read", "total")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [-1, 0, -0.5, True, False, "soon", "3", [], float("nan"), float("inf"), b"1", 1j])
def test_bad_values_are_named(name, value):
    with pytest.raises(InvalidValueError, match=name) as caught:
        Timeout(**{name: value})
    assert repr(value) in str(caught.value)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [None, 0.001, 3, 7.5, Timeout.DEFAULT_TIMEOUT])
def test_good_values(name, value):
    Timeout(**{name: value})


@pytest.mark.parametrize(
    ("settings", "connect", "read"),
    [
        ({"connect": 3, "read": 7}, 3, 7),
        ({"total": 2, "connect": 3, "read": 7}, 2, 2),
        ({"total": 5, "connect": 3}, 3, 5),
        ({"total": 5}, 5, 5),
        ({"total": 5, "connect": None, "read": None}, 5, 5),
        ({"connect": None, "read": None}, None, None),
    ],
)
def test_the_smaller_one_rules(monkeypatch, settings, connect, read):
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    timeout = Timeout(**settings)
    timeout.start_connect()
    assert timeout.connect_timeout == connect
    assert timeout.read_timeout == read


def test_connecting_uses_up_the_total(monkeypatch):
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    timeout = Timeout(total=10, read=8)
    assert timeout.start_connect() == 100.0
    now = 103.0
    assert timeout.get_connect_duration() == 3.0
    assert timeout.read_timeout == 7
    now = 120.0
    assert timeout.read_timeout == 0
    assert Timeout(total=10, read=8).read_timeout == 8


def test_the_clock_is_started_once_and_read_after():
    timeout = Timeout(total=5)
    with pytest.raises(TimeoutStateError):
        timeout.get_connect_duration()
    with pytest.raises(TimeoutStateError):
        _ = timeout.read_timeout
    timeout.start_connect()
    with pytest.raises(TimeoutStateError):
        timeout.start_connect()
    timeout.clone().start_connect()


def test_default_is_the_interpreters():
    assert Timeout().connect_timeout is Timeout.DEFAULT_TIMEOUT
    previous = socket.getdefaulttimeout()
    try:
        socket.setdefaulttimeout(4.5)
        assert Timeout().read_timeout == 4.5
        assert Timeout.resolve_default_timeout(Timeout.DEFAULT_TIMEOUT) == 4.5
        assert Timeout.resolve_default_timeout(2) == 2
    finally:
        socket.setdefaulttimeout(previous)


def test_from_float_and_repr():
    timeout = Timeout.from_float(3)
    assert (timeout.connect_timeout, timeout.read_timeout) == (3, 3)
    assert repr(timeout) == str(timeout) == "Timeout(connect=3, read=3, total=None)"
