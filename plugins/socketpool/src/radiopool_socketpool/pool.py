"""`socketpool.SocketPool` on CPython."""

import sys
import threading
from typing import Any

from radiopool_socketpool import names, tls
from radiopool_socketpool.channel import Channel
from radiopool_socketpool.firmware_socket import Socket
from radiopool_socketpool.radio import Radio
from radiopool_socketpool.radio import radio as default_radio

KINDS = {1: "stream", 2: "datagram", 3: "raw"}
_making = threading.Lock()


class SocketPool:
    """A pool of socket resources available for the given radio.

    "Only one SocketPool can be created for each radio": a second call for the same radio gives the first one's pool.
    On CPython the radio may be left out, which means `wifi.radio`. Raises ValueError for anything but a `wifi.Radio`.
    """

    __module__ = "socketpool"
    __slots__ = ("__weakref__", "_radio")

    AF_INET = names.AF_INET
    AF_INET6 = names.AF_INET6
    SOCK_STREAM = 1
    SOCK_DGRAM = 2
    SOCK_RAW = 3
    EAI_NONAME = names.EAI_NONAME
    SOL_SOCKET = 0xFFF
    SO_REUSEADDR = 4
    TCP_NODELAY = 1
    IPPROTO_IP = 0
    IPPROTO_ICMP = 1
    IPPROTO_TCP = 6
    IPPROTO_UDP = 17
    IPPROTO_IPV6 = 41
    IPPROTO_RAW = 255
    IP_MULTICAST_TTL = 5

    gaierror = names.gaierror
    """Errors raised by getaddrinfo. An OSError."""

    _radio: Radio

    def __new__(cls, radio: Any = None) -> "SocketPool":
        if radio is None:
            radio = _the_radio()
        if not isinstance(radio, Radio):
            raise ValueError("SocketPool can only be used with wifi.radio")
        with _making:
            if radio._pool is None:
                pool = super().__new__(cls)
                pool._radio = radio
                radio._pool = pool
            return radio._pool

    def socket(self, family: int = AF_INET, type: int = SOCK_STREAM, proto: int = IPPROTO_IP) -> Socket:
        """Create a new socket. `proto` only works with SOCK_RAW.

        Raises NotImplementedError for a family the port lacks, RuntimeError("Out of sockets"), and PermissionError
        where this computer does not permit a RAW socket.
        """
        radio = self._radio
        if family not in radio.families:
            raise NotImplementedError(radio.personality.bad_family)
        radio.meet("socket")
        kind = KINDS.get(type, "raw")
        if type not in KINDS and not radio.personality.unknown_type_is_raw:
            raise RuntimeError("Out of sockets")
        return Socket._over(self, Channel.open(radio, family, kind, proto), family)

    def getaddrinfo(
        self, host: str, port: int, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> list[tuple[int, int, int, str, tuple[Any, ...]]]:
        """The (family, type, proto, "", address) of each address of a host: a list, not the tuple that the document
        says. An IPv6 address is (host, port, flow, scope), of which `connect` takes the first two.

        Raises gaierror(EAI_NONAME), an OSError.
        """
        radio = self._radio
        if not isinstance(host, str) or not isinstance(port, int):
            raise TypeError("can't convert %r, %r to a host name and a port" % (host, port))
        radio.meet("getaddrinfo")
        if not radio.personality.ipv6:
            # This port looks at the host and the port only.
            family = type = proto = 0
        found = radio.resolve(host, [family] if family else radio.families)
        return [
            (
                family,
                type or self.SOCK_STREAM,
                proto,
                "",
                (address, port) if family == self.AF_INET else (address, port, 0, 0),
            )
            for family, address in found
        ]

    def __repr__(self) -> str:
        return "<SocketPool of %r>" % self._radio


def _the_radio() -> Any:
    """`wifi.radio` as it is now, a program's own choice included."""
    return getattr(sys.modules.get("wifi"), "radio", None) or default_radio


tls.install()
