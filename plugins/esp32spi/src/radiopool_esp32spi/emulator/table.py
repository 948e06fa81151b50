"""The chip's table of sockets: numbers, what each is used for, and the objects that outlive their use.

`socketTypes` and the four arrays beside it, nina-fw `main/CommandHandler.cpp`. A slot is free when its type is NO_MODE;
its client, server and datagram objects stay, and with them whatever the firmware forgot to stop.
"""

import ssl
from collections.abc import Callable

from radiopool_esp32spi.emulator.datagram import Datagrams
from radiopool_esp32spi.emulator.network import Network
from radiopool_esp32spi.emulator.secure import SecureClient
from radiopool_esp32spi.emulator.stream import Client, Clock, Server

TCP, UDP, TLS, MULTICAST, NO_MODE = 0, 1, 2, 3, 255

_WORDS = {TCP: "tcp", UDP: "udp", TLS: "tls", NO_MODE: "free"}


class Slot:
    """One number's row."""

    def __init__(self, network: Network, clock: Clock, trust: Callable[[], ssl.SSLContext]) -> None:
        self.mode = NO_MODE
        self.client = Client(network, clock)
        self.server = Server(network)
        self.datagrams = Datagrams(network)
        self.secure = SecureClient(network, clock, trust)

    @property
    def stream(self) -> "Client | SecureClient | None":
        """The client that reads and writes go to."""
        if self.mode == TCP:
            return self.client
        return self.secure if self.mode == TLS else None

    @property
    def has_input(self) -> bool:
        """What raises GPIO0; UDP packets are taken in here and nowhere else (`updateGpio0Pin`)."""
        if self.mode == TCP:
            if self.server:
                return self.server.has_client()
            return self.client.connected() and self.client.available() > 0
        if self.mode == TLS:
            return self.secure.connected() and self.secure.available() > 0
        return self.mode == UDP and (self.datagrams.available() > 0 or self.datagrams.parse_packet())

    def shut(self) -> None:
        self.mode = NO_MODE
        self.client.stop()
        self.server.shut()
        self.datagrams.stop()
        self.secure.stop()

    def __repr__(self) -> str:
        if self.mode == TCP and self.server:
            return "listening"
        return _WORDS[self.mode]


class Table:
    """All slots; the witness of what is in use."""

    def __init__(
        self, network: Network, clock: Clock, trust: Callable[[], ssl.SSLContext], slots: int = 6, tls_slots: int = 1
    ) -> None:
        self.slots = [Slot(network, clock, trust) for _ in range(slots)]
        self.tls_slots = tls_slots

    def __len__(self) -> int:
        return len(self.slots)

    def free(self) -> int:
        """The lowest free number, or 255. It is not reserved by being asked for."""
        for number, slot in enumerate(self.slots):
            if slot.mode == NO_MODE:
                return number
        return 255

    @property
    def in_use(self) -> "list[int]":
        """The numbers that are not free."""
        return [number for number, slot in enumerate(self.slots) if slot.mode != NO_MODE]

    def has_room_for_tls(self) -> bool:
        """The chip's heap holds one TLS connection (the vendor's library says so and refuses a second by itself)."""
        return sum(slot.mode == TLS for slot in self.slots) < self.tls_slots

    def lose_network(self) -> None:
        """`handleWiFiDisconnect`: every socket but the listening ones is closed under its owner."""
        for slot in self.slots:
            slot.client.lose_network()
            slot.secure.lose_network()

    def shut(self) -> None:
        for slot in self.slots:
            slot.shut()

    def __repr__(self) -> str:
        return "<Table %s>" % " ".join("%d:%r" % row for row in enumerate(self.slots))
