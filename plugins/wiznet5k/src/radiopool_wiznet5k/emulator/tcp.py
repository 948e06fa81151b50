"""One hardware socket in TCP mode, over a socket of the host.

Nothing runs in the background: whenever the host looks at a register that the network can change, `pump` moves
what can be moved. What happens when, and its source (W5500 datasheet 1.0.9, section 4.2; the W5100S agrees):

- CONNECT: SYN; ESTABLISHED and CON, or CLOSED by RST, or CLOSED and TIMEOUT (Sn_CR).
- LISTEN: one client per socket; ESTABLISHED and CON, its address in Sn_DIPR and Sn_DPORT (Sn_CR, Sn_DIPR).
- a FIN from the peer: CLOSE_WAIT and DISCON; data can still be sent (Sn_SR, Sn_IR).
- RST: CLOSED, unconditionally (Sn_CR, DISCON). Which interrupt bits it sets is open: none here.
- DISCON: FIN; CLOSED when the peer's FIN came, or CLOSED and TIMEOUT (Sn_CR). Before a connection: CLOSED (Sn_SR).
- CLOSE: CLOSED without a word (Sn_CR).
- SEND: SENDOK when done (Sn_IR). Free space counts from the peer's acknowledgement (Sn_TX_FSR); here, from the
  host's kernel having taken the bytes. A peer that does not read stalls it; it does not time out (RFC 9293, 3.8.6.1).
- what the datasheet leaves open: SEND outside ESTABLISHED and CLOSE_WAIT (ignored here), what is received in
  FIN_WAIT (kept here), the source port of a connection (the host's, not Sn_PORT).
"""

import errno
import socket
from typing import TYPE_CHECKING

from radiopool_wiznet5k.emulator import registers as reg

if TYPE_CHECKING:
    from radiopool_wiznet5k.emulator.hardware import HardwareSocket

_IN_PROGRESS = (errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK)

# Small, so that a peer that does not read is felt soon.
_KERNEL_SEND_BUFFER = 16 * 1024


