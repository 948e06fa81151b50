"""Drivers that have one fault themselves, in what they ask of their sockets or say of them."""

from __future__ import annotations

import errno
import ssl
from collections.abc import Callable
from typing import Any

from radiopool.driver import Traits
from radiopool.testing.broken.catalogue import caught_by
from radiopool.testing.loopback import LoopbackDriver, LoopbackPool, LoopbackRadio, LoopbackSocket

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


# -- timeouts and errors


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


@caught_by("closed tls socket gives nothing")
class TLSGivesOnceClosed(ChangedTLS):
    """Takes the error of a closed TLS socket for the end of the stream."""

    def receive(self, call: Callable[[], int]) -> int:
        try:
            return call()
        except TimeoutError:
            raise
        except OSError:
            return 0


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
