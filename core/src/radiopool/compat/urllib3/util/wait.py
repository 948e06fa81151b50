"""urllib3's `util.wait`."""

from __future__ import annotations

import select
import socket

__all__ = ["wait_for_read", "wait_for_write"]


def select_wait_for_socket(
    sock: socket.socket, read: bool = False, write: bool = False, timeout: float | None = None
) -> bool:
    """Whether a socket gets readable, or writable, within that many seconds.

    Raises RuntimeError if neither is asked for.
    """
    if not read and not write:
        raise RuntimeError("must specify at least one of read=True, write=True")
    wanted = [sock] if read else []
    return any(select.select(wanted, [sock] if write else [], [sock] if write else [], timeout))


def poll_wait_for_socket(
    sock: socket.socket, read: bool = False, write: bool = False, timeout: float | None = None
) -> bool:
    """The same by poll(), which takes descriptors of any number."""
    if not read and not write:
        raise RuntimeError("must specify at least one of read=True, write=True")
    poller = select.poll()
    poller.register(sock, (select.POLLIN if read else 0) | (select.POLLOUT if write else 0))
    return bool(poller.poll(None if timeout is None else timeout * 1000))


wait_for_socket = poll_wait_for_socket if hasattr(select, "poll") else select_wait_for_socket


def wait_for_read(sock: socket.socket, timeout: float | None = None) -> bool:
    """Whether a socket gets readable within that many seconds."""
    return wait_for_socket(sock, read=True, timeout=timeout)


def wait_for_write(sock: socket.socket, timeout: float | None = None) -> bool:
    """Whether a socket gets writable within that many seconds."""
    return wait_for_socket(sock, write=True, timeout=timeout)
