"""Requests over kept connections to an nginx on loopback, beside a bare socket loop and the other clients.

To be reached, in client CPU time per request, (ours - bare) / (urllib3 - bare): at most 0.12 for GETs of 200 bytes and
10 kB, 0.18 for a chunked response, a POST of 1 KiB and a GET over TLS. Wall time of those GETs no longer than
pycurl's; of 1 MiB at least 0.95 of the bare loop's speed; of 8 threads at least 0.6 of 8 bare threads. A thousand idle
connections: at most 4 MB.
"""

from __future__ import annotations

import collections
import fractions
import gc
import io
import json
import random
import resource
import socket
import ssl
import statistics
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks import report
from benchmarks.nginx import FILES, Server, nginx
from benchmarks.processor import one_processor
from benchmarks.rounds import microseconds

COMMAND = "python -m benchmarks http"
HOST = "127.0.0.1"
ROUNDS = 11
TARGETS = {"GET 200 B": 0.12, "GET 10 kB": 0.12, "GET chunked": 0.18, "POST 1 KiB": 0.18, "GET 200 B, TLS": 0.18}

Request = Callable[[], object]


def cpu() -> float:
    """Seconds of CPU that this process took, in the kernel too."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(functions: Mapping[str, tuple[Request, int]], rounds: int = ROUNDS) -> dict[str, tuple[float, float]]:
    """(CPU, wall) microseconds per call of each (function, calls a round): medians of interleaved rounds.

    In each round the order is another, and a tenth of the calls come before the clock starts: what one client leaves in
    the processor's caches, or lets the processor fall asleep, is not to be the next one's cost.
    """
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in functions}
    order = list(functions)
    shuffle = random.Random(0).shuffle
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            shuffle(order)
            for name in order:
                function, calls = functions[name]
                for _ in range(calls // 10 + 1):
                    function()
                began, worked = time.perf_counter(), cpu()
                for _ in range(calls):
                    function()
                samples[name].append(((cpu() - worked) / calls * 1e6, (time.perf_counter() - began) / calls * 1e6))
    finally:
        gc.enable()
    return {
        name: (statistics.median(c for c, _ in taken), statistics.median(w for _, w in taken))
        for name, taken in samples.items()
    }


# -- the clients, each a function that makes one that makes a request


def bare(server: Server, path: str, body: bytes = b"", tls: bool = False) -> Request:
    """A socket, `sendall` and `recv_into`: the least that any client does. Returns the body as bytes."""
    connection: Any = socket.create_connection((HOST, server.tls_port if tls else server.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls:
        connection = ssl.create_default_context(cafile=server.authority).wrap_socket(connection, server_hostname=HOST)
    lines = f"{'POST' if body else 'GET'} {path} HTTP/1.1\r\nHost: {HOST}:{server.port}\r\nUser-Agent: bare\r\n"
    if body:
        lines += f"Content-Length: {len(body)}\r\n"
    request = lines.encode() + b"\r\n" + body
    size = FILES.get(path[1:])
    buffer = bytearray(65536)
    view = memoryview(buffer)

    def ask() -> bytes:
        connection.sendall(request)
        count = connection.recv_into(buffer)
        end = buffer.find(b"\r\n\r\n", 0, count) + 4
        pieces = [bytes(view[end:count])]
        if size is None:
            while not buffer.endswith((b"0\r\n\r\n", b"ok"), 0, count):
                count = connection.recv_into(buffer)
                pieces.append(bytes(view[:count]))
        else:
            left = size - (count - end)
            while left > 0:
                count = connection.recv_into(buffer)
                pieces.append(bytes(view[:count]))
                left -= count
        return b"".join(pieces)

    return ask


def ours(server: Server, url: str, body: bytes | None = None) -> Request:
    """radiopool, on the host's own network."""
    from radiopool.http import PoolManager

    http = PoolManager(ca_certs=server.authority)
    method = "POST" if body else "GET"
    return lambda: http.request(method, url, body=body).data


def urllib3_(server: Server, url: str, body: bytes | None = None) -> Request:
    """urllib3."""
    import urllib3

    http = urllib3.PoolManager(ca_certs=server.authority)
    method = "POST" if body else "GET"
    return lambda: http.request(method, url, body=body).data


