"""On a board whose heap is full a request fails, and costs no socket: MicroPython, its heap filled to the last byte."""

import os
import subprocess
from pathlib import Path

import pytest

import board_files
from environments import ROOT
from radiopool import bundle

MICROPYTHON = ROOT / ".venv-boards" / "bin" / "micropython"

PROGRAM = """
import errno
import gc
import sys

from radiopool import ConnectionManager, Driver, Traits
from radiopool.http import PoolManager

ANSWERS = {
    b"/plain": b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok",
    b"/chunked": b"HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n2\\r\\nok\\r\\n0\\r\\n\\r\\n",
    b"/large": b"HTTP/1.1 200 OK\\r\\nContent-Length: 900\\r\\n\\r\\n" + b"x" * 900,
    b"/last": b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok",
    b"/bad": b"HELO\\r\\n\\r\\n",
    b"/away": b"HTTP/1.1 302 Found\\r\\nContent-Length: 0\\r\\nLocation: http://other.example/plain\\r\\n\\r\\n",
}


class Socket:
    # Needs no memory of its own.
    def __init__(self):
        self.answer = b""
        self.at = 0
        self.closed = False

    def settimeout(self, timeout):
        pass

    def connect(self, address):
        pass

    def send(self, data):
        for path in ANSWERS:
            if data.find(path) > 0:
                self.answer = ANSWERS[path]
                self.at = 0
        return len(data)

    def recv_into(self, buffer, size=0):
        count = min(size or len(buffer), len(self.answer) - self.at)
        if not count:
            raise OSError(errno.ETIMEDOUT)
        for place in range(count):
            buffer[place] = self.answer[self.at + place]
        self.at += count
        return count

    def close(self):
        self.closed = True


class Pool:
    SOCK_STREAM = 1

    def __init__(self):
        self.made = [None] * 20
        self.count = 0

    def getaddrinfo(self, host, port, family=0, kind=0):
        return [(2, 1, 0, "", (host, port))]

    def socket(self, *_):
        made = self.made[self.count] = Socket()
        self.count += 1
        return made

    def open(self):
        return len([made for made in self.made if made and not made.closed])


class Replay(Driver):
    name = "replay"

    def matches(self, radio):
        return False

    def socket_pool(self, radio):
        return radio

    def traits(self, radio):
        return Traits((3, 1))

    def is_alive(self, socket):
        return socket.at == len(socket.answer)


def get(http, path, host="a.example"):
    return http.request("GET", "http://" + host + path)


def stream(http, manager):
    with http.request("GET", "http://a.example/large", preload_content=False) as response:
        # A second exchange is needed beside it.
        get(http, "/plain", "b.example")


def lease(http, manager):
    with manager.lease("a.example", 80) as socket:
        socket.send(b"hello")


def opened(http, manager):
    socket = manager.socket()
    socket.close()


def evicting(http, manager):
    for host in "abcde":
        get(http, "/plain", host + ".example")


def fill(left):
    # All but a piece of that size, in a chain of blocks: no list has to grow.
    hole = bytearray(left)
    chain = None
    size = 16384
    while size > 16:
        try:
            while True:
                chain = [chain, bytearray(size)]
        except MemoryError:
            size //= 2
    try:
        while True:
            chain = [chain]
    except MemoryError:
        return chain


def empty(chain):
    # Link by link: what the stack still has of it must not hold it all.
    while chain:
        rest = chain[0]
        chain[0] = None
        chain[-1] = None
        chain = rest


def attempt(use, left):
    pool = Pool()
    manager = ConnectionManager(pool, driver=Replay())
    http = PoolManager(manager=manager, timeout=5)
    # What is loaded later is not what this is about.
    for _ in range(2):
        try:
            use(http, manager)
        except OSError:
            pass
        manager.stats()
        manager.close_all()
    gc.collect()
    chain = fill(left)
    try:
        use(http, manager)
        failed = False
    except (MemoryError, OSError):
        failed = True
    empty(chain)
    chain = None
    gc.collect()
    stats = manager.stats()
    counts = [stats["leased"], stats["connecting"]]
    # Closes what had to make room, too.
    assert get(http, "/plain", "z.example").data == b"ok"
    counts += [pool.open() - manager.managed_socket_count, manager._account.ledger.used - pool.open()]
    assert counts == [0, 0, 0, 0], (use, left, counts)
    manager.close()
    return failed


uses = [stream, lease, opened, evicting]
for path in ("/plain", "/chunked", "/large", "/last", "/bad", "/away"):
    uses.append(lambda http, manager, path=path: get(http, path))
for use in uses:
    failures = [attempt(use, left) for left in range(0, 3200, 80)]
    assert failures[0], use
print("done")
"""


@pytest.mark.skipif(not MICROPYTHON.exists(), reason="make .venv-boards/ready")
def test_what_there_is_no_memory_for_costs_no_socket(tmp_path: Path) -> None:
    bundle.Bundle([bundle.core_part(("http",))]).write_library(tmp_path, board_files.MPY_CROSS)
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [MICROPYTHON, "-X", "heapsize=128k", tmp_path / "program.py"]
    environment = os.environ | {"MICROPYPATH": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.stdout == "done\n", done.stdout + done.stderr
