"""The socket contract on a hardware socket.

`raw` is the vendor's socket, which owns the hardware socket's number; opening, closing and every register access
go through the vendor's methods. What its own `connect`, `send`, `recv_into`, `accept` do is done here again in
steps that each hold the chip's lock only for an exchange with the chip, because the vendor's wait for the network
inside: with a timeout they ignore, without an end when the peer closes early, and for all other sockets too.
Register facts: W5500 datasheet 1.0.9, section 4.2; the W5100S agrees.
"""

import errno

from radiopool.errors import InvalidValueError
from radiopool.keys import check_timeout
from radiopool_wiznet5k.chip import Patience
from radiopool_wiznet5k.lookup import is_address, look_up

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool_wiznet5k.chip import Chip

SOCK_STREAM = 1
SOCK_DGRAM = 2

RING_SIZE = 2048
"""Bytes of the chip's send and receive buffers for one socket, as the vendor sets them up."""

LINGER = 1
"""Seconds that `close` waits by default for the chip to have sent what it was given."""

# Sn_MR of a stream (TCP, no delayed ACK) and of datagrams.
_MODES = {SOCK_STREAM: 0x21, SOCK_DGRAM: 0x02}
# Sn_SR.
_CLOSED, _LISTENING, _SYN_SENT, _SYN_RECEIVED, _ESTABLISHED, _CLOSE_WAIT = 0x00, 0x14, 0x15, 0x16, 0x17, 0x1C
_UDP = 0x22
_SENDABLE = (_ESTABLISHED, _CLOSE_WAIT, _UDP)
# Sn_CR.
_CONNECT, _SEND, _RECV = 0x04, 0x20, 0x40
# Sn_IR.
_FINISHED, _TIMED_OUT, _SENT = 0x02, 0x08, 0x10

_UDP_HEADER = 8
# Boards' errno lacks some names; the numbers are Linux's.
_EISCONN = getattr(errno, "EISCONN", 106)


