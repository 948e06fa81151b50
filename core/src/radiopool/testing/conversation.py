"""What the peer does on one connection: it obeys the lines that the check sends. CPython only.

One command per line; numbers are bytes or milliseconds:

    echo N          the next N bytes come back
    send N          N bytes of `pattern`
    take N          reads N bytes, answers their CRC-32 as eight hexadecimal digits and a newline
    slow N MS       N bytes of the pattern, one at a time, MS between them
    later MS        one byte, after that long
    unless MS       one byte, after that long, unless something comes before
    bye N           N bytes, then the end of the stream, and the connection is closed
    half N          N bytes, then the end of the peer's stream only; it goes on obeying what comes
    hold MS N       waits that long, then `half N`: for a check that must do something first
    deaf MS         nothing is read for that long, or until another connection says `hear`; then all is thrown away
    hear            ends the deafness of all connections
    reset           a TCP reset
    count           the number of connections that are open at the peer, and a newline
    port            a free TCP port of the peer's machine, and a newline
    dial HOST PORT  the peer connects there, says "hello" and echoes what it gets
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
import threading
import zlib
from collections.abc import Callable

from radiopool.testing.bench import pattern

MOST_DATA = 1 << 22
"""Bytes that one command may ask for."""


class Conversation:
    """One connection, served until its end. `stopping` is set when the peer is to end; whoever waits for `hearing` is
    deaf; `count` is what it answers."""

    def __init__(
        self,
        stream: socket.socket,
        stopping: threading.Event,
        hearing: threading.Event,
        count: Callable[[], int],
    ) -> None:
        self._stream = stream
        self._stopping = stopping
        self._hearing = hearing
        self._count = count
        self._received = b""
        self._over = False

    def serve(self) -> None:
        """Obey until the connection ends; closes it."""
        try:
            while not self._over:
                line = self._line()
                if line is None:
                    return
                word, *arguments = line.split()
                self._obey(word, arguments)
        except (OSError, ValueError):
            # The check went away, or sent what is no command: either way there is nobody to tell.
            pass
        finally:
            self._stream.close()

    def _obey(self, word: str, arguments: list[str]) -> None:
        if word == "dial":
            threading.Thread(target=_dial, args=(arguments[0], int(arguments[1])), daemon=True).start()
            return
        numbers = [min(int(argument), MOST_DATA) for argument in arguments]
        if word == "echo":
            self._stream.sendall(self._exactly(numbers[0]))
        elif word == "send":
            self._stream.sendall(pattern(numbers[0]))
        elif word == "take":
            self._stream.sendall(b"%08x\n" % zlib.crc32(self._exactly(numbers[0])))
        elif word == "slow":
            for byte in pattern(numbers[0]):
                self._pause(numbers[1])
                self._stream.sendall(bytes([byte]))
        elif word == "later":
            self._pause(numbers[0])
            self._stream.sendall(b"!")
        elif word == "unless":
            if not self._received and not select.select([self._stream], [], [], numbers[0] / 1000)[0]:
                self._stream.sendall(b"!")
        elif word == "bye":
            self._stream.sendall(pattern(numbers[0]))
            self._end()
        elif word in ("half", "hold"):
            if word == "hold":
                self._pause(numbers[0])
            self._stream.sendall(pattern(numbers[-1]))
            self._stream.shutdown(socket.SHUT_WR)
        elif word == "deaf":
            self._hearing.wait(numbers[0] / 1000)
            while self._stream.recv(65536):
                pass
            self._over = True
        elif word == "hear":
            # Wakes those that wait now, and nobody who begins to.
            self._hearing.set()
            self._hearing.clear()
        elif word == "reset":
            self._reset()
        elif word == "count":
            self._stream.sendall(b"%d\n" % self._count())
        elif word == "port":
            self._stream.sendall(b"%d\n" % _free_port())
        else:
            raise ValueError(word)

    def _pause(self, milliseconds: int) -> None:
        if self._stopping.wait(milliseconds / 1000):
            raise OSError("the peer is ending")

    def _end(self) -> None:
        self._over = True
        if isinstance(self._stream, ssl.SSLSocket):
            # close_notify goes out; to wait for the other side's would give it a hold on us.
            self._stream.settimeout(0)
            try:
                self._stream.unwrap()
            except (OSError, ValueError):
                pass

    def _reset(self) -> None:
        self._over = True
        self._stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _line(self) -> str | None:
        while b"\n" not in self._received:
            piece = self._stream.recv(4096)
            if not piece:
                return None
            self._received += piece
        line, _, self._received = self._received.partition(b"\n")
        return line.decode()

    def _exactly(self, size: int) -> bytes:
        pieces = [self._received[:size]]
        self._received = self._received[size:]
        missing = size - len(pieces[0])
        while missing:
            piece = self._stream.recv(min(missing, 65536))
            if not piece:
                raise OSError("the check ended early")
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def _dial(host: str, port: int) -> None:
    try:
        with socket.create_connection((host, port), 10) as stream:
            stream.sendall(b"hello")
            while piece := stream.recv(4096):
                stream.sendall(piece)
    except OSError:
        # The check that listens there sees that nobody came, or that somebody left.
        pass
