"""Observers, the log and the leak report."""

import logging

import pytest

import radiopool

HOST = "127.0.0.1"


class Diary:
    def __init__(self):
        self.lines = []

    @radiopool.observer
    def opened(self, key, socket):
        assert socket.fileno() > 0
        self.lines.append(("opened", key.scheme))

    @radiopool.observer
    def reused(self, key):
        self.lines.append(("reused", key.scheme))

    @radiopool.observer
    def closed(self, key, reason):
        self.lines.append(("closed", key.scheme, reason))


@pytest.fixture
def diary():
    diary = Diary()
    assert radiopool.observe(diary) is diary
    yield diary
    radiopool.ignore(diary)


def test_an_observer_sees_every_socket_opened_reused_and_closed(make, port, diary):
    manager = make(budget=1)
    for proto in "aab":
        with manager.lease(HOST, port, proto):
            pass
    manager.close_all()
    assert diary.lines == [
        ("opened", "a"),
        ("reused", "a"),
        ("closed", "a", "evicted"),
        ("opened", "b"),
        ("closed", "b", "retired"),
    ]


def test_nobody_is_called_after_ignore(make, port):
    diary = Diary()
    radiopool.observe(diary)
    radiopool.ignore(diary)
    assert radiopool.observing.hooks is None
    with make().lease(HOST, port):
        pass
    assert diary.lines == []


def test_an_observer_with_a_hook_that_does_not_exist_is_refused():
    class Wrong:
        @radiopool.observer
        def opend(self, key):
            """A slip of the pen."""

    with pytest.raises(Exception, match="opend"):
        radiopool.observe(Wrong())
    assert radiopool.observing.hooks is None


def test_an_observer_that_fails_costs_nobody_a_lease(make, port, caplog):
    class Broken:
        @radiopool.observer
        def opened(self):
            raise ZeroDivisionError("observer's bug")

    broken = radiopool.observe(Broken())
    try:
        with make().lease(HOST, port):
            pass
    finally:
        radiopool.ignore(broken)
    assert "an observer of opened failed" in caplog.text and "observer's bug" in caplog.text


def test_the_log_says_what_was_opened_and_why_it_was_closed(make, port, caplog):
    caplog.set_level(logging.DEBUG, "radiopool")
    manager = make()
    with manager.lease(HOST, port):
        pass
    manager.close_all()
    assert "opened PoolKey(scheme='', host='127.0.0.1'" in caplog.text
    assert "retired" in caplog.text


def test_a_lease_that_lasts_too_long_is_reported_with_the_line_that_took_it(make, port, clock, caplog):
    manager = make(budget=1, leak_after=5, wait=0)
    forgotten = manager.get_socket(HOST, port, "a")
    clock.advance(4)
    with pytest.raises(radiopool.OutOfSocketsError) as early:
        manager.get_socket(HOST, port, "b")
    assert "leased for" not in str(early.value)
    clock.advance(2)
    with pytest.raises(
        radiopool.OutOfSocketsError, match=r"leased for 6.0 s by .*test_observing.py:\d+ in test_a_lease"
    ):
        manager.get_socket(HOST, port, "b")
    with pytest.raises(radiopool.OutOfSocketsError):
        manager.get_socket(HOST, port, "b")
    assert caplog.text.count("is leased for 6.0 s, taken at") == 1, "once"
    manager.close_socket(forgotten)
    with manager.lease(HOST, port, "b"):
        assert "leased for" not in repr(manager)
