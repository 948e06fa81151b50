"""The socket-pool face: sockets that code opens by itself, counted in the radio's budget.

Libraries for NTP or HTTP servers ask a socket pool for sockets and connect, bind or listen on their own. Through a
manager's face each such socket takes a unit (evicting an idle one if need be) and returns it when it is closed;
sockets it accepts do the same.
"""

from radiopool.platform import CPYTHON
from radiopool.vocabulary import NO_LIMIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool.account import Account
    from radiopool.recycling import Entry


class ManagedSocket:
    """A vendor's socket that returns its unit on close. All else is the vendor's: see `raw`."""

    def __init__(self, account: "Account", entry: "Entry") -> None:
        self._account = account
        self._entry = entry
        self.raw = entry.socket

    def accept(self) -> "tuple[ManagedSocket, Any]":
        """The vendor's accept: (socket, address). The socket counts in the budget too.

        Its unit is taken before it comes, since a chip needs a free socket to accept at all: where the budget is full
        an idle socket is closed for it at once, and while the call waits others have one unit less. A server that
        waits long leaves them that unit by a short timeout. If nothing is idle, raises OutOfSocketsError, and closes
        what was accepted, unless a unit is free by then.
        """
        account = self._account
        entry = _reserve(account)
        if entry is not None:
            raw, address = _with_room(account, entry, self.raw.accept)
        else:
            raw, address = self.raw.accept()
            try:
                entry = _unit(account)
            except BaseException:
                account.driver.close(raw)
                raise
        return _manage(account, entry, raw), address

    def close(self) -> None:
        """Close the socket and return its unit. Idempotent."""
        entry, self._entry = self._entry, None  # type: ignore[assignment]
        if entry is not None:
            self._account.decide(self._account.ledger.discard, entry, "closed by its user")

    def detach(self) -> int:
        """The descriptor, which is the caller's from now on: its unit is returned. `ssl` wraps a socket so."""
        entry, self._entry = self._entry, None  # type: ignore[assignment]
        number: int = self.raw.detach()
        if entry is not None:
            self._account.decide(self._account.ledger.discard, entry, "detached by its user")
        return number

    if TYPE_CHECKING or CPYTHON:

        def __del__(self) -> None:
            # Nobody has it any more. Finalizers run anywhere, in the middle of a chip's command too: no lock and no I/O
            # here. The account closes it when a socket is opened, or wanted and not there.
            if self._entry is not None:
                self._account.dropped.append((self._entry, self._entry.leases))

    def __enter__(self) -> "ManagedSocket":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> "Any":
        if name == "raw":
            raise AttributeError(name)
        return getattr(self.raw, name)

    def __repr__(self) -> str:
        return "<ManagedSocket %s of %r>" % ("closed" if self._entry is None else "open", self.raw)


def managed_socket(account: "Account", args: "tuple[Any, ...]", keywords: "dict[str, Any]") -> ManagedSocket:
    """A new socket of the account's pool, in the budget. Raises OutOfSocketsError."""
    entry = _unit(account)
    raw = _with_room(account, entry, lambda: account.socket_pool.socket(*args, **keywords))
    return _manage(account, entry, raw)


def _with_room(account: "Account", entry: "Entry", make: "Any") -> "Any":
    """What `make()` gives, idle sockets closed one by one as long as the radio has none left; else `entry` is freed."""
    try:
        while True:
            try:
                return make()
            except Exception as error:
                if not account.driver.is_exhausted(error):
                    raise
                if not account.make_room(entry):
                    raise account.exhausted(None, error) from error
    except BaseException:
        account.decide(account.ledger.fail, entry)
        raise


def _unit(account: "Account") -> "Entry":
    """A reserved entry. Raises OutOfSocketsError."""
    entry = _reserve(account)
    if entry is None:
        raise account.refusal(None, None, NO_LIMIT)
    return entry


def _reserve(account: "Account") -> "Entry | None":
    """An entry without a key, which is never recycled, or None where there is no room."""
    with account.lock:
        account.check_open()
        entry = account.ledger.lease(None, None, account.clock(), NO_LIMIT)
        doomed = account.ledger.take_doomed()
    account.close_for(entry, doomed)
    return entry


def _manage(account: "Account", entry: "Entry", raw: "Any") -> ManagedSocket:
    if not account.decide(account.ledger.open, entry, raw, account.clock()):
        account.was_reset(entry, raw)
    account.opened(entry)
    return ManagedSocket(account, entry)
