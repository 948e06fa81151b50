"""Runs on MicroPython: its sockets as a socket pool, the same for everything measured, and what the programs share.

`recv_into` does `recv` and copies, since the native `readinto` waits for a full buffer; so every byte received is
allocated once whoever asks for it.
"""

import gc
import os
import socket as native
import sys
import time

gc.collect()


class Socket:
    def __init__(self, family, kind):
        self.raw = native.socket(family, kind)

    def settimeout(self, timeout):
        self.raw.settimeout(timeout)

    def connect(self, address):
        self.raw.connect(native.getaddrinfo(address[0], address[1])[0][-1])

    def send(self, data):
        return self.raw.send(data)

    def recv_into(self, buffer, nbytes=0):
        received = self.raw.recv(nbytes or len(buffer))
        buffer[: len(received)] = received
        return len(received)

    def close(self):
        self.raw.close()


class Pool:
    SOCK_STREAM = 1
    AF_INET = 2

    def getaddrinfo(self, host, port, family=0, kind=0):
        return [(2, 1, 0, "", (host, port))]

    def socket(self, family=2, kind=1):
        return Socket(family, kind)


host, port = os.getenv("RADIOPOOL_BOARD_SERVER").split(":")
port = int(port)
url = "http://%s:%d/bytes/" % (host, port)


def loaded(prefixes):
    return " ".join([name for name in sys.modules if name.startswith(prefixes)])


def measure(what, get, stream):
    """`get()` gets 200 bytes on a kept connection; `stream(buffer)` gets 100 KB through a buffer of 1 KB."""
    if what == "get":
        for _ in range(50):
            get()
    elif what == "stream":
        stream(bytearray(1024))
    elif what == "get-heap":
        get()
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        for _ in range(50):
            get()
        print((gc.mem_alloc() - before) // 50)
    elif what == "stream-heap":
        buffer = bytearray(1024)
        get()
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        stream(buffer)
        print(gc.mem_alloc() - before)
    elif what == "get-time":
        get()
        before = time.ticks_us()
        for _ in range(50):
            get()
        print(time.ticks_diff(time.ticks_us(), before))


def kept(function):
    """What a call leaves on the heap."""
    gc.collect()
    before = gc.mem_alloc()
    result = function()
    gc.collect()
    print(gc.mem_alloc() - before)
    return result
