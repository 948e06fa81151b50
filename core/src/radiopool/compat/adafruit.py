"""adafruit_connection_manager's interface (release 3.1) on radiopool.

    from radiopool.compat import adafruit as adafruit_connection_manager

What leases through it shares the radio's one budget with everything else. Its rules are kept: one socket a key, and
refusal at once instead of waiting. Its faults are not: see docs/compat.md.
"""

import radiopool.registry as registry
from radiopool.errors import (
    ConnectError,
    InvalidValueError,
    LeaseError,
    NameResolutionError,
    NoDriverError,
    OutOfSocketsError,
    error_number,
)
from radiopool.managed import managed_socket
from radiopool.manager import ConnectionManager as _ConnectionManager
from radiopool.platform import CPYTHON
from radiopool.vocabulary import IDLE, KEY_FULL, LEASED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool.recycling import Entry

__version__ = "3.1.8"
"""The release whose interface this is."""
__repo__ = "https://github.com/adafruit/Adafruit_CircuitPython_ConnectionManager.git"

WIZNET5K_SSL_SUPPORT_VERSION = (9, 1)
"""The CircuitPython release from which its ssl works over a WIZnet chip's sockets."""

# Keeps what is leased here apart from the sockets of other users of the radio: they have other rules.
_OURS = __name__

# The managers by the identity of their socket pool, which they hold: those handed out as socket pools, and as managers.
_faces: "dict[int, ConnectionManager]" = {}
_managers: "dict[int, ConnectionManager]" = {}


class CPythonNetwork:
    """The radio of a program on CPython: the computer's own network."""


