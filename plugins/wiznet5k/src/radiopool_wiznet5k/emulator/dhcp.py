"""The DHCP server of the emulated network (RFC 2131, options of RFC 2132): offers, leases, renews, refuses."""

import struct
import time
from collections.abc import Callable

from radiopool_wiznet5k.emulator.faults import Faults

PORT = 67
DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE = range(1, 8)

_COOKIE = b"\x63\x82\x53\x63"
_REPLY = 2
_OPTIONS_AT = 240
# Options (RFC 2132).
_SUBNET, _ROUTER, _NAME_SERVER, _REQUESTED, _LEASE = 1, 3, 6, 50, 51
_TYPE, _SERVER, _T1, _T2, _PAD, _END = 53, 54, 58, 59, 0, 255


class LeaseServer:
    """One server for a /24: `subnet` are its first three octets, the server itself is .1 (gateway and name server
    too), leases begin at .100. lease_time in seconds; T1 and T2 are at 1/2 and 7/8 of it (RFC 2131, 4.4.5).

    leases: MAC address to (address, time of expiry by the clock). messages: (type in, type out), in order.
    """

    def __init__(
        self,
        faults: Faults,
        subnet: str = "192.168.50",
        lease_time: int = 3600,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._faults = faults
        self._clock = clock
        self._subnet = bytes(int(octet) for octet in subnet.split("."))
        self.address = self._subnet + b"\x01"
        self.lease_time = lease_time
        self.leases: dict[bytes, tuple[bytes, float]] = {}
        self.messages: list[tuple[int, int]] = []

    def __call__(self, request: bytes) -> list[bytes]:
        """The reply to a client's message, or none."""
        if self._faults.dhcp_silent or request[236:_OPTIONS_AT] != _COOKIE:
            return []
        client = request[28:34]
        options = _options(request)
        kind = options.get(_TYPE, b"\0")[0]
        if kind == DISCOVER:
            return [self._reply(request, kind, OFFER, self._offer(client))]
        if kind == REQUEST:
            wanted = options.get(_REQUESTED) or request[12:16]
            if options.get(_SERVER, self.address) != self.address:
                return []  # the client chose another server
            if wanted != self._offer(client):
                return [self._reply(request, kind, NAK, bytes(4))]
            self.leases[client] = (wanted, self._clock() + self.lease_time)
            return [self._reply(request, kind, ACK, wanted)]
        if kind == RELEASE:
            self.leases.pop(client, None)
        return []

    def forget(self) -> None:
        """Lose all leases, as a server restarted without its file does: renewals of them get NAK unless the client
        happens to be given the same address."""
        self.leases.clear()

    def _offer(self, client: bytes) -> bytes:
        if client in self.leases:
            return self.leases[client][0]
        taken = {address for address, _ in self.leases.values()}
        for last in range(100, 255):
            if self._subnet + bytes((last,)) not in taken:
                return self._subnet + bytes((last,))
        return bytes(4)

    def _reply(self, request: bytes, asked: int, kind: int, address: bytes) -> bytes:
        self.messages.append((asked, kind))
        head = bytearray(_OPTIONS_AT)
        head[0:4] = bytes((_REPLY,)) + request[1:3] + b"\0"
        head[4:8] = request[4:8]
        head[10:12] = request[10:12]
        head[12:16] = request[12:16] if kind == ACK else bytes(4)
        head[16:20] = address
        head[20:24] = self.address
        head[28:44] = request[28:44]
        head[236:240] = _COOKIE
        options = _option(_TYPE, bytes((kind,))) + _option(_SERVER, self.address)
        if kind != NAK:
            options += _option(_LEASE, struct.pack(">I", self.lease_time))
            options += _option(_T1, struct.pack(">I", self.lease_time // 2))
            options += _option(_T2, struct.pack(">I", self.lease_time * 7 // 8))
            options += _option(_SUBNET, b"\xff\xff\xff\0")
            options += _option(_ROUTER, self.address) + _option(_NAME_SERVER, self.address)
        return bytes(head) + options + bytes((_END,))


def _option(code: int, value: bytes) -> bytes:
    return bytes((code, len(value))) + value


def _options(message: bytes) -> dict[int, bytes]:
    found = {}
    offset = _OPTIONS_AT
    while offset < len(message) and message[offset] != _END:
        if message[offset] == _PAD:
            offset += 1
            continue
        length = message[offset + 1]
        found[message[offset]] = message[offset + 2 : offset + 2 + length]
        offset += 2 + length
    return found
