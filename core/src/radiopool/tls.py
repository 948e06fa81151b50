"""TLS over any leased socket, through `ssl.MemoryBIO`. CPython only.

`SSLContext.wrap_socket` wants a socket of the operating system; a chip's socket is not one, and neither is a TLS
socket that a second TLS layer is to run over (an HTTPS proxy). `TLSSocket` needs nothing but the socket contract of
`radiopool.types.Socket`, and gives the same contract.

An error of the raw socket comes through as it is, so the driver's own predicates (`is_timeout`, `would_block`) read
it; TLS's own are `ssl.SSLError`, and a deadline that runs out between two raw calls is `TimeoutError`.
"""

import errno
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from radiopool.errors import InvalidValueError, error_number, is_timeout
from radiopool.tls_sessions import certificate_name, forget_session, recall_session, remember_session
from radiopool.types import Buffer, Readable

RECORD_SIZE = 16 * 1024
"""Bytes of plain text in one TLS record, at most (RFC 8446 section 5.1)."""
SEND_SIZE = 4 * RECORD_SIZE
"""Bytes that one `send` takes, at most; it bounds what a timeout can leave unsent here."""
RECEIVE_SIZE = 32 * 1024
"""Bytes read from the raw socket at once, at most."""
CLOSE_TIMEOUT = 0.1
"""Seconds that `close` gives the raw socket to take what is left and the close_notify."""
TURN = 0.05
"""Seconds of reading between two attempts to send, while the peer does not take what waits to be sent."""
SLACK = 0.005
"""Seconds by which a raw call may overrun a deadline; a smaller difference is not worth a `settimeout`."""
NOW = 0.0
"""The deadline of an operation that must not block."""

Result = TypeVar("Result")


def wrap(socket: Any, ssl_context: ssl.SSLContext, server_name: str | None) -> "TLSSocket":
    """TLS over a driver's socket: what `Driver.wrap` returns where `ssl_context.wrap_socket` can't.

    A socket that says by `getpeername` that it is connected is handshaked at once, as `wrap_socket` does; any other
    by `connect`, or by `do_handshake` when it was connected before. Raises what they raise, without closing `socket`.
    """
    wrapped = TLSSocket(socket, ssl_context, server_name)
    try:
        socket.getpeername()
    except (OSError, AttributeError):
        return wrapped
    wrapped.do_handshake()
    return wrapped