class ConnectionManager(_ConnectionManager):
    """Sockets to lease, one for each host, port, protocol and session.

    socket_pool: the radio's: the driver's, the vendor's, CPython's `socket` module, or what `get_radio_socketpool`
        gave. ssl_context: that of TLS connections for which the caller brings none.

    It is a socket pool too: sockets made through it count in the radio's budget. Raises TypeError for no socket pool.
    """

    def __init__(self, socket_pool: "Any" = ..., ssl_context: "Any" = None) -> None:
        if socket_pool is ...:
            raise TypeError(
                "ConnectionManager() missing 1 required positional argument: 'socket_pool'. Pass the radio's: "
                "ConnectionManager(get_radio_socketpool(radio)), or socketpool.SocketPool(wifi.radio)"
            )
        super().__init__(_pool_behind(socket_pool), ssl_context)
        self._radio_ssl_context: Any = None
        self._handed_out: Any = None
        if CPYTHON:
            from radiopool.compat.handed_out import HandedOut

            self._handed_out = HandedOut(self)
        # The room for libraries that want a legacy socket source, once one has asked for it.
        self._legacy: Any = None

    def get_socket(
        self,
        host: str,
        port: int,
        proto: str,
        session_id: "str | None" = None,
        *,
        timeout: "float | None" = 1.0,
        is_ssl: bool = False,
        ssl_context: "Any" = None,
    ) -> "Any":
        """A connected socket: the idle one of the same host, port, protocol, session and TLS context, or a new one.

        `timeout` in seconds bounds connecting and each operation of the socket, a recycled one too. TLS is used if
        `is_ssl`, or if `proto` is "https:".

        Raises RuntimeError if that socket is leased already, ValueError for TLS without a context, OutOfSocketsError
        at once if the budget is spent, ConnectError and its children (OSError) if no connection can be made.
        """
        is_ssl = is_ssl or proto == "https:"
        ssl_context = ssl_context or self.ssl_context
        if is_ssl and not ssl_context:
            raise ValueError(
                "ssl_context must be provided if using ssl: ConnectionManager(socket_pool, "
                "ssl_context=ssl.create_default_context()), or get_socket(..., ssl_context=...)"
            )
        session = str(session_id) if session_id else session_id
        key, context = self.key_for(host, port, proto, session, is_ssl, ssl_context, custom=_OURS)
        self._take_back()
        entry: Any = None
        try:
            try:
                entry = self.acquire(key, context, timeout=timeout, wait=0, max_per_key=1)
            except OutOfSocketsError:
                if self._handed_out is None or not self._handed_out.take_back_garbage():
                    raise
                entry = self.acquire(key, context, timeout=timeout, wait=0, max_per_key=1)
            return entry.socket if self._handed_out is None else self._handed_out.hand_out(entry)
        except OutOfSocketsError as error:
            if self._account.ledger.shortage(key, context, 1) == KEY_FULL:
                text = "An existing socket is already connected to %s//%s:%s" % (proto, host, port)
                raise RuntimeError(text) from error
            raise
        except ConnectError as error:
            raise self._explained(error) from error
        except BaseException:
            # Interrupted with the lease in hand, which nobody else will end.
            if entry is not None:
                self.discard(entry)
            raise

    def free_socket(self, socket: "Any") -> None:
        """Give a socket back for recycling. One that is idle already stays so. Raises RuntimeError for a stranger's."""
        entry = self._entry_of(socket)
        if entry.state != IDLE:
            self.recycle(entry)

    def close_socket(self, socket: "Any") -> None:
        """Close a leased socket, or an idle one. Raises RuntimeError for a stranger's."""
        entry = self._entry_of(socket)
        if entry.state == IDLE:
            self.retire(None, entry.bucket.key)
        else:
            self.discard(entry, "closed by its user")

    @property
    def available_socket_count(self) -> int:
        """Idle sockets."""
        self._take_back()
        # Not super(): a board finds no property through it.
        return len(self._account.ledger.idle)

    @property
    def managed_socket_count(self) -> int:
        """Open sockets, idle and leased, of all users of the radio."""
        self._take_back()
        return len(self._account.ledger.by_socket)

    def _take_back(self) -> None:
        if self._handed_out is not None:
            self._handed_out.take_back()

    def _entry_of(self, socket: "Any") -> "Entry":
        try:
            return self._account.ledger.find(socket)
        except (LeaseError, TypeError) as error:
            raise RuntimeError("Socket not managed") from error

    def _force_close(self) -> None:
        """Close everything leased here and everything idle; what others lease closes when they give it back."""
        self._account.decide(self._doom_all)

    def _doom_all(self) -> None:
        # In one decision: between two, another thread gives back what was to be closed.
        ledger = self._account.ledger
        for entry in list(ledger.by_socket.values()):
            if entry.state == LEASED and getattr(entry.bucket.key, "custom", None) == _OURS:
                ledger.discard(entry, "closed with all")
        ledger.retire_all()

    # -- the socket-pool face

    def socket(self, *args: "Any", **keywords: "Any") -> "Any":
        """A socket of the radio that counts in the budget until it is closed."""
        if self._legacy is not None:
            return self._legacy.socket(*args, **keywords)
        self._take_back()
        # Not super(): a board does not find the method through it.
        return managed_socket(self._account, args, keywords)

    def getaddrinfo(self, host: str, port: int, *args: "Any", **keywords: "Any") -> "Any":
        """The socket pool's. A name that does not resolve is an error that says what to look at."""
        try:
            return self.socket_pool.getaddrinfo(host, port, *args, **keywords)
        except OSError as error:
            failure = NameResolutionError("can't find %s:%s: the name does not resolve (%s)" % (host, port, error))
            failure.host = host
            failure.port = port
            failure.errno = error_number(error)
            raise self._explained(failure) from error

    def __getattr__(self, name: str) -> "Any":
        if name in ("set_interface", "_the_interface"):
            from radiopool.compat import legacy

            return getattr(legacy.room_of(self), name)
        return _ConnectionManager.__getattr__(self, name)

    def _explained(self, error: ConnectError) -> ConnectError:
        """The error with what to do about it, where the radio or the name is at fault."""
        if _is_offline(self.radio):
            advice = "the radio is not connected: connect it first (its access point and password, or its cable)"
        elif isinstance(error, NameResolutionError) and "DNS" not in str(error):
            advice = "is the name spelt right, and has the network a name server (DNS) that can be reached?"
        else:
            return error
        explained = type(error)("%s; %s" % (error, advice))
        explained.host = error.host
        explained.port = error.port
        explained.errno = error_number(error)
        return explained


PoolManager = ConnectionManager
"""The name under which documents for CPython have it."""


