"""The connection manager: acts on what recycling decides.

A `ConnectionManager` leases the sockets of one radio and takes them back. The `Ledger` decides under a lock;
connecting, closing and looking whether a socket still lives happen outside it. Managers over the same socket pool
share one `Account`, so that everything that uses a radio shares its budget.
"""

from radiopool import platform, registry
from radiopool.account import Account
from radiopool.driver import GenericDriver
from radiopool.errors import ConnectError, InvalidValueError, OutOfSocketsError, connect_error
from radiopool.keys import check_address, check_timeout, pool_key
from radiopool.policy import Policy, check_budget
from radiopool.recycling import DISCARDED, LEASED, STALE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from radiopool.driver import Driver
    from radiopool.keys import PoolKey
    from radiopool.recycling import Entry

if platform.CPYTHON:
    from radiopool.threaded import ThreadedAccount as _Account
else:
    _Account = Account  # type: ignore[misc,assignment,unused-ignore]

# One account per socket pool, by its identity; an account holds its pool, so the identity stays its own.
_accounts: "dict[int, Account]" = {}


class ConnectionManager:
    """Leases and recycles the sockets of one radio under its budget.

    socket_pool: the radio's socket factory; its driver is found through the registry unless `driver` is given.
    ssl_context: the TLS context of leases that bring none; by default the driver's own.
    policy, clock: taken by the first manager over a socket pool, and shared by the later ones. The clock gives
    integer milliseconds.
    """

    def __init__(
        self,
        socket_pool: "Any",
        ssl_context: "Any" = None,
        *,
        driver: "Driver | None" = None,
        radio: "Any" = None,
        policy: "Policy | None" = None,
        clock: "Callable[[], int]" = platform.now_ms,
    ) -> None:
        if socket_pool is None:
            raise InvalidValueError(
                "ConnectionManager needs a socket pool, not None: pass the driver's, or use manager_for(radio)"
            )
        self.ssl_context = ssl_context
        account = _accounts.get(id(socket_pool))
        if account is None:
            if driver is None:
                driver, radio = registry.driver_of(socket_pool)
            elif radio is None:
                radio = driver.radio_of(socket_pool)
            account = _Account(socket_pool, driver or GenericDriver(), radio, policy or Policy(), clock)
            _accounts[id(socket_pool)] = account
        elif policy is not None and policy is not account.policy:
            raise InvalidValueError(
                "this socket pool has a manager already, with %r: its policy is shared and can't be replaced; "
                "use set_budget() or close that manager first" % (account.policy,)
            )
        self._account = account

    # -- what it runs on

    @property
    def socket_pool(self) -> "Any":
        """The socket factory that the sockets come from."""
        return self._account.socket_pool

    @property
    def driver(self) -> "Driver":
        """The driver that knows the radio."""
        return self._account.driver

    @property
    def radio(self) -> "Any":
        """The radio, or None where only its socket pool is known."""
        return self._account.radio

    # -- leasing

    def get_socket(
        self,
        host: str,
        port: int,
        proto: str,
        session_id: "str | None" = None,
        *,
        timeout: "float | None" = 10,
        is_ssl: bool = False,
        ssl_context: "Any" = None,
    ) -> "Any":
        """A connected socket; recycled if an idle one has the same key, else a new one.

        The call of Adafruit's ConnectionManager. `proto` is a name that separates users of one host and port
        ("http:", "mqtt"). `timeout` in seconds bounds waiting, connecting, and each operation of the socket. Give the
        socket back with `free_socket` or `close_socket`.

        Raises InvalidValueError, OutOfSocketsError (LeaseTimeoutError after waiting), ConnectError and its children.
        """
        context = None
        try:
            # What `key_for` makes of a plain lease, without the detour: many ask for it again and again.
            key = None if is_ssl or session_id is not None or type(port) is not int else pool_key(proto, host, port)
        except TypeError:
            key = None  # unhashable, which `key_for` says in words
        if key is None:
            key, context = self.key_for(host, port, proto, session_id, is_ssl, ssl_context)
        return self.acquire(key, context, timeout=timeout).socket

    def key_for(
        self,
        host: str,
        port: int,
        proto: str = "",
        session_id: "Any" = None,
        is_ssl: bool = False,
        ssl_context: "Any" = None,
        server_name: "str | None" = None,
        source_address: "tuple[str, int] | None" = None,
        custom: "Any" = None,
    ) -> "tuple[PoolKey, Any]":
        """The pool key of a lease, and the TLS context that it names (None: plain). Raises InvalidValueError."""
        context = None
        if is_ssl:
            context = ssl_context or self.default_ssl_context()
        tls = None if context is None else id(context)
        if type(port) is not int:
            # 80.0 and True equal 80 and 1, whose keys may be remembered.
            check_address(host, port)
        try:
            return pool_key(proto, host, port, session_id, tls, server_name, None, source_address, custom), context
        except TypeError as error:
            check_address(host, port)
            raise InvalidValueError(
                "every part of a pool key must be hashable: %r" % ((proto, session_id, custom),)
            ) from error

    def default_ssl_context(self) -> "Any":
        """The context of TLS leases that bring none: the manager's, or the driver's own, made once."""
        if self.ssl_context is None:
            self.ssl_context = self.driver.ssl_context(self.radio)
        return self.ssl_context

    def lease(
        self,
        host: str,
        port: int,
        proto: str = "",
        session_id: "Any" = None,
        *,
        timeout: "float | None" = 10,
        wait: "float | None" = None,
        is_ssl: bool = False,
        ssl_context: "Any" = None,
        server_name: "str | None" = None,
        source_address: "tuple[str, int] | None" = None,
        custom: "Any" = None,
    ) -> "Lease":
        """The with-form: `with manager.lease(host, port) as socket:` leases on entering.

        Leaving the block gives the socket back for recycling, so leave it with nothing unread; an exception closes
        it. `server_name` is the name TLS asks for, if not the host; `custom` is any hashable that separates sockets;
        `wait` bounds the wait for a free socket (default: `timeout`).
        """
        key, context = self.key_for(
            host, port, proto, session_id, is_ssl, ssl_context, server_name, source_address, custom
        )
        return Lease(self, key, context, timeout, wait)

    def acquire(
        self,
        key: "PoolKey",
        ssl_context: "Any" = None,
        *,
        timeout: "float | None" = 10,
        wait: "float | None" = None,
        max_per_key: "int | None" = None,
        connect: "Callable[..., Any] | None" = None,
    ) -> "Entry":
        """An entry whose `socket` is connected and leased: the form of `get_socket` for those who hold the key.

        `wait`: seconds to wait for a free socket, 0 not at all, None the policy's, which is `timeout` by default.
        `max_per_key`: how many sockets the key may have. `connect(manager, key, ssl_context, timeout)` makes the
        socket in the driver's place, through a proxy for instance.
        """
        account = self._account
        ledger = account.ledger
        if account.cooldown:
            account.cooldown.check(key, account.clock())
        # Not `with`: it takes twice as long, and every request comes through here (so too in `recycle`).
        account.lock.acquire()
        try:
            if account.closed:
                account.check_open()
            if account.tickets:
                account.serve()
            entry = ledger.lease(key, ssl_context, account.clock(), max_per_key)
            doomed = ledger.doomed and ledger.take_doomed()
        finally:
            account.lock.release()
        while True:
            if doomed:
                account.close_sockets(doomed)
            if entry is None:
                if wait is None:
                    wait = timeout if account.policy.wait is None else account.policy.wait
                entry = account.wait(key, ssl_context, wait, max_per_key)
            if entry.state is not LEASED:
                return self._open(entry, key, ssl_context, timeout, connect)
            try:
                alive = account.driver.revive(entry.socket, timeout)
            except OSError:
                alive = False
            except BaseException:
                self.discard(entry)
                check_timeout(timeout)
                raise
            if alive:
                if account.watched:
                    account.reused(entry)
                return entry
            with account.lock:
                ledger.discard(entry, STALE)
                entry = ledger.lease(key, ssl_context, account.clock(), max_per_key)
                doomed = ledger.take_doomed()

    def _open(self, entry: "Entry", key: "PoolKey", context: "Any", timeout: "float | None", connect: "Any") -> "Entry":
        """Connect a reserved entry, evicting idle sockets one by one when the radio says it has none left."""
        account = self._account
        driver = account.driver
        try:
            check_timeout(timeout)
            while True:
                try:
                    if connect:
                        socket = connect(self, key, context, timeout)
                    else:
                        socket = driver.connect(
                            account.socket_pool,
                            key.host,
                            key.port,
                            timeout,
                            context,
                            key.server_name,
                            key.source_address,
                        )
                    break
                except Exception as error:
                    if not driver.is_exhausted(error):
                        raise
                    with account.lock:
                        again = account.ledger.exhausted(entry, account.clock())
                        doomed = account.ledger.take_doomed()
                    if not again:
                        raise account.refusal(key, context) from error
                    account.close_sockets(doomed)
        except BaseException as error:
            account.decide(account.ledger.fail, entry)
            if isinstance(error, OutOfSocketsError) or not isinstance(error, Exception):
                raise
            if account.cooldown:
                account.cooldown.failed(key, account.clock())
            failure = connect_error(error, key, driver.is_timeout(error))
            if failure is error:
                # Not from itself: its own cause stays.
                raise
            raise failure from error
        with account.lock:
            opened = account.ledger.open(entry, socket, account.clock())
        if not opened:
            driver.abandon(socket)
            raise ConnectError("the radio was reset while connecting to %s:%s" % (key.host, key.port))
        if account.cooldown:
            account.cooldown.succeeded(key)
        account.opened(entry)
        return entry

    # -- giving back

    def free_socket(self, socket: "Any") -> None:
        """Give a socket back for recycling: nothing unread waits on it. Raises LeaseError if it is not leased."""
        ledger = self._account.ledger
        self.recycle(ledger.by_socket.get(socket) or ledger.find(socket))

    def close_socket(self, socket: "Any") -> None:
        """Give a socket back that is not to be used again. Raises LeaseError if it is not leased."""
        self.discard(self._account.ledger.find(socket))

    def recycle(self, entry: "Entry", max_idle: "int | None" = None) -> None:
        """Give a leased entry back for recycling; at most `max_idle` idle sockets stay under its key."""
        # `Account.decide`, unrolled: every request comes through here.
        account = self._account
        ledger = account.ledger
        account.lock.acquire()
        try:
            ledger.recycle(entry, account.clock(), max_idle)
            if account.tickets:
                account.serve()
            doomed = ledger.doomed and ledger.take_doomed()
        finally:
            account.lock.release()
        if doomed:
            account.close_sockets(doomed)

    def discard(self, entry: "Entry", reason: str = DISCARDED) -> None:
        """Give a leased entry back to be closed; `reason` is counted in `stats()`."""
        self._account.decide(self._account.ledger.discard, entry, reason)

    # -- all at once

    def retire(self, session: "Any", key: "PoolKey | None" = None) -> None:
        """End a session, or one key of it: its idle sockets are closed, its leased ones when they are given back."""
        self._account.decide(self._account.ledger.retire, session, key)

    def close_all(self) -> None:
        """Close every idle socket now, and every leased one when it is given back. The manager stays usable."""
        self._account.decide(self._account.ledger.retire_all)

    def close(self) -> None:
        """`close_all`, and no lease any more: those who wait, and those who ask, get a LeaseError.

        All managers over the same socket pool share this end; to part from others gently use `close_all` or `retire`.
        A later manager over that pool starts afresh.
        """
        account = self._account
        account.shut()
        if _accounts.get(id(account.socket_pool)) is account:
            del _accounts[id(account.socket_pool)]
        self.close_all()

    def radio_reset(self) -> None:
        """The chip was reset: forget every socket without closing one, since its number belongs to others now."""
        account = self._account
        with account.lock:
            sockets = account.ledger.reset()
            account.serve()
        for socket in sockets:
            account.driver.abandon(socket)

    def set_budget(self, budget: "int | tuple[int | None, int | None] | None") -> None:
        """Another budget from now on: (sockets, TLS sockets), or a number of sockets. Idle ones beyond it close."""
        account = self._account
        account.decide(account.ledger.resize, (None, None) if budget is None else check_budget(budget))

    def sweep(self) -> None:
        """Close what was idle for too long. Every lease does so too; a program that rests may call it now and then."""
        self._account.decide(self._account.ledger.sweep, self._account.clock())

    def __enter__(self) -> "ConnectionManager":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what it knows

    @property
    def available_socket_count(self) -> int:
        """Idle sockets, ready for a lease with an equal key."""
        return len(self._account.ledger.idle)

    @property
    def managed_socket_count(self) -> int:
        """Open sockets, idle and leased."""
        return len(self._account.ledger.by_socket)

    def stats(self) -> "dict[str, Any]":
        """The counts: `connecting`, `leased`, `idle`, `tls` now; `budget`, a pair; `opened`, `reused` and `peak`
        (most open at once) so far; `closed`, a dict of counts by reason; `waiting`, the leases in line."""
        account = self._account
        ledger = account.ledger
        with account.lock:
            numbers: dict[str, Any] = ledger.counts()
            numbers["budget"] = (ledger.limit, ledger.tls_limit)
            numbers["opened"] = ledger.opened
            numbers["reused"] = ledger.reused
            numbers["peak"] = ledger.peak
            numbers["closed"] = dict(ledger.closed)
            numbers["waiting"] = len(account.tickets)
        return numbers

    def __repr__(self) -> str:
        return "<ConnectionManager of %s: %s>" % (self.driver.name, self._account.describe())

    # -- the socket-pool face

    def socket(self, *args: "Any", **keywords: "Any") -> "Any":
        """A socket of the radio, made for code that connects by itself: it counts in the budget until it is closed.

        The arguments are the socket pool's. So is everything else of the pool (`getaddrinfo`, `AF_INET`, ...): the
        manager can be passed wherever a socket pool is asked for.
        """
        from radiopool.managed import managed_socket

        return managed_socket(self._account, args, keywords)

    def __getattr__(self, name: str) -> "Any":
        if name == "_account":
            raise AttributeError(name)
        return getattr(self._account.socket_pool, name)