class TLSSocket:
    """A client's TLS connection over a socket `raw` that keeps the socket contract.

    server_hostname: what the certificate must name.
    session: an `ssl.SSLSession` to resume; without one, `connect` takes the last that this context had with that
        name and port, TLS 1.3 tickets included.
    suppress_ragged_eofs: as `ssl.SSLSocket` has it, and with its default: a peer that hangs up without close_notify
        has ended its stream, since so many servers do; HTTP's framing tells a body cut short from a whole one. False
        makes it `ssl.SSLEOFError`, for protocols that end with the connection (RFC 8446 section 6.1).

    A timeout covers the whole of an operation, however many raw calls it takes. One thread may send while another
    receives. Raises InvalidValueError if the context is not one of the `ssl` module.
    """

    def __init__(
        self,
        raw: Any,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        session: ssl.SSLSession | None = None,
        suppress_ragged_eofs: bool = True,
    ) -> None:
        if not hasattr(ssl_context, "wrap_bio"):
            raise InvalidValueError(f"ssl_context must be an ssl.SSLContext, not {ssl_context!r}")
        self.raw = raw
        self.context = ssl_context
        self.server_hostname = certificate_name(server_hostname)
        self.suppress_ragged_eofs = suppress_ragged_eofs
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._engine = ssl_context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=self.server_hostname, session=session
        )
        # Ciphertext that left the engine and that the raw socket has not taken. It is never dropped while the
        # connection lives: the peer can't read past a record that lacks a part.
        self._unsent = memoryview(b"")
        self._received = memoryview(bytearray(RECEIVE_SIZE))
        # OpenSSL must not be entered twice at once; its calls here never block. The other two locks keep ciphertext
        # in order while a raw call does block. Order: _sending, _receiving, _entering.
        self._entering = threading.Lock()
        self._sending = threading.RLock()
        self._receiving = threading.Lock()
        # Without gettimeout the raw socket keeps the timeout it has until settimeout is called here.
        gettimeout = getattr(raw, "gettimeout", None)
        self._timeout: float | None = gettimeout() if gettimeout else None
        self._raw_timeout = self._timeout
        self._port: int | None = None
        self._session_kept = False
        self._ended = False
        self._closed = False

    def connect(self, address: Any) -> None:
        """Connect the raw socket and do the handshake, both within the timeout."""
        deadline = self._deadline()
        self._arm(deadline)
        self.raw.connect(address)
        if isinstance(address, tuple) and len(address) > 1:
            self._port = address[1]
            session = recall_session(self.context, self.server_hostname, address[1])
            if session is not None and self._engine.session is None:
                self._engine.session = session
        self._handshake(deadline)

    def do_handshake(self) -> None:
        """The handshake over a raw socket that is connected already, within the timeout; later calls do nothing.

        Raises ssl.SSLCertVerificationError, ssl.SSLError, TimeoutError or what the raw socket raises, of which
        `radiopool.tls_errors` makes a sentence. After "would block" it can be called again.
        """
        self._handshake(self._deadline())

    def send(self, data: Readable) -> int:
        """Encrypt and send up to `SEND_SIZE` bytes; the number taken, at least 1.

        Bytes taken are on their way: those that the raw socket did not take in time wait here, as they would in a
        kernel's buffer, and go out with the next call of any kind. A timeout (or "would block") comes out only when
        nothing was taken, so repeating the call never sends anything twice.
        """
        self._check_open()
        if not data:
            return 0
        if len(data) > SEND_SIZE:
            data = memoryview(data).cast("B")[:SEND_SIZE]
        deadline = self._deadline()
        with self._sending:
            self._flush(deadline)
            taken = self._run(deadline, self._engine.write, data)
            try:
                self._flush(deadline)
            except OSError as error:
                if not _is_pause(error):
                    raise
        return taken

    def sendall(self, data: Readable) -> None:
        """Send all of it; the timeout covers each `SEND_SIZE` bytes. Raises what `send` raises."""
        rest = memoryview(data).cast("B")
        while rest:
            rest = rest[self.send(rest) :]

    def recv_into(self, buffer: Buffer, nbytes: int = 0) -> int:
        """Decrypt up to `nbytes` (0: the buffer's length) straight into the buffer. 0 means that the peer closed."""
        self._check_open()
        size = nbytes or len(buffer)
        if self._ended or not size:
            return 0
        try:
            # With a buffer it returns how many, whatever typeshed says.
            count: Any = self._run(self._deadline(), self._engine.read, size, buffer)
            return int(count)
        except ssl.SSLZeroReturnError:
            self._ended = True
        except ssl.SSLEOFError:
            if not self.suppress_ragged_eofs:
                raise
            self._ended = True
        return 0

    def recv(self, size: int) -> bytes:
        """Up to `size` bytes; empty means that the peer closed."""
        buffer = bytearray(size)
        return bytes(buffer[: self.recv_into(buffer)])

    def settimeout(self, timeout: float | None) -> None:
        """Seconds for each operation, all its raw calls together; None blocks, 0 never does."""
        self.raw.settimeout(timeout)
        self._timeout = self._raw_timeout = timeout

    def gettimeout(self) -> float | None:
        """Seconds, or None."""
        return self._timeout

    def close(self) -> None:
        """Say close_notify, waiting no longer than `CLOSE_TIMEOUT` seconds for it to go, and close the raw socket."""
        if self._closed:
            return
        try:
            # Takes in the session tickets of one that only sent: unread bytes make the system's close() a reset,
            # which cuts off what is still on its way (RFC 1122 section 4.2.2.13).
            self.is_alive()
            # Our half only (RFC 8446 section 6.1): to wait for the peer's would give it a hold on us.
            with self._entering:
                self._engine.unwrap()
        except (OSError, RuntimeError, ValueError):
            pass
        finally:
            self._closed = True
            try:
                self._flush_within(CLOSE_TIMEOUT)
            finally:
                self.raw.close()

    def is_alive(self) -> bool:
        """Whether it can be recycled: connected, and no application byte unread. Never blocks.

        A session ticket or a KeyUpdate (RFC 8446 section 4.6) is TLS's own business and is taken in here; a byte of
        the application, close_notify, an end or an error means no. Leaves the raw socket non-blocking until the next
        operation.
        """
        # While another thread reads it is not idle.
        if self._closed or self._ended or not self._receiving.acquire(blocking=False):
            return False
        try:
            return self._is_silent()
        except OSError as error:
            return _is_pause(error)
        finally:
            self._receiving.release()

    def _is_silent(self) -> bool:
        probe = bytearray(1)
        # More than any number of tickets that makes sense is not an idle peer.
        room = RECEIVE_SIZE
        while room > 0:
            try:
                with self._entering:
                    self._engine.read(1, probe)
                return False
            except ssl.SSLWantReadError:
                self._keep_session()
            self._arm(NOW)
            size = self._take(_raw(self.raw.recv_into, self._received))
            if not size:
                return False
            room -= size
        return False

    def pending(self) -> int:
        """Bytes decrypted and unread, without looking at what is still ciphertext."""
        return self._engine.pending()

    def getpeername(self) -> Any:
        """The raw socket's peer address."""
        return self.raw.getpeername()

    @property
    def session(self) -> ssl.SSLSession | None:
        """The session as it stands; a TLS 1.3 one can be resumed once a ticket was read (`has_ticket`)."""
        return self._engine.session

    @property
    def session_reused(self) -> bool:
        """Whether the handshake resumed an earlier session."""
        return bool(self._engine.session_reused)

    def version(self) -> str | None:
        """ "TLSv1.2", "TLSv1.3", or None before the handshake."""
        return self._engine.version()

    def cipher(self) -> tuple[str, str, int] | None:
        """(name, protocol version, secret bits), or None before the handshake."""
        return self._engine.cipher()

    def getpeercert(self, binary_form: bool = False) -> Any:
        """The peer's certificate, as `ssl.SSLSocket.getpeercert` gives it."""
        return self._engine.getpeercert(binary_form)

    def selected_alpn_protocol(self) -> str | None:
        """The protocol that the peer chose (RFC 7301), or None."""
        return self._engine.selected_alpn_protocol()

    def __repr__(self) -> str:
        state = "closed" if self._closed else self.version() or "no handshake"
        return f"<TLSSocket {state} to {self.server_hostname} over {self.raw!r}>"

    def _handshake(self, deadline: float | None) -> None:
        self._check_open()
        try:
            self._run(deadline, self._engine.do_handshake)
            self._flush(deadline)
        except ssl.SSLError:
            if self._port is not None:
                forget_session(self.context, self.server_hostname, self._port)
            raise
        self._keep_session()

    def _run(self, deadline: float | None, call: Callable[..., Result], *arguments: Any) -> Result:
        """An engine's call, fed until it is done. Any call may want to read, and to write: a handshake goes on
        behind it when it is the first, or when the peer asks for new keys."""
        while True:
            try:
                with self._entering:
                    return call(*arguments)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                # The alert that tells the peer why.
                self._flush_within(NOW)
                raise
            self._receive(deadline)

    def _receive(self, deadline: float | None) -> None:
        """More ciphertext for the engine. What waits to be sent goes first: the peer may need it to answer."""
        if not self._receiving.acquire(blocking=False):
            # Another thread reads; what it gets is the engine's as well.
            with self._receiving:
                return
        try:
            while not self._receive_in_turn(deadline):
                pass
        finally:
            self._receiving.release()

    def _receive_in_turn(self, deadline: float | None) -> bool:
        """One raw read; False if it ended only because it is sending's turn again.

        A peer that stopped reading may go on only after we read, so neither direction may wait for the other.
        """
        stuck = False
        # When another thread is sending, all that waits goes out with its own.
        if self._sending.acquire(blocking=False):
            try:
                if self._unsent:
                    self._flush_within(NOW)
                    stuck = bool(self._unsent) and deadline != NOW
                else:
                    self._flush(deadline)
            finally:
                self._sending.release()
        self._arm(deadline, TURN if stuck else None)
        try:
            self._take(_raw(self.raw.recv_into, self._received))
        except OSError as error:
            if stuck and _is_pause(error):
                return False
            raise
        return True

    def _take(self, size: int) -> int:
        """Hand what the raw socket read, or its end, to the engine."""
        with self._entering:
            if size:
                self._incoming.write(self._received[:size])
            else:
                self._incoming.write_eof()
        return size

    def _flush(self, deadline: float | None) -> None:
        """Send all ciphertext there is; what the raw socket does not take stays in `_unsent`."""
        with self._sending:
            while self._unsent or self._outgoing.pending:
                if not self._unsent:
                    with self._entering:
                        self._unsent = memoryview(self._outgoing.read())
                self._arm(deadline)
                self._unsent = self._unsent[_raw(self.raw.send, self._unsent) :]

    def _flush_within(self, seconds: float) -> None:
        """Send what goes in that time, for those who have something else to do or to report."""
        if not self._sending.acquire(blocking=False):
            return
        try:
            self._flush(time.monotonic() + seconds if seconds else NOW)
        except (OSError, RuntimeError):
            pass
        finally:
            self._sending.release()

    def _deadline(self) -> float | None:
        if self._timeout is None:
            return None
        return time.monotonic() + self._timeout if self._timeout else NOW

    def _arm(self, deadline: float | None, at_most: float | None = None) -> None:
        """Give the raw socket what is left of the time. Raises TimeoutError if nothing is."""
        left = deadline
        if left:
            left -= time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
        if at_most is not None and (left is None or left > at_most):
            left = at_most
        known = self._raw_timeout
        if known != left and not (left and known and left <= known <= left + SLACK):
            self.raw.settimeout(left)
            self._raw_timeout = left

    def _check_open(self) -> None:
        if self._closed:
            raise OSError(errno.EBADF, "the TLS socket is closed")

    def _keep_session(self) -> None:
        if self._port is not None and not self._session_kept:
            self._session_kept = remember_session(self, self._port)


def _raw(call: Callable[[memoryview], int], buffer: memoryview) -> int:
    """A call of the raw socket. What a raw `ssl.SSLSocket` wants is not what the engine above it wants."""
    try:
        return call(buffer)
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
        raise BlockingIOError(errno.EAGAIN, "the raw TLS socket would block") from error


def _is_pause(error: OSError) -> bool:
    """Whether a raw socket of the contract only says "not now": its timeout ran out, or it would block."""
    # The number may be the first argument only, and a timeout only say that it is one: as the core's drivers have it.
    return isinstance(error, (TimeoutError, BlockingIOError)) or (
        not isinstance(error, ssl.SSLError)
        and (is_timeout(error) or error_number(error) in (errno.EAGAIN, errno.EWOULDBLOCK, errno.EINPROGRESS))
    )
