"""Requests that go out more than once, for a redirect or a failure: how often, with what, and what comes of it."""

import io
from email.message import Message

import pytest

from radiopool.errors import InvalidValueError
from radiopool.http import MaxRetryError, PoolManager, UnrewindableBodyError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BUSY = b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"
CUT = b""
"""In place of an answer: the connection is closed."""


def moved(to="/b", status=302):
    return b"HTTP/1.1 %d Moved\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % (status, to.encode())


class Answers:
    """Answers the n-th request with the n-th answer, and all further ones with the last."""

    def __init__(self, *answers):
        self.answers = answers
        self.heads = []
        self.bodies = []

    def talk(self, connection):
        with connection.makefile("rb") as stream:
            while self.answer(connection, stream):
                pass

    def answer(self, connection, stream):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = stream.readline()
            if not line:
                return False
            head += line
        body = stream.read(int(self.field(head, b"content-length") or 0))
        if self.field(head, b"transfer-encoding"):
            size = 1
            while size:
                size = int(stream.readline() or b"0", 16)
                body += stream.read(size + 2)[:size]
        self.heads.append(head)
        self.bodies.append(body)
        answer = self.answers[min(len(self.heads), len(self.answers)) - 1]
        connection.sendall(answer)
        return answer != CUT

    @staticmethod
    def field(head, name):
        lines = [line.partition(b": ") for line in head.split(b"\r\n")]
        return b", ".join(value for label, _, value in lines if label.lower() == name)

    def fields(self, name):
        """The header of that name in each request; b"" where there was none."""
        return [self.field(head, name) for head in self.heads]


@pytest.fixture
def serve(talking):
    def start(*answers):
        made = Answers(*answers)
        made.url = talking(made.talk).url + "a"
        return made

    return start


@pytest.fixture
def manager(manager):
    yield manager
    assert manager.stats()["leased"] == manager.stats()["connecting"] == 0


@pytest.fixture
def http(manager):
    with PoolManager(manager=manager) as made:
        yield made


@pytest.mark.parametrize("where", ["request", "manager"])
@pytest.mark.parametrize(("retries", "redirects"), [(1, 1), (True, 1), (3, 1), (3, 3)])
def test_a_number_of_retries_covers_redirects(serve, manager, where, retries, redirects):
    server = serve(*[moved()] * redirects, OK)
    of_manager, of_request = ({}, {"retries": retries}) if where == "request" else ({"retries": retries}, {})
    with PoolManager(manager=manager, **of_manager) as http:
        response = http.request("GET", server.url, **of_request)
    assert (response.status, response.retries.total) == (200, retries - redirects)
    assert [attempt.redirect_location for attempt in response.retries.history] == ["/b"] * redirects


@pytest.mark.parametrize("where", ["request", "manager"])
@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_redirect_beyond_that_number_is_an_error(serve, manager, where, retries):
    server = serve(moved())
    of_manager, of_request = ({}, {"retries": retries}) if where == "request" else ({"retries": retries}, {})
    with PoolManager(manager=manager, **of_manager) as http, pytest.raises(MaxRetryError, match="too many redirects"):
        http.request("GET", server.url, **of_request)
    assert len(server.heads) == retries + 1


@pytest.mark.parametrize("where", ["request", "manager"])
def test_without_retries_a_redirect_is_the_response(serve, manager, where):
    server = serve(moved())
    of_manager, of_request = ({}, {"retries": False}) if where == "request" else ({"retries": False}, {})
    with PoolManager(manager=manager, **of_manager) as http:
        assert http.request("GET", server.url, **of_request).status == 302
        assert http.request("GET", server.url, retries=3, redirect=False).status == 302
    assert len(server.heads) == 2


def test_failures_and_redirects_are_taken_off_one_number(serve, http):
    server = serve(CUT, BUSY, moved(), BUSY, moved(), OK)
    response = http.request("GET", server.url, retries=6)
    assert (response.status, response.retries.total) == (200, 1)
    seen = [attempt.status or type(attempt.error).__name__ for attempt in response.retries.history]
    assert seen == ["ProtocolError", 503, 302, 503, 302]
    server = serve(BUSY, moved(), OK)
    with pytest.raises(MaxRetryError, match="too many redirects"):
        http.request("GET", server.url, retries=1)
    assert len(server.heads) == 2


def test_secrets_under_names_of_bytes_stay_with_their_host(serve, http):
    other = serve(OK)
    server = serve(moved(other.url))
    secrets = {b"Authorization": b"SECRET", b"COOKIE": "SECRET", "X-Own": "kept"}
    assert http.request("GET", server.url, headers=secrets).status == 200
    assert server.fields(b"authorization") == server.fields(b"cookie") == [b"SECRET"]
    assert other.fields(b"authorization") == other.fields(b"cookie") == [b""]
    assert other.fields(b"x-own") == [b"kept"]


