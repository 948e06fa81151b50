"""The commands about sockets and names: nina-fw 3.x, `main/CommandHandler.cpp`, one method per handler there.

A method takes the command's parameters and returns the reply's; a generator does the same while the chip stays busy.
`Refused` makes the chip answer with its error reply. The firmware itself checks nothing; here a wrong number of
parameters or a parameter of the wrong length is refused.
"""

import struct
from collections.abc import Callable, Generator
from typing import Any

from radiopool_esp32spi.emulator import frames
from radiopool_esp32spi.emulator.network import Network
from radiopool_esp32spi.emulator.patience import Wait
from radiopool_esp32spi.emulator.station import Refused, Station
from radiopool_esp32spi.emulator.stream import Clock
from radiopool_esp32spi.emulator.table import MULTICAST, NO_MODE, TCP, TLS, UDP, Slot, Table

Parameters = list[bytes]
Outcome = Any
"""A list of the reply's parameters, or a generator that returns one."""

YES, NO = [b"\x01"], [b"\x00"]
READ_LIMIT = 4086
"""What fits the reply buffer beside the frame, bytes. The firmware does not check; more would run over its end."""


def dotted(packed: bytes) -> str:
    return "%d.%d.%d.%d" % tuple(packed)


def packed(address: str) -> bytes:
    return bytes(int(part) for part in address.split("."))


