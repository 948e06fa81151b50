"""urllib3's `util.connection`."""

from __future__ import annotations

import socket
from typing import Any

from radiopool.compat.urllib3.util.timeout import _DEFAULT_TIMEOUT
from radiopool.http.exceptions import LocationParseError

HAS_IPV6 = socket.has_ipv6


def is_connection_dropped(conn: Any) -> bool:
    """Whether a connection has nothing to offer any more."""
    return not conn.is_connected


def allowed_gai_family() -> socket.AddressFamily:
    """The address family to look names up in: all there are."""
    return socket.AF_UNSPEC if HAS_IPV6 else socket.AF_INET


def create_connection(
    address: tuple[str, int],
    timeout: Any = _DEFAULT_TIMEOUT,
    source_address: tuple[str, int] | None = None,
    socket_options: Any = None,
) -> socket.socket:
    """A connected socket of the host's own network, outside of any budget. Raises OSError, LocationParseError."""
    host, port = address
    host = host.strip("[]")
    try:
        host.encode("idna")
    except UnicodeError:
        raise LocationParseError(f"'{host}', label empty or too long") from None
    seconds = socket.getdefaulttimeout() if timeout is _DEFAULT_TIMEOUT else timeout
    connected = socket.create_connection((host, port), seconds, source_address)
    try:
        for option in socket_options or ():
            connected.setsockopt(*option)
    except BaseException:
        connected.close()
        raise
    return connected
