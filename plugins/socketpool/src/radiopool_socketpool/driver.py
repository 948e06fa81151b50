"""The driver of native Wi-Fi: `wifi.radio` on a board, and its double on CPython.

The firmware's sockets keep the socket contract by themselves, so they are leased bare: no wrapper, full speed, and
the firmware's `ssl` and `select.poll` go on working.
"""

import errno
import sys

from radiopool.driver import Driver, Traits
from radiopool.errors import DriverError, error_number
from radiopool_socketpool import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CPYTHON = sys.implementation.name == "cpython"

# mbedTLS numbers its errors below zero, a high-level one in the bits of 0xFF80 (mbedtls/error.h).
_HIGH_LEVEL = 0xFF80
_CERTIFICATE = 0x2700
_NO_MEMORY = (0x7F00, 0x2880, 0x3F80, 0x4D80, 0x5180, 0x6180, 0x1180)


class SocketPoolDriver(Driver):
    """`wifi.radio`, its `socketpool` and the firmware's `ssl`.

    budget: (sockets, TLS sockets) open at once, in place of the port's figures.
    tls_cost: how many of the sockets one TLS socket takes, in place of the port's figure.

    Raises InvalidValueError, on CPython.
    """

    name = "socketpool"
    version = __version__
    radios = ("wifi.Radio",)
    emulations = ("espressif", "raspberrypi")

    def __init__(self, budget: "tuple[int | None, int | None] | None" = None, tls_cost: "int | None" = None) -> None:
        if CPYTHON:
            Traits((None, None) if budget is None else budget, tls_cost=1 if tls_cost is None else tls_cost)
        self._budget = budget
        self._tls_cost = tls_cost
        self._pool: "Any" = None

    def matches(self, radio: "Any") -> bool:
        """Whether it is a `wifi.Radio`."""
        if CPYTHON:
            return Driver.matches(self, radio)
        try:
            import wifi
        except ImportError:
            return False
        return isinstance(radio, wifi.Radio)

    def socket_pool(self, radio: "Any") -> "Any":
        """`socketpool.SocketPool(radio)`, the same object every time.

        Raises DriverError if another package has taken the name `socketpool`, and says what to do.
        """
        import socketpool

        if not hasattr(socketpool, "SocketPool"):
            raise DriverError("; ".join(self.doctor()) or "the module socketpool has no SocketPool")
        if CPYTHON:
            return socketpool.SocketPool(radio)
        # A board has one radio.
        if self._pool is None:
            self._pool = socketpool.SocketPool(radio)
        return self._pool

    def radio_of(self, pool: "Any") -> "Any":
        """The radio of a `socketpool.SocketPool`, or None."""
        if CPYTHON:
            radio = getattr(pool, "_radio", None)
            return radio if radio is not None and self.matches(radio) else None
        try:
            import socketpool
            import wifi
        except ImportError:
            return None
        return wifi.radio if isinstance(pool, socketpool.SocketPool) else None

    def traits(self, radio: "Any") -> Traits:
        """The port's figures, unless the constructor was given others."""
        port, model = _port_of(radio)
        cost = 1 if port.startswith("RP2") else 2
        sockets = 5 if port.startswith("RP2") else 8
        slots = getattr(radio, "slots", None)
        if slots is not None:
            sockets = slots.streams
            cost = slots.tls_cost
        elif "S3" in model:
            # CircuitPython 10 gives an ESP32-S3 four stream sockets.
            sockets = 4
        cost = self._tls_cost or cost
        return Traits(
            self._budget or (sockets, max(1, sockets // cost)),
            tls="host",
            udp=True,
            ipv6=port == "Espressif",
            listen=True,
            tls_cost=cost,
        )

    def connect_address(
        self,
        pool: "Any",
        info: "Any",
        host: str,
        timeout: "float | None",
        ssl_context: "Any",
        server_name: "str | None",
        source_address: "tuple[str, int] | None",
    ) -> "Any":
        """One attempt, without the delay of Nagle's algorithm afterwards.

        lwIP says "reset" of a refused connection, raspberrypi "in progress" of one that took too long, and mbedTLS only
        a number where the firmware lacks its texts; raises what they mean.
        """
        # Of an IPv6 address getaddrinfo gives four parts, and connect takes two.
        info = (info[0], info[1], info[2], info[3], info[4][:2])
        try:
            socket: "Any" = Driver.connect_address(
                self, pool, info, host, timeout, ssl_context, server_name, source_address
            )
        except OSError as error:
            meant = _meaning(error, bool(timeout), ssl_context is not None)
            if meant is error:
                raise
            raise meant from error
        try:
            socket.setsockopt(pool.IPPROTO_TCP, pool.TCP_NODELAY, 1)
        except (OSError, AttributeError):
            # Firmware before 9 has no such option.
            pass
        return socket

    def is_exhausted(self, error: BaseException) -> bool:
        """Out of sockets or of memory, mbedTLS's ways to say so included."""
        if isinstance(error, OSError):
            number = error_number(error)
            if number is not None and number < 0:
                return -number & _HIGH_LEVEL in _NO_MEMORY
        return Driver.is_exhausted(self, error)

    def is_alive(self, socket: "Any") -> bool:
        """Whether an idle socket is still connected and has nothing unread; eats at most a byte of a dead one.

        After a reset, espressif's first non-blocking read says EAGAIN as if all were well (*inferred*), so
        `select.poll` is asked too. A TLS socket may be readable for TLS's own sake (RFC 8446 section 4.6.1): the read
        takes that in.
        """
        try:
            for _ in range(3):
                waiting = _is_readable(socket)
                if waiting and hasattr(socket, "type"):
                    # A plain socket: what waits is data, an end or an error.
                    return False
                socket.settimeout(0)
                try:
                    socket.recv_into(bytearray(1))
                    return False
                except OSError as error:
                    if not self.would_block(error):
                        return False
                if not waiting:
                    return True
        except (OSError, RuntimeError):
            pass
        return False

    def abandon(self, socket: "Any") -> None:
        """On CPython, close this process's hold on the socket without a word on the wire."""
        channel = getattr(getattr(socket, "_socket", socket), "_channel", None)
        if channel is not None:
            channel.abandon()

    def default_radio(self) -> "Any":
        """A board's `wifi.radio`; None on CPython, where the host's own network is the default."""
        if CPYTHON:
            return None
        try:
            import wifi
        except ImportError:
            return None
        return wifi.radio

    def emulated(self, which: str = "", hosts: "Any" = None, routes: "Any" = None, **options: "Any") -> "Any":
        """A `wifi.Radio` on loopback with that port's personality; `options` are the radio's own, `budget` for one.

        None on a board.
        """
        if not CPYTHON:
            return None
        from radiopool_socketpool.radio import Radio

        options.setdefault("loopback", True)
        return Radio(which or self.emulations[0], hosts=hosts, routes=routes, **options)

    def doctor(self) -> "list[str]":
        """What is wrong with this installation, a sentence each with its remedy."""
        if not CPYTHON:
            return []
        from radiopool_socketpool import doctor

        return doctor.findings()


def _port_of(radio: "Any") -> "tuple[str, str]":
    """(`sys.platform` of the board, its chip as far as known)."""
    personality = getattr(radio, "personality", None)
    if personality is not None:
        return personality.platform, ""
    try:
        import os

        return sys.platform, os.uname().machine
    except (ImportError, AttributeError):
        return sys.platform, ""


def _meaning(error: OSError, waited: bool, is_tls: bool) -> OSError:
    """The error that says what one of the firmware means."""
    number = error_number(error)
    if waited and number == errno.EINPROGRESS:
        return OSError(errno.ETIMEDOUT, "timed out")
    if not is_tls and number == errno.ECONNRESET:
        return OSError(errno.ECONNREFUSED, "connection refused")
    if is_tls and number is not None and number < -255 and "MBEDTLS" not in str(error):
        # A build without mbedTLS's texts.
        what = "CERT_VERIFY_FAILED" if -number & _HIGH_LEVEL == _CERTIFICATE else "error"
        return OSError(number, "MBEDTLS %s" % what)
    return error


def _is_readable(socket: "Any") -> "bool | None":
    """What `select.poll` says of the socket, None where it can't be asked."""
    if CPYTHON:
        # There, poll wants a file descriptor, which the firmware's sockets don't show.
        readable = getattr(socket, "_readable", None)
        return readable() if readable else None
    try:
        import select

        poller = select.poll()
        poller.register(socket, select.POLLIN)
        return bool(poller.poll(0))
    except (ImportError, AttributeError, OSError, TypeError):
        return None
