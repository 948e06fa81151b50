"""`wifi.Radio` on CPython: native Wi-Fi whose air is this computer's own network."""

import ipaddress
import os
import time
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from radiopool_socketpool.budget import Slots
from radiopool_socketpool.faults import Faults
from radiopool_socketpool.names import AF_INET, AF_INET6, Hosts, Names, Routes, name_unknown
from radiopool_socketpool.personality import Personality, personality_named

if TYPE_CHECKING:
    from radiopool_socketpool.firmware_socket import Socket
    from radiopool_socketpool.pool import SocketPool


class Network:
    """An access point, as `Radio.ap_info` and a scan give it."""

    __module__ = "wifi"

    def __init__(self, ssid: str) -> None:
        self.ssid = ssid
        self.bssid = b"\x02\x00\x00\x00\x00\x01"
        self.rssi = -40
        self.channel = 6
        self.country = ""

    def __repr__(self) -> str:
        return "<Network %r>" % self.ssid


class Radio:
    """The radio of a board with native Wi-Fi. On a board there is one, `wifi.radio`; here make as many as you like.

    personality: the port that its sockets behave like, "espressif" or "raspberrypi".
    hosts, routes: where names and (host, port) pairs lead; see `radiopool_socketpool.names.Names`.
    budget: sockets open at once, of any kind, in place of the port's figures.
    networks: the access points in reach, name to password; None: any name and password will do.
    connected: whether it begins connected, as a board does whose `settings.toml` names its network.
    loopback: nothing beyond this computer is reachable.

    `faults` makes it fail on demand. Raises InvalidValueError.
    """

    __module__ = "wifi"

    def __init__(
        self,
        personality: str | Personality = "espressif",
        *,
        hosts: Hosts | None = None,
        routes: Routes | None = None,
        budget: int | None = None,
        networks: Mapping[str, str] | None = None,
        connected: bool = True,
        loopback: bool = False,
    ) -> None:
        self.personality = personality_named(personality)
        self.names = Names(hosts, routes, loopback)
        self.slots = Slots(self.personality, budget)
        self.faults = Faults(lambda: [one for one in list(self._open) if one._connected and one.type == 1])
        self.hostname = "cpy-%s" % self.personality.name
        self.tx_power = 20.0
        self._networks = networks
        self._enabled = True
        self._network: Network | None = Network("desk") if connected else None
        self._open: weakref.WeakSet[Socket] = weakref.WeakSet()
        self._pool: SocketPool | None = None

    def connect(
        self,
        ssid: str | bytes,
        password: str | bytes = b"",
        *,
        channel: int = 0,
        bssid: bytes | None = None,
        timeout: float | None = None,
    ) -> None:
        """Connect to an access point. Raises ConnectionError with the firmware's texts."""
        name, secret = (text.decode() if isinstance(text, bytes) else text for text in (ssid, password))
        if not self._enabled:
            raise RuntimeError("wifi is not enabled")
        if not self.faults.network_is_up or (self._networks is not None and name not in self._networks):
            raise ConnectionError("No network with that ssid")
        if self._networks is not None and self._networks[name] != secret:
            raise ConnectionError("Authentication failure")
        self._network = Network(name)

    def stop_station(self) -> None:
        """Leave the access point."""
        self._network = None

    def start_station(self) -> None:
        """Be a station again, not yet connected."""

    @property
    def enabled(self) -> bool:
        """False turns the radio off, which leaves the access point."""
        return self._enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self._enabled = value
        if not value:
            self._network = None

    @property
    def connected(self) -> bool:
        """Whether the radio has an access point in reach."""
        return self._network is not None and self.faults.network_is_up

    @property
    def ap_info(self) -> Network | None:
        """The access point, or None."""
        return self._network if self.connected else None

    @property
    def mac_address(self) -> bytes:
        """Six bytes, of the range for local use."""
        return b"\x02\x00\x00\x00\x00\x02"

    @property
    def ipv4_address(self) -> ipaddress.IPv4Address | None:
        """The loopback address, to which servers can bind; None when not connected."""
        return ipaddress.IPv4Address("127.0.0.1") if self.connected else None

    @property
    def ipv4_gateway(self) -> ipaddress.IPv4Address | None:
        """None when not connected."""
        return self.ipv4_address

    @property
    def ipv4_subnet(self) -> ipaddress.IPv4Address | None:
        """None when not connected."""
        return ipaddress.IPv4Address("255.0.0.0") if self.connected else None

    @property
    def ipv4_dns(self) -> ipaddress.IPv4Address | None:
        """None when not connected. The computer's own resolver does the work."""
        return self.ipv4_address

    @property
    def addresses(self) -> tuple[str, ...]:
        """All addresses, as text."""
        if not self.connected:
            return ()
        return ("127.0.0.1", "::1") if self.personality.ipv6 else ("127.0.0.1",)

    def start_scanning_networks(self, *, start_channel: int = 1, stop_channel: int = 11) -> list[Network]:
        """The access points in reach."""
        return [Network(name) for name in (self._networks if self._networks is not None else ("desk",))]

    def stop_scanning_networks(self) -> None:
        """End a scan; ours is over at once."""

    @property
    def families(self) -> list[int]:
        """The address families of the port, in the firmware's numbers."""
        return [AF_INET, AF_INET6] if self.personality.ipv6 else [AF_INET]

    def resolve(self, host: str, families: list[int]) -> list[tuple[int, str]]:
        """(family, address) of each address of a host in those families. Raises gaierror."""
        known = [family for family in families if family in self.families]
        found = self.names.addresses(host, known) if host and known else []
        # Without a network there is no name server; a literal address needs none.
        if not found or (not self.connected and found[0][1] != host):
            raise name_unknown()
        return found

    def take(self, kind: str) -> None:
        """Take a slot for a socket. Raises RuntimeError("Out of sockets")."""
        if not self.slots.take(kind):
            raise RuntimeError("Out of sockets")

    def meet(self, call: str, timeout: float | None = None) -> bool:
        """Let the planned faults of a call happen; False if its delay outlasted the timeout in seconds."""
        delay = self.faults.meet(call)
        if delay:
            time.sleep(delay if timeout is None else min(delay, timeout))
        return timeout is None or delay < timeout or not delay

    def adopt(self, socket: "Socket") -> None:
        """Know an open socket, for as long as it lives."""
        self._open.add(socket)

    def __repr__(self) -> str:
        state = "connected" if self.connected else "not connected"
        return "<wifi.Radio %s, %s, %d of %d sockets open>" % (
            self.personality.name,
            state,
            self.slots.open,
            self.slots.total,
        )


def _from_environment() -> Radio:
    return Radio(os.environ.get("RADIOPOOL_PERSONALITY", "espressif"))


radio: Any = _from_environment()
"""The board's one radio. The environment variable RADIOPOOL_PERSONALITY chooses its port."""
