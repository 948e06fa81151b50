"""The response reader beside h11 as the oracle: what both accept they read alike, and whatever h11 would not use
again is never recycled.

Where we are stricter, and why (each refusal must be one of these):

- a version other than 1.0 and 1.1: nobody sends one, and what its framing means is not written down;
- lines that end in a bare LF (RFC 9112 section 2.2 permits, and does not ask for, reading them): two readers that
  differ about line ends are how responses are smuggled;
- leading empty lines before the status line, a head over HEAD_LIMIT bytes, over 16 interim responses;
- a control character in a value or the reason (RFC 9110 section 5.5), where h11 lets some pass;
- a field value that h11 folds (obs-fold, RFC 9112 section 5.2): refused as that section permits;
- white space between a chunk's size and its line's end, or a chunk extension with a control character;
- Transfer-Encoding in HTTP/1.0 is read, and closes.
"""

import re

import h11
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from radiopool.http import wire
from radiopool.http.errors import HTTPError
from radiopool.http.fastwire import shrink
from radiopool.http.headers import parse


class Peer:
    """A socket that gives what it has in pieces of the given sizes, then closes."""

    def __init__(self, data, sizes):
        self.data = data
        self.sizes = list(sizes)
        self.at = 0

    def recv_into(self, buffer, nbytes=0):
        size = self.sizes.pop(0) if self.sizes else 1 << 20
        room = min(nbytes or len(buffer), len(buffer), max(size, 1))
        piece = self.data[self.at : self.at + room]
        buffer[: len(piece)] = piece
        self.at += len(piece)
        return len(piece)


class Pool:
    """The connection pool and the manager of one exchange: remembers how its lease ended."""

    maxsize = 1

    def __init__(self, peer):
        self.manager = self
        self.socket = peer
        self.ended = None

    def recycle(self, entry, max_idle=None):
        assert self.ended is None
        self.ended = "recycled"

    def discard(self, entry, reason):
        assert self.ended is None
        assert reason
        self.ended = reason


def ours(data, sizes, method, amounts=()):
    """(status, headers, body or None, recycled, error)."""
    peer = Peer(data, sizes)
    pool = Pool(peer)
    exchange = wire.begin(pool, pool)
    status = headers = body = error = None
    try:
        exchange.receive(method)
        status = exchange.status
        headers = [(name.lower(), value) for name, value in parse(exchange.head).items()]
        if len(amounts) % 2 or len(data) % 3 == 0:
            shrink(exchange)
        if amounts:
            body = b""
            amounts = list(amounts)
            while exchange.entry:
                piece = bytearray(amounts.pop(0) if amounts else 1000)
                body += piece[: exchange.readinto(piece, len(piece))]
        else:
            body = exchange.read()
    except HTTPError as failure:
        error = failure
        body = None
    assert exchange.entry is None
    # What came after the response is only seen if it came with it; the manager's probe finds the rest before reuse.
    recycled = pool.ended == "recycled" and peer.at == len(data)
    assert error is None or pool.ended != "recycled"
    wire.spare(exchange)
    return status, headers, body, recycled, error


