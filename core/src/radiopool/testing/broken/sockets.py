"""Drivers whose sockets have one fault."""

from __future__ import annotations

import errno
import threading
import time
from typing import Any

from radiopool.testing.broken.catalogue import with_socket
from radiopool.testing.loopback import LoopbackRadio, LoopbackSocket


@with_socket("sends and receives")
class TextOnly(LoopbackSocket):
    """Takes NUL for the end, as text commands to a modem do."""

    def send(self, data: Any) -> int:
        return self.raw.send(bytes(data).replace(b"\0", b" "))


@with_socket("connections are apart")
class EqualSockets(LoopbackSocket):
    """All sockets are equal, as two that got the same number from an ESP32."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EqualSockets)

    def __hash__(self) -> int:
        return 1


@with_socket("receives into part of a buffer")
class IgnoresSize(LoopbackSocket):
    """Fills the buffer whatever was asked for."""

    def recv_into(self, buffer: Any, nbytes: int = 0) -> int:
        return self.raw.recv_into(buffer)


@with_socket("zero asks for the whole buffer")
class ZeroIsNothing(LoopbackSocket):
    """Takes 0 at its word."""

    def recv_into(self, buffer: Any, nbytes: int | None = None) -> int:
        return 0 if nbytes == 0 else self.raw.recv_into(buffer, nbytes or 0)


@with_socket("sends much")
class SendsAPart(LoopbackSocket):
    """Sends 2 KiB at most, and says it was all."""

    def send(self, data: Any) -> int:
        self.raw.send(data[:2048])
        return len(data)


@with_socket("receives much")
class DropsBytes(LoopbackSocket):
    """Loses a byte when much has arrived at once."""

    def recv_into(self, buffer: Any, nbytes: int = 0) -> int:
        count = self.raw.recv_into(buffer, nbytes)
        return count - 1 if count > 1400 else count


@with_socket("receives what is there")
class FillsTheBuffer(LoopbackSocket):
    """Waits for a full buffer, as MicroPython's `readinto` does."""

    def recv_into(self, buffer: Any, nbytes: int = 0) -> int:
        view, got = memoryview(buffer)[: nbytes or len(buffer)], 0
        while got < len(view):
            count = self.raw.recv_into(view[got:])
            if not count:
                break
            got += count
        return got


@with_socket("end is zero")
class EndlessWait(LoopbackSocket):
    """Never tells the end of the stream, as the ESP32's vendor library."""

    def recv_into(self, buffer: Any, nbytes: int = 0) -> int:
        count = self.raw.recv_into(buffer, nbytes)
        if not count:
            raise TimeoutError("timed out")
        return count


@with_socket("half close is an end")
class EndIsAnError(LoopbackSocket):
    """Raises ENOTCONN at the end, as CircuitPython on Espressif does when it does not block."""

    def recv_into(self, buffer: Any, nbytes: int = 0) -> int:
        count = self.raw.recv_into(buffer, nbytes)
        if not count:
            raise OSError(errno.ENOTCONN, "not connected")
        return count


@with_socket("reset is an error or an end")
class ResetWithoutErrno(LoopbackSocket):
    """A reset is a RuntimeError, as in WIZnet's vendor library."""

    def recv_into(self, buffer: Any, nbytes: int = 0) -> int:
        try:
            return self.raw.recv_into(buffer, nbytes)
        except ConnectionResetError as error:
            raise RuntimeError("Failed to receive.") from error


@with_socket("datagrams")
class SwappedPort(LoopbackSocket):
    """Gives the sender's port with its bytes swapped, as the ESP32's vendor library."""

    def recvfrom_into(self, buffer: Any) -> tuple[int, Any]:
        count, (host, port) = self.raw.recvfrom_into(buffer)
        swapped = (port & 0xFF) << 8 | port >> 8
        # One port of 256 is the same either way, and wrong all the same.
        return count, (host, swapped if swapped != port else 0)


@with_socket("listens")
class NobodyWaits(LoopbackSocket):
    """`accept` does not wait."""

    def accept(self) -> tuple[LoopbackSocket, Any]:
        raise OSError(errno.ECONNRESET, "nobody is waiting")


