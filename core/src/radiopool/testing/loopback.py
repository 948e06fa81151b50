"""A driver over the host's sockets whose radio has a budget that really runs out. CPython only.

It is the smallest driver that passes the kit with every trait: the kit's own tests break it in all the ways there are
(`radiopool.testing.broken`), and a program's tests can use it to run out of sockets on purpose.
"""

from __future__ import annotations

import errno
import socket
from typing import Any

from radiopool.driver import Driver, Traits
from radiopool.tls import TLSSocket, wrap


class LoopbackRadio:
    """A radio with so many sockets and TLS sockets. `table` holds those that are open."""

    def __init__(self, budget: tuple[int, int] = (4, 2)) -> None:
        self.budget = budget
        self.table: set[LoopbackSocket] = set()
        self.pool: Any = None

    def close(self) -> None:
        """Close every socket that is open, whatever became of the driver that opened it."""
        for opened in list(self.table):
            opened.raw.close()
        self.table.clear()


class LoopbackSocket:
    """A socket of the host under the socket contract; `raw` is the host's."""

    def __init__(self, radio: LoopbackRadio, raw: socket.socket) -> None:
        self.radio = radio
        self.raw = raw
        self.closed = False
        radio.table.add(self)

    def connect(self, address: Any) -> None:
        self.raw.connect(address)

    def bind(self, address: Any) -> None:
        self.raw.bind(address)

    def listen(self, backlog: int) -> None:
        self.raw.listen(backlog)

    def accept(self) -> tuple[LoopbackSocket, Any]:
        raw, address = self.raw.accept()
        return type(self)(self.radio, raw), address

    def send(self, data: Any) -> int:
        return self.raw.send(data)

    def recv_into(self, buffer: Any, nbytes: int = 0) -> int:
        return self.raw.recv_into(buffer, nbytes)

    def sendto(self, data: Any, address: Any) -> int:
        return self.raw.sendto(data, address)

    def recvfrom_into(self, buffer: Any) -> tuple[int, Any]:
        return self.raw.recvfrom_into(buffer)

    def settimeout(self, timeout: float | None) -> None:
        self.raw.settimeout(timeout)

    def getpeername(self) -> Any:
        return self.raw.getpeername()

    def close(self) -> None:
        self.closed = True
        self.radio.table.discard(self)
        self.raw.close()


class LoopbackPool:
    """The socket pool of a `LoopbackRadio`."""

    AF_INET = socket.AF_INET
    AF_INET6 = socket.AF_INET6
    SOCK_STREAM = socket.SOCK_STREAM
    SOCK_DGRAM = socket.SOCK_DGRAM

    def __init__(self, radio: LoopbackRadio, kind: type[LoopbackSocket]) -> None:
        self.radio = radio
        self.kind = kind

    def socket(self, family: int = socket.AF_INET, type: int = socket.SOCK_STREAM) -> LoopbackSocket:
        """Raises RuntimeError, as CircuitPython does, when the radio has none left."""
        if len(self.radio.table) >= self.radio.budget[0]:
            raise RuntimeError("Out of sockets")
        return self.kind(self.radio, socket.socket(family, type))

    def getaddrinfo(self, host: str, port: int, family: int = 0, type: int = 0) -> list[tuple[Any, ...]]:
        return list(socket.getaddrinfo(host, port, family, type))


class LoopbackDriver(Driver):
    """The driver of `LoopbackRadio`. TLS through `radiopool.tls`."""

    name = "loopback"
    version = "0"
    radios = ("radiopool.testing.loopback.LoopbackRadio",)
    pool_kind: type[LoopbackPool] = LoopbackPool
    socket_kind: type[LoopbackSocket] = LoopbackSocket

    def socket_pool(self, radio: LoopbackRadio) -> Any:
        if radio.pool is None:
            radio.pool = self.pool_kind(radio, self.socket_kind)
        return radio.pool

    def radio_of(self, pool: Any) -> Any:
        return pool.radio if isinstance(pool, LoopbackPool) else None

    def traits(self, radio: LoopbackRadio) -> Traits:
        return Traits(radio.budget, tls="host", udp=True, ipv6=True, listen=True)

    def wrap(self, socket: Any, ssl_context: Any, server_name: str) -> Any:
        secured = sum(1 for opened in socket.radio.table if getattr(opened, "has_tls", False))
        if secured >= socket.radio.budget[1]:
            raise OSError(errno.ENFILE, "out of TLS sockets")
        wrapped = wrap(socket, ssl_context, server_name)
        socket.has_tls = True
        return wrapped

    def is_alive(self, socket: Any) -> bool:
        return socket.is_alive() if isinstance(socket, TLSSocket) else super().is_alive(socket)

    def emulated(self, which: str = "", hosts: Any = None, routes: Any = None) -> LoopbackRadio:
        return LoopbackRadio()
