"""What an exchange costs on the emulated wire, in chip selects: `python plugins/wiznet5k/benchmarks/chip_selects.py`.

Ours beside the vendor's bare socket and adafruit_requests (if it is installed), on both chips. The figures are counts:
the same on every machine, but for looks at an answer that is not there yet, which is why the median is printed.
"""

import gc
import os
import socket
import statistics
import threading
from collections.abc import Callable
from typing import Any

from radiopool.http.poolmanager import PoolManager
from radiopool_wiznet5k import WIZNET5KDriver

os.environ.setdefault("BLINKA_OS_AGNOSTIC", "1")

ROUNDS = 30
SIZES = (200, 100_000)


def serve(listener: socket.socket) -> None:
    """Answer GET /SIZE with that many bytes, until the listener is closed."""

    while True:
        try:
            threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()
        except OSError:
            return


def answer(connection: socket.socket) -> None:
    """Serve one connection until it ends."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    head = b""
    with connection:
        try:
            while data := connection.recv(65536):
                head += data
                if head.endswith(b"\r\n\r\n"):
                    size = int(head.split(b" ")[1][1:])
                    head = b""
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (size, bytes(size)))
        except ConnectionResetError:
            pass  # the emulated chip is gone


def bare(radio: Any, url: str) -> "Callable[[int], None]":
    """The vendor's socket: one send, reads of up to 2 KiB."""
    from adafruit_wiznet5k.adafruit_wiznet5k_socketpool import SocketPool

    made = SocketPool(radio).socket()
    made.settimeout(10)
    made.connect((url, 80))
    buffer = bytearray(2048)

    def get(size: int) -> None:
        made.send(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % size)
        left = size + len(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while left:
            left -= made.recv_into(buffer, min(left, len(buffer)))

    return get


def ours(radio: Any, url: str) -> "Callable[[int], None]":
    """radiopool's PoolManager."""
    http = PoolManager(radio=radio)

    def get(size: int) -> None:
        assert len(http.request("GET", "http://%s/%d" % (url, size)).data) == size

    return get


def adafruit(radio: Any, url: str) -> "Callable[[int], None] | None":
    """adafruit_requests over the vendor's sockets."""
    try:
        import adafruit_requests
    except ImportError:
        return None
    from adafruit_wiznet5k.adafruit_wiznet5k_socketpool import SocketPool

    session = adafruit_requests.Session(SocketPool(radio))

    def get(size: int) -> None:
        with session.get("http://%s/%d" % (url, size)) as response:
            assert len(response.content) == size

    return get


def main() -> None:
    """Print the table."""
    gc.freeze()
    driver = WIZNET5KDriver()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        print("chip     client               %12s %12s" % tuple("%d bytes" % size for size in SIZES))
        for chip in driver.emulations:
            for name, client in (("radiopool", ours), ("vendor's bare socket", bare), ("adafruit_requests", adafruit)):
                radio = driver.emulated(chip, routes={("a.test", 80): listener.getsockname()[1]})
                get = client(radio, "a.test")
                if get is not None:
                    counts = tuple(cost(radio, get, size) for size in SIZES)
                    print("%-8s %-20s " % (chip, name) + "%12d %12d" % counts)
                radio.emulator.close()


def cost(radio: Any, get: "Callable[[int], None]", size: int) -> int:
    """The median of the chip selects of one GET on a kept connection."""
    counts = []
    for _ in range(ROUNDS if size < 1000 else 3):
        before = radio.emulator.chip_selects
        get(size)
        counts.append(radio.emulator.chip_selects - before)
    return int(statistics.median(counts))


if __name__ == "__main__":
    main()