def http_client(server: Server, url: str, body: bytes | None = None) -> Request:
    """The standard library's http.client."""
    import http.client

    place, _, path = url.partition("://")[2].partition("/")
    connection: Any = http.client.HTTPConnection(place)
    if url.startswith("https"):
        context = ssl.create_default_context(cafile=server.authority)
        connection = http.client.HTTPSConnection(place, context=context)

    def ask() -> object:
        connection.request("POST" if body else "GET", "/" + path, body)
        return connection.getresponse().read()

    return ask


def httpx_(server: Server, url: str, body: bytes | None = None) -> Request:
    """httpx."""
    import httpx

    client = httpx.Client(verify=ssl.create_default_context(cafile=server.authority))
    return lambda: client.request("POST" if body else "GET", url, content=body).content


def requests_(server: Server, url: str, body: bytes | None = None) -> Request:
    """requests, with a session."""
    import requests

    session = requests.Session()
    session.verify = server.authority
    session.trust_env = False
    return lambda: session.request("POST" if body else "GET", url, data=body).content


def pycurl_(server: Server, url: str, body: bytes | None = None) -> Request:
    """pycurl, one handle kept."""
    import pycurl

    curl = pycurl.Curl()
    curl.setopt(curl.URL, url)
    curl.setopt(curl.CAINFO, server.authority)
    if body:
        curl.setopt(curl.POSTFIELDS, body)
        curl.setopt(curl.HTTPHEADER, ["Expect:"])

    def ask() -> bytes:
        received = io.BytesIO()
        curl.setopt(curl.WRITEDATA, received)
        curl.perform()
        return received.getvalue()

    return ask


def adafruit_requests_(server: Server, url: str, body: bytes | None = None) -> Request:
    """adafruit_requests on adafruit_connection_manager."""
    import adafruit_requests

    session = adafruit_requests.Session(socket, ssl.create_default_context(cafile=server.authority))

    def ask() -> object:
        response = session.request("POST" if body else "GET", url, data=body)
        received = response.content
        response.close()
        return received

    return ask


CLIENTS: dict[str, tuple[Callable[..., Request], int]] = {
    "radiopool": (ours, 1),
    "urllib3": (urllib3_, 1),
    "http.client": (http_client, 1),
    "pycurl": (pycurl_, 1),
    "requests": (requests_, 4),
    "httpx": (httpx_, 4),
    "adafruit_requests": (adafruit_requests_, 60),
}