def get_connection_manager(socket_pool: "Any") -> ConnectionManager:
    """The one connection manager of a socket pool. A pool that `get_radio_socketpool` gave is its own."""
    manager = _known(_managers, socket_pool) or _face_of(socket_pool)
    _managers[id(manager.socket_pool)] = manager
    return manager


def get_radio_socketpool(radio: "Any") -> ConnectionManager:
    """The socket pool of a radio that any registered driver knows. Its sockets count in the radio's budget.

    Raises ValueError if no driver knows the radio; DriverConflictError if two do.
    """
    if isinstance(radio, CPythonNetwork):
        driver = registry.driver_named("cpython")
        radio = driver.default_radio()
    else:
        try:
            driver = registry.driver_for(radio)
        except NoDriverError as error:
            raise ValueError("Unsupported radio class: %s; %s" % (radio.__class__.__name__, error)) from error
    return _face_of(driver.socket_pool(radio))


def get_radio_ssl_context(radio: "Any") -> "Any":
    """The TLS context of a radio: the same every time. Raises what `get_radio_socketpool` does."""
    face = get_radio_socketpool(radio)
    if face._radio_ssl_context is None:
        face._radio_ssl_context = face.driver.ssl_context(face.radio)
    return face._radio_ssl_context


def connection_manager_close_all(socket_pool: "Any" = None, release_references: bool = False) -> None:
    """Close all sockets that were leased here, and all idle ones, of one socket pool or of all.

    release_references: forget the managers, socket pools and TLS contexts as well; those who hold them can go on.
    Raises RuntimeError if the socket pool has no connection manager.
    """
    if socket_pool is None:
        managers = list(_managers.values())
    else:
        known = _known(_managers, socket_pool)
        if known is None:
            raise RuntimeError("SocketPool not managed")
        managers = [known]
    for manager in managers:
        manager._force_close()
        if release_references:
            _managers.pop(id(manager.socket_pool), None)
            _faces.pop(id(manager.socket_pool), None)


def create_fake_ssl_context(socket_pool: "Any", iface: "Any") -> "Any":
    """The TLS context of a radio whose chip makes TLS itself.

    For a radio that a driver knows it is the driver's; else one whose sockets connect in the radio's `TLS_MODE`.
    """
    try:
        return get_radio_ssl_context(iface)
    except ValueError:
        from radiopool.compat import legacy

        if not isinstance(socket_pool, ConnectionManager) and hasattr(socket_pool, "set_interface"):
            socket_pool.set_interface(iface)
        return legacy.ModeContext(iface)


def _face_of(socket_pool: "Any") -> ConnectionManager:
    face = _known(_faces, socket_pool) or _known(_managers, socket_pool)
    if face is None:
        face = socket_pool if isinstance(socket_pool, ConnectionManager) else ConnectionManager(socket_pool)
        _faces[id(face.socket_pool)] = face
    return face


def _known(managers: "dict[int, ConnectionManager]", socket_pool: "Any") -> "ConnectionManager | None":
    """The manager of a socket pool, unless it was closed for good."""
    manager = managers.get(id(_pool_behind(socket_pool)))
    return None if manager is None or manager._account.closed else manager


def _pool_behind(socket_pool: "Any") -> "Any":
    """The socket pool whose account it is: there is one a radio, whoever made the pool.

    Raises InvalidValueError for what is no socket pool.
    """
    if isinstance(socket_pool, _ConnectionManager):
        return socket_pool.socket_pool
    if not hasattr(socket_pool, "socket") or not hasattr(socket_pool, "getaddrinfo"):
        raise InvalidValueError(
            "socket_pool must be a socket pool, not %r; that of a radio is get_radio_socketpool(radio)" % (socket_pool,)
        )
    driver, radio = registry.driver_of(socket_pool)
    return socket_pool if radio is None else driver.socket_pool(radio)


def _is_offline(radio: "Any") -> bool:
    """Whether the radio says that it has no network; wifi.radio and ESP32s say `connected`, WIZnet's `link_status`."""
    for name in ("connected", "link_status"):
        try:
            state = getattr(radio, name, None)
        except Exception:
            # The question goes over a wire that may be what is broken.
            return False
        if state is not None:
            return not state
    return False
