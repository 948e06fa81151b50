"""TCP sockets, and TLS sockets whose TLS is made by the chip."""

import errno

from radiopool.errors import ConnectError, ConnectTimeoutError, InvalidValueError, TLSError, error_number
from radiopool.platform import now_ms
from radiopool_esp32spi.handle import ENFILE, Handle, check_port
from radiopool_esp32spi.turn import breaks_step, is_unanswered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool.types import Buffer, Readable
    from radiopool_esp32spi.pool import SocketPool

READ_SIZE = 4000
"""Bytes asked for at once: the vendor's MAX_PACKET. A read that finds fewer costs no more for having asked."""
SEND_SIZE = 32 * 64 - 1
"""Bytes that one `send` takes at most. The vendor's library sends pieces of 64 bytes, and one more, empty, when their
sum is a multiple of 64."""
CONNECT_TIME = 3000
"""Milliseconds that the chip tries to connect over TCP, whatever the caller's timeout
(`WIFI_CLIENT_DEF_CONN_TIMEOUT_MS`); over TLS it tries longer than the vendor's library waits."""
ESTABLISHED = 4


class StreamSocket(Handle):
    """A TCP socket. Reads are buffered: whatever one read of the chip brings waits here.

    The chip tells the end of a stream only when it is asked for the connection's state, and by that answer takes the
    number back. So it is asked only after a read that found nothing, when nothing can be lost; from then on the socket
    has no number, and can't send any more either, even if the peer had closed only its own half. A reset looks like
    an end.
    """

    type = 1

    def __init__(self, pool: "SocketPool") -> None:
        super().__init__(pool)
        self._unread: bytes = b""
        self._at = 0
        self._ended = False
        self.secure = False
        self._server_name: str | None = None
        self._peer: Any = None
        self._listening = False

    # -- connecting

    def use_tls(self, server_name: "str | None") -> None:
        """Let the chip make TLS when the socket connects, and check the certificate against that name."""
        self._check_unused()
        self.secure = True
        self._server_name = server_name

    def connect(self, address: "Any", conntype: "int | None" = None) -> None:
        """Connect to (host, port), host a name, a dotted quad or 4 bytes; with TLS after `use_tls`, or when
        `conntype` is the vendor's TLS_MODE.

        Takes up to 3 s, however short the timeout: the chip does not let itself be interrupted. Raises ConnectError,
        ConnectTimeoutError, NameResolutionError, TLSError; OSError(23) when the chip has no socket left.
        """
        host, port = address[0], address[1]
        check_port(port)
        pool = self._pool
        if conntype == pool.radio.TLS_MODE:
            self.secure = True
        self._check_unused()
        if self.secure:
            # The chip looks the name up itself, and checks the certificate against it.
            target = self._server_name or host
            if not isinstance(target, str):
                raise InvalidValueError("TLS on the chip needs a host name to check, not the address %r" % (target,))
        else:
            target = pool.resolve(host)
        started = now_ms()
        try:
            self._open(target, port)
        except OSError as error:
            if error_number(error) == ENFILE or self._closed:
                raise
            raise self._connect_error(error, host, port, now_ms() - started) from error
        self._peer = (host, port)

    def _open(self, target: "Any", port: int) -> None:
        with self._pool.turn as radio:
            self._check_unused()
            number = radio.get_socket()
            mode = radio.TLS_MODE if self.secure else radio.TCP_MODE
            try:
                # Not socket_connect, which asks for the state on top: a peer that hangs up at once makes that 3 s of
                # waiting for a connection that was there.
                radio.socket_open(number, target, port, conn_mode=mode)
                self._hold(number)
            except BaseException as error:
                if breaks_step(error) or error_number(error) != ENFILE:
                    self._let_go(number, error)
                raise
            if self._closed:
                # By another thread, meanwhile.
                self._give_back(number)
                self._check_open()

    def _connect_error(self, error: OSError, host: "Any", port: int, took: int) -> ConnectError:
        """The chip says no and not why, so neither can this."""
        made: ConnectError
        where = "can't connect to %s:%s: " % (host, port)
        if is_unanswered(error):
            made = ConnectTimeoutError(where + "the chip did not answer (%s)" % error)
            made.errno = errno.ETIMEDOUT
        elif took >= CONNECT_TIME or (self._timeout is not None and took >= self._timeout * 1000):
            made = ConnectTimeoutError(where + "no connection after %.1f s" % (took / 1000))
            made.errno = errno.ETIMEDOUT
        elif self.secure:
            made = TLSError(
                where + "the chip made no TLS connection: refused, unreachable, or the certificate is not one that it "
                "trusts for %r; it does not say which" % (self._server_name or host)
            )
        else:
            made = ConnectError(where + "refused or unreachable; the chip does not say which")
        made.host, made.port = host, port
        return made

    def getpeername(self) -> "tuple[str, int]":
        """The (host, port) that it was connected to. Raises OSError(ENOTCONN)."""
        if self._peer is None or self._closed:
            raise OSError(errno.ENOTCONN, "not connected")
        return self._peer  # type: ignore[no-any-return]

    # -- sending and receiving

    def send(self, data: "Readable") -> int:
        """Send up to `SEND_SIZE` of the bytes; how many went. Raises OSError(ECONNRESET) when the peer is gone.

        The chip waits up to 10 s for a peer that does not read, whatever the timeout, and gives the connection up
        then.
        """
        if not data:
            self._check_open()
            return 0
        with self._pool.turn as radio:
            number = self._connected_number()
            if number is None:
                raise OSError(errno.ECONNRESET, "the peer has closed the connection")
            try:
                return radio.socket_write(number, memoryview(data)[:SEND_SIZE])  # type: ignore[no-any-return]
            except OSError as error:
                if is_unanswered(error):
                    raise
                # The vendor's library has closed the number, or the chip has.
                self._give_back(number)
                raise OSError(errno.ECONNRESET, "the connection is gone (%s)" % error) from error

    def sendall(self, data: "Readable") -> None:
        """Send all of the bytes."""
        rest = memoryview(data)
        while True:
            rest = rest[self.send(rest) :]
            if not len(rest):
                return

    def recv_into(self, buffer: "Buffer", nbytes: int = 0) -> int:
        """Up to `nbytes` (0: the buffer's length) bytes into the buffer; how many. 0 means that the peer closed.

        Raises OSError(ETIMEDOUT), or OSError(EAGAIN) when non-blocking.
        """
        size = len(buffer)
        if not 0 <= nbytes <= size:
            raise ValueError("nbytes must be from 0 to %d, the buffer's length, not %r" % (size, nbytes))
        if not self._unread:
            if not size:
                self._check_open()
                return 0
            if not self._fill():
                return 0
        else:
            self._check_open()
        unread, at = self._unread, self._at
        count = min(nbytes or size, len(unread) - at)
        if at or count != len(unread):
            buffer[:count] = memoryview(unread)[at : at + count]
        else:
            buffer[:count] = unread
        if at + count == len(unread):
            self._unread = b""
        self._at = at + count
        return count

    def recv(self, size: int) -> bytes:
        """Up to `size` bytes, no more than came; empty means that the peer closed."""
        buffer = bytearray(size)
        return bytes(memoryview(buffer)[: self.recv_into(buffer)])

    def _fill(self) -> bool:
        """See to it that there are unread bytes; False at the end of the stream."""
        started = now_ms()
        tries = 0
        while True:
            with self._pool.turn as radio:
                number = self._connected_number()
                if number is None:
                    return False
                unread = radio.socket_read(number, READ_SIZE)
                if unread:
                    self._unread, self._at = unread, 0
                    return True
                tries += 1
                # Every second time: an answer that is on its way need not pay for the question.
                if (self._timeout == 0 or not tries % 2) and radio.socket_status(number) != ESTABLISHED:
                    self._end(number)
                    return False
            self._pause(started, tries)

    def is_alive(self) -> bool:
        """Whether it can be recycled: connected, and nothing unread. Two commands, four chip selects."""
        if self._unread or self._ended or self._closed:
            return False
        with self._pool.turn as radio:
            number = self._number
            if number is None:
                return False
            # In this order: a connection whose network went away counts as established until a read has failed. And
            # a read, not "available", which means another thing on a number that has once listened.
            self._unread, self._at = radio.socket_read(number, READ_SIZE), 0
            if self._unread:
                return False
            if radio.socket_status(number) == ESTABLISHED:
                return True
            self._end(number)
            return False

    # -- serving

    def listen(self, backlog: int = 1) -> None:
        """Accept connections on the port bound to. The chip's backlog is fixed. Raises OSError if it can't."""
        if self._bound is None:
            self.bind(("", 0))
        port = self._bound[1]  # type: ignore[index]
        pool = self._pool
        with pool.turn as radio:
            self._check_unused()
            number = pool.number_to_listen(radio, port)
            # Before the command: if it is interrupted the chip may listen. One that does not is asked and forgotten.
            pool.listened[number] = port
            try:
                radio.start_server(port, number)
                self._hold(number)
            except BaseException as error:
                self._let_go(number, error)
                raise
            self._listening = True
            # Those who came while nobody listened here: the firmware never stops listening.
            visitor = pool.next_visitor(radio, number)
            while visitor is not None:
                pool.turn.close_number(visitor)
                visitor = pool.next_visitor(radio, number)

    def accept(self) -> "tuple[StreamSocket, tuple[str, int]]":
        """The next connection: (socket, (address, port)). Raises OSError(ETIMEDOUT) or OSError(EAGAIN)."""
        started = now_ms()
        tries = 0
        while True:
            with self._pool.turn as radio:
                self._check_open()
                if not self._listening or self._number is None:
                    raise OSError(errno.EINVAL, "the socket does not listen")
                number = self._pool.next_visitor(radio, self._number)
                if number is not None:
                    made = StreamSocket(self._pool)
                    try:
                        remote = radio.get_remote_data(number)
                        made._hold(number)
                    except BaseException as error:
                        made._let_go(number, error)
                        raise
                    made._peer = ("%d.%d.%d.%d" % tuple(remote["ip_addr"]), swapped(remote["port"]))
                    return made, made._peer
            tries += 1
            self._pause(started, tries)

    # -- ends

    def lose_number(self) -> None:
        self._number = None
        self._ended = True

    def _end(self, number: int) -> None:
        """The chip has taken the number back."""
        if self.secure:
            # Nothing to the chip any more; the vendor's library forgets its TLS socket by it.
            self._give_back(number)
        else:
            self.lose_number()
            self._pool.drop(number)

    def _check_unused(self) -> None:
        self._check_open()
        if self._number is not None or self._ended:
            raise OSError(errno.EALREADY, "the socket is in use, or was: it can't connect or listen a second time")

    def _connected_number(self) -> "int | None":
        """None when the stream has ended. Within a turn."""
        self._check_open()
        if self._number is None and not self._ended:
            raise OSError(errno.ENOTCONN, "not connected")
        if self._listening:
            raise OSError(errno.ENOTCONN, "a listening socket neither sends nor receives")
        return self._number


def swapped(port: int) -> int:
    """The vendor's library reads the port with its bytes in the wrong order."""
    return (port & 0xFF) << 8 | port >> 8