def test_names_of_bytes_that_describe_a_body_go_with_it(serve, http):
    server = serve(moved(status=303), OK)
    described = {b"Content-Length": b"2", b"Content-Type": b"text/x-own"}
    assert http.request("POST", server.url, body=b"ab", headers=described).status == 200
    assert server.fields(b"content-length") == [b"2", b""]
    assert server.fields(b"content-type") == [b"text/x-own", b""]


def test_a_content_type_under_a_name_of_bytes_is_the_only_one(serve, http):
    server = serve(OK)
    headers = {b"Content-Type": b"text/x-own"}
    http.request("POST", server.url, json=[], headers=headers)
    http.request("POST", server.url, fields={"a": "b"}, encode_multipart=False, headers=headers)
    assert server.fields(b"content-type") == [b"text/x-own", b"application/x-www-form-urlencoded"]


class Told:
    """A file that says where it stands and can't go back there."""

    def __init__(self, contents):
        self.contents = contents

    def tell(self):
        return 0

    def read(self, size=-1):
        piece, self.contents = self.contents, b""
        return piece


class ToldNoSeek(Told):
    seek = None


@pytest.mark.parametrize("kind", [Told, ToldNoSeek])
def test_a_file_without_seek_can_not_be_sent_again(serve, http, kind):
    server = serve(moved(), OK)
    with pytest.raises(UnrewindableBodyError, match="can't be rewound"):
        http.request("PUT", server.url, body=kind(b"abc"))
    assert b"".join(server.bodies) == b"abc"


def test_a_response_as_body_can_not_be_sent_again(serve, http):
    source = http.request("GET", serve(OK).url, preload_content=False)
    server = serve(BUSY, OK)
    with pytest.raises(UnrewindableBodyError, match="can't be rewound"):
        http.request("PUT", server.url, body=source)
    assert b"".join(server.bodies) == b"ok"


@pytest.mark.parametrize("retries", [False, 3])
def test_an_error_of_the_bodys_source_is_no_stale_connection(serve, http, manager, retries):
    def pieces():
        yield b"x"
        raise FileNotFoundError("my file")

    server = serve(OK)
    http.request("GET", server.url)
    with pytest.raises(FileNotFoundError, match="my file"):
        http.request("PUT", server.url, body=pieces(), retries=retries)
    assert manager.managed_socket_count == 0
    assert http.connection_from_url(server.url).num_connections == 1


def test_a_body_that_can_not_be_rewound_is_no_stale_connection(serve, http, manager):
    server = serve(moved(), OK)
    with pytest.raises(UnrewindableBodyError):
        http.request("PUT", server.url, body=Told(b"abc"))
    assert manager.managed_socket_count == 0
    assert http.connection_from_url(server.url).num_connections == 1


@pytest.mark.parametrize("whose", ["pool", "manager"])
def test_a_file_is_sent_from_the_position_given(serve, http, whose):
    server = serve(BUSY, moved(), OK)
    sender = http if whose == "manager" else http.connection_from_url(server.url)
    file = io.BytesIO(b"0123456789")
    file.seek(5)
    assert sender.urlopen("PUT", server.url, body=file, body_pos=2).status == 200
    assert server.bodies == [b"23456789"] * 3
    assert server.fields(b"content-length") == [b"8"] * 3


@pytest.mark.parametrize(("body", "position"), [(io.BytesIO(b"abc"), "1"), ([b"abc"], 1)])
def test_a_position_that_is_none(serve, http, body, position):
    server = serve(OK)
    with pytest.raises(InvalidValueError, match="body_pos must be a position in the file"):
        http.urlopen("PUT", server.url, body=body, body_pos=position)
    with pytest.raises(UnrewindableBodyError):
        http.urlopen("PUT", server.url, body=Told(b"abc"), body_pos=1)
    assert server.heads == []


@pytest.mark.parametrize("same", [True, False])
def test_a_manager_takes_assert_same_host_and_follows_all_the_same(serve, http, same):
    server = serve(moved(serve(OK).url))
    assert http.request("GET", server.url, assert_same_host=same).status == 200


def test_headers_that_can_not_be_copied(serve, http):
    other = serve(OK)
    server = serve(moved(other.url))
    headers = Message()
    for name, value in (("Authorization", "SECRET"), ("X-Own", "1"), ("X-Own", "2")):
        headers[name] = value
    assert http.request("GET", server.url, headers=headers).status == 200
    assert other.fields(b"authorization") == [b""]
    assert other.fields(b"x-own") == server.fields(b"x-own") == [b"1, 2"]
    assert headers["Authorization"] == "SECRET"
