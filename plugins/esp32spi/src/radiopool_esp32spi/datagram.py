"""UDP sockets."""

import errno

from radiopool.platform import now_ms
from radiopool_esp32spi.handle import EMSGSIZE, Handle, check_port
from radiopool_esp32spi.stream import swapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool.types import Buffer, Readable
    from radiopool_esp32spi.pool import SocketPool

PACKET = 1460
"""The longest datagram that the chip sends or takes in, bytes (`NetworkUDP`)."""
_INSERT = 0x46
_SEND = 0x39


class DatagramSocket(Handle):
    """A UDP socket. Never asked for its state: the firmware would answer "closed", and free its number.

    The chip keeps one address for "where to" and "who from": a datagram that comes in while one is being put together
    redirects it. That is the firmware's, and can't be mended from here.
    """

    type = 2

    def __init__(self, pool: "SocketPool") -> None:
        super().__init__(pool)
        self._peer: tuple[Any, int] | None = None

    def connect(self, address: "tuple[Any, int]", conntype: "int | None" = None) -> None:
        """Where `send` sends. Raises NameResolutionError."""
        self._check_open()
        check_port(address[1])
        self._peer = (self._pool.resolve(address[0]), address[1])

    def bind(self, address: "tuple[str, int]") -> None:
        """Open the port for what comes in."""
        super().bind(address)
        with self._pool.turn as radio:
            self._open(radio)

    def send(self, data: "Readable") -> int:
        """Send a datagram to the peer of `connect`; its length."""
        if self._peer is None:
            raise OSError(errno.ENOTCONN, "not connected")
        return self.sendto(data, self._peer)

    def sendto(self, data: "Readable", address: "tuple[Any, int]") -> int:
        """Send a datagram; its length. Raises OSError(EMSGSIZE) over 1460 bytes, which the chip would cut in two."""
        self._check_open()
        check_port(address[1])
        size = len(data)
        if size > PACKET:
            raise OSError(EMSGSIZE, "a datagram has at most %d bytes on this chip, not %d" % (PACKET, size))
        target = self._pool.resolve(address[0])
        with self._pool.turn as radio:
            number = self._open(radio)
            radio.socket_open(number, target, address[1], conn_mode=radio.UDP_MODE)
            # Not the vendor's socket_write: it fails on lengths that are multiples of 64, and counts pieces.
            rest = memoryview(data)
            while len(rest):
                self._command(radio, _INSERT, (bytes([number]), rest[:64]), True)
                rest = rest[64:]
            self._command(radio, _SEND, (bytes([number]),), False)
        return size

    def recvfrom_into(self, buffer: "Buffer", nbytes: int = 0) -> "tuple[int, tuple[str, int]]":
        """One datagram into the buffer: (its length there, (address, port)). What does not fit is lost, as usual.

        Raises OSError(ETIMEDOUT), or OSError(EAGAIN) when non-blocking.
        """
        room = len(buffer)
        if not 0 <= nbytes <= room:
            raise ValueError("nbytes must be from 0 to %d, the buffer's length, not %r" % (room, nbytes))
        started = now_ms()
        tries = 0
        while True:
            with self._pool.turn as radio:
                self._check_open()
                number = self._number
                if number is None:
                    raise OSError(errno.ENOTCONN, "neither bound nor sent from: nothing can come in")
                size = radio.socket_available(number)
                if size:
                    # Before the read, after which the chip takes in the next datagram and its sender.
                    remote = radio.get_remote_data(number)
                    datagram = radio.socket_read(number, size)
                    count = min(nbytes or room, len(datagram))
                    buffer[:count] = memoryview(datagram)[:count]
                    return count, ("%d.%d.%d.%d" % tuple(remote["ip_addr"]), swapped(remote["port"]))
            tries += 1
            self._pause(started, tries)

    def recv_into(self, buffer: "Buffer", nbytes: int = 0) -> int:
        """One datagram into the buffer; its length there."""
        return self.recvfrom_into(buffer, nbytes)[0]

    def recvfrom(self, size: int) -> "tuple[bytes, tuple[str, int]]":
        """One datagram, at most `size` bytes of it, and who sent it."""
        buffer = bytearray(size)
        count, sender = self.recvfrom_into(buffer)
        return bytes(memoryview(buffer)[:count]), sender

    def recv(self, size: int) -> bytes:
        """One datagram, at most `size` bytes of it."""
        return self.recvfrom(size)[0]

    def _open(self, radio: "Any") -> int:
        """The number, taken from the chip when it is first needed. Within a turn."""
        self._check_open()
        number: "Any" = self._number
        if number is None:
            if self._bound is None:
                self._bound = ("", self._pool.free_port())
            number = radio.get_socket()
            try:
                radio.start_server(self._bound[1], number, radio.UDP_MODE)
                self._hold(number)
            except BaseException as error:
                self._let_go(number, error)
                raise
        return number  # type: ignore[no-any-return]

    def _command(self, radio: "Any", command: int, parameters: "tuple[Any, ...]", wide: bool) -> None:
        if not radio._send_command_get_response(command, parameters, sent_param_len_16=wide)[0][0]:
            raise OSError(errno.EIO, "the chip did not send the datagram; is it on a network?")