class TCP:
    """The connection of one hardware socket: opened (INIT), not yet connected."""

    def __init__(self, hardware: "HardwareSocket") -> None:
        self._hardware = hardware
        self._network = hardware.chip.network
        self._connection: socket.socket | None = None
        self._address = ""
        self._listener: socket.socket | None = None
        self._listening_on = 0
        self._unsent = b""
        self._finishing = False
        self._deadline: float | None = None
        hardware.status = reg.INIT

    def connect(self) -> None:
        """CONNECT."""
        if self._hardware.status != reg.INIT:
            return
        chip = self._hardware.chip
        address, _ = self._hardware.destination
        arp, tcp = chip.retry_seconds()
        self._address = address
        # Without a cable nobody answers the ARP request; behind a gateway it is the gateway that does.
        reachable = self._network.faults.cable and (not chip.is_local(address) or self._network.faults.passes(address))
        self._deadline = chip.clock() + (tcp if reachable else arp)
        self._hardware.status = reg.SYNSENT
        self.pump()

    def listen(self) -> None:
        """LISTEN."""
        if self._hardware.status != reg.INIT:
            return
        self._listening_on = self._hardware.port
        self._listener = self._network.doors.join(self._listening_on)
        self._hardware.status = reg.LISTENING

    def send(self, data: bytes) -> None:
        """SEND."""
        if self._hardware.status in (reg.ESTABLISHED, reg.CLOSE_WAIT):
            self._unsent += data
            self._deadline = self._give_up_at()
            self.pump()

    def disconnect(self) -> None:
        """DISCON."""
        if self._hardware.status == reg.ESTABLISHED:
            self._hardware.status = reg.FIN_WAIT
        elif self._hardware.status == reg.CLOSE_WAIT:
            self._hardware.status = reg.LAST_ACK
        else:
            self._end()
            return
        self._finishing = True
        self._deadline = self._give_up_at()
        self.pump()

    def close(self) -> None:
        """CLOSE, or whatever else makes the chip forget the connection."""
        self._end(abort=not self._finishing or bool(self._unsent))

    def pump(self) -> None:
        """Move what the network allows."""
        status = self._hardware.status
        if status == reg.LISTENING:
            self._accept()
        elif status in (reg.SYNSENT, reg.ESTABLISHED, reg.CLOSE_WAIT, reg.FIN_WAIT, reg.LAST_ACK):
            if self._network.faults.passes(self._address):
                self._progress(status)
            self._check_deadline()

    def _progress(self, status: int) -> None:
        try:
            if status == reg.SYNSENT:
                self._handshake()
            if self._hardware.status != reg.SYNSENT:
                self._receive()
                self._flush()
        except OSError:
            self._end(abort=True)

    def _handshake(self) -> None:
        target = self._network.target(*self._hardware.destination)
        if target is None:
            return
        if self._connection is None:
            self._connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            _tune(self._connection)
        code = self._connection.connect_ex(target)
        if code in (0, errno.EISCONN):
            self._established()
        elif code not in _IN_PROGRESS:
            raise OSError(code, "refused")

    def _accept(self) -> None:
        if self._listener is None or not self._network.faults.cable:
            return
        try:
            connection, (address, port) = self._listener.accept()
        except OSError:
            return  # nobody there, or nobody any more
        _tune(connection)
        self._stop_listening()
        self._connection = connection
        self._address = address
        self._hardware.destination = (address, port)
        self._established()

    def _established(self) -> None:
        self._deadline = None
        self._hardware.reset_pointers()
        self._hardware.status = reg.ESTABLISHED
        self._hardware.interrupt(reg.CON)

    def _receive(self) -> None:
        while self._connection is not None and self._hardware.status in (reg.ESTABLISHED, reg.FIN_WAIT):
            free = self._hardware.receive_free
            if not free:
                self._raise_pending_error()
                return
            try:
                data = self._connection.recv(free)
            except BlockingIOError:
                return
            if data:
                self._hardware.receive(data)
            else:
                self._peer_finished()
        if self._connection is not None:
            self._raise_pending_error()

    def _peer_finished(self) -> None:
        self._hardware.interrupt(reg.DISCON_INT)
        if self._hardware.status == reg.FIN_WAIT:
            self._end()
        else:
            self._hardware.status = reg.CLOSE_WAIT

    def _raise_pending_error(self) -> None:
        # An RST is the only thing to notice while nothing can be received.
        assert self._connection is not None
        code = self._connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, "reset")

    def _flush(self) -> None:
        if self._connection is None:
            return
        while self._unsent:
            try:
                sent = self._connection.send(self._unsent)
            except BlockingIOError:
                self._deadline = None
                return
            self._unsent = self._unsent[sent:]
            self._hardware.acknowledged(sent)
            if not self._unsent:
                self._hardware.interrupt(reg.SENDOK)
        if not self._finishing:
            self._deadline = None
        elif self._hardware.status == reg.LAST_ACK:
            # The host's kernel acknowledges for the peer, so LAST_ACK is over at once.
            self._hardware.interrupt(reg.DISCON_INT)
            self._end()
        elif self._hardware.status == reg.FIN_WAIT:
            self._connection.shutdown(socket.SHUT_WR)

    def _check_deadline(self) -> None:
        if self._deadline is not None and self._hardware.chip.clock() >= self._deadline:
            self._end(abort=True)
            self._hardware.interrupt(reg.TIMEOUT)

    def _give_up_at(self) -> float:
        _, tcp = self._hardware.chip.retry_seconds()
        return self._hardware.chip.clock() + tcp

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener = None
            self._network.doors.leave(self._listening_on)

    def _end(self, abort: bool = False) -> None:
        self._hardware.status = reg.CLOSED
        self._deadline = None
        self._unsent = b""
        self._stop_listening()
        if self._connection is not None:
            connection, self._connection = self._connection, None
            self._network.let_go(connection, self._address, abort)


def _tune(connection: socket.socket) -> None:
    connection.setblocking(False)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_SEND_BUFFER)
