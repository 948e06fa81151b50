"""Connection pools whose new sockets get socket options: (level, option, value) each."""

from __future__ import annotations

import socket
from functools import partial
from typing import Any

from radiopool.http import connectionpool

NO_DELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
"""What a socket has by itself, where it can be had."""


class WithSocketOptions(connectionpool.HTTPConnectionPool):
    """The parent of such pools. socket_options: None is the `default_socket_options` of the class `ConnectionCls`."""

    ConnectionCls: Any

    def __init__(self, *arguments: Any, socket_options: Any = None, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._socket_options = socket_options

    def _make_key(self) -> Any:
        made = super()._make_key()
        options = self._socket_options
        if options is None:
            options = self.ConnectionCls.default_socket_options
        if list(options) != [NO_DELAY] and not isinstance(self._connect, partial):
            self._connect = partial(_connect, options, self._connect)
        return made


def _connect(options: Any, inner: Any, manager: Any, key: Any, ssl_context: Any, timeout: float | None) -> Any:
    if inner is not None:
        socket = inner(manager, key, ssl_context, timeout)
    else:
        socket = manager.driver.connect(
            manager.socket_pool, key.host, key.port, timeout, ssl_context, key.server_name, key.source_address
        )
    try:
        for option in options:
            socket.setsockopt(*option)
    except BaseException:
        manager.driver.close(socket)
        raise
    return socket
