"""adafruit_requests over the incumbent's connection manager and over ours: requests a second, on this host.

    python -m benchmarks.compat

Each runs in an interpreter of its own, in turn, against one server that answers at once. The library sends a request in
some ten small pieces: without TCP_NODELAY, the second waits until the peer acknowledges the first, up to 40 ms on Linux
(delayed acknowledgements meet Nagle's algorithm, RFC 896). The sockets that we hand out have TCP_NODELAY.
"""

import statistics
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ROUNDS = 3
PROGRAM = """
import sys, time
if sys.argv[1] == "radiopool":
    import radiopool.compat
    radiopool.compat.install()
import adafruit_connection_manager, adafruit_requests
pool = adafruit_connection_manager.get_radio_socketpool(adafruit_connection_manager.CPythonNetwork())
session = adafruit_requests.Session(pool)
url, times = sys.argv[2], int(sys.argv[3])
with session.get(url) as response:
    response.content
began = time.perf_counter()
for _ in range(times):
    with session.get(url) as response:
        response.content
print(times / (time.perf_counter() - began))
"""


class Site(BaseHTTPRequestHandler):
    """Answers `hello` in one piece."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")

    def log_message(self, *_: object) -> None:
        pass


def measure(name: str, url: str, times: int) -> float:
    """Requests a second over one connection manager, "adafruit_connection_manager" or "radiopool"."""
    command = [sys.executable, "-c", PROGRAM, name, url, str(times)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Print the medians, and their ratio."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        url = "http://127.0.0.1:%d/" % server.server_port
        rates: "dict[str, list[float]]" = {"adafruit_connection_manager": [], "radiopool": []}
        for _ in range(ROUNDS):
            for name, found in rates.items():
                found.append(measure(name, url, 50 if name != "radiopool" else 1000))
        server.shutdown()
        thread.join()
    medians = {name: statistics.median(found) for name, found in rates.items()}
    for name, median in medians.items():
        print("%-28s %8.0f requests a second (%s)" % (name, median, ", ".join("%.0f" % one for one in rates[name])))
    print("%-28s %8.1f times" % ("ratio", medians["radiopool"] / medians["adafruit_connection_manager"]))


if __name__ == "__main__":
    main()
