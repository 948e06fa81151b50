"""What requests cost on the emulated SPI wire: chip selects and bytes, ours beside the vendor's bare socket and
adafruit_requests. Prints a table (Markdown), or with --json an object.

The counts are exact: while they are taken, the chip holds a read back until the answer is there.

    python plugins/esp32spi/benchmarks/transactions.py
"""

import json
import socket
import sys
import threading

from radiopool import manager_for
from radiopool.http import PoolManager
from radiopool_esp32spi import ESP32SPIDriver

BODIES = {"/200": b"x" * 200, "/100000": bytes(range(256)) * 390 + bytes(160)}


def serve(listener: socket.socket) -> None:
    """Answer every connection in a thread of its own, each request in one go."""
    while True:
        try:
            connection = listener.accept()[0]
        except OSError:
            return
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


def answer(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    pending = b""
    with connection:
        while True:
            while b"\r\n\r\n" not in pending:
                more = connection.recv(65536)
                if not more:
                    return
                pending += more
            head, _, pending = pending.partition(b"\r\n\r\n")
            body = BODIES[head.split()[1].decode()]
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def spent(trace, deed) -> "tuple[int, int]":
    """(chip selects, bytes) of a deed."""
    trace.clear()
    deed()
    return trace.chip_selects, trace.bytes_out + trace.bytes_in


def measure(radio) -> "dict[str, dict[str, tuple[int, int]]]":
    """Who, by what, to (chip selects, bytes)."""
    import adafruit_connection_manager
    import adafruit_requests
    from adafruit_esp32spi.adafruit_esp32spi_socketpool import SocketPool

    trace = radio.emulator.trace
    results: "dict[str, dict[str, tuple[int, int]]]" = {"bare": {}, "radiopool": {}, "adafruit_requests": {}}
    radio.emulator.firmware.hold = 10.0
    pool = SocketPool(radio)
    bare = pool.socket()
    bare.connect(("a.example", 80))
    buffer = bytearray(110_000)

    def bare_get(path, head=b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):
        body = BODIES[path]
        bare.send(b"GET %s HTTP/1.1\r\nHost: a.example\r\nUser-Agent: bare/1.0.0\r\n\r\n" % path.encode())
        bare.recv_into(buffer, len(head % len(body)) + len(body))

    manager = manager_for(radio, driver=ESP32SPIDriver())
    http = PoolManager(manager=manager)
    session = adafruit_requests.Session(pool)

    def adafruit_get(path):
        with session.get("http://a.example" + path) as response:
            assert response.content == BODIES[path]

    def our_get(path):
        assert http.request("GET", "http://a.example" + path).data == BODIES[path]

    try:
        for path in BODIES:
            for who, get in (("bare", bare_get), ("radiopool", our_get), ("adafruit_requests", adafruit_get)):
                get(path)
                results[who][path] = spent(trace, lambda get=get, path=path: get(path))
    finally:
        bare.close()
        manager.close()
        adafruit_connection_manager.connection_manager_close_all(pool)
    return results


def main() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        radio = ESP32SPIDriver().emulated(
            hosts={"a.example": "10.0.0.1"}, routes={("10.0.0.1", 80): listener.getsockname()[1]}
        )
        with radio.emulator:
            results = measure(radio)
        listener.shutdown(socket.SHUT_RDWR)
    if "--json" in sys.argv:
        print(json.dumps(results, indent=2))
        return
    print("| keep-alive GET | chip selects, 200 bytes | bytes on the wire | chip selects, 100 kB | bytes on the wire |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for who, costs in results.items():
        print("| %s | %s |" % (who, " | ".join("%d | %d" % costs[path] for path in BODIES)))


if __name__ == "__main__":
    main()
