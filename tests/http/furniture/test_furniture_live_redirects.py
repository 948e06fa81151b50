"""Redirects against real servers: across hosts and schemes, methods, bodies, headers, limits, and what is refused."""

import io
import urllib.parse

import pytest

from radiopool.http import (
    HostChangedError,
    LocationParseError,
    MaxRetryError,
    Retry,
    UnrewindableBodyError,
    URLSchemeUnknown,
)


def redirect(to, status=302, host="one.example"):
    return "http://%s/redirect?%s" % (host, urllib.parse.urlencode({"to": to, "status": status}))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_get_is_followed(http, server, echoed, status):
    response = http.request("GET", redirect("/echo?a=1", status))
    assert (response.status, echoed(response)["path"]) == (200, "/echo?a=1")
    assert server.connections == 1


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/echo", "/echo"),
        ("echo", "/echo"),
        ("?to=/echo", "/redirect?to=/echo"),
        ("./a/../echo?x", "/echo?x"),
        ("http://one.example/echo", "/echo"),
        ("//one.example/echo", "/echo"),
        ("HTTP://ONE.example:80/echo", "/echo"),
        ("/echo#part", "/echo"),
        ("/echo?a b", "/echo?a%20b"),
    ],
)
def test_where_a_location_leads(http, server, location, path):
    http.request("GET", redirect(location), retries=Retry(1, raise_on_redirect=False))
    assert server.requests[1][1] == path


def test_a_location_of_raw_utf8(http, echoed):
    response = http.request("GET", "http://one.example/relative?to=/echo/%C3%BC")
    assert echoed(response)["path"] == "/echo/%C3%BC"


@pytest.mark.parametrize(
    ("status", "method", "then", "with_body"),
    [
        (303, "POST", "GET", False),
        (303, "PUT", "GET", False),
        (303, "HEAD", "HEAD", False),
        (307, "POST", "POST", True),
        (308, "PUT", "PUT", True),
        (301, "POST", "POST", True),
        (302, "POST", "POST", True),
    ],
)
def test_method_and_body(http, server, status, method, then, with_body):
    response = http.request(
        method,
        redirect("/echo", status),
        body=b"payload" if method != "HEAD" else None,
        headers={"Content-Type": "text/x-own", "X-Own": "kept"},
    )
    assert response.status == 200
    asked, _, fields = server.requests[1]
    assert asked == then
    assert fields["x-own"] == "kept"
    assert fields["content-length"] == ("7" if with_body else None)
    if method != "HEAD":
        assert fields["content-type"] == ("text/x-own" if with_body else None)


def test_a_file_is_sent_again_from_where_it_stood(http, server, echoed):
    file = io.BytesIO(b"skipped payload")
    file.seek(8)
    assert echoed(http.request("PUT", redirect("/echo", 307), body=file))["body"] == b"payload"
    assert server.fields("content-length") == ["7", "7"]


def test_a_list_is_sent_again_and_an_iterator_is_not(http, echoed):
    assert echoed(http.request("PUT", redirect("/echo", 307), body=[b"a", b"b"]))["body"] == b"ab"
    with pytest.raises(UnrewindableBodyError, match="iterator"):
        http.request("PUT", redirect("/echo", 307), body=iter([b"a", b"b"]))


SECRETS = {"Authorization": "Basic x", "cookie": "a=b", "Proxy-Authorization": "Basic y", "X-Own": "kept"}


@pytest.mark.parametrize(
    "to",
    ["http://other.example/echo", "http://two.example/echo", "http://one.example:8081/echo", "//other.example/echo"],
)
def test_another_host_does_not_see_the_secrets(make_http, server, other_server, to):
    places = [("one.example", 80), ("two.example", 80), ("one.example", 8081)]
    http = make_http({**dict.fromkeys(places, server.port), ("other.example", 80): other_server.port})
    assert http.request("GET", redirect(to), headers=SECRETS).status == 200
    first, second = (server.requests + other_server.requests)[:2]
    assert {name: first[2][name] for name in SECRETS} == SECRETS
    assert [second[2][name] for name in SECRETS] == [None, None, None, "kept"]


def test_the_same_host_does(http, server):
    http.request("GET", redirect("http://one.example:80/echo"), headers=SECRETS)
    assert {name: server.requests[1][2][name] for name in SECRETS} == SECRETS


def test_secrets_stay_away_after_a_way_back(http, server, other_server):
    back = redirect("http://one.example/echo", host="other.example")
    http.request("GET", redirect(back), headers=SECRETS)
    assert [server.requests[1][2][name] for name in SECRETS] == [None, None, None, "kept"]


def test_what_is_removed_can_be_chosen(http, other_server):
    retry = Retry(remove_headers_on_redirect=["X-Own"])
    http.request("GET", redirect("http://other.example/echo"), headers=SECRETS, retries=retry)
    fields = other_server.requests[0][2]
    assert (fields["x-own"], fields["cookie"]) == (None, "a=b")