def case(server: Server, path: str, calls: int, body: bytes = b"", tls: bool = False) -> dict[str, tuple[float, float]]:
    """What one kind of request costs with each client."""
    url = f"https://{HOST}:{server.tls_port}{path}" if tls else f"http://{HOST}:{server.port}{path}"
    functions: dict[str, tuple[Request, int]] = {"bare loop": (bare(server, path, body, tls), calls)}
    for name, (make, share) in CLIENTS.items():
        functions[name] = (make(server, url, body or None), max(2, calls // share))
    return measure(functions)


def other_python() -> None:
    """Some microseconds of the standard library, which share nothing with another thread: about what a request of ours
    runs beside its two system calls."""
    urllib.parse.parse_qsl("a=1&b=2")
    urllib.parse.quote("a b/c")
    fractions.Fraction(3, 7) + fractions.Fraction(2, 5)
    collections.OrderedDict(a=1, b=2).move_to_end("a")


def threads(server: Server, count: int = 8, calls: int = 300, rounds: int = 7) -> tuple[float, float, float]:
    """Requests a second of so many threads together: bare, bare and other Python in turn, ours."""
    from radiopool.http import PoolManager

    http = PoolManager(maxsize=count)
    url = f"http://{HOST}:{server.port}/bytes200"

    def together(makers: list[Request]) -> float:
        start = threading.Barrier(count + 1)

        def work(function: Request) -> None:
            start.wait()
            for _ in range(calls):
                function()

        workers = [threading.Thread(target=work, args=(function,)) for function in makers]
        for worker in workers:
            worker.start()
        start.wait()
        began = time.perf_counter()
        for worker in workers:
            worker.join()
        return count * calls / (time.perf_counter() - began)

    def with_other_python(ask: Request) -> Request:
        return lambda: (ask(), other_python())

    loops = [bare(server, "/bytes200") for _ in range(count)]
    measured = (loops, [with_other_python(ask) for ask in loops], [lambda: http.request("GET", url).data] * count)
    taken = [[together(makers) for makers in measured] for _ in range(rounds)]
    alone, busy, ours = (statistics.median(rates) for rates in zip(*taken, strict=True))
    return alone, busy, ours


IDLE = """
import json, os
from radiopool.http import PoolManager
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
http = PoolManager(maxsize={count})
http.request("GET", {url!r}).data
before = resident()
held = [http.request("GET", {url!r}, preload_content=False) for _ in range({count})]
for response in held:
    response.read()
del held, response
print(json.dumps([resident() - before, http.manager.available_socket_count]))
"""


def idle(server: Server, count: int = 1000) -> float:
    """Megabytes that so many idle connections take, in a process of its own."""
    program = IDLE.format(count=count, url=f"http://{HOST}:{server.port}/bytes200")
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    grown, kept = json.loads(run.stdout)
    assert kept == count
    return float(grown) / 1e6


def main() -> None:
    """Measure, print, and write the docs' tables and plot."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    with nginx() as server:
        cases = {
            "GET 200 B": case(server, "/bytes200", 240),
            "GET 10 kB": case(server, "/kilobytes10", 240),
            "GET chunked": case(server, "/chunked", 240),
            "POST 1 KiB": case(server, "/posted", 240, b"x" * 1024),
            "GET 200 B, TLS": case(server, "/bytes200", 120, tls=True),
            "GET 1 MiB": case(server, "/megabyte", 20),
        }
        together = threads(server)
        with one_processor():
            together_on_one = threads(server)
        other = microseconds({"other": other_python})["other"]
        megabytes = idle(server)
    for name, costs in cases.items():
        base, theirs = costs["bare loop"], costs["urllib3"]
        rows = [
            (
                client,
                f"{used:.1f} µs",
                f"{(used - base[0]) / (theirs[0] - base[0]):.3f}" if name in TARGETS else "",
                f"{wall:.1f} µs",
                f"{base[1] / wall:.2f}",
            )
            for client, (used, wall) in costs.items()
        ]
        header = ("", "CPU", "over bare, to urllib3's", "wall", "speed to bare")
        file = "http_" + "".join(letter if letter.isalnum() else "_" for letter in name.lower())
        report.write(file, name, COMMAND, header, rows)
    summary = []
    for name, target in TARGETS.items():
        costs = cases[name]
        base = costs["bare loop"][0]
        ratio = (costs["radiopool"][0] - base) / (costs["urllib3"][0] - base)
        summary.append((name + ": overhead to urllib3's", f"{ratio:.3f}", f"at most {target}"))
    for name in ("GET 200 B", "GET 10 kB"):
        ratio = cases[name]["radiopool"][1] / cases[name]["pycurl"][1]
        summary.append((name + ": wall time to pycurl's", f"{ratio:.2f}", "at most 1"))
    large = cases["GET 1 MiB"]
    summary.append(
        ("GET 1 MiB: speed to bare", f"{large['bare loop'][1] / large['radiopool'][1]:.2f}", "at least 0.95")
    )
    for where, (alone, busy, ours_), target in (
        ("", together, "at least 0.6"),
        (", the process on one processor", together_on_one, ""),
    ):
        summary.append((f"8 threads{where}: speed to 8 bare", f"{ours_ / alone:.2f}", target))
        summary.append((f"8 bare threads with {other:.0f} µs of other Python{where}", f"{busy / alone:.2f}", ""))
    summary.append(("1,000 idle connections", f"{megabytes:.1f} MB", "at most 4 MB"))
    report.write("http_benchmark", "HTTP over kept connections", COMMAND, ("", "measured", "to reach"), summary)
    values = {client: costs for client, (costs, _) in cases["GET 200 B"].items() if client != "adafruit_requests"}
    report.bars("http_benchmark", "CPU time of a GET of 200 bytes", values, "microseconds")


if __name__ == "__main__":
    main()
