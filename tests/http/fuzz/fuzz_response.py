"""Coverage-guided fuzzing of the response reader: `python fuzz_response.py -max_total_time=60 corpus/` (atheris, and
libFuzzer's options). It must end in a response or a typed error, end its lease exactly once, and never recycle after
an error.

The first byte chooses the method and how the bytes are split; the rest is what the peer sends.
"""

import sys

try:
    import atheris
except ImportError:  # the same function is run over a corpus by test_fuzz_response
    atheris = None
else:
    with atheris.instrument_imports(include=["radiopool.http"]):
        from radiopool.http import wire
        from radiopool.http.errors import HTTPError
        from radiopool.http.headers import parse
if atheris is None:
    from radiopool.http import wire
    from radiopool.http.errors import HTTPError
    from radiopool.http.headers import parse

SEEDS = (
    b"\x00HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"\x11HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: v\r\n\r\n",
    b"\x22HTTP/1.0 200 OK\r\n\r\nuntil the end",
    b"\x33HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
    b"\x44HTTP/1.1 304 Not Modified\r\nContent-Length: 2, 2\r\n\r\n",
    b"\x05HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nmore",
)


class Peer:
    """The lease, its socket, its manager and its connection pool in one."""

    maxsize = 1

    def __init__(self, data, step):
        self.data = data
        self.step = step
        self.ended = []
        self.socket = self.manager = self

    def recv_into(self, buffer, nbytes=0):
        piece = self.data[: min(nbytes or len(buffer), len(buffer), self.step)]
        self.data = self.data[len(piece) :]
        buffer[: len(piece)] = piece
        return len(piece)

    def recycle(self, entry, max_idle=None):
        self.ended.append(None)

    def discard(self, entry, reason):
        assert isinstance(reason, str) and reason
        self.ended.append(reason)


def one_input(data):
    """One run of the reader. Raises what it should not."""
    if not data:
        return
    choice = data[0]
    peer = Peer(bytes(data[1:]), (1, 2, 7, 64, 1 << 20)[choice % 5])
    exchange = wire.begin(peer, peer)
    failed = False
    try:
        exchange.receive("HEAD" if choice & 64 else "GET")
        parse(exchange.head)
        if choice & 128:
            piece = bytearray(9)
            while exchange.entry:
                assert exchange.readinto(piece, 9) <= 9
        else:
            exchange.read()
    except HTTPError:
        failed = True
    assert len(peer.ended) == 1, peer.ended
    assert exchange.entry is None
    assert not (failed and peer.ended == [None])
    wire.spare(exchange)


if __name__ == "__main__":
    if atheris is None:
        sys.exit("atheris is not installed: pip install atheris")
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
