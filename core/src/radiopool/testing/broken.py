"""For each check, a driver with the one fault that it must catch. CPython only.

Most of the faults are those of real libraries for boards. Each driver is `LoopbackDriver`, which passes every check,
with one thing wrong. `BROKEN` maps a check's name to its driver; the kit's own tests hold that none is missing and
that each fails its check.
"""

from __future__ import annotations

import errno
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

from radiopool.driver import Traits
from radiopool.testing.loopback import LoopbackDriver, LoopbackPool, LoopbackRadio, LoopbackSocket

BROKEN: dict[str, type[LoopbackDriver]] = {}


def caught_by(*checks: str) -> Callable[[type[LoopbackDriver]], type[LoopbackDriver]]:
    """Enter a driver as the one that those checks must catch."""

    def enter(driver: type[LoopbackDriver]) -> type[LoopbackDriver]:
        for check in checks:
            BROKEN[check] = driver
        return driver

    return enter


def with_socket(*checks: str) -> Callable[[type[LoopbackSocket]], type[LoopbackSocket]]:
    """Enter a driver whose sockets are of that class, and all else right."""

    def enter(kind: type[LoopbackSocket]) -> type[LoopbackSocket]:
        parts = {"socket_kind": kind, "__doc__": kind.__doc__}
        caught_by(*checks)(type("With" + kind.__name__, (LoopbackDriver,), parts))
        return kind

    return enter


# -- the radio and its pool


@caught_by("claims its radio")
class ClaimsEverything(LoopbackDriver):
    """Says yes to any object."""

    def matches(self, radio: Any) -> bool:
        return True


@caught_by("one socket pool per radio")
class ManyPools(LoopbackDriver):
    """Makes a socket pool each time, as `socketpool.SocketPool(radio)` does."""

    def socket_pool(self, radio: LoopbackRadio) -> Any:
        return LoopbackPool(radio, LoopbackSocket)


class FourTuples(LoopbackPool):
    def getaddrinfo(self, *args: Any) -> list[tuple[Any, ...]]:
        return [info[:3] + info[4:] for info in super().getaddrinfo(*args)]


@caught_by("finds addresses")
class NoCanonicalName(LoopbackDriver):
    """Leaves out a part of `getaddrinfo`'s tuples."""

    pool_kind = FourTuples


class OnlyIPv4(LoopbackPool):
    def getaddrinfo(self, *args: Any) -> list[tuple[Any, ...]]:
        return [info for info in super().getaddrinfo(*args) if info[0] == self.AF_INET]


@caught_by("ipv6")
class DeclaresIPv6(LoopbackDriver):
    """Declares IPv6 and has none."""

    pool_kind = OnlyIPv4


# -- sending and receiving


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
        return count, (host, (port & 0xFF) << 8 | port >> 8)


@with_socket("listens")
class NobodyWaits(LoopbackSocket):
    """`accept` does not wait."""

    def accept(self) -> tuple[LoopbackSocket, Any]:
        raise OSError(errno.ECONNRESET, "nobody is waiting")


# -- timeouts and errors


@with_socket("timeout is told")
class TimeoutIsAgain(LoopbackSocket):
    """A timeout is EAGAIN, as in MicroPython."""

    def recv_into(self, buffer: Any, nbytes: int = 0) -> int:
        try:
            return self.raw.recv_into(buffer, nbytes)
        except TimeoutError:
            raise OSError(errno.EAGAIN, "try again") from None


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


@caught_by("refused connect", "unknown name")
class RuntimeErrors(LoopbackDriver):
    """Whatever goes wrong is a RuntimeError, as in WIZnet's vendor library."""

    def connect(self, *args: Any, **keywords: Any) -> Any:
        try:
            return super().connect(*args, **keywords)
        except OSError as error:
            raise RuntimeError("Failed to connect.") from error


@caught_by("connect timeout", "tls handshake timeout")
class TimeoutIsUnreachable(LoopbackDriver):
    """A connect that times out looks like one that has no route."""

    def connect(self, *args: Any, **keywords: Any) -> Any:
        try:
            return super().connect(*args, **keywords)
        except TimeoutError as error:
            raise OSError(errno.EHOSTUNREACH, "no route") from error


# -- liveness


@caught_by("idle socket is alive", "recycles", "tls idle socket is alive")
class NeverAlive(LoopbackDriver):
    """Thinks that every idle connection is spent."""

    def is_alive(self, socket: Any) -> bool:
        return False


@caught_by("stale is replaced", "reset is replaced", "tls closed by peer is not alive", "random use")
class AlwaysAlive(LoopbackDriver):
    """Never looks, as Adafruit's connection manager."""

    def is_alive(self, socket: Any) -> bool:
        return True


@caught_by("closed by peer is not alive", "half closed is not alive")
class EndIsLife(LoopbackDriver):
    """Takes the end of the stream for silence."""

    def is_alive(self, socket: Any) -> bool:
        try:
            socket.settimeout(0)
            return not socket.recv_into(bytearray(1))
        except OSError as error:
            return self.would_block(error)


@caught_by("reset is not alive")
class ErrorsEscape(LoopbackDriver):
    """Lets the error that its probe meets out, in place of an answer."""

    def is_alive(self, socket: Any) -> bool:
        try:
            socket.settimeout(0)
            socket.recv_into(bytearray(1))
        except BlockingIOError:
            return True
        return False


