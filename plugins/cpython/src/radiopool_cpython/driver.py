"""The driver of the host's own network."""

from __future__ import annotations

import errno
import functools
import select
import socket
import time

from radiopool.driver import Driver, Traits
from radiopool.errors import InvalidValueError
from radiopool_cpython.pool import HostSocketPool, is_address
from radiopool_cpython.radio import HostNetwork, default_radio

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from typing import Any

    from radiopool.types import Socket

# What is only needed with TLS, with several addresses or on a failure (`secure`, `racing`, `lookup`, `faults`) is
# imported there: a program's first lease is not to wait for it.


class CPythonDriver(Driver):
    """Leases `socket.socket` and `ssl.SSLSocket`, bare: the `ssl` and `select` modules work on them as ever."""

    name = "cpython"
    radios = ("radiopool_cpython.radio.HostNetwork",)
    emulations = ("cpython",)

    def default_radio(self) -> HostNetwork:
        """The radio to use when none is given."""
        return default_radio()

    def socket_pool(self, radio: HostNetwork) -> HostSocketPool:
        """The radio's `HostSocketPool`."""
        return radio.socket_pool

    def radio_of(self, pool: Any) -> "HostNetwork | None":
        """The radio of a `HostSocketPool`; the plain `socket` module is the default radio's."""
        if isinstance(pool, HostSocketPool):
            return pool.radio
        return default_radio() if pool is socket else None

    def ssl_context(self, radio: HostNetwork, **options: Any) -> ssl.SSLContext:
        """A context with the platform's trust store; `options` are those of `radiopool_cpython.client_context`."""
        from radiopool_cpython.contexts import client_context

        return client_context(**options)

    def traits(self, radio: "HostNetwork | None") -> Traits:
        """The radio's budget; TLS by the host; datagrams and servers; IPv6 if this machine has it."""
        budget = (None, None) if radio is None else radio.budget
        return Traits(budget=budget, tls="host", udp=True, ipv6=_has_ipv6(), listen=True)

    def connect(
        self,
        pool: Any,
        host: str,
        port: int,
        timeout: "float | None" = None,
        ssl_context: Any = None,
        server_name: "str | None" = None,
        source_address: "tuple[str, int] | None" = None,
    ) -> "Socket":
        """A connected socket, after the TLS handshake if `ssl_context` is given.

        `timeout` in seconds covers name lookup, connect and handshake together. A host with several addresses gets
        the first that answers (RFC 8305). A TLS session of an earlier connection with the same context, server name
        and port is resumed.

        Raises NameResolutionError, RefusedError, UnreachableError, ConnectTimeoutError, CertificateError, TLSError or
        plain ConnectError, from the system's own error; that one itself when it says that no socket is left
        (`is_exhausted`). InvalidValueError if `ssl_context` is none.
        """
        if ssl_context is not None and not hasattr(ssl_context, "wrap_socket"):
            raise InvalidValueError(f"ssl_context must be an ssl.SSLContext, not {ssl_context!r}")
        radio = self.radio_of(pool) or default_radio()
        deadline = None if timeout is None else time.monotonic() + timeout
        infos = self._addresses(pool, host, port, timeout)

        def open_socket(info: Any) -> Any:
            opened = pool.socket(info[0], info[1], info[2])
            try:
                for option in radio.socket_options:
                    opened.setsockopt(*option)
                source = source_address or radio.source_address
                if source:
                    opened.bind(source)
            except BaseException:
                opened.close()
                raise
            return opened

        failures: list[Any] = []
        try:
            if len(infos) == 1:
                connected = _connect(open_socket(infos[0]), infos[0], deadline)
            else:
                from radiopool_cpython.racing import Race

                connected = Race(open_socket, self.is_exhausted, failures).run(infos, deadline)
        except OSError as error:
            if self.is_exhausted(error):
                raise
            from radiopool_cpython import faults

            raise faults.connect_error(error, host, port, failures, [info[4] for info in infos]) from error
        try:
            if ssl_context is not None:
                from radiopool_cpython import secure

                connected.settimeout(_seconds_until(deadline))
                connected = secure.handshake(connected, ssl_context, host, port, server_name, self.is_exhausted)
            connected.settimeout(timeout)
        except BaseException:
            connected.close()
            raise
        return connected  # type: ignore[no-any-return]

    def _addresses(self, pool: Any, host: str, port: int, timeout: "float | None") -> "list[Any]":
        is_known = pool.is_known(host) if isinstance(pool, HostSocketPool) else is_address(host)
        if is_known:
            return pool.getaddrinfo(host, port, 0, pool.SOCK_STREAM)  # type: ignore[no-any-return]
        from radiopool_cpython import faults, lookup

        try:
            return lookup.addresses(pool, host, port, timeout)
        except TimeoutError as error:
            raise faults.lookup_timeout(host, port) from error
        except (OSError, UnicodeError) as error:
            if isinstance(error, OSError) and self.is_exhausted(error):
                raise
            # Without a descriptor for itself the resolver says "temporary failure": ask plainly whether one is left.
            pool.socket().close()
            raise faults.lookup_error(error, host, port) from error

    def wrap(self, socket: Any, ssl_context: Any, server_name: str) -> Any:
        """TLS over a socket: an `ssl.SSLSocket`, or TLS within TLS where the socket has TLS already.

        A connected socket is handshaked at once, within its timeout. Raises ssl.SSLError, TimeoutError.
        """
        from radiopool_cpython import secure

        return secure.wrap(socket, ssl_context, server_name)

    def close(self, socket: Any) -> None:
        """Close; a TLS peer is told first (close_notify, RFC 8446 section 6.1), as far as that does not block."""
        if type(socket) is not _socket_class:
            from radiopool_cpython import secure

            secure.take_leave(socket)
        super().close(socket)

    def abandon(self, socket: Any) -> None:
        """Close this process's descriptor without a word on the wire: the connection is the parent's."""
        while not isinstance(socket, _socket_class):
            socket = socket.raw  # a TLSSocket's
        number = socket.detach()
        if number >= 0:
            _close_descriptor(number)

    def is_timeout(self, error: BaseException) -> bool:
        """Whether the error says that the socket's timeout ran out."""
        return isinstance(error, TimeoutError) or super().is_timeout(error)

    def would_block(self, error: BaseException) -> bool:
        """Whether the error says that a non-blocking call found nothing to do yet; TLS says it in its own way."""
        wants = type(error).__name__ in ("SSLWantReadError", "SSLWantWriteError")
        return wants or isinstance(error, BlockingIOError) or super().would_block(error)

    def is_alive(self, socket: Any) -> bool:
        """Whether an idle socket can be handed out: connected, and nothing unread. Reads nothing from a plain socket.

        What is readable on a TLS socket may be a TLS 1.3 session ticket, which belongs to TLS (RFC 8446 section
        4.6.1): it is taken in, and only a byte of the application, an end or an error means no.
        """
        if type(socket) is not _socket_class:
            from radiopool_cpython import secure

            return secure.is_alive(socket, is_readable)
        try:
            return not is_readable(socket.fileno())
        except OSError:
            return False

    def revive(self, socket: Any, timeout: float | None) -> bool:
        """`is_alive`; the timeout is set only where it differs, since setting it is a system call."""
        try:
            # The whole of it for a plain socket that was idle before.
            if type(socket) is not _socket_class or pollers[socket.fileno()].poll(0):
                alive = self.is_alive(socket)
            else:
                alive = True
        except (KeyError, RuntimeError):
            alive = self.is_alive(socket)
        if alive and socket.gettimeout() != timeout:
            socket.settimeout(timeout)
        return alive

    def emulated(self, which: str = "", hosts: Any = None, routes: Any = None) -> HostNetwork:
        """A radio of its own: the host needs no emulating."""
        return HostNetwork(hosts=hosts, routes=routes)


