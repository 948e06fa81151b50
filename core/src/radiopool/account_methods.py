"""What an account does seldom: policies, refusals, connects that failed. A board loads it when it is needed."""

from radiopool.vocabulary import KEY_FULL, NO_SOCKET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from radiopool.driver import Driver
    from radiopool.errors import OutOfSocketsError
    from radiopool.policy import Policy
    from radiopool.recycling import Entry, Ledger


class AccountMethods:
    """The parent of `Account`, whose attributes these methods use.

    `wait`, `serve`, `opened`, `reused` and `gone` are the seams at which CPython's `ThreadedAccount` does more.
    """

    if TYPE_CHECKING:
        driver: Driver
        ledger: Ledger
        policy: Policy | None
        clock: Callable[[], int]
        lock: Any
        closed: bool
        cooldown: Any
        dropped: Any

        def decide(self, decision: Callable[..., Any], *arguments: Any) -> Any: ...
        def close(self, entries: list[Entry]) -> None: ...

    # Whether `reused` is to be called.
    watched = False
    # Those who wait, in their order; nobody can, here.
    tickets: "Any" = ()

    # -- refusals

    def wait(
        self, key: "Any", context: "Any", wait: "float | None", timeout: "float | None", max_per_key: "int | None"
    ) -> "Entry":
        """An entry as `Ledger.lease` gives it, when there is one. Here nobody else runs, so waiting is no use.

        Raises OutOfSocketsError with the counts, LeaseError once the manager was closed.
        """
        self.check_open()
        raise self.refusal(key, context, max_per_key)

    def refusal(
        self, key: "Any", context: "Any", max_per_key: "int | None" = None, kind: "type | None" = None
    ) -> "OutOfSocketsError":
        """The error that says what is short, with the counts."""
        from radiopool.errors import OutOfSocketsError

        made: "Any" = kind or OutOfSocketsError
        reason = self.ledger.shortage(key, context, max_per_key) or "a socket was not free in time"
        return made(  # type: ignore[no-any-return]
            "%s for %s: %s. %s"
            % (
                reason,
                _place(key),
                self._describe(),
                "Raise max_per_key (or maxsize), or give one back."
                if reason == KEY_FULL
                else "Give one back (free_socket, or leave the `with`), or raise the budget.",
            )
        )

    def exhausted(self, key: "Any", error: BaseException) -> "OutOfSocketsError":
        """The error that says that the radio itself has no socket left, though the budget had one."""
        from radiopool.errors import OutOfSocketsError, error_number

        made = OutOfSocketsError(
            "%s for %s: the radio has none left (%s: %s); %s. Give one back, or close what else uses this radio."
            % (NO_SOCKET, _place(key), type(error).__name__, error, self._describe())
        )
        made.errno = error_number(error)
        return made

    def _describe(self) -> str:
        """The counts, for errors and `repr`."""
        counts = self.ledger.counts()
        sockets, tls = self.ledger.budget
        return "%d leased, %d idle, %d connecting (%d with TLS) of a budget of %s sockets and %s with TLS" % (
            counts["leased"],
            counts["idle"],
            counts["connecting"],
            counts["tls"],
            "any number of" if sockets is None else sockets,
            "any number" if tls is None else tls,
        )

    def refuse(self, policy: "Policy") -> "NoReturn":
        """A second manager came with a policy of its own. Raises InvalidValueError."""
        from radiopool.errors import InvalidValueError

        raise InvalidValueError(
            "this socket pool has a manager already, with %r: its policy is shared and can't be replaced by %r; "
            "use set_budget() or close that manager first" % (self.policy, policy)
        )

    def check_open(self) -> None:
        """Raise LeaseError once the manager was closed."""
        if self.closed:
            from radiopool.errors import LeaseError

            raise LeaseError("the connection manager is closed; make a new one")

    def shut(self) -> None:
        """Refuse every lease from now on."""
        with self.lock:
            self.closed = True
            self.ledger.end()

    def finish(self, entries: "list[Entry]", closed: int = 0) -> None:
        """What `close` left undone when it was interrupted, after that many entries; never raises.

        The first may be half closed, and the closing of a socket can be repeated.
        """
        for entry in entries[closed:]:
            if entry.socket is not None:
                try:
                    self.driver.close(entry.socket)
                    self.gone(entry)
                except BaseException:
                    # One interruption is raised already.
                    pass
        self.decide(self.ledger.settle, entries)

    def close_for(self, entry: "Entry | None", doomed: "list[Entry]") -> None:
        """Close what was evicted for that entry, and give it up if that is interrupted."""
        try:
            self.close(doomed)
        except BaseException:
            if entry is not None:
                self.decide(self.ledger.discard, entry)
            raise

    # -- connects

    def make_room(self, entry: "Entry") -> bool:
        """The radio said "out of sockets": close one idle socket; False if there is none."""
        with self.lock:
            found = self.ledger.exhausted(entry, self.clock())
            doomed = self.ledger.take_doomed()
        self.close(doomed)
        return found

    def failed(self, entry: "Entry", key: "Any", context: "Any", error: BaseException) -> None:
        """Returns once there is room for another attempt, if room is what was short; else raises the typed error."""
        from radiopool.errors import OutOfSocketsError, connect_error

        if isinstance(error, Exception) and self.driver.is_exhausted(error):
            if self.make_room(entry):
                return
            raise self.exhausted(key, error) from error
        if not isinstance(error, Exception) or isinstance(error, OutOfSocketsError):
            raise error
        if self.cooldown:
            self.decide(self.cooldown.failed, key, self.clock())
        failure = connect_error(error, key, self.driver.is_timeout(error))
        if failure is error:
            # Not from itself: its own cause stays.
            raise error
        raise failure from error

    def was_reset(self, entry: "Entry", socket: "Any") -> "NoReturn":
        """A socket was opened on a radio that was reset meanwhile. Raises ConnectError."""
        from radiopool.errors import ConnectError

        # What was handed out, and taken away before it was looked at, is remembered for its user, who never had it.
        self.decide(self.ledger.discard, entry)
        self.driver.abandon(socket)
        raise ConnectError("the radio was reset while a socket was opened for %s" % _place(entry.bucket.key))

    # -- seams

    def serve(self) -> None:
        """Units were freed: lease to those who wait. Called under the lock."""

    def opened(self, entry: "Entry") -> None:
        """A socket was opened and leased."""

    def reused(self, entry: "Entry") -> None:
        """An idle socket was leased again."""

    def gone(self, entry: "Entry") -> None:
        """A socket was closed; `entry.reason` says why."""


def _place(key: "Any") -> str:
    """Where a socket is to go, for an error."""
    return "socket()" if key is None else "%s:%s" % (key.host, key.port)


Half = AccountMethods