def theirs(data, method):
    """The same of h11."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    connection.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())
    status = headers = None
    body = b""
    try:
        connection.receive_data(data)
        closed = False
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                if closed:
                    return status, headers, None, False
                connection.receive_data(b"")
                closed = True
            elif isinstance(event, h11.Response):
                status = event.status_code
                headers = [(name.decode(), value.decode("latin-1")) for name, value in event.headers]
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                reusable = connection.their_state is h11.DONE and not connection.trailing_data[0]
                return status, headers, body, reusable
            elif isinstance(event, (h11.PAUSED, h11.ConnectionClosed)):
                return status, headers, None, False
    except h11.RemoteProtocolError:
        return status, headers, None, False


def stricter(data):
    """Whether the data has one of the traits listed at the top."""
    head = data.partition(b"\r\n\r\n")[0]
    return bool(
        re.search(rb"(?<!\r)\n", data)
        or not re.match(rb"HTTP/1\.[01] ", data)
        or re.search(rb"HTTP/(?!1\.[01] )", data)
        or re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", data)
        or re.search(rb"\r(?!\n)", data)
        or re.search(rb"\r\n[ \t]", data)
        or len(head) > 60000
        or re.search(rb"\r\n[0-9A-Fa-f]{16,}", data)
        or re.search(rb"(?i)content-length:[ \t]*[0-9]{19}", data)
        or re.search(rb"(?i)content-length:[^\r]*,", data)
        or data.count(b"HTTP/1.1 1") > 15
    )


def by_name(headers, left_out):
    # Ours keeps the fields of one name together; within a name the order counts.
    return sorted((field for field in headers if field[0] not in left_out), key=lambda field: field[0])


def compare(data, method="GET", sizes=(), amounts=()):
    status, headers, body, recycled, error = ours(data, sizes, method, amounts)
    their_status, their_headers, their_body, reusable = theirs(data, method)
    if recycled:
        assert reusable, "recycled what h11 would not use again: %r" % data
    if their_body is not None and their_status != 101:
        if error is not None:
            assert stricter(data), "refused for no listed reason: %r: %s" % (data, error)
        else:
            assert (status, body) == (their_status, their_body)
            # h11 drops the repetitions of an equal Content-Length, and the length beside chunked.
            framing = ("content-length", "transfer-encoding", "connection")
            assert by_name(headers, framing) == by_name(their_headers, framing)


TOKEN = st.text("abcXYZ019-!#$", min_size=1, max_size=8)
VALUE = st.text('abc 019,;="/\x7f\t\xe9', max_size=12).map(str.strip)
FRAMING = st.sampled_from(
    [
        "Content-Length: %(length)d",
        "content-LENGTH:%(length)d ",
        "Content-Length: %(length)d\r\nContent-Length: %(length)d",
        "Content-Length: %(length)d, %(length)d",
        "Content-Length: %(longer)d",
        "Content-Length: +%(length)d",
        "Content-Length: 1_0",
        "Content-Length: ",
        "Content-Length: %(length)d\r\nContent-Length: %(longer)d",
        "Transfer-Encoding: chunked",
        "transfer-encoding:  Chunked ",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: %(length)d",
        "X: none",
    ]
)
STATUS = st.sampled_from([200, 200, 200, 201, 204, 205, 206, 304, 404, 500, 999, 101, 100, 99])
CONNECTION = st.sampled_from(
    ["", "", "", "Connection: close", "connection: keep-alive", "Connection: foo, Close", "Connection: closed"]
)


@st.composite
def responses(draw):
    version = draw(st.sampled_from(["1.1"] * 8 + ["1.0", "1.2", "0.9", "2.0"]))
    body = draw(st.binary(max_size=60))
    framing = draw(FRAMING)
    lines = ["HTTP/%s %d%s" % (version, draw(STATUS), draw(st.sampled_from([" OK", " ", "", " Very Well"])))]
    lines += ["%s: %s" % (draw(TOKEN), draw(VALUE)) for _ in range(draw(st.integers(0, 3)))]
    lines.append(framing % {"length": len(body), "longer": len(body) + draw(st.integers(1, 5))})
    lines.append(draw(CONNECTION))
    head = "\r\n".join(line for line in lines if line) + "\r\n\r\n"
    if "hunked" in framing and draw(st.integers(0, 9)):
        cut = draw(st.integers(0, len(body)))
        coded = b""
        for piece in (body[:cut], body[cut:]):
            if piece:
                coded += b"%x%s\r\n%s\r\n" % (
                    len(piece),
                    draw(st.sampled_from([b"", b"", b";a=b", b" ;a", b" "])),
                    piece,
                )
        body = coded + b"0\r\n" + draw(st.sampled_from([b"", b"", b"X: y\r\n", b"bad\r\n", b" x\r\n"])) + b"\r\n"
    interim = draw(st.sampled_from([b""] * 5 + [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 H\r\nL: x\r\n\r\n"]))
    return interim + head.encode("latin-1") + body + draw(st.sampled_from([b""] * 5 + [b"x", b"\r\n"]))


SPLITS = st.lists(st.integers(1, 40), max_size=12)


@settings(max_examples=400, deadline=None)
@given(
    responses(),
    st.sampled_from(["GET", "GET", "GET", "HEAD", "POST"]),
    SPLITS,
    st.lists(st.integers(1, 30), max_size=4),
)
@example(b"HTTP/1.1 101 OK\r\nContent-Length: 0\r\n\r\n", "HEAD", [], [])
@example(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "GET", [1] * 50, [])
@example(b"HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n", "GET", [], [])
@example(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA\x0b: b\r\n\r\n", "GET", [], [])
@example(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: b\x0c\r\n\r\n", "GET", [], [])
def test_whole_responses(data, method, sizes, amounts):
    compare(data, method, sizes, amounts)


@settings(max_examples=400, deadline=None)
@given(
    responses(),
    st.lists(
        st.tuples(
            st.integers(0, 200),
            st.sampled_from([b"", b"\r", b"\n", b"\r\n", b"\0", b" ", b":", b"0", b"\xff", b";"]),
            st.booleans(),
        ),
        min_size=1,
        max_size=3,
    ),
    SPLITS,
)
def test_mutated_responses(data, changes, sizes):
    for at, piece, insert in changes:
        at = min(at, len(data))
        data = data[:at] + piece + data[at + (0 if insert else 1) :]
    compare(data, "GET", sizes)


@settings(max_examples=200, deadline=None)
@given(responses(), st.integers(0, 200))
def test_responses_cut_short(data, at):
    compare(data[:at], "GET")


@pytest.mark.parametrize("split", [1, 2, 3, 5, 16384, 16385])
def test_a_head_at_the_buffer_s_end(split):
    for length in range(16340, 16400, 7):
        data = b"HTTP/1.1 200 OK\r\nX: " + b"a" * length + b"\r\nContent-Length: 3\r\n\r\nabc"
        compare(data, sizes=[split] * (len(data) // split + 1))
