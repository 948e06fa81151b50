"""The commands about everything but sockets: joining a network, addresses, versions, time, pins.

nina-fw 3.x, `main/CommandHandler.cpp`, one method per handler there.
"""

import struct
import time
from collections.abc import Callable
from typing import Any

from radiopool_esp32spi.emulator.network import AP_LISTENING, CONNECTION_LOST, DISCONNECTED, IDLE, AccessPoint, Network

VERSION = b"3.3.0\0"
"""`FIRMWARE_VERSION`, its end included as `sizeof` does."""

YES = [b"\x01"]


class Refused(Exception):
    """Makes the chip answer with its error reply."""


class Station:
    """`handlers`: command number to (method, the lengths its parameters may have)."""

    def __init__(self, network: Network, sockets_lost: Callable[[], None]) -> None:
        self.network = network
        self.pins: "dict[int, int]" = {}
        self._sockets_lost = sockets_lost
        self._scanned: "list[AccessPoint]" = []
        any_one, none, byte = ((None,),), ((),), ((1,),)
        accepted = self.accept
        self.handlers: "dict[int, Any]" = {
            0x10: (self.join_open, any_one),
            0x11: (self.join, ((None, None),)),
            0x14: (accepted, ((1, 4, 4, 4),)),
            0x15: (accepted, ((1, 4, 4),)),
            0x16: (accepted, any_one),
            0x18: (self.make_network, ((None, None),)),
            0x19: (self.make_network, ((None, None, None),)),
            0x1A: (accepted, byte),
            0x20: (self.status, none),
            0x21: (self.addresses, byte),
            0x22: (self.mac, byte),
            0x23: (self.joined_ssid, byte),
            0x24: (self.joined_bssid, byte),
            0x25: (self.joined_strength, byte),
            0x26: (self.joined_encryption, byte),
            0x27: (self.scan, none),
            0x30: (self.leave, none),
            0x32: (self.scanned_strength, byte),
            0x33: (self.scanned_encryption, byte),
            0x36: (accepted, none),
            0x37: (self.version, none),
            0x3B: (self.time, none),
            0x3C: (self.scanned_bssid, byte),
            0x3D: (self.scanned_channel, byte),
            0x3E: (self.ping, ((4, 1),)),
            0x40: (accepted, any_one),
            0x41: (accepted, any_one),
            0x4A: (accepted, any_one),
            0x4B: (accepted, any_one),
            0x4C: (accepted, any_one),
            0x4F: (accepted, none),
            0x50: (self.set_pin, ((1, 1),)),
            0x51: (self.set_pin, ((1, 1),)),
            0x52: (self.set_pin, ((1, 1),)),
            0x53: (self.read_pin, byte),
            0x54: (self.read_analog, ((1, 1),)),
        }

    def restart(self) -> None:
        self.network.leave(IDLE)
        self.network.joined = None
        self.pins.clear()
        self._scanned = []

    def lose_access_point(self) -> None:
        """The beacon is gone: `WL_CONNECTION_LOST`, and every connection with it."""
        self.network.in_reach = False
        self.network.leave(CONNECTION_LOST)
        self._sockets_lost()

    def find_access_point(self) -> None:
        """It is back, and the chip joins it again by itself (auto-reconnect is on in arduino-esp32)."""
        self.network.in_reach = True
        if self.network.joined is not None:
            self.network.join(self.network.joined.ssid, self.network.joined.password)

    def accept(self, _: "list[bytes]") -> "list[bytes]":
        """Taken note of, without effect on an emulated network."""
        return YES

    def join_open(self, parameters: "list[bytes]") -> "list[bytes]":
        self.network.join(parameters[0].decode("utf-8", "replace"), "")
        return YES

    def join(self, parameters: "list[bytes]") -> "list[bytes]":
        ssid, password = (parameter.decode("utf-8", "replace") for parameter in parameters)
        self.network.join(ssid, password)
        return YES

    def make_network(self, parameters: "list[bytes]") -> "list[bytes]":
        self.network.leave(AP_LISTENING)
        return YES

    def leave(self, _: "list[bytes]") -> "list[bytes]":
        self.network.leave(DISCONNECTED)
        self._sockets_lost()
        return YES

    def status(self, _: "list[bytes]") -> "list[bytes]":
        return [bytes((self.network.status,))]

    def addresses(self, _: "list[bytes]") -> "list[bytes]":
        if not self.network.is_up:
            return [bytes(4)] * 3
        own = bytes(int(part) for part in self.network.address.split("."))
        return [own, b"\xff\xff\xff\x00", own[:3] + b"\x01"]

    def mac(self, _: "list[bytes]") -> "list[bytes]":
        # Least significant byte first: the vendor's library turns it round in `MAC_address_actual`.
        return [self.network.mac[::-1]]

    def version(self, _: "list[bytes]") -> "list[bytes]":
        return [VERSION]

    def time(self, _: "list[bytes]") -> "list[bytes]":
        return [struct.pack("<q", int(time.time()) if self.network.is_up else 0)]

    def ping(self, _: "list[bytes]") -> "list[bytes]":
        return [struct.pack("<h", 1 if self.network.is_up else -1)]

    def joined_ssid(self, _: "list[bytes]") -> "list[bytes]":
        return [self.network.joined.ssid.encode() if self.network.joined else b""]

    def joined_bssid(self, _: "list[bytes]") -> "list[bytes]":
        return [self.network.joined.bssid if self.network.joined else bytes(6)]

    def joined_strength(self, _: "list[bytes]") -> "list[bytes]":
        return [struct.pack("<i", self.network.joined.strength if self.network.joined else 0)]

    def joined_encryption(self, _: "list[bytes]") -> "list[bytes]":
        return [_encryption(self.network.joined)]

    def scan(self, _: "list[bytes]") -> "list[bytes]":
        self._scanned = self.network.access_points if self.network.in_reach else []
        return [point.ssid.encode() for point in self._scanned]

    def scanned_strength(self, parameters: "list[bytes]") -> "list[bytes]":
        return [struct.pack("<i", self._one_scanned(parameters).strength)]

    def scanned_encryption(self, parameters: "list[bytes]") -> "list[bytes]":
        return [_encryption(self._one_scanned(parameters))]

    def scanned_bssid(self, parameters: "list[bytes]") -> "list[bytes]":
        return [self._one_scanned(parameters).bssid]

    def scanned_channel(self, parameters: "list[bytes]") -> "list[bytes]":
        return [bytes((self._one_scanned(parameters).channel,))]

    def set_pin(self, parameters: "list[bytes]") -> "list[bytes]":
        self.pins[parameters[0][0]] = parameters[1][0]
        return YES

    def read_pin(self, parameters: "list[bytes]") -> "list[bytes]":
        return [bytes((1 if self.pins.get(parameters[0][0]) else 0,))]

    def read_analog(self, parameters: "list[bytes]") -> "list[bytes]":
        return [struct.pack("<i", self.pins.get(parameters[0][0], 0))]

    def _one_scanned(self, parameters: "list[bytes]") -> AccessPoint:
        if parameters[0][0] >= len(self._scanned):
            raise Refused("no network with that index was seen")
        return self._scanned[parameters[0][0]]


def _encryption(point: "AccessPoint | None") -> bytes:
    """7 open, 4 WPA2 (`getCurrEnct`)."""
    return b"\x07" if point is None or not point.password else b"\x04"
