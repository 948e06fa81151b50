"""The modem, at the other end of a pty. Its connections are real; POSIX only."""

from __future__ import annotations

import errno
import os
import select
import socket
import threading
import time
import tty
from collections.abc import Mapping

from radiopool_atmodem.modem import LARGEST, SOCKETS, Modem

MEMORY = 2048
"""Bytes that a socket keeps until they are read."""


class Slot:
    """One of the modem's sockets, from AT+SOCKET to AT+CLOSE."""

    def __init__(self) -> None:
        self.connection: socket.socket | None = None
        self.word = "FREE"
        self.waiting = b""

    def open(self, address: tuple[str, int]) -> None:
        try:
            infos = socket.getaddrinfo(*address, socket.AF_INET, socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            self.word = "FAILED-NONAME"
            return
        self.connection = socket.socket(infos[0][0])
        self.connection.setblocking(False)
        self.word = "CONNECTING"
        self._connected(self.connection.connect_ex(infos[0][4]))

    def look(self) -> bool:
        """See what the network has brought; whether the peer has just ended."""
        if self.connection is None:
            return False
        if self.word == "CONNECTING" and select.select([], [self.connection], [], 0)[1]:
            self._connected(self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        if self.word != "OPEN" or len(self.waiting) >= MEMORY:
            return False
        try:
            received = self.connection.recv(MEMORY - len(self.waiting))
        except BlockingIOError:
            return False
        except OSError:
            received = b""
        self.waiting += received
        if not received:
            self.word = "ENDED"
        return not received

    def send(self, data: bytes) -> int | None:
        """How many bytes went; None if the peer has ended."""
        if self.connection is None or self.word != "OPEN":
            return None
        try:
            return self.connection.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self.word = "ENDED"
            return None

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()

    def _connected(self, error: int) -> None:
        if error == 0:
            self.word = "OPEN"
        elif error != errno.EINPROGRESS:
            self.word = "FAILED-REFUSED" if error == errno.ECONNREFUSED else "FAILED-UNREACHABLE"


class Emulator:
    """`modem` is the library's object, connected to it.

    hosts: name -> address. routes: (host, port) -> (host, port). reflection: seconds that the modem thinks before it
    answers a command.
    """

    def __init__(
        self,
        hosts: Mapping[str, str] | None = None,
        routes: Mapping[tuple[str, int], tuple[str, int]] | None = None,
        reflection: float = 0.003,
    ) -> None:
        self.hosts = dict(hosts or {})
        self.routes = dict(routes or {})
        self.reflection = reflection
        self.slots: dict[int, Slot] = {}
        self._line, self._far_end = os.openpty()
        tty.setraw(self._far_end)
        self._wake, self._awake = os.pipe()
        self._command = b""
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        self.modem = Modem(os.ttyname(self._far_end))
        self.modem.emulator = self

    def close(self) -> None:
        """Switch the modem off."""
        os.write(self._awake, b"!")
        self._thread.join()
        self.modem.close()
        for slot in self.slots.values():
            slot.close()
        for number in (self._line, self._far_end, self._wake, self._awake):
            os.close(number)

    def _serve(self) -> None:
        while True:
            ready = select.select([self._line, self._wake], [], [], 0.02)[0]
            if self._wake in ready:
                return
            # News is told between commands, whenever there is some.
            for number, slot in list(self.slots.items()):
                if slot.look():
                    self._say(f"+ENDED: {number}")
            if self._line in ready:
                self._command += os.read(self._line, 4096)
                while b"\r" in self._command:
                    line, _, self._command = self._command.partition(b"\r")
                    time.sleep(self.reflection)
                    self._obey(line.decode("ascii", "replace"))

    def _obey(self, line: str) -> None:
        command, _, rest = line.partition("=")
        words = rest.split(",")
        if command == "AT+SOCKET":
            free = [number for number in range(SOCKETS) if number not in self.slots]
            if free:
                self.slots[free[0]] = Slot()
            self._say(f"SOCKET {free[0]}" if free else "ERROR NOSOCKET")
            return
        if not words[0].isdigit():
            self._say("ERROR COMMAND")
            return
        number = int(words[0])
        slot = self.slots.get(number, Slot())
        slot.look()
        if command == "AT+STATE":
            self._say(f"STATE {slot.word} {len(slot.waiting)}")
        elif command == "AT+OPEN":
            slot.open(self._target(words[1], int(words[2])))
            self._say("OK")
        elif command == "AT+SEND":
            self._say(">")
            sent = slot.send(self._payload(min(int(words[1]), LARGEST)))
            self._say("ERROR ENDED" if sent is None else f"SENT {sent}")
        elif command == "AT+READ":
            size = min(int(words[1]), LARGEST)
            data, slot.waiting = slot.waiting[:size], slot.waiting[size:]
            self._say(f"DATA {len(data)}", data)
        elif command == "AT+CLOSE":
            self.slots.pop(number, slot).close()
            self._say("OK")
        else:
            self._say("ERROR COMMAND")

    def _target(self, host: str, port: int) -> tuple[str, int]:
        host = self.hosts.get(host, host)
        return self.routes.get((host, port), (host, port))

    def _payload(self, size: int) -> bytes:
        while len(self._command) < size:
            self._command += os.read(self._line, 4096)
        payload, self._command = self._command[:size], self._command[size:]
        return payload

    def _say(self, line: str, data: bytes = b"") -> None:
        rest = line.encode() + b"\r" + data
        while rest:
            rest = rest[os.write(self._line, rest) :]