def test_the_callers_headers_are_not_changed(http):
    headers = dict(SECRETS)
    http.headers = headers
    http.request("GET", redirect("http://other.example/echo"))
    http.request("POST", redirect("http://other.example/echo", 303), headers=headers, body=b"x")
    assert headers == SECRETS


def test_from_http_to_https_and_back(make_http, server, tls_server, authority, echoed):
    http = make_http(
        {("one.example", 80): server.port, ("one.example", 443): tls_server.port}, timeout=10, ca_certs=authority.file
    )
    response = http.request("GET", redirect("https://one.example/echo"), headers=SECRETS)
    assert echoed(response)["version"] is not None
    assert tls_server.fields("authorization") == [None]
    response = http.request("GET", "https://one.example/redirect?to=http://one.example/echo", headers=SECRETS)
    assert echoed(response)["version"] is None
    assert server.fields("authorization")[-1] is None
    assert len(http.pools) == 2


@pytest.mark.parametrize("keywords", [{"redirect": False}, {"retries": False}])
def test_not_followed_when_not_wanted(http, server, keywords):
    response = http.request("GET", redirect("/echo"), **keywords)
    assert (response.status, response.headers["location"]) == (302, "/echo")
    assert response.get_redirect_location() == "/echo"
    assert len(server.requests) == 1


def test_a_loop_ends(http, server):
    with pytest.raises(MaxRetryError, match="too many redirects") as caught:
        http.request("GET", "http://one.example/loop")
    assert caught.value.url
    assert len(server.requests) == 4
    with pytest.raises(MaxRetryError):
        http.request("GET", "http://one.example/loop", retries=Retry(redirect=7))
    assert len(server.requests) == 4 + 8
    assert server.connections == 1


def test_a_loop_may_end_in_the_last_response(http, server):
    response = http.request("GET", "http://one.example/loop", retries=Retry(2, raise_on_redirect=False))
    assert (response.status, len(response.retries.history)) == (302, 2)
    assert http.request("GET", "http://one.example/loop", retries=Retry(5, redirect=False)).status == 302


def test_history_and_geturl(http):
    response = http.request("GET", redirect(redirect("http://other.example/echo")))
    assert [attempt.status for attempt in response.retries.history] == [302, 302]
    assert response.geturl() == "http://other.example/echo"
    assert http.request("GET", "http://one.example/echo").geturl() == "/echo"


@pytest.mark.parametrize(
    "to", ["file:///etc/passwd", "ftp://other.example/", "javascript:alert(1)", "data:,x", "gopher://x"]
)
def test_a_way_out_of_http_is_refused(http, server, to):
    with pytest.raises(URLSchemeUnknown, match=to.partition(":")[0]) as caught:
        http.request("GET", redirect(to))
    assert caught.value.scheme == to.partition(":")[0]
    assert len(server.requests) == 1


@pytest.mark.parametrize("to", ["http://", "http:///path", "http://[::1", "http://host:99999/", "http://a..b/"])
def test_a_location_that_is_none_is_refused(http, server, to):
    with pytest.raises(LocationParseError):
        http.request("GET", redirect(to))


def test_a_pool_stays_with_its_host(http, server, echoed):
    pool = http.connection_from_url("http://one.example/")
    assert echoed(pool.request("GET", "/redirect?to=/echo"))["path"] == "/echo"
    with pytest.raises(HostChangedError) as caught:
        pool.request("GET", "/redirect?to=http://other.example/echo")
    assert caught.value.url == "http://other.example/echo"
    with pytest.raises(HostChangedError):
        pool.request("GET", "http://other.example/echo")
    assert pool.request("GET", "/redirect?to=http://other.example/echo", redirect=False).status == 302
    assert pool.request("GET", "http://one.example/echo").status == 200


def test_assert_same_host_false_sends_it_here(http, server):
    pool = http.connection_from_url("http://one.example/")
    assert pool.request("GET", "/redirect?to=http://other.example/echo", assert_same_host=False).status == 200
    assert len(server.requests) == 2


def test_a_redirect_that_asks_to_wait(http, monkeypatch):
    import time

    naps = []
    monkeypatch.setattr(time, "sleep", naps.append)
    assert http.request("GET", "http://one.example/status?code=503&after=7", retries=Retry(1, raise_on_status=False))
    assert naps == [7]


@pytest.mark.parametrize("to", ["file:///etc/passwd", "http://", "http://one.example:99999/"])
def test_a_refused_location_leaves_no_socket_leased(http, to):
    with pytest.raises(ValueError) as caught:
        http.request("GET", redirect(to), preload_content=False)
    assert caught.value.__traceback__ is not None
    assert http.manager.stats()["leased"] == 0
