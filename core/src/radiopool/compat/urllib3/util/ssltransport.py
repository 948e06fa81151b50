"""urllib3's `util.ssltransport`: TLS over any socket, TLS sockets included."""

from __future__ import annotations

import ssl
from typing import Any

from radiopool import tls

SSL_BLOCKSIZE = 16384


class SSLTransport(tls.TLSSocket):
    """TLS over a connected socket, with the handshake done."""

    def __init__(
        self,
        socket: Any,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        suppress_ragged_eofs: bool = True,
    ) -> None:
        super().__init__(socket, ssl_context, server_hostname)
        self.do_handshake()
