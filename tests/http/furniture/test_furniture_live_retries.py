"""Retries against real servers: statuses, cut connections, silence, refusal; with and without waiting."""

import io
import socket
import time

import pytest

from radiopool import errors as core
from radiopool.errors import InvalidValueError
from radiopool.http import (
    ConnectTimeoutError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    ResponseError,
    Retry,
    Timeout,
    UnrewindableBodyError,
)


@pytest.fixture
def naps(monkeypatch):
    """The seconds slept, without sleeping."""
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept


@pytest.fixture
def unused_port():
    """A port that refuses: bound, and nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def test_a_status_is_tried_again(http, server, naps):
    retry = Retry(5, status_forcelist=[503], backoff_factor=0.5)
    response = http.request("GET", "http://one.example/flaky?times=3", retries=retry)
    assert response.status == 200
    assert [attempt.status for attempt in response.retries.history] == [503, 503, 503]
    assert response.retries.total == 2
    assert naps == [1.0, 2.0]
    assert server.connections == 1


def test_a_status_is_not_tried_for_ever(http, server):
    retry = Retry(2, status_forcelist=[503])
    with pytest.raises(MaxRetryError, match="too many 503 error responses") as caught:
        http.request("GET", "http://one.example/status?code=503", retries=retry)
    assert isinstance(caught.value.reason, ResponseError)
    assert len(server.requests) == 3


def test_the_last_status_may_be_the_response(http, server):
    retry = Retry(2, status_forcelist=[503], raise_on_status=False)
    assert http.request("GET", "http://one.example/status?code=503", retries=retry).status == 503
    assert len(server.requests) == 3


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_status_to_a_post_is_the_response(http, server, method):
    retry = Retry(3, status_forcelist=[503])
    assert http.request(method, "http://one.example/status?code=503", retries=retry).status == 503
    assert len(server.requests) == 1
    anything = Retry(3, status_forcelist=[503], allowed_methods=None, raise_on_status=False)
    assert http.request(method, "http://one.example/status?code=503", retries=anything, body=b"x").status == 503
    assert len(server.requests) == 5


def test_retry_after_is_waited_for(http, naps):
    response = http.request("GET", "http://one.example/flaky?times=2&after=9")
    assert (response.status, naps) == (200, [9, 9])


def test_retry_after_has_a_ceiling_and_can_be_ignored(http, naps):
    http.request("GET", "http://one.example/flaky?times=1&after=99999", retries=Retry(3, retry_after_max=5))
    assert naps == [5]
    ignoring = Retry(3, respect_retry_after_header=False)
    assert http.request("GET", "http://one.example/flaky?times=1&after=7", retries=ignoring).status == 503


def test_no_retry_after_no_retry(http, server):
    assert http.request("GET", "http://one.example/status?code=503").status == 503
    assert len(server.requests) == 1


def test_a_cut_connection_is_tried_again(http, server, echoed):
    response = http.request("GET", "http://one.example/cut?times=2", retries=3)
    assert response.status == 200
    assert len(server.requests) == 3
    history = response.retries.history
    assert [type(attempt.error) for attempt in history] == [ProtocolError, ProtocolError]


def test_a_cut_connection_with_no_retries(http, server):
    with pytest.raises(ProtocolError):
        http.request("GET", "http://one.example/cut?times=1", retries=False)
    with pytest.raises(MaxRetryError) as caught:
        http.request("GET", "http://one.example/cut?times=9", retries=2)
    assert isinstance(caught.value.reason, ProtocolError)
    assert len(server.requests) == 1 + 3


def test_a_post_that_may_have_arrived_is_not_sent_again(http, server):
    with pytest.raises(ProtocolError):
        http.request("POST", "http://one.example/cut?times=1", body=b"order", retries=5)
    assert len(server.requests) == 1


def test_a_body_is_sent_again_from_its_start(http, server, echoed):
    file = io.BytesIO(b"skipped contents")
    file.seek(8)
    heard = echoed(http.request("PUT", "http://one.example/cut?times=2", body=file, retries=3))
    assert heard["body"] == b"contents"
    with pytest.raises(UnrewindableBodyError):
        http.request("PUT", "http://one.example/cut?times=7", body=iter([b"a"]), retries=3)


def test_a_status_to_a_put_sends_the_body_again(http, server, echoed):
    retry = Retry(3, status_forcelist=[503])
    body = io.BytesIO(b"contents")
    assert (
        echoed(http.request("PUT", "http://one.example/flaky?times=2", body=body, retries=retry))["body"] == b"contents"
    )
    chunked = http.request("PUT", "http://one.example/flaky?times=3", body=[b"a", b"b"], chunked=True, retries=retry)
    assert echoed(chunked)["body"] == b"ab"
    assert set(server.fields("transfer-encoding")[3:]) == {"chunked"}


def test_nobody_listens(make_http, unused_port):
    http = make_http({("one.example", 80): unused_port}, timeout=5)
    with pytest.raises(NewConnectionError) as caught:
        http.request("GET", "http://one.example/", retries=False)
    assert isinstance(caught.value, core.ConnectError)
    with pytest.raises(MaxRetryError) as spent:
        http.request("GET", "http://one.example/path", retries=Retry(connect=2))
    assert isinstance(spent.value.reason, NewConnectionError)
    assert spent.value.url == "/path"
    # A request that never left may be sent again whatever it is.
    with pytest.raises(MaxRetryError):
        http.request("POST", "http://one.example/", body=b"order", retries=1)


def test_a_name_that_does_not_resolve(make_http):
    http = make_http(timeout=5)
    with pytest.raises(NameResolutionError, match="nowhere.invalid"):
        http.request("GET", "http://nowhere.invalid/", retries=False)


def test_silence_runs_into_the_read_timeout(http, server):
    with pytest.raises(ReadTimeoutError) as caught:
        http.request("GET", "http://one.example/silent", timeout=Timeout(connect=5, read=0.05), retries=False)
    assert caught.value.url == "/silent"
    assert isinstance(caught.value, OSError)
    with pytest.raises(MaxRetryError) as spent:
        http.request("GET", "http://one.example/silent", timeout=0.05, retries=1)
    assert isinstance(spent.value.reason, ReadTimeoutError)
    server.let_go.set()
    assert len(server.requests) == 3


def test_total_covers_connecting_and_reading(http, server):
    with pytest.raises(ReadTimeoutError):
        http.request("GET", "http://one.example/silent", timeout=Timeout(total=0.05), retries=False)
    server.let_go.set()


def test_a_timeout_of_the_pool_and_of_the_request(make_http, server):
    http = make_http({("one.example", 80): server.port}, timeout=Timeout(read=0.05), retries=False)
    with pytest.raises(ReadTimeoutError):
        http.request("GET", "http://one.example/silent")
    server.let_go.set()
    assert http.request("GET", "http://one.example/echo", timeout=5).status == 200


def test_connecting_times_out(make_http):
    # A full backlog takes no more connections: the SYN stays unanswered.
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = []
        try:
            for _ in range(3):
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
                fillers.append(filler)
            http = make_http({("one.example", 80): port})
            with pytest.raises(ConnectTimeoutError) as caught:
                http.request("GET", "http://one.example/", timeout=Timeout(connect=0.1, read=5), retries=False)
            assert not isinstance(caught.value, NewConnectionError)
        finally:
            for filler in fillers:
                filler.close()


@pytest.mark.parametrize("timeout", [-1, 0, True, "soon", float("nan")])
def test_a_bad_timeout_sends_nothing(http, server, timeout):
    with pytest.raises(InvalidValueError, match="timeout"):
        http.request("GET", "http://one.example/echo", timeout=timeout)
    assert server.connections == 0


def test_a_timeout_can_be_switched_off(http):
    assert http.request("GET", "http://one.example/echo", timeout=None).status == 200
    assert http.request("GET", "http://one.example/echo", timeout=Timeout(connect=None, read=None)).status == 200


def test_retries_of_the_manager_are_those_of_its_requests(make_http, server):
    http = make_http(
        {("one.example", 80): server.port}, retries=Retry(1, status_forcelist=[503], raise_on_status=False)
    )
    assert http.request("GET", "http://one.example/status?code=503").status == 503
    assert len(server.requests) == 2
    assert http.request("GET", "http://one.example/status?code=503", retries=0).status == 503
    assert len(server.requests) == 3


def test_a_subclass_sees_every_attempt(http):
    seen = []

    class Watching(Retry):
        def increment(self, *arguments, **keywords):
            following = super().increment(*arguments, **keywords)
            seen.append(following.history[-1].status)
            return following

    http.request("GET", "http://one.example/flaky?times=2", retries=Watching(5, status_forcelist=[503]))
    assert seen == [503, 503]
