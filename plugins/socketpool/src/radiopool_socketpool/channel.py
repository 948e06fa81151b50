"""A socket of this computer, heard through a radio that can fail.

The socket below never blocks; waiting is done here, in slices, so that a close by another thread, a dropped network or
a lost peer is seen while somebody waits.
"""

import errno
import os
import select
import socket
import time
from typing import TYPE_CHECKING, Any

from radiopool_socketpool.names import HOST_FAMILY
from radiopool_socketpool.personality import firmware_error

if TYPE_CHECKING:
    from radiopool_socketpool.radio import Radio

SLICE = 0.05
"""Seconds of waiting between two looks at what else may have happened."""

TYPES = {"stream": socket.SOCK_STREAM, "datagram": socket.SOCK_DGRAM, "raw": socket.SOCK_RAW}
LOST = (errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED)
READ = select.POLLIN
WRITE = select.POLLOUT
# The peer's FIN, even behind data that was not read yet; only Linux has a flag for it.
END = getattr(select, "POLLRDHUP", select.POLLHUP)

Peer = tuple[Any, ...]


class Channel:
    """The host's side of one `Socket`: what the port makes of it is the socket's business.

    kind: "stream", "datagram" or "raw". Takes a slot of the radio that `close` gives back.
    `ended` and `reset` say what came in from the peer; `silent` that nothing will.
    """

    def __init__(self, radio: "Radio", host: socket.socket, kind: str) -> None:
        self.radio = radio
        self.kind = kind
        self.ended = False
        self.reset = False
        self.silent = False
        self.tls_slots = 0
        self._host: socket.socket | None = host
        self._pid = os.getpid()
        self._unsent = bytearray()
        host.setblocking(False)
        if kind == "stream":
            # So that it fills nearly as soon as the port's own.
            host.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, radio.personality.send_buffer)

    @classmethod
    def open(cls, radio: "Radio", family: int, kind: str, proto: int) -> "Channel":
        """Raises RuntimeError("Out of sockets"), or PermissionError where a RAW socket is not permitted."""
        radio.take(kind)
        try:
            return cls(radio, socket.socket(HOST_FAMILY[family], TYPES[kind], proto if kind == "raw" else 0), kind)
        except BaseException:
            radio.slots.give_back(kind)
            raise

    @property
    def host(self) -> socket.socket:
        """The socket below. Raises EBADF when closed."""
        if self._host is None:
            raise firmware_error(errno.EBADF)
        return self._host

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._host is None

    @property
    def is_deaf(self) -> bool:
        """Whether nothing comes in: the network is down, or the peer fell silent."""
        return self.silent or not self.radio.connected

    def close(self) -> None:
        """Idempotent. Whoever waits in another thread gets EBADF."""
        host, self._host = self._host, None
        if host is None:
            return
        try:
            # As the firmware does; but a child process must not end its parent's connection.
            if self._pid == os.getpid():
                host.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        host.close()
        self.radio.slots.give_back(self.kind)
        self.radio.slots.give_back("tls", self.tls_slots)
        self.tls_slots = 0

    def abandon(self) -> None:
        """Close this process's hold on the socket without a word on the wire."""
        self._pid = 0
        self.close()

    def poll(self, events: int, seconds: float = 0) -> bool:
        """Whether one of the events, or an error, is there within that time."""
        if self.is_deaf:
            return False
        poller = select.poll()
        poller.register(self.host, events)
        # Rounded up: a wait must not end a moment before its deadline, to begin again.
        return bool(poller.poll(-int(-seconds * 1000 // 1)))

    def wait(self, events: int, deadline: float | None, late: int = errno.ETIMEDOUT) -> None:
        """Wait for an event, 0: for none. Raises the errno `late` after the deadline, EBADF once closed.

        May return early: look again.
        """
        host = self.host
        seconds = SLICE if deadline is None else min(SLICE, deadline - time.monotonic())
        if seconds <= 0:
            raise firmware_error(late)
        if not events or self.silent:
            time.sleep(seconds)
        elif not self.radio.connected:
            self.radio.faults.wait_for_network(seconds)
        else:
            self.poll(events, seconds)
        if self._host is not host:
            raise firmware_error(errno.EBADF)

    def way_to(self, address: str, port: int) -> "tuple[str, int] | None":
        """Where a packet to that address really goes; None: nobody is there. Raises EHOSTUNREACH."""
        if not self.radio.connected or not self.radio.names.exists(address):
            raise firmware_error(errno.EHOSTUNREACH)
        return self.radio.names.target(address, port)

    def send(self, view: memoryview, buffer_size: int) -> int:
        """Send without waiting; 0 if the buffer is full. Raises ECONNRESET once the connection is lost."""
        host = self.host
        if self.reset:
            raise firmware_error(errno.ECONNRESET)
        if self.is_deaf:
            # Unacknowledged, and so kept to be sent again, as far as the buffer goes.
            room = max(0, buffer_size - len(self._unsent))
            self._unsent += view[:room]
            return min(room, len(view))
        try:
            if self._unsent:
                del self._unsent[: host.send(self._unsent)]
            return 0 if self._unsent else host.send(view[:buffer_size])
        except BlockingIOError:
            return 0
        except OSError as error:
            self.reset = error.errno in LOST
            raise firmware_error(errno.ECONNRESET if self.reset else error.errno or errno.EIO) from None

    def receive(self, view: memoryview) -> "tuple[int, Peer | None] | None":
        """(bytes, sender) without waiting, 0 bytes at the end of a stream; None if nothing is there yet.

        Raises ECONNRESET once the connection is lost.
        """
        host = self.host
        if self.reset:
            raise firmware_error(errno.ECONNRESET)
        if self.ended:
            return 0, None
        if self.is_deaf:
            return None
        if self._unsent:
            self.send(memoryview(b""), 0)
        try:
            size, peer = host.recvfrom_into(view)
        except BlockingIOError:
            return None
        except OSError as error:
            if self.kind != "stream" and error.errno == errno.ECONNREFUSED:
                # An ICMP answer to an earlier datagram, which lwIP does not pass on.
                return None
            self.reset = error.errno in LOST
            raise firmware_error(errno.ECONNRESET if self.reset else error.errno or errno.EIO) from None
        self.ended = not size and self.kind == "stream"
        return size, peer

    def lose_peer(self, how: str) -> None:
        """What `Faults.lose_peer` asks for."""
        self.silent = self.silent or how == "silence"
        self.ended = self.ended or how == "end"
        self.reset = self.reset or how == "reset"