class Socket:
    """A TCP or UDP socket of the chip, with the behaviour of CPython's.

    Differences from the vendor's: timeouts hold for every call; `recv_into` gives what is there and 0 only for the
    peer's end of stream; errors are OSError with a number; `close` is idempotent, and may come from any thread
    while another reads and another writes.
    """

    def __init__(self, chip: "Chip", raw: "Any", kind: int) -> None:
        self.raw = raw
        self.type = kind
        self._chip = chip
        self._number: "int | None" = raw._socknum
        self._timeout: "float | None" = None
        self._port = 0
        self._opened = False
        # A SEND was ordered and the chip has not yet said that it is done.
        self._sending = False
        # Read from the chip, not yet by the caller.
        self._unread = memoryview(b"")

    # Options.

    def settimeout(self, timeout: "float | None") -> None:
        """Seconds for each call; None waits for ever, 0 never. Raises InvalidValueError."""
        check_timeout(timeout)
        self._timeout = timeout

    def gettimeout(self) -> "float | None":
        """What `settimeout` set."""
        return self._timeout

    def setblocking(self, flag: bool) -> None:
        """True: wait for ever. False: never wait."""
        self._timeout = None if flag else 0

    def setsockopt(self, level: int, option: int, value: "Any") -> None:
        """Accepted: the chip never delays small segments, and any port can be listened on again at once."""

    # Making a connection.

    def connect(self, address: "tuple[str, int]") -> None:
        """Connect to (name or address, port), the lookup within the same timeout. For datagrams: where `send` goes.

        Raises OSError: ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH (no link), EINPROGRESS (timeout 0; connected when
        `send` works); NameResolutionError.
        """
        patience = Patience(self._timeout)
        host = self._resolve(address[0])
        with self._chip.lock:
            number = self._require()
            if self._opened and self.type == SOCK_STREAM:
                raise OSError(_EISCONN, "the socket is connected already")
            self._open(number)
            self._set_destination(number, (host, address[1]))
            if self.type == SOCK_DGRAM:
                return
            self._chip.radio._write_sncr(number, _CONNECT)
        if self._timeout == 0:
            raise OSError(errno.EINPROGRESS, "connecting")
        what = "the connection to %s:%d" % address
        try:
            while not self._is_connected(what):
                patience.pause(what)
        except OSError:
            with self._chip.lock:
                if self._number is not None:
                    self._chip.radio.socket_close(self._number)
                    self._opened = False
            raise

    def _is_connected(self, what: str) -> bool:
        with self._chip.lock:
            number = self._require()
            status = self._chip.radio.socket_status(number)
            # The vendor waits for ESTABLISHED alone, and so for ever if the peer has already closed its side.
            if status in (_ESTABLISHED, _CLOSE_WAIT):
                return True
            if status == _CLOSED:
                if self._chip.radio.read_snir(number) & _TIMED_OUT:
                    raise OSError(errno.ETIMEDOUT, what + " got no answer in the chip's own time")
                raise OSError(errno.ECONNREFUSED, what + " was refused")
        return False

    def _resolve(self, host: str) -> str:
        return host if is_address(host) else look_up(self._chip, host, self._timeout)

    def _open(self, number: int) -> None:
        """OPEN, in the mode of this socket's type, unless it is. The chip's lock is held."""
        if self._opened:
            return
        self._chip.require_link()
        radio = self._chip.radio
        radio.src_port = self._port
        try:
            radio.socket_open(number, conn_mode=_MODES[self.type])
        finally:
            radio.src_port = 0
        self._opened = True
        self._sending = False
        self._unread = memoryview(b"")

    def _set_destination(self, number: int, address: "tuple[str, int]") -> None:
        self._chip.radio._write_sndipr(number, self._chip.radio.unpretty_ip(address[0]))
        self._chip.radio._write_sndport(number, address[1])

    # Serving.

    def bind(self, address: "tuple[str | None, int]") -> None:
        """Choose the local port; the host is the chip's own address, "0.0.0.0", "" or None."""
        host, port = address
        with self._chip.lock:
            number = self._require()
            own = self._chip.radio.ipv4_address
            if host not in (None, "", "0.0.0.0", own):
                raise InvalidValueError("can't bind to %r: the chip's address is %s" % (host, own))
            self._port = port
            if self.type == SOCK_DGRAM:
                self._open(number)

    def listen(self, backlog: int = 0) -> None:
        """Take connections to the bound port. The chip holds one at a time; who comes meanwhile is refused."""
        with self._chip.lock:
            number = self._require()
            if not self._port:
                raise InvalidValueError("bind to a port before listen()")
            self._listen(number)

    def _listen(self, number: int) -> None:
        self._chip.require_link()
        self._chip.radio.socket_listen(number, self._port)
        self._opened = True

    def accept(self) -> "tuple[Socket, tuple[str, int]]":
        """The next client and its (address, port). The client takes over this hardware socket and a fresh one
        listens, so this costs a socket; without one it raises OSError(ENOBUFS) and the client stays for the next
        `accept`.

        Raises OSError: EAGAIN, ETIMEDOUT, ENOBUFS.
        """
        patience = Patience(self._timeout)
        while not self._has_client():
            patience.pause("accept")
        fresh = Socket(self._chip, self._chip.claim(SOCK_STREAM), SOCK_STREAM)
        try:
            with self._chip.lock:
                number = self._require()
                radio = self._chip.radio
                address = (radio.remote_ip(number), radio.remote_port(number))
                fresh._port = self._port
                fresh._listen(fresh._require())
                # `fresh` becomes the client by taking this hardware socket for its own.
                self.raw, fresh.raw = fresh.raw, self.raw
                self._number, fresh._number = fresh._number, number
                fresh._port = 0
        except BaseException:
            fresh.close()
            raise
        return fresh, address

    def _has_client(self) -> bool:
        with self._chip.lock:
            number = self._require()
            status = self._chip.radio.socket_status(number)
            if status == _CLOSED:
                # The client gave up before it was accepted.
                self._listen(number)
            # CLOSE_WAIT: it has sent all it wants and waits for the answer; the vendor drops such a client.
            return status in (_ESTABLISHED, _CLOSE_WAIT)

    def getpeername(self) -> "tuple[str, int]":
        """The peer's (address, port). Raises OSError(ENOTCONN) if there is none."""
        with self._chip.lock:
            number = self._require()
            if not self._opened or self._chip.radio.socket_status(number) not in _SENDABLE:
                raise OSError(errno.ENOTCONN, "not connected")
            return self._chip.radio.remote_ip(number), self._chip.radio.remote_port(number)

    # Sending.

    def send(self, data: "Any") -> int:
        """Give the chip as much as its buffer takes, up to 2,048 bytes; how many that were.

        It returns when the chip has the bytes, not when the peer has: what fails later is told by the next call.
        Raises OSError: ETIMEDOUT (the peer takes nothing), EAGAIN, ECONNRESET, ENOTCONN, EBADF.
        """
        return self._send(data, None)

    def sendall(self, data: "Any") -> None:
        """Send everything, the timeout being for each 2,048 bytes. Raises what `send` does."""
        view = memoryview(data)
        while len(view):
            view = view[self._send(view, None) :]

    def sendto(self, data: "Any", *flags_and_address: "Any") -> int:
        """Send one datagram: `sendto(data, address)` or `sendto(data, flags, address)`.

        The vendor opens the hardware socket anew for each, which loses what had arrived and changes the local port.
        """
        host, port = flags_and_address[-1]
        return self._send(data, (self._resolve(host), port))

    def _send(self, data: "Any", destination: "tuple[str, int] | None") -> int:
        patience = Patience(self._timeout)
        view = memoryview(data)[:RING_SIZE]
        if not len(view) and self.type == SOCK_STREAM:
            return 0
        while True:
            with self._chip.lock:
                number = self._require()
                if destination is not None:
                    self._open(number)
                if self._can_send(number):
                    if destination is not None:
                        self._set_destination(number, destination)
                    sent = self._start_send(number, view)
                    if sent:
                        return sent
            patience.pause("sending")

    def _can_send(self, number: int) -> bool:
        """Whether the connection stands and the SEND before this is done."""
        status = self._chip.radio.socket_status(number)
        if status not in _SENDABLE:
            if status in (_SYN_SENT, _SYN_RECEIVED):
                return False
            raise self._ended(number) if self._opened else OSError(errno.ENOTCONN, "not connected")
        if self._sending:
            interrupts = self._chip.radio.read_snir(number)
            # TIMEOUT on an open socket: nobody answered the ARP request for a datagram. It is lost, as datagrams are.
            if not interrupts & (_SENT | _TIMED_OUT):
                return False
            self._chip.radio.write_snir(number, interrupts & (_SENT | _TIMED_OUT))
            self._sending = False
        return True

    def _start_send(self, number: int, view: "Any") -> int:
        radio = self._chip.radio
        free = radio._get_tx_free_size(number)
        if free < len(view):
            if self.type == SOCK_DGRAM:
                return 0
            view = view[:free]
        if len(view) or self.type == SOCK_DGRAM:
            pointer = radio._read_sntx_wr(number)
            radio._chip_socket_write(number, pointer & (RING_SIZE - 1), len(view), view)
            radio._write_sntx_wr(number, (pointer + len(view)) & 0xFFFF)
            radio._write_sncr(number, _SEND)
            self._sending = True
        return len(view)

    # Receiving.

    def recv_into(self, buffer: "Any", nbytes: int = 0) -> int:
        """Fill the buffer with what is there, up to `nbytes` (0: its length); 0 is the peer's end of stream. Of a
        datagram, what does not fit is lost.

        Raises OSError: ETIMEDOUT, EAGAIN, ECONNRESET, ENOTCONN, EBADF.
        """
        if self.type == SOCK_DGRAM:
            return self.recvfrom_into(buffer, nbytes)[0]
        view = self._room(buffer, nbytes)
        if not len(view):
            return 0
        patience = Patience(self._timeout)
        while not len(self._unread):
            if self._fetch():
                return 0
            if not len(self._unread):
                patience.pause("receiving")
        count = min(len(view), len(self._unread))
        view[:count] = self._unread[:count]
        self._unread = self._unread[count:]
        return count

    def recv(self, size: int) -> bytes:
        """What is there, up to `size` bytes; b"" is the peer's end of stream."""
        buffer = bytearray(size)
        return bytes(buffer[: self.recv_into(buffer)])

    def recvfrom_into(self, buffer: "Any", nbytes: int = 0) -> "tuple[int, tuple[str, int]]":
        """One datagram: (its length or what fitted, (sender's address, port)). The vendor would go on and put the
        next ones behind it."""
        if self.type == SOCK_STREAM:
            return self.recv_into(buffer, nbytes), self.getpeername()
        view = self._room(buffer, nbytes)
        patience = Patience(self._timeout)
        while True:
            with self._chip.lock:
                number = self._require()
                radio = self._chip.radio
                # The vendor's read_udp breaks its own scratch buffer when nothing is there.
                if self._opened and radio._get_rx_rcv_size(number) >= _UDP_HEADER:
                    count, payload = radio.read_udp(number, len(view))
                    view[:count] = payload
                    return count, (radio.pretty_ip(radio.udp_from_ip[number]), radio.udp_from_port[number])
            patience.pause("receiving")

    def recvfrom(self, size: int) -> "tuple[bytes, tuple[str, int]]":
        """One datagram: (payload, (sender's address, port))."""
        buffer = bytearray(size)
        count, sender = self.recvfrom_into(buffer)
        return bytes(buffer[:count]), sender

    def is_alive(self) -> bool:
        """Whether it can be recycled: connected, and nothing unread. Three chip selects."""
        with self._chip.lock:
            number = self._number
            return (
                number is not None
                and not len(self._unread)
                and self._chip.radio.socket_status(number) == _ESTABLISHED
                and not self._chip.radio._get_rx_rcv_size(number)
            )

    def _room(self, buffer: "Any", nbytes: int) -> "memoryview":
        if not 0 <= nbytes <= len(buffer):
            raise InvalidValueError("nbytes must be from 0 to the buffer's %d bytes, not %r" % (len(buffer), nbytes))
        return memoryview(buffer)[: nbytes or len(buffer)]

    def _fetch(self) -> bool:
        """Take all that the chip holds; True at the end of the stream."""
        with self._chip.lock:
            number = self._require()
            radio = self._chip.radio
            # Before the size: what arrives between the two is then read by the next call, and no end is seen too early.
            status = radio.socket_status(number)
            size = radio._get_rx_rcv_size(number) if self._opened else 0
            if size:
                pointer = radio._read_snrx_rd(number)
                self._unread = memoryview(radio._chip_socket_read(number, pointer, size))
                radio._write_snrx_rd(number, (pointer + size) & 0xFFFF)
                radio._write_sncr(number, _RECV)
            elif status == _CLOSED and self._opened:
                if not radio.read_snir(number) & _FINISHED:
                    raise self._ended(number)
                return True
            elif status in (_CLOSED, _LISTENING):
                raise OSError(errno.ENOTCONN, "not connected")
            else:
                return status == _CLOSE_WAIT
        return False

    def _ended(self, number: int) -> OSError:
        if self._chip.radio.read_snir(number) & _TIMED_OUT:
            return OSError(errno.ECONNRESET, "the peer answers no more; the chip gave the connection up")
        return OSError(errno.ECONNRESET, "the peer reset the connection")

    # The end.

    def close(self, linger: float = LINGER) -> None:
        """Say goodbye and free the hardware socket. Idempotent; other threads' calls end with OSError(EBADF).

        CLOSE drops what the chip has not sent yet: `linger` is how many seconds to wait for that at most.
        """
        self._drain(linger)
        with self._chip.lock:
            number = self._number
            if number is None:
                return
            self._number = None
            try:
                if self.type == SOCK_STREAM and self._chip.radio.socket_status(number) in (_ESTABLISHED, _CLOSE_WAIT):
                    self._chip.radio.socket_disconnect(number)
                self._chip.radio.socket_close(number)
            finally:
                self._chip.release(self.raw, number)

    def abandon(self) -> None:
        """Forget the hardware socket without a word to the chip, which was reset."""
        with self._chip.lock:
            if self._number is not None:
                self._chip.release(self.raw, self._number)
                self._number = None

    def _drain(self, linger: float) -> None:
        patience = Patience(linger)
        try:
            while True:
                with self._chip.lock:
                    if self._number is None or not self._sending or self._can_send(self._number):
                        return
                    # Without a link it won't be sent, however long one waits.
                    self._chip.require_link()
                patience.pause("closing")
        except OSError:
            return

    def _require(self) -> int:
        if self._number is None:
            raise OSError(errno.EBADF, "the socket is closed")
        return self._number

    def __enter__(self) -> "Socket":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        kind = "TCP" if self.type == SOCK_STREAM else "UDP"
        return "<%s socket %s>" % (kind, "closed" if self._number is None else self._number)