@with_socket("timeout is told")
class TimeoutIsAgain(LoopbackSocket):
    """A timeout is EAGAIN, as in MicroPython."""

    def recv_into(self, buffer: Any, nbytes: int = 0) -> int:
        try:
            return self.raw.recv_into(buffer, nbytes)
        except TimeoutError:
            raise OSError(errno.EAGAIN, "try again") from None


@with_socket("send timeout is told")
class SendsForEver(LoopbackSocket):
    """A send waits for room, whatever the timeout."""

    def send(self, data: Any) -> int:
        timeout = self.raw.gettimeout()
        self.raw.settimeout(None)
        try:
            return self.raw.send(data)
        finally:
            self.raw.settimeout(timeout)


@with_socket("timeouts can change", "timeout is applied again")
class LowestTimeout(LoopbackSocket):
    """A timeout once set can only be lowered."""

    def settimeout(self, timeout: float | None) -> None:
        known = self.raw.gettimeout()
        self.raw.settimeout(timeout if known is None or timeout is None else min(known, timeout))


@with_socket("none waits")
class NoneIsNothing(LoopbackSocket):
    """`settimeout(None)` changes nothing."""

    def settimeout(self, timeout: float | None) -> None:
        if timeout is not None:
            self.raw.settimeout(timeout)


@with_socket("does not block")
class NothingIsZero(LoopbackSocket):
    """Returns 0 where there is nothing yet, as the ESP32's vendor library."""

    def recv_into(self, buffer: Any, nbytes: int = 0) -> int:
        try:
            return self.raw.recv_into(buffer, nbytes)
        except BlockingIOError:
            return 0


@with_socket("recovers from exhaustion")
class NumberIsLost(LoopbackSocket):
    """Closing does not give its number back."""

    def close(self) -> None:
        self.raw.close()


@with_socket("closes twice")
class OnceOnly(LoopbackSocket):
    """A second close is an error, as in WIZnet's vendor library."""

    def close(self) -> None:
        if self.closed:
            raise RuntimeError("The socket has been closed.")
        super().close()


@with_socket("closed socket is dead")
class DeadWithoutErrno(LoopbackSocket):
    """Using a closed socket raises RuntimeError, as in WIZnet's vendor library."""

    def send(self, data: Any) -> int:
        if self.closed:
            raise RuntimeError("The socket has been closed.")
        return super().send(data)


@with_socket("closed socket gives nothing")
class GivesOnceClosed(LoopbackSocket):
    """Receives more than it is asked for, and gives the rest out even when it is closed."""

    def __init__(self, radio: LoopbackRadio, raw: Any) -> None:
        super().__init__(radio, raw)
        self.rest = b""

    def recv_into(self, buffer: Any, nbytes: int = 0) -> int:
        self.rest = self.rest or self.raw.recv(4096)
        count = min(nbytes or len(buffer), len(self.rest))
        buffer[:count], self.rest = self.rest[:count], self.rest[count:]
        return count


@with_socket("close while reading")
class ReadsForEver(LoopbackSocket):
    """A read holds a lock that close wants, and starts again after each timeout."""

    def __init__(self, radio: LoopbackRadio, raw: Any) -> None:
        super().__init__(radio, raw)
        self.lock = threading.Lock()

    def recv_into(self, buffer: Any, nbytes: int = 0) -> int:
        with self.lock:
            while True:
                try:
                    return super().recv_into(buffer, nbytes)
                except TimeoutError:
                    continue

    def close(self) -> None:
        with self.lock:
            super().close()


@with_socket("threads do not mix", "threads share the budget")
class OneBuffer(LoopbackSocket):
    """All sockets receive through one buffer, and no lock guards it."""

    shared = bytearray(4096)

    def recv_into(self, buffer: Any, nbytes: int = 0) -> int:
        count = self.raw.recv_into(self.shared, min(nbytes or len(buffer), len(self.shared)))
        time.sleep(0.005)
        buffer[:count] = self.shared[:count]
        return count
