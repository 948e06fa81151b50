"""Runs on MicroPython: the bare loop, one request's bytes after the other on one socket."""

import sys

import shim


def request(path):
    return b"GET /bytes/%s HTTP/1.1\r\nHost: %s\r\n\r\n" % (path, shim.host.encode())


raw = shim.native.socket()
raw.connect(shim.native.getaddrinfo(shim.host, shim.port)[0][-1])
SMALL = request(b"200")
LARGE = request(b"102400")


def receive(left, head=True):
    while left > 0:
        piece = raw.recv(1024)
        if head:
            left += piece.find(b"\r\n\r\n") + 4
            head = False
        left -= len(piece)


def get():
    raw.send(SMALL)
    receive(200)


def stream(buffer):
    raw.send(LARGE)
    receive(102400)


shim.measure(sys.argv[1], get, stream)
