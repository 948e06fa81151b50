"""What docs/proxies.md talks to, on loopback: a proxy that wants credentials, and an HTTPS host behind it."""

import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import trustme

from radiopool_cpython import default_radio

NAMES = ("proxy.example.com", "www.example.org")
CREDENTIALS = "Basic YWxpY2U6c2VzYW1l"  # alice:sesame


class Answering(BaseHTTPRequestHandler):
    """Answers every request; keeps the connection."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self):
        self.answer(200, b"You asked for %s\n" % self.path.encode())

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Proxying(Answering):
    """Answers for every host; tunnels lead to the HTTPS host."""

    def is_known(self):
        known = self.headers["Proxy-Authorization"] == CREDENTIALS
        if not known:
            self.answer(407, b"")
        return known

    def do_GET(self):
        if self.is_known():
            super().do_GET()

    def do_CONNECT(self):
        if not self.is_known():
            return
        self.send_response(200)
        self.end_headers()
        with socket.create_connection(("127.0.0.1", self.server.behind)) as far:
            back = threading.Thread(target=pump, args=(far, self.connection))
            back.start()
            pump(self.connection, far)
            back.join()
        self.close_connection = True


def pump(source, sink):
    """Pass on what comes until it ends."""
    try:
        while received := source.recv(65536):
            sink.sendall(received)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class DocumentedProxy:
    """Started when made; `trust` is a TLS context that trusts the HTTPS host. `close` stops it all."""

    def __init__(self):
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("www.example.org").configure_cert(context)
        self.trust = ssl.create_default_context()
        authority.configure_trust(self.trust)
        host = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        host.socket = context.wrap_socket(host.socket, server_side=True, do_handshake_on_connect=False)
        proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxying)
        proxy.behind = host.server_address[1]
        self._servers = (host, proxy)
        self._threads = [threading.Thread(target=server.serve_forever, args=(0.01,)) for server in self._servers]
        for thread in self._threads:
            thread.start()
        radio = default_radio()
        radio.hosts.update({name: ("127.0.0.1",) for name in NAMES})
        radio.routes["proxy.example.com", 3128] = proxy.server_address

    def close(self):
        """Stop the servers and forget the names."""
        radio = default_radio()
        for name in NAMES:
            del radio.hosts[name]
        del radio.routes["proxy.example.com", 3128]
        for server, thread in zip(self._servers, self._threads, strict=True):
            server.shutdown()
            thread.join()
            server.daemon_threads = True
            server.server_close()