@caught_by("unread bytes are not alive", "chatty is replaced")
class EatsBytes(LoopbackDriver):
    """A byte that arrives is a sign of life, and gone."""

    def is_alive(self, socket: Any) -> bool:
        try:
            socket.settimeout(0)
            return bool(socket.recv_into(bytearray(1)))
        except OSError as error:
            return self.would_block(error)


@caught_by("asking does not block")
class ProbeWaits(LoopbackDriver):
    """Probes with the timeout that the socket has."""

    def is_alive(self, socket: Any) -> bool:
        try:
            socket.recv_into(bytearray(1))
        except OSError as error:
            return self.would_block(error) or self.is_timeout(error)
        return False


# -- TLS


@caught_by("tls sends and receives")
class PlainInstead(LoopbackDriver):
    """Is asked for TLS and forgets it."""

    def wrap(self, socket: Any, ssl_context: Any, server_name: str) -> Any:
        return socket


class ChangedTLS(LoopbackDriver):
    """`receive(call)` stands in for `recv_into` of TLS sockets; `call()` is the right one."""

    def receive(self, call: Callable[[], int]) -> int:
        raise NotImplementedError

    def wrap(self, socket: Any, ssl_context: Any, server_name: str) -> Any:
        wrapped = super().wrap(socket, ssl_context, server_name)
        right = wrapped.recv_into
        wrapped.recv_into = lambda buffer, nbytes=0: self.receive(lambda: right(buffer, nbytes))
        return wrapped


@caught_by("tls end is zero")
class TLSEndIsAnError(ChangedTLS):
    """Lets TLS's own word for the end of the stream out."""

    def receive(self, call: Callable[[], int]) -> int:
        count = call()
        if not count:
            raise ssl.SSLZeroReturnError("closed")
        return count


@caught_by("tls timeout is told")
class TLSTimeoutIsTLS(ChangedTLS):
    """A TLS read that times out raises an error of TLS."""

    def receive(self, call: Callable[[], int]) -> int:
        try:
            return call()
        except TimeoutError as error:
            raise ssl.SSLError("wants to read") from error


@caught_by("tls refuses expired", "tls refuses untrusted")
class TrustsEverybody(LoopbackDriver):
    """Checks no certificate."""

    def wrap(self, socket: Any, ssl_context: Any, server_name: str) -> Any:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return super().wrap(socket, context, server_name)


@caught_by("tls refuses wrong name")
class AsksNoName(LoopbackDriver):
    """Checks the certificate's issuer, and not its name."""

    def wrap(self, socket: Any, ssl_context: Any, server_name: str) -> Any:
        ssl_context.check_hostname = False
        return super().wrap(socket, ssl_context, server_name)


@caught_by("tls unread bytes are not alive")
class ProbesCiphertext(LoopbackDriver):
    """Looks at the raw socket under TLS, where what was decrypted already is not seen."""

    def is_alive(self, socket: Any) -> bool:
        return super().is_alive(getattr(socket, "raw", socket))


# -- limits


@caught_by("budget can be used")
class PromisesTooMuch(LoopbackDriver):
    """Declares one socket more than there are."""

    def traits(self, radio: LoopbackRadio) -> Traits:
        return Traits((radio.budget[0] + 1, radio.budget[1]), tls="host")


@caught_by("exhaustion is told", "exhaustion makes room")
class ExhaustionUnknown(LoopbackDriver):
    """Does not recognise its own radio's exhaustion."""

    def is_exhausted(self, error: BaseException) -> bool:
        return False


@caught_by("tls budget is kept")
class TLSExhaustionUnknown(LoopbackDriver):
    """Declares one TLS socket too many, and takes the radio's refusal for a refused connect."""

    def traits(self, radio: LoopbackRadio) -> Traits:
        return Traits((radio.budget[0], radio.budget[1] + 1), tls="host")

    def is_exhausted(self, error: BaseException) -> bool:
        return isinstance(error, RuntimeError)


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


class KeepsFailed(LoopbackDriver):
    """Does not close the socket of a connect that failed."""

    def connect_address(self, pool: Any, info: Any, host: str, timeout: Any, ssl_context: Any, *rest: Any) -> Any:
        raw = pool.socket(info[0], info[1])
        raw.settimeout(timeout)
        raw.connect(info[-1])
        return raw if ssl_context is None else self.wrap(raw, ssl_context, rest[0] or host)


caught_by("refused connect leaves nothing", "timed out connect leaves nothing")(KeepsFailed)
caught_by("failed handshake leaves nothing", "failed wrap leaves nothing")(KeepsFailed)


# -- recycling


@caught_by("keys are apart", "tls keys are apart")
class PoolsByItself(LoopbackDriver):
    """Keeps connections of its own, by host and port."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, int], Any] = {}

    def connect(self, pool: Any, host: str, port: int, *args: Any, **keywords: Any) -> Any:
        if (host, port) not in self.known:
            self.known[host, port] = super().connect(pool, host, port, *args, **keywords)
        return self.known[host, port]


@caught_by("closes", "budget is kept", "close all leaves nothing", "idle timeout", "own sockets count")
class ClosesLater(LoopbackDriver):
    """Forgets to close."""

    def close(self, socket: Any) -> None:
        pass
