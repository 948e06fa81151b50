"""Address racing: the first of a host's addresses that answers gets the connection (RFC 8305, "Happy Eyeballs").

A host with a dead address costs a quarter of a second then, instead of the whole timeout.
"""

import errno
import os
import selectors
import socket
import time
from collections.abc import Callable, Sequence
from itertools import chain, zip_longest
from typing import Any

STAGGER = 0.25
"""Seconds until the next address is tried beside those that have not answered (RFC 8305 section 5: recommended)."""

_UNDER_WAY = (errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", errno.EWOULDBLOCK))
# poll, since epoll and kqueue would take a descriptor of their own; Windows has select only.
_Selector: Any = getattr(selectors, "PollSelector", selectors.SelectSelector)


def interleave(infos: "Sequence[Any]") -> "list[Any]":
    """`getaddrinfo`'s 5-tuples, families in turn, the resolver's first choice first (RFC 8305 section 4)."""
    families: dict[Any, list[Any]] = {}
    for info in infos:
        families.setdefault(info[0], []).append(info)
    return [info for info in chain.from_iterable(zip_longest(*families.values())) if info is not None]


class Race:
    """Connection attempts to several addresses, of which the first to succeed is kept.

    open_socket: makes an unconnected socket for a 5-tuple, bound and with its options set.
    is_exhausted: whether an error says that no socket is left; then no more attempts are started, and the error is
        the race's own if no attempt is under way.
    failures: takes (address, error) of every attempt that failed, in that order.
    """

    def __init__(
        self,
        open_socket: "Callable[[Any], socket.socket]",
        is_exhausted: "Callable[[OSError], bool]",
        failures: "list[tuple[Any, OSError]] | None" = None,
    ) -> None:
        self.failures: list[tuple[Any, OSError]] = [] if failures is None else failures
        self._open_socket = open_socket
        self._is_exhausted = is_exhausted
        self._waiting: list[Any] = []
        self._running: dict[socket.socket, Any] = {}

    def run(self, infos: "Sequence[Any]", deadline: "float | None") -> socket.socket:
        """The connected socket, non-blocking; all others are closed.

        `deadline` by `time.monotonic`, or None. Raises TimeoutError when it passes, and the last failure (or the one
        that says "exhausted") when nothing answers.
        """
        self._waiting = interleave(infos)
        winner = None
        try:
            with _Selector() as selector:
                winner = self._run(selector, deadline)
                return winner
        finally:
            for loser in self._running:
                if loser is not winner:
                    loser.close()

    def _run(self, selector: Any, deadline: "float | None") -> socket.socket:
        next_start = time.monotonic()
        while self._waiting or self._running:
            now = time.monotonic()
            if self._waiting and (now >= next_start or not self._running):
                next_start = now + STAGGER
                if self._start(selector):
                    return next(reversed(self._running))
                if not self._running:
                    continue
            ends = [end for end in (deadline, next_start if self._waiting else None) if end is not None]
            ready = selector.select(max(0, min(ends) - now) if ends else None)
            for key, _ in ready:
                number = key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if not number:
                    return key.fileobj  # type: ignore[no-any-return]
                selector.unregister(key.fileobj)
                self._fail(key.fileobj, OSError(number, os.strerror(number)))
                # One that failed makes room for the next at once (RFC 8305 section 5).
                next_start = now
            if not ready and deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError(errno.ETIMEDOUT, "timed out")
        errors = [error for _, error in self.failures]
        raise next((error for error in errors if self._is_exhausted(error)), errors[-1])

    def _start(self, selector: Any) -> bool:
        """Start the next attempt; True if it connected on the spot."""
        info = self._waiting.pop(0)
        try:
            attempt = self._open_socket(info)
        except OSError as error:
            if self._is_exhausted(error):
                if not self._running:
                    raise
                self._waiting.clear()
            self.failures.append((info[4], error))
            return False
        self._running[attempt] = info[4]
        attempt.setblocking(False)
        number = attempt.connect_ex(info[4])
        if number in _UNDER_WAY:
            selector.register(attempt, selectors.EVENT_WRITE)
        elif number:
            self._fail(attempt, OSError(number, os.strerror(number)))
        return not number

    def _fail(self, attempt: socket.socket, error: OSError) -> None:
        self.failures.append((self._running.pop(attempt), error))
        attempt.close()
