"""The same requests against servers that others wrote; that connections are kept is counted at the server."""

import hashlib
import io

import pytest

from radiopool.http import PoolManager


@pytest.fixture
def http(manager):
    with PoolManager(manager=manager, timeout=30) as made:
        yield made


def test_requests_of_every_kind_share_one_connection(asgi, http, manager):
    ports = set()

    def ask(method, path, **keywords):
        response = http.request(method, asgi + path, **keywords)
        ports.add(response.headers["x-client-port"])
        return response

    assert ask("GET", "/plain").data == b"GET /plain "
    assert ask("GET", "/plain?q=1").data == b"GET /plain "
    assert ask("POST", "/post", body=b"x" * 1000).data == b"POST /post " + b"x" * 1000
    assert ask("POST", "/post", body=b"x" * 300_000).data == b"POST /post " + b"x" * 300_000
    assert ask("PUT", "/iterable", body=iter([b"one ", b"two"])).data == b"PUT /iterable one two"
    assert ask("PUT", "/file", body=io.BytesIO(b"file")).data == b"PUT /file file"
    assert ask("POST", "/json", json={"a": 1}).data == b'POST /json {"a":1}'
    head = ask("HEAD", "/plain")
    assert (head.status, head.data) == (200, b"")
    empty = ask("GET", "/empty")
    assert (empty.status, empty.data) == (204, b"")
    chunked = ask("GET", "/chunks")
    assert chunked.data == b"".join(b"chunk %d\n" % number for number in range(100))
    assert chunked.headers["transfer-encoding"] == "chunked"
    assert chunked.headers.getlist("Set-Cookie") == ["a=1", "b=2"]
    expecting = ask("POST", "/expect", body=b"waited", headers={"Expect": "100-continue"})
    assert expecting.data == b"POST /expect waited"
    assert len(ports) == 1
    assert manager.stats()["opened"] == 1


def test_chunks_are_streamed(asgi, http):
    response = http.request("GET", asgi + "/chunks", preload_content=False)
    assert b"".join(response.stream()) == b"".join(b"chunk %d\n" % number for number in range(100))
    response = http.request("GET", asgi + "/chunks", preload_content=False)
    assert list(response)[41] == b"chunk 41\n"
    again = http.request("GET", asgi + "/plain")
    assert again.headers["x-client-port"] == response.headers["x-client-port"]


def test_a_file_of_a_megabyte_in_every_way_of_reading(nginx, http, manager):
    expected = hashlib.sha256(b"0123456789abcdef" * 65536).digest()
    url = nginx + "/large"
    assert hashlib.sha256(http.request("GET", url).data).digest() == expected
    for size in (1, 1000, 65536, 2 << 20):
        response = http.request("GET", url, preload_content=False)
        digest = hashlib.sha256()
        buffer = bytearray(size if size > 1 else 9999)
        while count := response.readinto(buffer):
            digest.update(memoryview(buffer)[:count])
        assert digest.digest() == expected
        response = http.request("GET", url, preload_content=False)
        digest = hashlib.sha256(b"".join(response.stream(max(size, 997))))
        assert digest.digest() == expected
    packed = http.request("GET", nginx + "/packed", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert hashlib.sha256(packed.data).digest() == expected
    assert manager.stats()["opened"] == 1


def test_nginx_counts_one_connection(nginx, http, manager):
    counts = [http.request("GET", nginx + "/connection").data.split() for _ in range(5)]
    assert len({connection for connection, _ in counts}) == 1
    assert [int(requests) for _, requests in counts] == [1, 2, 3, 4, 5]
    assert http.request("GET", nginx + "/moved").status == 200
    assert http.request("GET", nginx + "/moved", redirect=False).status == 301
    assert http.request("GET", nginx + "/nothing").status == 404
    assert manager.stats()["opened"] == 1
    assert http.request("GET", nginx + "/bounce").data == b"bye"
    assert manager.managed_socket_count == 0


def test_ranges_and_conditions(nginx, http, manager):
    part = http.request("GET", nginx + "/small", headers={"Range": "bytes=10-19"})
    assert (part.status, part.data) == (206, b"x" * 10)
    tag = part.headers["etag"]
    unchanged = http.request("GET", nginx + "/small", headers={"If-None-Match": tag})
    assert (unchanged.status, unchanged.data) == (304, b"")
    assert manager.stats()["opened"] == 1
