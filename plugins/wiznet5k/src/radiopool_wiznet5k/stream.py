"""TCP on a hardware socket: the socket contract."""

import errno

from radiopool.errors import InvalidValueError
from radiopool_wiznet5k.chip import Patience, call
from radiopool_wiznet5k.chip_socket import (
    CLOSE_WAIT,
    CLOSED,
    CONNECT,
    ESTABLISHED,
    LISTENING,
    PEER_FINISHED,
    RECV,
    RING_SIZE,
    SOCK_STREAM,
    TIMED_OUT,
    ChipSocket,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool_wiznet5k.chip import Chip

# Boards' errno lacks it; the number is Linux's.
_EISCONN = getattr(errno, "EISCONN", 106)


class StreamSocket(ChipSocket):
    """A TCP socket of the chip."""

    type = SOCK_STREAM
    # TCP, without delayed ACKs.
    _mode = 0x21

    def __init__(self, chip: "Chip", raw: "Any") -> None:
        super().__init__(chip, raw)
        # Read from the chip, not yet by the caller.
        self._unread = memoryview(b"")
        self._listening = False

    def connect(self, address: "tuple[str, int]") -> None:
        """Connect to (name or address, port), the lookup and the connection within one timeout.

        Raises OSError: ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH (no link), EINPROGRESS (timeout 0; connected when
        `send` works); NameResolutionError, InvalidValueError.
        """
        patience = Patience(self._timeout)
        host, port = self._resolve(address)
        with self._chip.lock:
            number = self._require()
            if self._opened:
                raise OSError(_EISCONN, "the socket is connected already")
            self._open(number)
            self._set_destination(number, (host, port))
            self._chip.radio._write_sncr(number, CONNECT)
        if self._timeout == 0:
            raise OSError(errno.EINPROGRESS, "connecting")
        what = "the connection to %s:%d" % (address[0], port)
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
            if status in (ESTABLISHED, CLOSE_WAIT):
                return True
            if status == CLOSED:
                if self._chip.radio.read_snir(number) & TIMED_OUT:
                    raise OSError(errno.ETIMEDOUT, what + " got no answer in the chip's own time")
                raise OSError(errno.ECONNREFUSED, what + " was refused")
        return False

    def listen(self, backlog: int = 0) -> None:
        """Take connections to the bound port. The chip holds one at a time; who comes meanwhile is refused.

        A second call changes nothing. Raises OSError(EINVAL) on a socket that is connected.
        """
        with self._chip.lock:
            number = self._require()
            if self._listening:
                return
            if self._opened:
                raise OSError(errno.EINVAL, "a connected socket can't listen")
            if not self._port:
                raise InvalidValueError("bind to a port before listen()")
            self._listen(number)
            self._listening = True

    def _listen(self, number: int) -> None:
        self._chip.require_link()
        call(self._chip.radio.socket_listen, number, self._port)
        self._opened = True

    def accept(self) -> "tuple[StreamSocket, tuple[str, int]]":
        """The next client and its (address, port). The client takes over this hardware socket and a fresh one
        listens, so this costs a socket; without one it raises OSError(ENOBUFS) and the client stays for the next
        `accept`.

        Raises OSError: EAGAIN, ETIMEDOUT, ENOBUFS, EBADF, EINVAL (it does not listen).
        """
        patience = Patience(self._timeout)
        while not self._has_client():
            patience.pause("accept")
        fresh = StreamSocket(self._chip, self._chip.claim(SOCK_STREAM))
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
            if not self._listening:
                raise OSError(errno.EINVAL, "the socket does not listen")
            status = self._chip.radio.socket_status(number)
            if status == CLOSED:
                # The client gave up before it was accepted.
                self._listen(number)
            # CLOSE_WAIT: it has sent all it wants and waits for the answer; the vendor drops such a client.
            return status in (ESTABLISHED, CLOSE_WAIT)

    def send(self, data: "Any") -> int:
        """Give the chip as much as its buffer takes, up to 2,048 bytes; how many that were.

        It returns when the chip has the bytes, not when the peer has: what fails later is told by the next call.
        Raises OSError: ETIMEDOUT (the peer takes nothing), EAGAIN, ECONNRESET, ENOTCONN, EBADF.
        """
        view = memoryview(data)[:RING_SIZE]
        self._require()
        if not len(view):
            return 0
        patience = Patience(self._timeout)
        while True:
            with self._chip.lock:
                number = self._require()
                free = self._chip.radio._get_tx_free_size(number) if self._can_send(number) else 0
                if free:
                    view = view[:free]
                    self._start_send(number, view)
                    return len(view)
            patience.pause("sending")

    def sendall(self, data: "Any") -> None:
        """Send everything, the timeout being for each 2,048 bytes. Raises what `send` does."""
        view = memoryview(data)
        self._require()
        while len(view):
            view = view[self.send(view) :]

    def recv_into(self, buffer: "Any", nbytes: int = 0) -> int:
        """Fill the buffer with what is there, up to `nbytes` (0: its length); 0 is the peer's end of stream.

        However little is asked for, the chip's buffer is emptied at once and kept here, so that small reads cost
        nothing on the wire. Raises OSError: ETIMEDOUT, EAGAIN, ECONNRESET, ENOTCONN, EBADF.
        """
        view = self._room(buffer, nbytes)
        self._require()
        if not len(view):
            return 0
        # Another thread's close takes `_unread` away at any time.
        unread = self._unread
        if not len(unread):
            patience = Patience(self._timeout)
            while not len(unread):
                if self._fetch():
                    return 0
                unread = self._unread
                if not len(unread):
                    patience.pause("receiving")
        count = min(len(view), len(unread))
        view[:count] = unread[:count]
        self._unread = unread[count:]
        return count

    def _fetch(self) -> bool:
        """Take all that the chip holds; True at the end of the stream."""
        with self._chip.lock:
            number = self._require()
            radio = self._chip.radio
            # Before the size: what arrives between the two is read by the next call, and no end is seen too early.
            status = radio.socket_status(number)
            size = radio._get_rx_rcv_size(number) if self._opened else 0
            if size:
                pointer = radio._read_snrx_rd(number)
                self._unread = memoryview(radio._chip_socket_read(number, pointer, size))
                radio._write_snrx_rd(number, (pointer + size) & 0xFFFF)
                radio._write_sncr(number, RECV)
                return False
            if status == CLOSED and self._opened:
                if not radio.read_snir(number) & PEER_FINISHED:
                    raise self._lost(number)
                return True
            if status in (CLOSED, LISTENING):
                raise OSError(errno.ENOTCONN, "not connected")
            return bool(status == CLOSE_WAIT)

    def is_alive(self) -> bool:
        """Whether it can be recycled: connected, and nothing unread. Three chip selects."""
        with self._chip.lock:
            number = self._number
            return bool(
                number is not None
                and not len(self._unread)
                and self._chip.radio.socket_status(number) == ESTABLISHED
                and not self._chip.radio._get_rx_rcv_size(number)
            )

    def _forget(self, number: int) -> None:
        super()._forget(number)
        self._unread = memoryview(b"")

    def _say_goodbye(self, number: int) -> None:
        if self._chip.radio.socket_status(number) in (ESTABLISHED, CLOSE_WAIT):
            self._chip.radio.socket_disconnect(number)
