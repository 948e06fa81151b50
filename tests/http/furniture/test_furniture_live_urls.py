"""What is asked for, on the wire: normalised URLs, IDNA, IPv6, user information, and URLs that are refused."""

import contextlib
import socket

import pytest

from radiopool import errors as core
from radiopool.http import LocationParseError, LocationValueError, URLSchemeUnknown, connection_from_url


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://one.example", "/"),
        ("http://one.example?q=1", "/?q=1"),
        ("HTTP://ONE.Example:80/echo", "/echo"),
        ("http://one.example/a/./b/../c", "/a/c"),
        ("http://one.example/%7euser ü?ä b%zz#fragment", "/%7Euser%20%C3%BC?%C3%A4%20b%25zz"),
        ("http://one.example\\@other.example/", "/%5C@other.example/"),
        ("http://%6fne.example/echo", "/echo"),
        ("http://one.example//echo", "//echo"),
        ("http://one.example//echo%20b", "//echo%20b"),
    ],
)
def test_what_goes_out(http, server, url, path):
    http.request("GET", url)
    assert (server.requests[0][1], server.requests[0][2]["host"]) == (path, "one.example")


def test_names_beyond_ascii(make_http, server, echoed):
    http = make_http()
    http.manager.radio.hosts["xn--bcher-kva.example"] = ("127.0.0.1",)
    assert echoed(http.request("GET", "http://Bücher.example:%d/echo" % server.port))["host"] == (
        "xn--bcher-kva.example:%d" % server.port
    )


def test_ipv6(make_http, echoed):
    with contextlib.closing(socket.socket(socket.AF_INET6)) as listener:
        try:
            listener.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 on this machine's loopback")
        listener.listen()
        port = listener.getsockname()[1]
        http = make_http(timeout=5)
        response = None

        def answer():
            connection, _ = listener.accept()
            with connection:
                heard.append(connection.recv(9999))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        import threading

        heard = []
        thread = threading.Thread(target=answer)
        thread.start()
        response = http.request("GET", "http://[::1]:%d/" % port)
        thread.join()
        assert response.status == 200
        assert b"\r\nHost: [::1]:%d\r\n" % port in heard[0]


def test_user_information_is_not_sent(http, server):
    http.request("GET", "http://user:secret@one.example/echo")
    assert server.fields("authorization") == [None]
    assert server.fields("host") == ["one.example"]


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("one.example/path", URLSchemeUnknown),
        ("/path", LocationValueError),
        ("", LocationValueError),
        ("ftp://one.example/", URLSchemeUnknown),
        ("file:///etc/passwd", LocationValueError),
        ("http://", LocationValueError),
        ("http://one.example:99999/", LocationParseError),
        ("http://one.example:x/", LocationParseError),
        ("http://[::1/", LocationParseError),
        ("http://one example/", LocationParseError),
        ("http://one.example\r\n/", LocationParseError),
    ],
)
def test_a_url_that_leads_nowhere(http, server, url, error):
    with pytest.raises(error) as caught:
        http.request("GET", url)
    assert isinstance(caught.value, core.InvalidValueError)
    assert not server.requests


def test_a_target_is_encoded(http, server):
    http.connection_from_url("http://one.example").request("GET", "/a b\t")
    (_, path, _) = server.requests[0]
    assert path == "/a%20b%09"


@pytest.mark.parametrize("target", ["/a\r\nX: 1", "/a\nb", "/a\x00b", "/?q=\r"])
def test_a_target_with_a_line_end_is_refused(http, server, target):
    for ask in http.connection_from_url("http://one.example").request, http.request:
        with pytest.raises(LocationParseError, match="without line ends"):
            ask("GET", target if ask is not http.request else "http://one.example" + target)
    assert not server.requests


def test_connection_from_url(server):
    with connection_from_url("http://127.0.0.1:%d/path" % server.port, timeout=5) as pool:
        assert pool.request("GET", "/echo").status == 200
        assert pool.num_requests == pool.num_connections == 1


@pytest.mark.parametrize("keyword", ["bogus", "time_out"])
def test_an_unknown_keyword_of_a_request(http, server, keyword):
    with pytest.raises(TypeError, match=keyword):
        http.request("GET", "http://one.example/echo", **{keyword: 1})
    assert not server.requests