_socket_class = socket.socket
_close_descriptor = socket.close


def _connect(opened: Any, info: Any, deadline: "float | None") -> Any:
    """The whole race when there is one address."""
    try:
        opened.settimeout(_seconds_until(deadline))
        opened.connect(info[4])
    except BaseException:
        opened.close()
        raise
    return opened


def _seconds_until(deadline: "float | None") -> "float | None":
    # Never 0, which would mean "don't block" and not "time is up".
    return None if deadline is None else max(deadline - time.monotonic(), 1e-6)


# One poll object a descriptor, for ever: to make one costs more than to ask it, and all it holds is the number.
pollers: dict[int, Any] = {}

if hasattr(select, "poll"):

    def is_readable(descriptor: int) -> bool:
        try:
            return bool(pollers[descriptor].poll(0))
        except KeyError:
            pollers[descriptor] = _poller(descriptor)
        except RuntimeError:
            # Another thread polls that number at this moment: the socket was closed, and its number given away.
            return bool(_poller(descriptor).poll(0))
        return is_readable(descriptor)

    def _poller(descriptor: int) -> "select.poll":
        if descriptor < 0:
            raise OSError(errno.EBADF, "the socket is closed")
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        return poller

else:

    def is_readable(descriptor: int) -> bool:
        return any(select.select([descriptor], [], [descriptor], 0))


@functools.cache
def _has_ipv6() -> bool:
    """Whether the loopback has IPv6; `socket.has_ipv6` tells only how Python was built."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
