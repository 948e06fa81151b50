"""The connection manager: acts on what recycling decides.

A `ConnectionManager` leases the sockets of one radio and takes them back. The `Ledger` decides under a lock;
connecting, closing and looking whether a socket still lives happen outside it. Managers over the same socket pool
share one `Account`, so that everything that uses a radio shares its budget.
"""

from radiopool.account import Account
from radiopool.keys import check_timeout, pool_key
from radiopool.platform import CPYTHON, collect, now_ms
from radiopool.vocabulary import DISCARDED, FAILED, LEASED, STALE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from radiopool.driver import Driver
    from radiopool.keys import PoolKey
    from radiopool.policy import Policy
    from radiopool.recycling import Entry

if TYPE_CHECKING or CPYTHON:
    # The half that a board loads later: see `platform.Later`.
    from radiopool.manager_methods import ManagerMethods as Later
    from radiopool.registry import check_driver
    from radiopool.threaded import ThreadedAccount as _Account
else:
    _Account = Account

    from radiopool.platform import Later

# One account per socket pool, by its identity; an account holds its pool, so the identity stays its own.
_accounts: "dict[int, Account]" = {}


class ConnectionManager(Later):
    """Leases and recycles the sockets of one radio under its budget.

    socket_pool: the radio's socket factory; its driver is found through the registry unless `driver` is given.
    ssl_context: the TLS context of leases that bring none; by default the driver's own.
    policy, clock: taken by the first manager over a socket pool, and shared by the later ones. The clock gives
    integer milliseconds.

    `driver` is the driver that knows the radio, `radio` the radio (None where only its socket pool is known).
    """

    _later = ".manager_methods"

    def __init__(
        self,
        socket_pool: "Any",
        ssl_context: "Any" = None,
        *,
        driver: "Driver | None" = None,
        radio: "Any" = None,
        policy: "Policy | None" = None,
        clock: "Callable[[], int]" = now_ms,
    ) -> None:
        self.ssl_context = ssl_context
        account = _accounts.get(id(socket_pool))
        if not account:
            if driver is None or socket_pool is None:
                from radiopool.registry import driver_of

                driver, radio = driver_of(socket_pool)
            else:
                if CPYTHON:
                    check_driver(driver)
                if radio is None:
                    radio = driver.radio_of(socket_pool)
            collect()
            # Another thread may have made one meanwhile: the first to be stored is everybody's.
            account = _accounts.setdefault(id(socket_pool), _Account(socket_pool, driver, radio, policy, clock))
        if policy is not None and policy is not account.policy:
            account.refuse(policy)
        self._account = account
        self.socket_pool = account.socket_pool
        self.driver = account.driver
        self.radio = account.radio

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
        key = context = None
        # What `key_for` makes of a plain lease, without the detour: many ask for it again and again.
        if not is_ssl and session_id is None:
            if not CPYTHON:
                key = pool_key(proto, host, port)
            elif type(port) is int:
                try:
                    key = pool_key(proto, host, port)
                except TypeError:
                    pass  # unhashable, which `key_for` says in words
        if key is None:
            key, context = self.key_for(host, port, proto, session_id, is_ssl, ssl_context)
        return self.acquire(key, context, timeout).socket

    def acquire(
        self,
        key: "PoolKey",
        ssl_context: "Any" = None,
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
            account.cooldown.check(key, account)
        if CPYTHON:
            entry: Entry | None = None
        while True:
            doomed: "list[Entry] | None"
            if CPYTHON:
                # Not `acquire` and `try`, which is faster: what a signal's handler raises between the two would leave
                # the lock held for ever (so too in `recycle`).
                with account.lock:
                    if entry:
                        # Unless it went with all others while it was looked at: nobody will give it back.
                        if entry.state == LEASED:
                            ledger.discard(entry, STALE)
                        else:
                            ledger.lost.pop(entry.socket, None)
                        ledger.reused -= 1
                    elif account.tickets:
                        account.serve()
                    entry = ledger.lease(key, ssl_context, account.clock(), max_per_key)
                    doomed = ledger.take_doomed() if ledger.doomed else None
            else:
                # There is nobody to lock out.
                entry = ledger.lease(key, ssl_context, account.clock(), max_per_key)
                doomed = ledger.doomed
            if doomed:
                if CPYTHON:
                    account.close_for(entry, doomed)
                else:
                    account.close(doomed)
            if not entry:
                entry = account.wait(key, ssl_context, wait, timeout, max_per_key)
            if entry.socket is None:
                return self._open(entry, key, ssl_context, timeout, connect)
            try:
                if account.driver.revive(entry.socket, timeout):
                    if CPYTHON:
                        if entry.state != LEASED:
                            continue  # a reset took it away meanwhile
                        if account.watched:
                            account.reused(entry)
                    return entry
            except OSError:
                pass
            except BaseException:
                self.discard(entry)
                check_timeout(timeout)
                raise
            if not CPYTHON:
                ledger.discard(entry, STALE)
                ledger.reused -= 1

    def _open(self, entry: "Entry", key: "PoolKey", context: "Any", timeout: "float | None", connect: "Any") -> "Entry":
        """Connect a reserved entry, evicting idle sockets one by one when the radio says it has none left."""
        account = self._account
        while True:
            try:
                check_timeout(timeout)
                if connect:
                    socket = connect(self, key, context, timeout)
                else:
                    socket = account.driver.connect(
                        account.socket_pool, key.host, key.port, timeout, context, key.server_name, key.source_address
                    )
                if not CPYTHON:
                    # In here, because there may be no memory for it; the entry has the socket then, to be closed.
                    entry.socket = socket
                    opened = account.ledger.open(entry, socket, account.clock())
                break
            except BaseException as error:
                try:
                    if entry.socket and not CPYTHON:
                        raise error
                    account.failed(entry, key, context, error)
                except BaseException:
                    # Not `fail`: what stopped it may be that there is no memory to load that.
                    self.discard(entry, FAILED)
                    raise
        if CPYTHON:
            opened = account.decide(account.ledger.open, entry, socket, account.clock())
        if not opened:
            account.was_reset(entry, socket)
        if account.cooldown:
            account.cooldown.succeeded(key)
        if CPYTHON:
            account.opened(entry)
        return entry

    # -- giving back

    def free_socket(self, socket: "Any") -> None:
        """Give a socket back for recycling: nothing unread waits on it. Raises LeaseError if it is not leased."""
        ledger = self._account.ledger
        self.recycle(ledger.by_socket.get(socket) or ledger.find(socket))

    def recycle(self, entry: "Entry", max_idle: "int | None" = None) -> None:
        """Give a leased entry back for recycling; at most `max_idle` idle sockets stay under its key."""
        account = self._account
        ledger = account.ledger
        if CPYTHON:
            # `Account.decide`, unrolled: every request comes through here.
            with account.lock:
                ledger.recycle(entry, account.clock(), max_idle)
                if account.tickets:
                    account.serve()
                doomed = ledger.take_doomed() if ledger.doomed else None
            if doomed:
                account.close(doomed)
        else:
            ledger.recycle(entry, account.clock(), max_idle)
            if ledger.doomed:
                account.close(ledger.doomed)

    def discard(self, entry: "Entry", reason: str = DISCARDED) -> None:
        """Give a leased entry back to be closed; `reason` is counted in `stats()`."""
        account = self._account
        if CPYTHON:
            account.decide(account.ledger.discard, entry, reason)
        else:
            # `Account.decide`, without what that needs memory for.
            account.ledger.discard(entry, reason)
            account.close(account.ledger.doomed)