class Firmware:
    """`handle(frame)` is what the SPI slave calls. `hold`: see `Emulator`."""

    def __init__(self, network: Network, table: Table, clock: Clock) -> None:
        self.network = network
        self.table = table
        self.hold = 0.0
        self.station = Station(network, table.lose_network)
        self._clock = clock
        self._resolved = b"\0\0\0\0"
        # Number: handler, the lengths its parameters may have (None: any), one tuple per form.
        self._handlers: "dict[int, tuple[Callable[[Parameters], Outcome], tuple[tuple[int | None, ...], ...]]]" = {
            0x28: (self.start_server, ((2, 1, 1), (4, 2, 1, 1))),
            0x29: (self.server_state, ((1,),)),
            0x2A: (self.data_sent, ((1,),)),
            0x2B: (self.available, ((1,), (1, 1))),
            0x2C: (self.read_byte, ((1,), (1, 1))),
            0x2D: (self.start_client, ((4, 2, 1, 1), (None, 4, 2, 1, 1))),
            0x2E: (self.stop_client, ((1,),)),
            0x2F: (self.client_state, ((1,),)),
            0x34: (self.request_host, ((None,),)),
            0x35: (self.resolved_host, ((),)),
            0x39: (self.send_packet, ((1,),)),
            0x3A: (self.remote, ((1,),)),
            0x3F: (self.free_number, ((),)),
            0x44: (self.send, ((1, None),)),
            0x45: (self.read, ((1, 2),)),
            0x46: (self.insert, ((1, None),)),
        }
        self._handlers.update(self.station.handlers)

    def restart(self) -> None:
        """What a reset does: every socket is gone, with what the firmware had forgotten to stop."""
        self.table.shut()
        self.station.restart()
        self._resolved = b"\0\0\0\0"

    def handle(self, frame: bytes) -> "bytes | Generator[Wait, None, bytes]":
        try:
            number, parameters = frames.parse_command(frame)
            handler, forms = self._handlers[number]
        except (frames.FrameError, KeyError):
            return frames.ERROR_REPLY
        lengths = [len(parameter) for parameter in parameters]
        if not any(_fits(lengths, form) for form in forms):
            return frames.ERROR_REPLY
        if number == 0x2B and len(parameters) == 1:
            # The accept flag is read behind the one parameter whether it was sent or not: past the end byte, where
            # a caller that does not clear its buffer has left what it sent before.
            parameters.append(frame[6:7] or b"\0")
        try:
            outcome = handler(parameters)
        except Refused:
            return frames.ERROR_REPLY
        if isinstance(outcome, Generator):
            return self._later(number, outcome)
        return frames.build_reply(number, outcome)

    def _later(self, number: int, outcome: "Generator[Wait, None, Parameters]") -> "Generator[Wait, None, bytes]":
        parameters = yield from outcome
        return frames.build_reply(number, parameters)

    def _slot(self, parameter: bytes) -> "Slot | None":
        """None for numbers beyond the table, such as the 255 that the vendor's library sends for a lost socket. The
        firmware reads past its arrays then; here that is a slot that is free and stays so."""
        number = parameter[0]
        return self.table.slots[number] if number < len(self.table) else None

    def free_number(self, _: Parameters) -> Outcome:
        return [bytes((self.table.free(),))]

    def start_server(self, parameters: Parameters) -> Outcome:
        port, number, mode = parameters[-3:]
        slot = self._slot(number)
        if slot is None:
            return NO
        numeric = int.from_bytes(port, "big")
        if mode[0] == TCP:
            slot.server.begin(numeric)
            if not slot.server:
                return NO
            slot.mode = TCP
        elif mode[0] in (UDP, MULTICAST) and slot.datagrams.begin(numeric):
            slot.mode = UDP
        else:
            return NO
        return YES

    def server_state(self, parameters: Parameters) -> Outcome:
        slot = self._slot(parameters[0])
        return YES if slot is not None and slot.server else NO

    def data_sent(self, _: Parameters) -> Outcome:
        return YES

    def available(self, parameters: Parameters) -> Outcome:
        slot = self._slot(parameters[0])
        if slot is not None and slot.mode == TCP and slot.server:
            return [struct.pack("<H", self._accept(parameters[0][0], slot, bool(parameters[1][0])))]
        stream = slot.stream if slot is not None else None
        if stream is None:
            waiting = slot.datagrams.available() if slot is not None and slot.mode == UDP else 0
            return [struct.pack("<H", waiting)]
        return self._count(stream)

    def _count(self, stream: Any) -> "Generator[Wait, None, Parameters]":
        if self.hold and stream.asked:
            yield from stream.wait_for_answer(self.hold)
        return [struct.pack("<H", stream.available())]

    def _accept(self, listening: int, slot: Slot, room_first: bool) -> int:
        """A new client's number or 255. Without the flag a client that finds no room is accepted and dropped."""
        numbers = [n for n, other in enumerate(self.table.slots) if other.mode == NO_MODE and n != listening]
        if room_first and not numbers:
            return 255
        carrier = slot.server.accept()
        if carrier is None:
            return 255
        if not numbers:
            carrier.close()
            return 255
        taken = self.table.slots[numbers[0]]
        taken.client.adopt(carrier)
        taken.mode = TCP
        return numbers[0]

    def start_client(self, parameters: Parameters) -> "Generator[Wait, None, Parameters]":
        address, port, number, mode = parameters[-4:]
        slot = self._slot(number)
        name = parameters[0].decode("latin-1") if len(parameters) == 5 else ""
        try:
            target = (self.network.address_for(name) if name else dotted(address), int.from_bytes(port, "big"))
        except OSError:
            return []
        made = False
        if slot is None:
            pass
        elif mode[0] == TCP:
            made = yield from slot.client.connect(target)
        elif mode[0] == UDP:
            made = slot.datagrams.begin_packet(target)
        elif mode[0] == TLS and self.table.has_room_for_tls():
            made = yield from slot.secure.connect(target, name or target[0])
        if not made or slot is None:
            return []
        slot.mode = mode[0]
        return YES

    def stop_client(self, parameters: Parameters) -> Outcome:
        slot = self._slot(parameters[0])
        if slot is not None:
            if slot.mode == UDP:
                slot.datagrams.stop()
            elif slot.stream is not None:
                # A listening slot's server is not stopped: see stream.py.
                slot.stream.stop()
            slot.mode = NO_MODE
        return YES

    def client_state(self, parameters: Parameters) -> Outcome:
        slot = self._slot(parameters[0])
        if slot is not None and slot.stream is not None and slot.stream.connected():
            return [b"\x04"]
        if slot is not None:
            # Asking about a UDP or listening socket frees its number all the same.
            slot.mode = NO_MODE
        return NO

    def send(self, parameters: Parameters) -> "Generator[Wait, None, Parameters]":
        slot = self._slot(parameters[0])
        written = 0
        if slot is not None and slot.stream is not None:
            written = yield from slot.stream.write(parameters[1])
        return [struct.pack("<H", written)]

    def read(self, parameters: Parameters) -> "Generator[Wait, None, Parameters]":
        slot = self._slot(parameters[0])
        length = min(int.from_bytes(parameters[1], "little"), READ_LIMIT)
        taken = b""
        if slot is not None and slot.stream is not None:
            if self.hold and slot.stream.asked:
                yield from slot.stream.wait_for_answer(self.hold)
            taken = slot.stream.read(length)
        elif slot is not None and slot.mode == UDP:
            taken = slot.datagrams.read(length)
        return [taken]

    def read_byte(self, parameters: Parameters) -> Outcome:
        slot = self._slot(parameters[0])
        source: Any = None
        if slot is not None:
            source = slot.datagrams if slot.mode == UDP else slot.stream
        if source is None:
            return NO
        byte = source.peek()
        if not (len(parameters) == 2 and parameters[1][0]) and byte >= 0:
            source.read(1)
        return [bytes((byte & 0xFF,))]

    def insert(self, parameters: Parameters) -> Outcome:
        slot = self._slot(parameters[0])
        return YES if slot is not None and slot.datagrams.write(parameters[1]) else NO

    def send_packet(self, parameters: Parameters) -> Outcome:
        slot = self._slot(parameters[0])
        return YES if slot is not None and slot.datagrams.end_packet() else NO

    def remote(self, parameters: Parameters) -> Outcome:
        slot = self._slot(parameters[0])
        address, port = "0.0.0.0", 0
        if slot is not None and slot.mode == UDP:
            address, port = slot.datagrams.remote_address
        elif slot is not None and slot.stream is not None:
            address, port = slot.stream.remote()
        return [packed(address), struct.pack(">H", port)]

    def request_host(self, parameters: Parameters) -> Outcome:
        try:
            self._resolved = packed(self.network.address_for(parameters[0].decode("latin-1")))
        except OSError:
            return NO
        return YES

    def resolved_host(self, _: Parameters) -> Outcome:
        return [self._resolved]

    def update_attention(self) -> bool:
        """`updateGpio0Pin`, run after every command: the first slot with input ends the search, so that a datagram
        behind it is not taken in until it was read."""
        return any(slot.has_input for slot in self.table.slots)


def _fits(lengths: "list[int]", form: "tuple[int | None, ...]") -> bool:
    return len(lengths) == len(form) and all(
        wanted in (None, length) for wanted, length in zip(form, lengths, strict=True)
    )
