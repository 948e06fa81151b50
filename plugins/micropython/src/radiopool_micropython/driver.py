"""The driver of MicroPython's own network, on boards and on the unix port."""

from radiopool.driver import Driver, Traits
from radiopool.platform import CPYTHON
from radiopool_micropython import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool_micropython.sockets import SocketPool


class HostNetwork:
    """The radio of a MicroPython without the module `network`: the unix port, on the network of its host."""

    def __repr__(self) -> str:
        return "<HostNetwork>"


class MicroPythonDriver(Driver):
    """`network.WLAN`, `network.LAN` and the other interfaces, through the modules `socket` and `ssl`.

    budget: (sockets, TLS sockets) open at once; without it the limit is learned when the port first says so.
    cadata: the certificates to trust, one in DER or several in PEM, as bytes. MicroPython brings none, so without it
        TLS needs a context of the caller's.

    MicroPython's sockets belong to no interface: all interfaces share one socket pool, and so one budget.
    """

    name = "micropython"
    version = __version__

    def __init__(self, budget: "tuple[int | None, int | None] | None" = None, cadata: "bytes | None" = None) -> None:
        self._traits = Traits(budget or (None, None), tls="host", udp=True, ipv6=False, listen=True)
        self._cadata = cadata
        self._pool: "SocketPool | None" = None
        self._host = HostNetwork()

    def matches(self, radio: "Any") -> bool:
        """Whether it is one of `network`'s interfaces, or the unix port's."""
        if isinstance(radio, HostNetwork):
            return True
        try:
            import network
        except ImportError:
            return False
        for name in ("WLAN", "LAN", "PPP"):
            if not CPYTHON and isinstance(radio, getattr(network, name, HostNetwork)):
                return True
        return False

    def socket_pool(self, radio: "Any") -> "SocketPool":
        """The one socket pool. Raises DriverError on an interpreter that is not MicroPython."""
        if self._pool is None:
            if CPYTHON:
                import sys

                from radiopool.errors import DriverError

                raise DriverError(
                    "driver 'micropython' runs on MicroPython and this is %s; here the host's own network is "
                    "radiopool-cpython's" % sys.implementation.name
                )
            import socket

            from radiopool_micropython.sockets import SocketPool

            self._pool = SocketPool(socket)
        return self._pool

    def radio_of(self, pool: "Any") -> "Any":
        """The default radio if the pool is ours."""
        return self.default_radio() if pool is not None and pool is self._pool else None

    def default_radio(self) -> "Any":
        """The board's active interface, its station if none is; the unix port's HostNetwork; None elsewhere."""
        if CPYTHON:
            return None
        try:
            import network
        except ImportError:
            return self._host
        if hasattr(network, "WLAN"):
            return network.WLAN(getattr(network, "STA_IF", 0))
        return network.LAN() if hasattr(network, "LAN") else self._host

    def traits(self, radio: "Any") -> Traits:
        """The budget that the constructor was given, else no known limit."""
        return self._traits

    def ssl_context(self, radio: "Any") -> "Any":
        """A context that requires a certificate, and trusts `cadata`."""
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # The port's default is to take any certificate.
        context.verify_mode = ssl.CERT_REQUIRED
        if self._cadata is not None:
            context.load_verify_locations(cadata=self._cadata)
        return context

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
        """One attempt. TLS comes after connect: MicroPython shakes hands in `wrap_socket`."""
        socket = pool.socket(info[0], info[1])
        try:
            socket.settimeout(timeout)
            if source_address:
                socket.bind(source_address)
            socket.connect(info[-1])
            if hasattr(pool, "TCP_NODELAY"):
                socket.setsockopt(pool.IPPROTO_TCP, pool.TCP_NODELAY, 1)
            return socket if ssl_context is None else self.wrap(socket, ssl_context, server_name or host)
        except BaseException:
            socket.close()
            raise

    def wrap(self, socket: "Any", ssl_context: "Any", server_name: str) -> "Any":
        """TLS over a connected socket: the same socket, from now on with TLS."""
        socket.start_tls(ssl_context, server_name)
        return socket

    def is_alive(self, socket: "Any") -> bool:
        """Whether it is connected and has nothing unread, asked without waiting."""
        return socket.is_alive()  # type: ignore[no-any-return]
