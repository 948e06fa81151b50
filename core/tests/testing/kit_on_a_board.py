"""Run on MicroPython: the kit over a driver of MicroPython's own sockets. Its input is the peer, as JSON."""

import errno
import json
import select
import socket
import sys

from radiopool import Driver, Traits
from radiopool.testing import Bench, Peer, run


class Radio:
    """The machine's network, as far as MicroPython reaches it."""

    def __init__(self):
        self.open = 0


class Socket:
    """MicroPython's socket, with what it lacks: `recv_into`, packed addresses, timeouts told apart."""

    def __init__(self, radio, family, kind):
        self.radio = radio
        self.raw = socket.socket(family, kind)
        # A blocking one would send all or wait, whatever the timeout.
        self.raw.setblocking(False)
        self.timeout = None
        radio.open += 1

    def connect(self, address):
        try:
            self.raw.connect(address)
        except OSError as error:
            if error.args[0] != errno.EINPROGRESS:
                raise
            self.wait(select.POLLOUT)
            # A connect that failed says why to the next one who asks.
            try:
                self.raw.connect(address)
            except OSError as again:
                if again.args[0] != 106:  # EISCONN
                    raise

    def wait(self, event):
        """Until the socket is ready, or the timeout."""
        if self.raw is None:
            raise OSError(errno.EBADF)
        poller = select.poll()
        poller.register(self.raw, event)
        if not poller.poll(-1 if self.timeout is None else int(self.timeout * 1000)):
            raise OSError(errno.EAGAIN if self.timeout == 0 else errno.ETIMEDOUT)

    def send(self, data):
        self.wait(select.POLLOUT)
        return self.raw.send(data)

    def recv_into(self, buffer, nbytes=0):
        self.wait(select.POLLIN)
        received = self.raw.recv(nbytes or len(buffer))
        buffer[: len(received)] = received
        return len(received)

    def settimeout(self, timeout):
        self.timeout = timeout

    def close(self):
        raw, self.raw = self.raw, None
        if raw is not None:
            self.radio.open -= 1
            raw.close()


class Pool:
    AF_INET = socket.AF_INET
    SOCK_STREAM = socket.SOCK_STREAM
    SOCK_DGRAM = socket.SOCK_DGRAM

    def __init__(self, radio):
        self.radio = radio

    def socket(self, family=AF_INET, kind=SOCK_STREAM):
        if self.radio.open == 4:
            raise RuntimeError("Out of sockets")
        return Socket(self.radio, family, kind)

    def getaddrinfo(self, host, port, family=0, kind=0):
        return socket.getaddrinfo(host, port, family, kind)


class BoardDriver(Driver):
    name = "board"

    def __init__(self):
        self.pools = {}

    def matches(self, radio):
        return isinstance(radio, Radio)

    def socket_pool(self, radio):
        if id(radio) not in self.pools:
            self.pools[id(radio)] = Pool(radio)
        return self.pools[id(radio)]

    def traits(self, radio):
        return Traits(budget=(4, None))


def main():
    radio = Radio()
    bench = Bench(BoardDriver(), radio, Peer(**json.loads(sys.stdin.readline())), open_sockets=lambda: radio.open)
    report = run(bench)
    print(json.dumps(report.as_dict()))


main()
