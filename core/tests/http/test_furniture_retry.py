"""Retry: what is counted, when it ends, how long it waits."""

import email.utils
import random
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from radiopool.errors import InvalidValueError
from radiopool.http.exceptions import (
    ConnectTimeoutError,
    InvalidHeader,
    MaxRetryError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    ResponseError,
    SSLError,
)
from radiopool.http.retry import RequestHistory, Retry

CONNECT = ConnectTimeoutError("slow")
READ = ReadTimeoutError(None, "/", "silent")
OTHER = SSLError("refused")


class Answer:
    """What Retry asks of a response."""

    def __init__(self, status=500, location=False, **headers):
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self._location = location

    def get_redirect_location(self):
        return self._location


@pytest.fixture
def naps(monkeypatch):
    """The seconds slept, without sleeping."""
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept


@pytest.mark.parametrize(
    ("event", "count"),
    [
        ({"error": CONNECT}, "connect"),
        ({"error": ProxyError("no proxy", CONNECT)}, "connect"),
        ({"error": READ}, "read"),
        ({"error": ProtocolError("reset")}, "read"),
        ({"error": OTHER}, "other"),
        ({"response": Answer(302, "/next")}, "redirect"),
        ({"response": Answer(503)}, "status"),
    ],
)
def test_each_event_has_its_count(event, count):
    retry = Retry(total=5, connect=3, read=3, redirect=3, status=3, other=3)
    after = retry.increment("GET", "/", **event)
    spent = {name for name in ("connect", "read", "redirect", "status", "other") if getattr(after, name) == 2}
    assert spent == {count}
    assert (after.total, retry.total) == (4, 5)
    limited = Retry(total=5, **{count: 0})
    with pytest.raises(MaxRetryError) as caught:
        limited.increment("GET", "/", **event)
    assert caught.value.__cause__ is caught.value.reason


def test_total_wins():
    retry = Retry(total=1, connect=10)
    retry = retry.increment("GET", "/", error=CONNECT)
    with pytest.raises(MaxRetryError) as caught:
        retry.increment("GET", "/path", error=CONNECT, _pool="pool")
    assert (caught.value.reason, caught.value.url, caught.value.pool) == (CONNECT, "/path", "pool")


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (Answer(302, "/next"), "too many redirects"),
        (Answer(503), "too many 503 error responses"),
        (None, ResponseError.GENERIC_ERROR),
    ],
)
def test_the_reason_says_what_was_too_much(response, words):
    with pytest.raises(MaxRetryError) as caught:
        Retry(0).increment("GET", "/", response=response)
    assert str(caught.value.reason) == words


@pytest.mark.parametrize(
    ("retry", "error"),
    [
        (Retry(False), CONNECT),
        (Retry(connect=False), CONNECT),
        (Retry(read=False), READ),
        (Retry(allowed_methods={"GET"}), READ),
    ],
)
def test_the_error_itself_where_no_retry_is_wanted(retry, error):
    with pytest.raises(type(error)) as caught:
        retry.increment("POST", "/", error=error)
    assert caught.value is error


def test_post_is_sent_again_only_if_it_never_arrived():
    assert Retry(1).increment("POST", "/", error=CONNECT).total == 0
    with pytest.raises(ReadTimeoutError):
        Retry(1).increment("POST", "/", error=READ)
    assert Retry(1, allowed_methods=None).increment("POST", "/", error=READ).total == 0


def test_history():
    retry = Retry(5).increment("GET", "/a", error=CONNECT)
    retry = retry.increment("GET", "/a", response=Answer(302, "/b"))
    retry = retry.increment("GET", "/b", response=Answer(503))
    assert retry.history == (
        RequestHistory("GET", "/a", CONNECT, None, None),
        RequestHistory("GET", "/a", None, 302, "/b"),
        RequestHistory("GET", "/b", None, 503, None),
    )


@pytest.mark.parametrize(
    ("retry", "method", "status", "asks", "again"),
    [
        (Retry(), "GET", 500, False, False),
        (Retry(status_forcelist=[500]), "GET", 500, False, True),
        (Retry(status_forcelist=[500]), "get", 500, False, True),
        (Retry(status_forcelist=[500]), "POST", 500, False, False),
        (Retry(status_forcelist=[500], allowed_methods=None), "POST", 500, False, True),
        (Retry(), "GET", 503, True, True),
        (Retry(), "GET", 503, False, False),
        (Retry(), "GET", 418, True, False),
        (Retry(0), "GET", 503, True, False),
        (Retry(respect_retry_after_header=False), "GET", 503, True, False),
        (Retry(), "POST", 429, True, False),
    ],
)
def test_is_retry(retry, method, status, asks, again):
    assert retry.is_retry(method, status, has_retry_after=asks) is again


@pytest.mark.parametrize(
    ("given", "total", "redirect", "raises"),
    [(None, 3, None, True), (7, 7, None, True), (0, 0, None, True), (False, False, 0, False), (True, True, None, True)],
)
def test_from_int(given, total, redirect, raises):
    retry = Retry.from_int(given)
    assert (retry.total, retry.redirect, retry.raise_on_redirect) == (total, redirect, raises)


