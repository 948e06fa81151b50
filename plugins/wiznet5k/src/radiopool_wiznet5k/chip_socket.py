"""A hardware socket of the chip, as streams and datagrams share it.

`raw` is the vendor's socket, which owns the hardware socket's number; opening, closing and every register access
go through the vendor's methods. What its own `connect`, `send`, `recv_into`, `accept` do is done here again in
steps that each hold the chip's lock only for an exchange with the chip, because the vendor's wait for the network
inside: with a timeout they ignore, without an end when the peer closes early, and for all other sockets too.
Register facts: W5500 datasheet 1.0.9, section 4.2; the W5100S agrees.
"""

import errno

from radiopool.errors import InvalidValueError
from radiopool.keys import check_timeout
from radiopool_wiznet5k.chip import Patience, call
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

# Sn_SR.
CLOSED, LISTENING, SYN_SENT, SYN_RECEIVED = 0x00, 0x14, 0x15, 0x16
ESTABLISHED, CLOSE_WAIT, UDP = 0x17, 0x1C, 0x22
# Sn_CR.
CONNECT, CLOSE, SEND, RECV = 0x04, 0x10, 0x20, 0x40
# Sn_IR.
PEER_FINISHED, TIMED_OUT, SENT = 0x02, 0x08, 0x10


def host_and_port(address: "Any", lowest: int) -> "tuple[Any, int]":
    """The two parts of an address, the port being from `lowest` to 65535. Raises InvalidValueError."""
    try:
        host, port = address
    except (TypeError, ValueError) as error:
        raise InvalidValueError("an address is (host, port), not %r" % (address,)) from error
    # The chip would take the low 16 bits of whatever it gets.
    if not isinstance(port, int) or type(port) is bool or not lowest <= port < 65536:
        raise InvalidValueError("port must be a whole number from %d to 65535, not %r" % (lowest, port))
    return host, port


