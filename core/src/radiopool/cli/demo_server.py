"""The demo's HTTP server, in a process of its own: prints its port, and serves until its standard input ends."""

from __future__ import annotations

import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BODY = b"Leased, used, given back.\n" * 8


class Page(BaseHTTPRequestHandler):
    """One small page, on connections that are kept alive."""

    protocol_version = "HTTP/1.1"
    # Head and body in one segment: two small ones would meet Nagle's algorithm and the delayed acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: standard error is the demo's."""


class Server(ThreadingHTTPServer):
    """Threads that end with the process."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""


def main() -> None:
    """Serve."""
    # Ctrl-C is meant for the demo too, which then closes our standard input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server = Server(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
