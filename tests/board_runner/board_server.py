"""The server that board tests talk to: real sockets on loopback, one thread for each connection.

`with BoardServer() as server:` and the environment variable SERVER tells both interpreters where it listens. What it
answers is at the top of `_answer`; the ports of its TLS doors are under /ports, and under /ca the certificate to trust.
"""

import json
import os
import socket
import ssl
import threading
from typing import Any

import trustme

SERVER = "RADIOPOOL_BOARD_SERVER"


class BoardServer:
    """HTTP on one port, HTTPS on three more: `good`, `stranger` (nobody trusts its issuer), `elsewhere` (other name).

    A fifth port, `silent`, accepts and never says a word.
    """

    def __init__(self) -> None:
        self.authority = trustme.CA()
        self.connections = 0
        self._lock = threading.Lock()
        self._open: "set[socket.socket]" = set()
        self._closing = False
        self._listeners: "list[socket.socket]" = []
        stranger = trustme.CA().issue_cert("127.0.0.1", "localhost")
        self.port = self._listen(None)
        self.ports = {
            "good": self._listen(self.authority.issue_cert("127.0.0.1", "localhost")),
            "stranger": self._listen(stranger),
            "elsewhere": self._listen(self.authority.issue_cert("elsewhere.example")),
            "silent": self._listen(None, talks=False),
        }

    def __enter__(self) -> "BoardServer":
        self._outer = os.environ.get(SERVER)
        os.environ[SERVER] = "127.0.0.1:%d" % self.port
        return self

    def __exit__(self, *_: object) -> None:
        # Another may run around this one.
        if self._outer is None:
            del os.environ[SERVER]
        else:
            os.environ[SERVER] = self._outer
        self.close()

    def close(self) -> None:
        """Close every listener and connection."""
        self._closing = True
        for listener in self._listeners:
            # Closing alone does not wake an accept.
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def _listen(self, certificate: "trustme.LeafCert | None", talks: bool = True) -> int:
        context = None
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(context)
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._listeners.append(listener)
        threading.Thread(target=self._accept, args=(listener, context, talks), daemon=True).start()
        return int(listener.getsockname()[1])

    def _accept(self, listener: socket.socket, context: "ssl.SSLContext | None", talks: bool) -> None:
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            with self._lock:
                self.connections += 1
                number = self.connections
            threading.Thread(target=self._serve, args=(connection, context, talks, number), daemon=True).start()

    def _serve(self, connection: socket.socket, context: "ssl.SSLContext | None", talks: bool, number: int) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if context is not None:
                connection = context.wrap_socket(connection, server_side=True)
        except OSError:
            connection.close()
            return
        with self._lock:
            self._open.add(connection)
        try:
            with connection.makefile("rb") as file:
                while not self._closing:
                    line = file.readline()
                    if not line:
                        return
                    if talks and not self._answer(connection, file, line, number):
                        return
        except OSError:
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def _answer(self, connection: socket.socket, file: Any, line: bytes, number: int) -> bool:
        """Answer one request; whether to keep the connection.

        /connection: its number. /ports, /ca: see above. /bytes/N: N bytes. /chunked/N: in chunks. /until-close/N: and
        close. /echo: the request's body. /last: close after it without having said so. /cut: close in the body.
        /never: no answer.
        """
        path = line.split()[1].decode()
        length = 0
        for header in iter(file.readline, b"\r\n"):
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        sent = file.read(length)
        body = pattern(int(path.rsplit("/", 1)[1])) if path.count("/") == 2 else b"ok"
        if path == "/never":
            return True
        if path == "/connection":
            body = b"%d" % number
        elif path == "/ports":
            body = json.dumps(self.ports).encode()
        elif path == "/ca":
            body = ssl.PEM_cert_to_DER_cert(self.authority.cert_pem.bytes().decode())
        elif path == "/echo":
            body = sent
        if path.startswith("/chunked"):
            chunks = [body[at : at + 700] for at in range(0, len(body), 700)]
            framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""])
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + framed)
        elif path.startswith("/until-close"):
            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body)
            return False
        elif path == "/cut":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + body)
            return False
        else:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        return path != "/last"


def pattern(size: int) -> bytes:
    """The body of /bytes/N: byte n is n modulo 251, which is no power of two, so that a piece out of place shows."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]