class ChipSocket:
    """What `StreamSocket` and `DatagramSocket` have in common. Behaves like CPython's socket.

    Differences from the vendor's: timeouts hold for every call; errors are OSError with a number; `close` is
    idempotent, and may come from any thread while another reads and another writes.
    """

    type = 0
    """SOCK_STREAM or SOCK_DGRAM."""
    _mode = 0
    """Sn_MR."""

    def __init__(self, chip: "Chip", raw: "Any") -> None:
        self.raw = raw
        self._chip = chip
        self._number: "int | None" = raw._socknum
        self._timeout: "float | None" = None
        self._port = 0
        self._opened = False
        # A SEND was ordered and the chip has not yet said that it is done.
        self._sending = False

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

    def bind(self, address: "tuple[str | None, int]") -> None:
        """Choose the local port; the host is the chip's own address, "0.0.0.0", "" or None."""
        host, port = host_and_port(address, 0)
        with self._chip.lock:
            self._require()
            own = self._chip.radio.ipv4_address
        if host not in (None, "", "0.0.0.0", own):
            raise InvalidValueError("can't bind to %r: the chip's address is %s" % (host, own))
        self._port = port

    def getpeername(self) -> "tuple[str, int]":
        """The peer's (address, port). Raises OSError(ENOTCONN) if there is none."""
        with self._chip.lock:
            number = self._require()
            radio = self._chip.radio
            if not self._opened or radio.socket_status(number) not in (ESTABLISHED, CLOSE_WAIT, UDP):
                raise OSError(errno.ENOTCONN, "not connected")
            return radio.remote_ip(number), radio.remote_port(number)

    def send(self, data: "Any") -> int:
        """Give the chip bytes for the peer; how many it took.

        It returns when the chip has the bytes, not when the peer has: what fails later is told by the next call.
        Raises OSError: ETIMEDOUT (the peer takes nothing), EAGAIN, ECONNRESET, ENOTCONN, EBADF.
        """
        raise NotImplementedError

    def recv_into(self, buffer: "Any", nbytes: int = 0) -> int:
        """Fill the buffer with what is there, up to `nbytes` (0: its length).

        Raises OSError: ETIMEDOUT, EAGAIN, ECONNRESET, ENOTCONN, EBADF.
        """
        raise NotImplementedError

    def recv(self, size: int) -> bytes:
        """What is there, up to `size` bytes. Raises what `recv_into` does."""
        buffer = bytearray(size)
        return bytes(buffer[: self.recv_into(buffer)])

    def close(self, linger: float = LINGER) -> None:
        """Free the hardware socket. Idempotent; other threads' calls end with OSError(EBADF).

        CLOSE drops what the chip has not sent yet: `linger` is how many seconds to wait for that at most.
        """
        self._drain(linger)
        with self._chip.lock:
            number = self._number
            if number is None:
                return
            try:
                self._say_goodbye(number)
                call(self._chip.radio.socket_close, number)
            except BaseException:
                # A number that gets no CLOSE is lost: nobody has it, and `claim` passes over it. Should this be
                # interrupted too, the number stays ours, for the next `close`.
                try:
                    self._chip.radio._write_sncr(number, CLOSE)
                except OSError:
                    pass
                self._forget(number)
                raise
            self._forget(number)

    def abandon(self) -> None:
        """Forget the hardware socket without a word to the chip, which was reset."""
        # Without the lock: in the child of a fork, the thread that had it is not there to give it back.
        number = self._number
        if number is not None:
            self._forget(number)

    # For the two kinds. Where a number is passed in, the chip's lock is held.

    def _say_goodbye(self, number: int) -> None:
        """What the protocol wants before CLOSE."""

    def _forget(self, number: int) -> None:
        self._number = None
        self._chip.release(self.raw, number)

    def _require(self) -> int:
        if self._number is None:
            raise OSError(errno.EBADF, "the socket is closed")
        return self._number

    def _resolve(self, address: "Any") -> "tuple[str, int]":
        host, port = host_and_port(address, 1)
        return host if is_address(host) else look_up(self._chip, host, self._timeout), port

    def _open(self, number: int) -> None:
        """OPEN, unless it is."""
        if self._opened:
            return
        self._chip.require_link()
        radio = self._chip.radio
        radio.src_port = self._port
        try:
            call(radio.socket_open, number, self._mode)
        finally:
            radio.src_port = 0
        self._opened = True
        self._sending = False

    def _set_destination(self, number: int, address: "tuple[str, int]") -> None:
        self._chip.radio._write_sndipr(number, self._chip.radio.unpretty_ip(address[0]))
        self._chip.radio._write_sndport(number, address[1])

    def _can_send(self, number: int) -> bool:
        """Whether there is somebody to send to and the SEND before this is done."""
        radio = self._chip.radio
        status = radio.socket_status(number)
        if status not in (ESTABLISHED, CLOSE_WAIT, UDP):
            if status in (SYN_SENT, SYN_RECEIVED):
                return False
            raise self._lost(number) if self._opened else OSError(errno.ENOTCONN, "not connected")
        if self._sending:
            # TIMEOUT on a socket that is open still: nobody answered ARP for a datagram, which is lost, as they get.
            done = radio.read_snir(number) & (SENT | TIMED_OUT)
            if not done:
                return False
            radio.write_snir(number, done)
            self._sending = False
        return True

    def _start_send(self, number: int, view: "memoryview") -> None:
        """SEND, of bytes for which there is room."""
        radio = self._chip.radio
        pointer = radio._read_sntx_wr(number)
        radio._chip_socket_write(number, pointer & (RING_SIZE - 1), len(view), view)
        radio._write_sntx_wr(number, (pointer + len(view)) & 0xFFFF)
        radio._write_sncr(number, SEND)
        self._sending = True

    def _lost(self, number: int) -> OSError:
        if self._chip.radio.read_snir(number) & TIMED_OUT:
            return OSError(errno.ECONNRESET, "the peer answers no more; the chip gave the connection up")
        return OSError(errno.ECONNRESET, "the peer reset the connection")

    def _room(self, buffer: "Any", nbytes: int) -> "memoryview":
        if not 0 <= nbytes <= len(buffer):
            raise InvalidValueError("nbytes must be from 0 to the buffer's %d bytes, not %r" % (len(buffer), nbytes))
        return memoryview(buffer)[: nbytes or len(buffer)]

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

    def __enter__(self) -> "Any":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return "<%s %s>" % (self.__class__.__name__, "closed" if self._number is None else self._number)
