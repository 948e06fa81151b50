"""Waiting without blocking: what a handler yields while the chip stays busy."""

import select
from typing import Any

READ = select.POLLIN
WRITE = select.POLLOUT


class Wait:
    """Until `deadline` (seconds of the emulator's clock) or until the socket can be read or written."""

    def __init__(self, deadline: float, socket: Any = None, events: int = READ) -> None:
        self.deadline = deadline
        self._poll: "select.poll | None" = None
        if socket is not None:
            self._poll = select.poll()
            self._poll.register(socket, events)

    def is_over(self, now: float, patience: float) -> bool:
        """Whether there is no reason to wait on; blocks at most `patience` seconds to find out."""
        if now >= self.deadline:
            return True
        patience = min(patience, self.deadline - now)
        if self._poll is None:
            select.select((), (), (), patience)
            return False
        return bool(self._poll.poll(patience * 1000))

    def is_readable(self) -> bool:
        """Whether the socket has something right now."""
        return self._poll is not None and bool(self._poll.poll(0))
