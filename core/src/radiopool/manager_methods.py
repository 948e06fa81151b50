"""What a connection manager is asked seldom. A board loads it when it is; on CPython it is the manager's parent."""

from radiopool.attributes import attribute
from radiopool.keys import check_address, pool_key
from radiopool.lease import Lease

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool.account import Account
    from radiopool.driver import Driver
    from radiopool.keys import PoolKey
    from radiopool.manager import ConnectionManager


class ManagerMethods:
    """The parent of `ConnectionManager`, whose attributes these methods use."""

    if TYPE_CHECKING:
        _account: Account
        socket_pool: Any
        driver: Driver
        radio: Any
        ssl_context: Any

        def discard(self, entry: Any) -> None: ...

    # -- leasing

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
            from radiopool.errors import InvalidValueError

            raise InvalidValueError(
                "every part of a pool key must be hashable: %r" % ((proto, session_id, custom),)
            ) from error

    def default_ssl_context(self) -> "Any":
        """The context of TLS leases that bring none: the manager's, or the driver's own, made once.

        Raises TLSError where the interpreter has no module `ssl`, or not what the driver wants of it.
        """
        if self.ssl_context is None:
            try:
                self.ssl_context = self.driver.ssl_context(self.radio)
            except (ImportError, AttributeError) as error:
                from radiopool.errors import TLSError

                raise TLSError(
                    "driver %r can't make a TLS context here (%s): give one as ssl_context, or use firmware with a "
                    "whole ssl module" % (self.driver.name, error)
                ) from error
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

    def close_socket(self, socket: "Any") -> None:
        """Give a socket back that is not to be used again. Raises LeaseError if it is not leased."""
        self.discard(self._account.ledger.find(socket))

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
        from radiopool.manager import _accounts

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
        from radiopool.policy import check_budget

        account = self._account
        account.decide(account.ledger.resize, (None, None) if budget is None else check_budget(budget))

    def sweep(self) -> None:
        """Close what was idle for too long, or came of age. Leases do so too; a program that rests may call it now and
        then."""
        self._account.decide(self._account.ledger.sweep, self._account.clock())

    def __enter__(self) -> "ConnectionManager":
        return self  # type: ignore[return-value]

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what it knows

    @attribute
    def closed(self) -> bool:
        """Whether it, or another manager over the same socket pool, was closed."""
        return self._account.closed

    @attribute
    def available_socket_count(self) -> int:
        """Idle sockets, ready for a lease with an equal key."""
        return len(self._account.ledger.idle)

    @attribute
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
            numbers["budget"] = ledger.budget
            numbers["opened"] = ledger.opened
            numbers["reused"] = ledger.reused
            numbers["peak"] = ledger.peak
            numbers["closed"] = dict(ledger.closed)
            numbers["waiting"] = len(account.tickets)
        return numbers

    def _describe(self) -> str:
        """The driver and the counts, in words."""
        return "<ConnectionManager of %s: %s>" % (self.driver.name, self._account._describe())

    def __repr__(self) -> str:
        return self._describe()

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


Half = ManagerMethods
