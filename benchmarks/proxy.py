"""Requests over kept connections through a squid on loopback, beside urllib3's ProxyManager through the same one.

To be reached: at least twice as many GETs a second as urllib3, forwarded and through a tunnel.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import report
from benchmarks.http import HOST, measure
from benchmarks.nginx import Server, nginx

COMMAND = "python -m benchmarks proxy"
TARGET = 2.0

CONFIGURATION = """
http_port 127.0.0.1:{port}
http_access allow all
cache deny all
access_log none
cache_log {folder}/log
cache_store_log none
pid_filename {folder}/squid.pid
netdb_filename none
coredump_dir {folder}
visible_hostname localhost
shutdown_lifetime 0 seconds
pinger_enable off
{user}
"""


@contextmanager
def squid() -> Iterator[int]:
    """The port of a running squid. Raises SystemExit where it is not installed."""
    program = shutil.which("squid", path="/usr/sbin:/usr/local/sbin:" + os.environ.get("PATH", ""))
    if program is None:
        raise SystemExit("squid is not installed: make test-servers")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        with socket.create_server((HOST, 0)) as listener:
            port = int(listener.getsockname()[1])
        user = "" if os.geteuid() else "cache_effective_user nobody"
        (folder / "squid.conf").write_text(CONFIGURATION.format(port=port, folder=folder, user=user))
        process = subprocess.Popen(
            [program, "-N", "-n", f"benchmark{port}", "-f", str(folder / "squid.conf")], stderr=subprocess.DEVNULL
        )
        try:
            while True:
                try:
                    socket.create_connection((HOST, port)).close()
                    break
                except OSError:
                    if process.poll() is not None:
                        raise SystemExit("squid ended: " + (folder / "log").read_text()) from None
                    time.sleep(0.02)
            yield port
        finally:
            process.terminate()
            process.wait()


def ours(server: Server, proxy: str, url: str) -> Callable[[], object]:
    """radiopool, on the host's own network."""
    from radiopool.http import ProxyManager

    http = ProxyManager(proxy, ca_certs=server.authority)
    return lambda: http.request("GET", url).data


def urllib3_(server: Server, proxy: str, url: str) -> Callable[[], object]:
    """urllib3."""
    import urllib3

    http = urllib3.ProxyManager(proxy, ca_certs=server.authority)
    return lambda: http.request("GET", url).data


def main() -> None:
    """Measure, print, and write the docs' table."""
    rows = []
    with nginx() as server, squid() as port:
        proxy = f"http://{HOST}:{port}"
        for name, url in (
            ("forwarded GET of 200 bytes", f"http://{HOST}:{server.port}/bytes200"),
            ("GET of 200 bytes through a tunnel, TLS", f"https://{HOST}:{server.tls_port}/bytes200"),
        ):
            costs = measure({"ours": (ours(server, proxy, url), 150), "urllib3": (urllib3_(server, proxy, url), 150)})
            used, wall = costs["ours"]
            their_use, their_wall = costs["urllib3"]
            rows.append(
                (
                    name,
                    f"{1e6 / wall:.0f}/s",
                    f"{1e6 / their_wall:.0f}/s",
                    f"{their_wall / wall:.2f}",
                    f"at least {TARGET:.0f}",
                    f"{used:.0f} µs",
                    f"{their_use:.0f} µs",
                )
            )
    header = ("", "radiopool", "urllib3", "ratio", "to reach", "our CPU", "urllib3's CPU")
    report.write("proxy_benchmark", "GETs over kept connections through squid", COMMAND, header, rows)


if __name__ == "__main__":
    main()
