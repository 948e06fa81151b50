"""TLS sessions kept for resumption, and the name they are kept under. CPython only."""

import ssl
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from radiopool.tls import TLSSocket

SESSIONS = 64
"""Sessions kept per context."""


def certificate_name(host: str | None) -> str | None:
    """What a certificate for that host names: no brackets and no zone of an IPv6 address (RFC 6874), no final dot."""
    if not host:
        return None
    if host[0] == "[":
        host = host[1:].partition("]")[0]
    return host.partition("%")[0] if ":" in host else host.rstrip(".")


# Sessions live in their context's own __dict__: they go when it goes, and one context's session can't reach another.
# (An SSLSession refers to its context, so a WeakKeyDictionary here would keep every context for ever.)
_SESSIONS = "_radiopool_sessions"
_sessions_lock = threading.Lock()


def _session_key(context: ssl.SSLContext, server_hostname: str | None, port: int) -> tuple[Any, ...]:
    # A resumed handshake verifies nothing again, so what verified less must not be resumed by what verifies more.
    return server_hostname, port, context.verify_mode, context.check_hostname


def recall_session(context: ssl.SSLContext, server_hostname: str | None, port: int) -> ssl.SSLSession | None:
    """The last session of this context with that name and port, or None."""
    with _sessions_lock:
        sessions = vars(context).get(_SESSIONS)
        return sessions.get(_session_key(context, server_hostname, port)) if sessions else None


def remember_session(connection: "TLSSocket | ssl.SSLSocket", port: int) -> bool:
    """Keep a connection's session for the next to the same name and port; the `SESSIONS` used last are kept.

    False if there is nothing to keep yet: a TLS 1.3 server sends its tickets after the handshake, and they are there
    once something was read (RFC 8446 section 4.6.1).
    """
    session = connection.session
    if session is None or not (session.has_ticket or (session.id and connection.version() != "TLSv1.3")):
        return False
    context = connection.context
    name: Any = connection.server_hostname
    with _sessions_lock:
        sessions: OrderedDict[Any, ssl.SSLSession] = vars(context).setdefault(_SESSIONS, OrderedDict())
        key = _session_key(context, name, port)
        sessions[key] = session
        sessions.move_to_end(key)
        if len(sessions) > SESSIONS:
            sessions.popitem(last=False)
    return True


def forget_session(context: ssl.SSLContext, server_hostname: str | None, port: int) -> None:
    """Drop a session, after a handshake with it failed."""
    with _sessions_lock:
        vars(context).get(_SESSIONS, {}).pop(_session_key(context, server_hostname, port), None)