class Lease:
    """A socket for the length of a `with` block."""

    def __init__(
        self, manager: ConnectionManager, key: "PoolKey", context: "Any", timeout: "float | None", wait: "float | None"
    ) -> None:
        self._manager = manager
        self._asked = (key, context, timeout, wait)
        self.entry: Entry | None = None
        self._number = 0

    def __enter__(self) -> "Any":
        key, context, timeout, wait = self._asked
        self.entry = self._manager.acquire(key, context, timeout=timeout, wait=wait)
        self._number = self.entry.leases
        return self.entry.socket

    def __exit__(self, kind: "Any", *_: object) -> None:
        entry, self.entry = self.entry, None
        # Given back inside the block by hand (and perhaps leased again): nothing is left to do.
        if entry is not None and entry.state is LEASED and entry.leases == self._number:
            if kind is None:
                self._manager.recycle(entry)
            else:
                self._manager.discard(entry)


def manager_for(
    radio: "Any" = None, policy: "Policy | None" = None, driver: "Driver | None" = None
) -> ConnectionManager:
    """The connection manager of a radio; of the default radio (the host's own network) when none is given.

    Raises NoDriverError if no driver claims the radio, DriverConflictError if two do.
    """
    if radio is None:
        driver, radio = registry.default_radio(driver)
    elif driver is None:
        driver = registry.driver_for(radio)
    return ConnectionManager(driver.socket_pool(radio), driver=driver, radio=radio, policy=policy)


def get_connection_manager(socket_pool: "Any") -> ConnectionManager:
    """The connection manager of a socket pool."""
    return ConnectionManager(socket_pool)
