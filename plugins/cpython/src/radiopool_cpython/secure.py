"""TLS on the host's own sockets: the handshake, the sessions to resume, and a look whether a connection lives."""

from __future__ import annotations

import ssl
import weakref
from collections.abc import Callable
from socket import socket as Socket
from typing import Any

from radiopool import tls
from radiopool.tls_errors import handshake_error
from radiopool.tls_sessions import certificate_name, forget_session, recall_session, remember_session

# TLS connections whose session is still to be kept, and their port.
_sessions_due: weakref.WeakKeyDictionary[ssl.SSLSocket, int] = weakref.WeakKeyDictionary()


def handshake(
    connected: Socket,
    ssl_context: ssl.SSLContext,
    host: str,
    port: int,
    server_name: str | None,
    is_exhausted: Callable[[BaseException], bool],
) -> ssl.SSLSocket:
    """TLS over a connected socket, within its timeout; the socket is closed if it raises.

    Raises CertificateError, ConnectTimeoutError, TLSError; the system's own error if that `is_exhausted`.
    """
    name = certificate_name(server_name or host)
    wrapped: Any = connected
    try:
        wrapped = ssl_context.wrap_socket(
            connected,
            do_handshake_on_connect=_shakes_hands_at_once(ssl_context),
            server_hostname=name,
            session=recall_session(ssl_context, name, port),
        )
        wrapped.do_handshake()
        if not remember_session(wrapped, port):
            _sessions_due[wrapped] = port
    except OSError as error:
        if is_exhausted(error):
            wrapped.close()
            raise
        forget_session(ssl_context, name, port)
        # Before close, which forgets the certificate.
        failure = handshake_error(error, host, port, wrapped if wrapped is not connected else None)
        wrapped.close()
        raise failure from error
    except BaseException:
        wrapped.close()
        raise
    return wrapped  # type: ignore[no-any-return]


def wrap(socket: Any, ssl_context: ssl.SSLContext, server_name: str) -> Any:
    """`CPythonDriver.wrap`."""
    if not isinstance(socket, Socket) or isinstance(socket, ssl.SSLSocket):
        return tls.wrap(socket, ssl_context, server_name)
    name = certificate_name(server_name)
    try:
        socket.getpeername()
    except OSError:
        # Its connect() does the handshake.
        return ssl_context.wrap_socket(socket, server_hostname=name)
    # Not all in one call, which leaves the descriptor open if a handshake is interrupted.
    at_once = _shakes_hands_at_once(ssl_context)
    wrapped = ssl_context.wrap_socket(socket, server_hostname=name, do_handshake_on_connect=at_once)
    try:
        wrapped.do_handshake()
    except BaseException:
        wrapped.close()
        raise
    return wrapped


def _shakes_hands_at_once(ssl_context: ssl.SSLContext) -> bool:
    # A context of another class (truststore's) may check the certificate in wrap_socket, after the handshake.
    return type(ssl_context).wrap_socket is not ssl.SSLContext.wrap_socket


def take_leave(socket: Any) -> None:
    """Tell a TLS peer that this was all (close_notify), as far as that does not block."""
    if isinstance(socket, ssl.SSLSocket):
        try:
            _keep_session(socket)
            socket.settimeout(0)
            socket.unwrap()
        except (OSError, ValueError):
            pass


def is_alive(socket: Any, is_readable: Callable[[int], bool]) -> bool:
    """`CPythonDriver.is_alive` for what is no plain socket."""
    if isinstance(socket, tls.TLSSocket):
        return socket.is_alive()
    try:
        if not isinstance(socket, ssl.SSLSocket):
            return not is_readable(socket.fileno())
        if socket.pending():
            return False
        if is_readable(socket.fileno()):
            socket.settimeout(0)
            try:
                socket.recv_into(bytearray(1))
                return False
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
        _keep_session(socket)
    except (OSError, ValueError):
        # ValueError: closed, so there is no descriptor to ask about.
        return False
    return True


def _keep_session(socket: ssl.SSLSocket) -> None:
    port = _sessions_due.get(socket)
    if port is not None and remember_session(socket, port):
        del _sessions_due[socket]