def test_from_int_keeps_a_retry_and_takes_a_default():
    retry = Retry(2)
    assert Retry.from_int(retry) is retry
    assert Retry.from_int(None, default=retry) is retry
    assert Retry.from_int(None, default=4).total == 4
    assert Retry.from_int(3, redirect=False).redirect == 0


def test_backoff_doubles_from_the_second_failure_on(naps):
    retry = Retry(10, backoff_factor=0.2, backoff_max=1.0)
    waits = []
    for _ in range(6):
        retry = retry.increment("GET", "/", response=Answer(500))
        waits.append(retry.get_backoff_time())
        retry.sleep()
    assert waits == [0, 0.4, 0.8, 1.0, 1.0, 1.0]
    assert naps == waits[1:]
    assert retry.increment("GET", "/", response=Answer(302, "/")).get_backoff_time() == 0


def test_jitter_is_added_below_the_ceiling(monkeypatch):
    monkeypatch.setattr(random, "random", lambda: 0.5)
    retry = Retry(10, backoff_factor=1, backoff_jitter=3)
    for _ in range(2):
        retry = retry.increment("GET", "/", response=Answer(500))
    assert retry.get_backoff_time() == 3.5
    assert retry.new(backoff_max=3).get_backoff_time() == 3


def test_a_thousand_failures_wait_no_longer_than_the_ceiling():
    retry = Retry(None, backoff_factor=1, history=(RequestHistory("GET", "/", CONNECT, None, None),) * 2000)
    assert retry.get_backoff_time() == Retry.DEFAULT_BACKOFF_MAX


@pytest.mark.parametrize(
    ("field", "seconds"),
    [("3", 3), (" 120 ", 120), ("0", 0), ("99999999", 21600), ("9" * 5000, 21600)],
)
def test_retry_after_as_a_number(field, seconds):
    assert Retry().parse_retry_after(field) == seconds


@pytest.mark.parametrize(("ahead", "seconds"), [(90, 90), (-90, 0), (10**6, 21600)])
def test_retry_after_as_a_date(monkeypatch, ahead, seconds):
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.0)
    assert Retry().parse_retry_after(email.utils.formatdate(1_700_000_000 + ahead, usegmt=True)) == seconds


@pytest.mark.parametrize("field", ["soon", "-3", "1.5", "", "3 seconds"])
def test_retry_after_that_is_neither(field):
    with pytest.raises(InvalidHeader, match="Retry-After"):
        Retry().parse_retry_after(field)


DATES = st.from_regex(
    r"(Mon, )?[0-9]{1,5}[ -](Jan|Feb|Xxx)[ -][0-9]{0,6} [0-9]{1,3}:[0-9]{0,4}:?[0-9]{0,3} ?(GMT|[+-][0-9]{0,9})?",
    fullmatch=True,
)


@given(DATES | st.text() | st.text("0123456789 :,GMT+-JanMon", max_size=40))
@example("0 Jan 10000 0:0")
def test_retry_after_of_any_text(field):
    try:
        assert 0 <= Retry().parse_retry_after(field) <= Retry.DEFAULT_RETRY_AFTER_MAX
    except InvalidHeader:
        pass


def test_sleep_prefers_what_the_server_asks(naps):
    retry = Retry(5, backoff_factor=1).increment(error=OTHER).increment(error=OTHER)
    retry.sleep(Answer(503, Retry_After="7"))
    retry.sleep(Answer(503, Retry_After="0"))
    retry.sleep(Answer(503))
    retry.new(respect_retry_after_header=False).sleep(Answer(503, Retry_After="7"))
    assert naps == [7, 2, 2, 2]


def test_a_subclass_stays_one():
    class Patient(Retry):
        def get_backoff_time(self):
            return 42

    assert type(Patient(3).increment(error=OTHER)) is Patient
    assert type(Patient.from_int(2)) is Patient


def test_bad_input_is_named():
    with pytest.raises(InvalidValueError, match="total.*'three'"):
        Retry("three")
    with pytest.raises(TypeError, match="patience"):
        Retry(patience=3)


def test_same_as_urllib3():
    theirs = pytest.importorskip("urllib3.util.retry")
    errors = pytest.importorskip("urllib3.exceptions")
    ours = {CONNECT: errors.ConnectTimeoutError("slow"), READ: errors.ReadTimeoutError(None, "/", "silent")}
    draw = random.Random(5)
    for _ in range(400):
        counts = ("total", "connect", "read", "redirect", "status", "other")
        settings = {name: draw.choice([None, False, 0, 1, 2, 3]) for name in counts}
        settings["backoff_factor"] = draw.choice([0, 0.5])
        one, other = Retry(**settings), theirs.Retry(**settings)
        for _ in range(5):
            kind = draw.choice([CONNECT, READ, Answer(302, "/x"), Answer(503)])
            method = draw.choice(["GET", "POST"])
            outcome = []
            for retry, event in ((one, kind), (other, ours.get(kind, kind))):
                key = "response" if isinstance(kind, Answer) else "error"
                try:
                    outcome.append(retry.increment(method, "/", **{key: event}))
                except Exception as error:
                    outcome.append(type(error).__name__)
            if isinstance(outcome[0], str):
                assert outcome[0] == outcome[1], settings
                break
            one, other = outcome
            assert repr(one) == repr(other)
            assert one.get_backoff_time() == other.get_backoff_time()
