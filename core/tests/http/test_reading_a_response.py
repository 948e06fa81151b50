"""Reading a response that was not preloaded: one kind of read after another, and what else a binary file can do."""

import array
import gc
import gzip
import io
import pickle
import random
import threading
import weakref
import zipfile

import pytest

from radiopool.http import PoolManager, ResponseNotChunked
from radiopool.http.wire import Exchange

HEAD = b"HTTP/1.1 200 OK\r\n"
LONG = 20
"""Seconds: no test waits for them."""


def with_length(body, fields=b""):
    return HEAD + fields + b"Content-Length: %d\r\n\r\n" % len(body) + body


def in_chunks(body, fields=b""):
    pieces = [body[start : start + 7] for start in range(0, len(body), 7)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return HEAD + fields + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def in_gzip(body, fields=b""):
    return with_length(gzip.compress(body), b"Content-Encoding: gzip\r\n")


def in_gzip_and_chunks(body, fields=b""):
    return in_chunks(gzip.compress(body), b"Content-Encoding: gzip\r\n")


FRAMINGS = pytest.mark.parametrize("framed", [with_length, in_chunks, in_gzip, in_gzip_and_chunks])


@pytest.fixture
def open_one(talking, manager):
    """The response to a request that is answered so, not preloaded unless asked."""
    with PoolManager(timeout=LONG, manager=manager) as http:

        def open_one(answer, method="GET", preload_content=False, **settings):
            def talk(connection):
                while connection.recv(65536):
                    connection.sendall(answer)

            return http.request(method, talking(talk).url, preload_content=preload_content, retries=False, **settings)

        yield open_one


def into(response):
    buffer = bytearray(4)
    pieces = []
    while True:
        count = response.readinto(buffer)
        if not count:
            return b"".join(pieces)
        pieces.append(bytes(buffer[:count]))


def by_read1(response):
    return b"".join(iter(lambda: response.read1(4), b""))


READS = {
    "all": lambda response: response.read(),
    "parts": lambda response: b"".join(iter(lambda: response.read(4), b"")),
    "into": into,
    "read1": by_read1,
    "stream": lambda response: b"".join(response.stream(4)),
    "data": lambda response: response.data,
    "lines": lambda response: b"".join(response),
}


@FRAMINGS
@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_no_byte_is_lost_behind_a_line(open_one, manager, framed, read):
    response = open_one(framed(b"head\nsecond\nBODY!\nand more"))
    assert response.readline() == b"head\n"
    assert response.read1(0) == b""
    assert response.readline(3) == b"sec"
    assert response.readline() == b"ond\n"
    assert read(response) == b"BODY!\nand more"
    assert response.read() == response.readline() == b""
    assert manager.stats()["leased"] == 0


@FRAMINGS
@pytest.mark.parametrize("protocol", [0, 2, 3, 4, 5])
def test_a_pickle_is_loaded(open_one, framed, protocol):
    thing = {"name": ["value", 1, 2.5, None, b"bytes" * 500], 7: "ü" * 300}
    assert pickle.load(open_one(framed(pickle.dumps(thing, protocol) + b"rest"))) == thing


@FRAMINGS
def test_a_buffer_is_filled_however_the_body_comes(open_one, framed):
    response = open_one(framed(b"0123456789" * 5))
    buffer = bytearray(30)
    assert response.readinto(buffer) == 30 and buffer == b"0123456789" * 3
    numbers = array.array("I", [0, 0])
    assert response.readinto(numbers) == 8 and numbers.tobytes() == b"01234567"
    assert response.readinto(buffer) == 12 and buffer.startswith(b"890123456789")
    assert response.readinto(buffer) == 0


@pytest.mark.parametrize("framed", [in_chunks, in_gzip_and_chunks])
def test_or_takes_what_is_there(talking, manager, framed):
    whole = framed(b"0123456789" * 5)
    # The last chunk's data and what is behind it come when the first bytes were read.
    there, rest = whole[:-12], whole[-12:]
    read = threading.Event()

    def talk(connection):
        connection.recv(65536)
        connection.sendall(there)
        read.wait(LONG)
        connection.sendall(rest)

    with PoolManager(timeout=LONG, manager=manager) as http:
        response = http.request("GET", talking(talk).url, preload_content=False)
        buffer = bytearray(60)
        count = response.readinto1(buffer)
        assert 0 < count < 50 and buffer[:count] == (b"0123456789" * 5)[:count]
        read.set()
        assert response.read() == (b"0123456789" * 5)[count:]


@pytest.mark.parametrize("framed", [in_gzip, in_gzip_and_chunks])
@pytest.mark.parametrize("read", ["read", "read1", "stream", "read_chunked"])
def test_parts_of_a_coded_body_as_it_came(open_one, framed, read):
    response = open_one(framed(b"a body" * 50))
    if read == "read_chunked" and not response.chunked:
        return
    if read in ("stream", "read_chunked"):
        raw = b"".join(getattr(response, read)(7, decode_content=False))
    else:
        raw = b"".join(iter(lambda: getattr(response, read)(7, decode_content=False), b""))
    assert gzip.decompress(raw) == b"a body" * 50


@FRAMINGS
def test_more_may_be_asked_for_than_there_is_memory(open_one, manager, framed):
    assert open_one(framed(b"0123456789")).read(1 << 62) == b"0123456789"
    assert manager.stats()["leased"] == 0


def test_lines_longer_than_what_comes_at_once(open_one):
    body = b"x" * 50_000 + b"\n" + b"y" * 40_000
    assert open_one(with_length(body)).readlines() == [body[:50_001], body[50_001:]]
    response = open_one(with_length(body))
    assert response.readline(30_000) == body[:30_000]
    assert response.read(25_000) == body[30_000:55_000]
    assert response.read() == body[55_000:]


@pytest.mark.parametrize("framed", [with_length, in_chunks])
def test_where_it_stands_after_a_line(open_one, framed):
    response = open_one(framed(b"head\n0123456789"))
    assert response.tell() == 0
    response.readline()
    assert response.tell() == 5
    assert framed is in_chunks or response.length_remaining == 10
    response.read(4)
    assert response.tell() == 9
    assert framed is in_chunks or response.length_remaining == 6
    response.readinto(bytearray(1))
    assert response.tell() == 10
    assert response.data == b"56789"
    assert (response.tell(), response.length_remaining) == (15, 0)


def test_a_body_cut_short_behind_a_line(open_one):
    from radiopool.http import IncompleteRead

    response = open_one(HEAD + b"Content-Length: 20\r\n\r\nhead\nBODY")
    assert response.readline() == b"head\n"
    response.shutdown()
    with pytest.raises(IncompleteRead) as caught:
        response.read()
    assert caught.value.partial == b"BODY"


def test_one_whose_lines_were_read_is_collected_when_nobody_holds_it(open_one, manager):
    response = open_one(HEAD + b"Content-Length: 20\r\n\r\nhead\nBODY")
    gc.disable()
    try:
        assert response.readline() == b"head\n"
        gone = weakref.ref(response)
        del response
        assert gone() is None
    finally:
        gc.enable()
    assert manager.stats()["leased"] == 0


class Interrupted:
    """A socket whose `turn`-th receive is interrupted."""

    def __init__(self, raw, turn):
        self.raw = raw
        self.turn = turn

    def recv_into(self, buffer, size=0):
        self.turn -= 1
        if not self.turn:
            raise KeyboardInterrupt
        return self.raw.recv_into(buffer, size)

    def __getattr__(self, name):
        return getattr(self.raw, name)


HALVES = {
    "length": HEAD + b"Content-Length: 10\r\n\r\n01234",
    "chunked": HEAD + b"Transfer-Encoding: chunked\r\n\r\na\r\n01234",
    "to the end": HEAD + b"\r\n01234",
}


@pytest.mark.parametrize("answer", HALVES.values(), ids=HALVES)
@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_an_interrupted_read_ends_the_lease(open_one, manager, answer, read):
    response = open_one(answer)
    response._source.socket = Interrupted(response.connection, 9)
    # So that the rest has to be received.
    assert response.read(1) == b"0"
    response._source.socket.turn = 1
    with pytest.raises(KeyboardInterrupt) as caught:
        read(response)
    # Also while the error, and with it every frame, is held.
    assert caught.value is not None
    stats = manager.stats()
    assert (stats["leased"], stats["idle"], stats["closed"]) == (0, 0, {"interrupted": 1})
    assert response.read() == b""


def test_interrupted_while_it_is_drained(open_one, manager):
    response = open_one(HALVES["length"])
    response._source.socket = Interrupted(response.connection, 1)
    assert response.read(5) == b"01234"
    with pytest.raises(KeyboardInterrupt):
        response.drain_conn()
    assert manager.stats()["leased"] == 0


def test_interrupted_while_it_is_preloaded(open_one, manager, monkeypatch):
    receive = Exchange.receive

    def receive_and_replace(exchange, method):
        receive(exchange, method)
        exchange.socket = Interrupted(exchange.socket, 1)

    monkeypatch.setattr(Exchange, "receive", receive_and_replace)
    with pytest.raises(KeyboardInterrupt) as caught:
        open_one(HALVES["length"], preload_content=True)
    assert caught.value is not None
    assert manager.stats()["leased"] == 0


def test_switching_protocols_is_not_waited_for(open_one, manager):
    response = open_one(b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello", preload_content=True)
    assert (response.status, response.data) == (101, b"")
    assert manager.stats()["leased"] == 1
    assert response.read(5) == b"hello"
    response.connection.send(b"?")
    assert response.readline() == b"HTTP/1.1 101 X\r\n"
    response.close()
    stats = manager.stats()
    assert (stats["leased"], stats["idle"]) == (0, 0)


@pytest.mark.parametrize("end", ["close", "drain_conn", "release_conn"])
@pytest.mark.parametrize("framed", [in_gzip, in_gzip_and_chunks, with_length])
def test_nothing_is_left_after_an_early_end(open_one, framed, end):
    response = open_one(framed(b"line\n" + random.Random(1).randbytes(20_000)))
    assert response.readline() == b"line\n"
    assert len(response.read(10)) == 10
    getattr(response, end)()
    assert response.read() == response.read(5) == response.read1() == response.readline() == response.data == b""


def test_it_has_what_io_promises(open_one):
    response = open_one(with_length(b"one\ntwo\nthree\n"))
    promised = [name for name in dir(io.IOBase) if name[0] != "_"]
    assert [name for name in promised if not hasattr(response, name)] == []
    assert next(response) == b"one\n"
    for unsupported in (lambda: response.seek(0), response.truncate, lambda: response.writelines([b"line"])):
        with pytest.raises(io.UnsupportedOperation):
            unsupported()
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(response)
    assert response.readlines(None) == [b"two\n", b"three\n"]
    with pytest.raises(StopIteration):
        next(response)


@FRAMINGS
def test_a_part_is_not_kept_as_the_body(open_one, framed):
    response = open_one(framed(b"0123456789"))
    assert response.read(4, cache_content=True) == b"0123"
    assert response.read(cache_content=True) == response.data == b"456789"


@FRAMINGS
def test_pieces_of_a_negative_size_are_of_any(open_one, framed):
    body = b"0123456789" * 3
    assert b"".join(open_one(framed(body)).stream(-1)) == body
    response = open_one(framed(body))
    if response.chunked:
        assert b"".join(response.read_chunked(-1)) == body


def test_a_head_has_no_chunks(open_one):
    answer = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    assert list(open_one(answer, "HEAD").read_chunked()) == []
    assert list(open_one(answer, "HEAD", preload_content=True).read_chunked()) == []
    with pytest.raises(ResponseNotChunked):
        list(open_one(with_length(b""), "HEAD").read_chunked())
