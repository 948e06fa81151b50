"""The modem's commands over a serial line: what a vendor's library would be.

A command is a line that ends with a carriage return; so does each line of an answer.

    AT+SOCKET               SOCKET n                    a socket's number, or ERROR NOSOCKET
    AT+OPEN=n,host,port     OK                          begins to connect; AT+STATE tells how it goes
    AT+STATE=n              STATE word count            FREE, CONNECTING, OPEN, ENDED (by the peer) or FAILED-reason;
                                                        count: bytes that wait to be read
    AT+SEND=n,size          > (then size bytes)         SENT count, which may be less, or ERROR ENDED
    AT+READ=n,size          DATA count (then as many)   what is there, perhaps nothing
    AT+CLOSE=n              OK

A line that begins with "+" is news that nobody asked for; it may come before an answer.
"""

from __future__ import annotations

import os
import select
import threading
import tty
from typing import Any

SOCKETS = 5
LARGEST = 512
"""Bytes that one command may carry."""
ANSWER_WITHIN = 5.0
"""Seconds; a modem that takes longer is not there."""


class ModemError(OSError):
    """The modem answered ERROR, and `reason` is its word; or it does not answer."""

    def __init__(self, command: str, reason: str) -> None:
        super().__init__(f"{command}: {reason}")
        self.reason = reason


class Modem:
    """A modem on a serial line. One command at a time, whoever asks. `emulator` is set if it is emulated."""

    emulator: Any = None

    def __init__(self, path: str) -> None:
        self._line = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._line)
        self._received = b""
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let go of the serial line."""
        os.close(self._line)

    def socket(self) -> int:
        """The number of a free socket."""
        return int(self._ask("AT+SOCKET")[1])

    def open(self, number: int, host: str, port: int) -> None:
        """Begin to connect."""
        self._ask(f"AT+OPEN={number},{host},{port}")

    def state(self, number: int) -> tuple[str, int]:
        """(word, bytes that wait)."""
        _, word, count = self._ask(f"AT+STATE={number}")
        return word, int(count)

    def send(self, number: int, data: bytes) -> int:
        """Send up to `LARGEST` bytes; how many the modem took."""
        data = data[:LARGEST]
        with self._lock:
            self._write(f"AT+SEND={number},{len(data)}\r".encode())
            self._answer("AT+SEND", ">")
            self._write(data)
            return int(self._answer("AT+SEND", "SENT")[1])

    def read(self, number: int, size: int) -> bytes:
        """What is there, up to that many bytes."""
        with self._lock:
            self._write(f"AT+READ={number},{min(size, LARGEST)}\r".encode())
            count = int(self._answer("AT+READ", "DATA")[1])
            while len(self._received) < count:
                self._more()
            data, self._received = self._received[:count], self._received[count:]
            return data

    def hang_up(self, number: int) -> None:
        """Close."""
        self._ask(f"AT+CLOSE={number}")

    def _ask(self, command: str) -> list[str]:
        with self._lock:
            self._write(command.encode() + b"\r")
            return self._answer(command)

    def _answer(self, command: str, word: str = "") -> list[str]:
        while True:
            while b"\r" not in self._received:
                self._more()
            line, _, self._received = self._received.partition(b"\r")
            words = line.decode().split()
            if words[0].startswith("+"):
                continue
            if words[0] == "ERROR":
                raise ModemError(command, words[1])
            if word and words[0] != word:
                raise ModemError(command, f"answered {words} in place of {word}")
            return words

    def _more(self) -> None:
        if not select.select([self._line], [], [], ANSWER_WITHIN)[0]:
            raise ModemError("waiting", "the modem does not answer")
        self._received += os.read(self._line, 4096)

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._line, data) :]
