"""What a request costs on the wire, counted exactly.

The chip holds a read back until there is something to read (`hold`), so that the counts do not depend on how fast this
machine is: no look at the chip finds nothing. What a slower peer costs on top is two chip selects for each such look.
"""

import json
import pathlib
import re
import subprocess
import sys

import pytest
from adafruit_esp32spi.adafruit_esp32spi_socketpool import SocketPool as VendorPool

from radiopool.http import PoolManager

BODY = b"x" * 200
LARGE = bytes(range(256)) * 400
PIECE = 4000
"""The vendor's MAX_PACKET."""


def http_server(connection):
    """Answers /200 and /large on a connection that it keeps open; head and body in one go."""
    pending = b""
    while True:
        while b"\r\n\r\n" not in pending:
            more = connection.recv(65536)
            if not more:
                return
            pending += more
        head, _, pending = pending.partition(b"\r\n\r\n")
        body = LARGE if head.split()[1] == b"/large" else BODY
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


@pytest.fixture
def web(chip):
    peer = chip.serve(http_server, name="a.example")
    chip.emulator.firmware.hold = 10.0
    return peer


@pytest.fixture
def http(chip, web, manager):
    with PoolManager(manager=manager) as http:
        assert http.request("GET", "http://a.example/200").data == BODY
        chip.trace.clear()
        yield http


def bare_get(chip, web, request):
    """(chip selects, bytes) of a GET over the vendor's own socket, whose user knows how much to read."""
    socket = VendorPool(chip.radio).socket()
    socket.connect((web.name, 80))
    buffer = bytearray(4000)
    size = len(b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n") + 200
    chip.trace.clear()
    socket.send(request)
    assert socket.recv_into(buffer, size) == size
    spent = chip.trace.chip_selects, chip.trace.bytes_out + chip.trace.bytes_in
    socket.close()
    return spent


def test_a_keep_alive_get_of_200_bytes(chip, web, http):
    chip.trace.recording = True
    assert http.request("GET", "http://a.example/200").data == BODY
    chip_selects, octets = chip.trace.chip_selects, chip.trace.bytes_out + chip.trace.bytes_in
    commands = dict(chip.trace.commands)
    request = b"".join(
        re.findall(rb"^\xe0\x44\x02\x00\x01.\x00.(.*)\xee", exchange.frame, re.DOTALL)[0]
        for exchange in chip.trace.frames
        if exchange.frame[:2] == b"\xe0\x44"
    )
    chip.trace.recording = False
    assert request.startswith(b"GET /200 HTTP/1.1\r\n")
    pieces = len(request) // 64 + 1
    # A look whether it lives (a read that finds nothing, and the state), the head in pieces, the check, one read.
    assert commands == {0x45: 2, 0x2F: 1, 0x44: pieces, 0x2A: 1}
    assert chip_selects == 2 * (5 - 1 + pieces) <= 14
    bare_selects, bare_octets = bare_get(chip, web, b"GET /200 HTTP/1.1\r\nHost: a.example\r\n\r\n")
    assert bare_selects == 8
    same_request = bare_get(chip, web, request)
    assert octets <= 1.3 * same_request[1]
    print("chip selects %d (bare %d), bytes %d (bare %d)" % (chip_selects, same_request[0], octets, same_request[1]))


def test_a_body_of_100_kb(chip, web, http):
    response = http.request("GET", "http://a.example/large", preload_content=False)
    received = b"".join(response.stream(PIECE))
    assert received == LARGE
    # The bare minimum: a count and a read for each of the vendor's pieces.
    bare = -(-len(LARGE) // PIECE) * 4
    spent = 2 * chip.trace.commands[0x45] + 2 * chip.trace.commands[0x2B]
    assert spent <= 1.1 * bare
    print("chip selects for the body %d (bare minimum %d)" % (spent, bare))


def test_connecting_costs_a_number_a_name_and_a_connect(chip, web, manager):
    chip.trace.clear()
    with manager.lease("a.example", 80):
        assert chip.trace.commands == {0x34: 1, 0x35: 1, 0x3F: 1, 0x2D: 1}


def test_the_incumbent_for_comparison(chip, web):
    import adafruit_connection_manager as incumbent
    import adafruit_requests

    pool = VendorPool(chip.radio)
    session = adafruit_requests.Session(pool)
    for _ in range(2):
        chip.trace.clear()
        with session.get("http://a.example/200") as response:
            assert response.content == BODY
    assert chip.trace.chip_selects >= 4 * 12
    print("adafruit_requests: chip selects %d" % chip.trace.chip_selects)
    incumbent.connection_manager_close_all(pool)


def test_the_benchmark_counts_the_same():
    script = pathlib.Path(__file__).parents[1] / "benchmarks" / "transactions.py"
    printed = subprocess.run([sys.executable, script, "--json"], capture_output=True, text=True, check=True).stdout
    results = json.loads(printed)
    (selects, octets), (large_selects, large_octets) = results["radiopool"].values()
    assert selects <= 14
    assert octets <= 1.3 * results["bare"]["/200"][1]
    assert large_selects <= 1.1 * 4 * -(-100_000 // PIECE)
    assert large_octets <= 1.1 * results["bare"]["/100000"][1]
    assert selects * 4 < results["adafruit_requests"]["/200"][0]
