"""The program and the settings that a new board begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from radiopool.bundle.writing import Bundle

GET = """
with PoolManager(radio=radio, timeout=10) as http:
    response = http.request("GET", URL)
    print(response.status, response.headers.get("content-type"))
    print(response.data)
print(http.manager)
"""

LEASE = """
manager = manager_for(radio)
with manager.lease(HOST, 80, timeout=10) as socket:
    socket.send(b"GET / HTTP/1.0\\r\\nHost: " + HOST.encode() + b"\\r\\n\\r\\n")
    buffer = bytearray(256)
    print(bytes(buffer[: socket.recv_into(buffer)]))
print(manager)
"""


def starter_program(bundle: Bundle, has_settings: bool = True) -> str:
    """A program that registers the bundle's drivers, brings up the first one's radio and makes a request.

    has_settings: whether `os.getenv()` reads `settings.toml` there; else the program has the settings itself.
    """
    drivers = [part for part in bundle.parts if part.driver]
    lines = ["# Registers this board's drivers, then makes one request. Written by `radiopool bundle`.", ""]
    if bundle.http:
        lines += ["from radiopool import register", "from radiopool.http import PoolManager"]
    else:
        lines += ["from radiopool import manager_for, register"]
    lines += [f"from {part.package} import {part.driver}" for part in drivers]
    lines += ["", "# All the drivers there are: a board finds none by itself."]
    lines += [f"register({part.driver}())" for part in drivers]
    lines += ["", "# The radio, brought up as its maker says."]
    lines += list(drivers[0].radio) or ["radio = None  # the driver's default radio; else put yours here"]
    for part in drivers[1:]:
        lines += ["", f"# For {part.distribution} instead:", *(f"# {line}".rstrip() for line in part.radio)]
    if not has_settings and _settings(bundle):
        names = [line.partition("=")[0].strip() for line in _settings(bundle)]
        for name in names:
            lines = [line.replace(f'os.getenv("{name}")', name) for line in lines]
        # A line of settings.toml is one of Python too: a name, and a text or a number.
        lines[1:1] = ["", "# Put your own values here.", *_settings(bundle)]
    lines += ["", 'URL = "http://example.com/"' if bundle.http else 'HOST = "example.com"']
    return "\n".join(lines) + "\n" + (GET if bundle.http else LEASE)


def settings_file(bundle: Bundle) -> str:
    """A sample `settings.toml` with what the starter programs read."""
    return "\n".join(["# Read with os.getenv(). Put your own values here.", *_settings(bundle)]) + "\n"


def _settings(bundle: Bundle) -> list[str]:
    """The drivers' lines of a `settings.toml`, each once."""
    return list(dict.fromkeys(line for part in bundle.parts for line in part.settings))
