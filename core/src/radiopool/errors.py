"""Every error the core raises. All are `RadiopoolError`, and so `OSError`: code that guards network calls with
`except OSError` catches them on a board and on CPython alike (requests made the same choice).

On CPython each also has the built-in parent a Python programmer would try first (`ValueError` for a bad value,
`TimeoutError` for a timeout, ...); boards allow one built-in parent only.
"""

import errno

from radiopool.platform import CPYTHON, Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

if TYPE_CHECKING or CPYTHON:
    # socket.gaierror, without waiting for the rest of that module.
    from _socket import gaierror as UnknownName

    ConnectionRefused = ConnectionRefusedError
    InvalidValue = ValueError
    MissingName = LookupError
    RefusedUse = RuntimeError
    TimedOut = TimeoutError
else:
    # MicroPython and CircuitPython allow one built-in parent per class, and ours is OSError.
    ConnectionRefused = InvalidValue = MissingName = RefusedUse = TimedOut = UnknownName = Lock


class RadiopoolError(OSError):
    """The parent of every error of this package. `errno` is the cause's number where there is one."""

    if TYPE_CHECKING or CPYTHON:

        def __reduce__(self) -> "tuple[Any, ...]":
            # Not through __init__: its arguments differ from class to class, and the message is already made. OSError's
            # own leaves out an errno that was set later.
            kind = type(self)
            return kind.__new__, (kind,) + self.args, dict(vars(self), args=self.args, errno=self.errno)


class InvalidValueError(RadiopoolError, InvalidValue):
    """An argument is not usable; the message names it, its value and what to give instead."""


class LeaseError(RadiopoolError, RefusedUse):
    """A socket was given back twice, never leased here, or used after its manager was closed."""


class OutOfSocketsError(RadiopoolError, RefusedUse):
    """The budget is spent and nothing idle can make room; the message prints the counts."""


class LeaseTimeoutError(OutOfSocketsError, TimedOut):
    """No socket was given back in the time the caller was ready to wait."""


class ConnectError(RadiopoolError):
    """No connection could be made. `host` and `port` say where to."""

    host: "str | None" = None
    port: "int | None" = None


class NameResolutionError(ConnectError, UnknownName):
    """The host name does not resolve."""


class RefusedError(ConnectError, ConnectionRefused):
    """The host answered, and nothing listens on that port."""


class UnreachableError(ConnectError):
    """No route to the host, or the network is down."""


class ConnectTimeoutError(ConnectError, TimedOut):
    """The connection, its name lookup or its TLS handshake took longer than the timeout."""


class TLSError(ConnectError):
    """The TLS handshake failed."""


class CertificateError(TLSError):
    """The peer's certificate was refused; the message has the reason (expired, other name, unknown issuer)."""


class CooldownError(ConnectError):
    """The last connects to this key failed; the next attempt is not yet due."""


class DriverError(RadiopoolError):
    """Something is wrong with a driver: its contract, its registration, or what it was asked for."""


class NoDriverError(DriverError, MissingName):
    """No driver claims the radio, or none has the name asked for."""


class DriverConflictError(DriverError):
    """Two drivers claim the same radio and nobody chose."""


def error_number(error: BaseException) -> "int | None":
    """The errno of an OSError, wherever the interpreter put it.

    `OSError(110)` has its number in `args[0]` only, on CPython and on boards.
    """
    number = getattr(error, "errno", None)
    if number is None and error.args:
        number = error.args[0]
    return number if isinstance(number, int) else None


def is_exhausted(error: BaseException) -> bool:
    """Whether an error that is no MemoryError says that no socket is left."""
    if isinstance(error, OSError):
        return error_number(error) in _EXHAUSTED
    # RuntimeError("Out of sockets") from CircuitPython, "All sockets in use." from WIZnet's library.
    return isinstance(error, RuntimeError) and "sockets" in str(error)


def is_timeout(error: BaseException) -> bool:
    """Whether an error says that a socket's timeout ran out."""
    if not isinstance(error, OSError):
        return False
    return error_number(error) == errno.ETIMEDOUT or str(error).endswith("timed out")


def bad_timeout(timeout: object, name: str) -> InvalidValueError:
    """What is wrong with a timeout that `radiopool.keys` refused."""
    return InvalidValueError("%s must be None or seconds from 0 up, not %r" % (name, timeout))


def bad_address(host: object, port: object) -> InvalidValueError:
    """What is wrong with a host and port that `radiopool.keys` refused."""
    if not isinstance(host, str) or not host:
        return InvalidValueError("host must be a name or an address, not %r" % (host,))
    for character in host:
        if character <= " " or character == "\x7f":
            return InvalidValueError("host %r has a space or a control character in it" % (host,))
    return InvalidValueError("port must be a whole number from 1 to 65535, not %r" % (port,))


def connect_error(error: BaseException, key: "Any", timed_out: bool) -> RadiopoolError:
    """The typed error for what a connect raised, with where to and why. One of ours is returned as it is."""
    if isinstance(error, RadiopoolError):
        return error
    number = error_number(error)
    text = str(error)
    name = type(error).__name__
    kind: type[ConnectError]
    if timed_out:
        kind, reason = ConnectTimeoutError, "timed out; the host is unreachable, or slower than the timeout"
    elif "CERT" in text.upper() or name == "CertificateError":
        kind, reason = CertificateError, text
    elif "ssl" in name.lower() or "SSL" in text or "MBEDTLS" in text:
        kind, reason = TLSError, text
    elif name == "gaierror" or "resolve" in text or "hostname" in text:
        kind, reason = NameResolutionError, "the name does not resolve (%s)" % text
    elif number == errno.ECONNREFUSED:
        kind, reason = RefusedError, "refused; nothing listens there"
    elif number in _UNREACHABLE:
        kind, reason = UnreachableError, "unreachable; is the network up? (%s)" % text
    else:
        kind, reason = ConnectError, "%s: %s" % (name, text)
    made = kind("can't connect to %s:%s: %s" % (key.host, key.port, reason))
    made.host = key.host
    made.port = key.port
    made.errno = number
    return made


_EXHAUSTED = (
    errno.ENOMEM,
    errno.ENOBUFS,
    # Boards lack these two names; the numbers are the same on Linux, newlib and macOS.
    getattr(errno, "EMFILE", 24),
    getattr(errno, "ENFILE", 23),
)
_UNREACHABLE = (errno.EHOSTUNREACH, getattr(errno, "ENETUNREACH", 101), getattr(errno, "ENETDOWN", 100))
