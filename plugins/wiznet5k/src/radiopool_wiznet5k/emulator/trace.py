"""The wire trace: what each frame read or wrote, in words."""

from collections import deque
from dataclasses import dataclass

from radiopool_wiznet5k.emulator import registers

_SOCKET_NAMES = {
    registers.MR: "Sn_MR",
    registers.CR: "Sn_CR",
    registers.IR: "Sn_IR",
    registers.SR: "Sn_SR",
    registers.PORT: "Sn_PORT",
    registers.DIPR: "Sn_DIPR",
    registers.DPORT: "Sn_DPORT",
    registers.TX_FSR: "Sn_TX_FSR",
    registers.TX_RD: "Sn_TX_RD",
    registers.TX_WR: "Sn_TX_WR",
    registers.RX_RSR: "Sn_RX_RSR",
    registers.RX_RD: "Sn_RX_RD",
    registers.RX_WR: "Sn_RX_WR",
}


@dataclass(frozen=True)
class Frame:
    """One data phase on the wire. `place` is "common", "socket", "tx" or "rx"; `number` the socket or None."""

    operation: str
    place: str
    number: int | None
    address: int
    data: bytes

    def __str__(self) -> str:
        where = self.place if self.number is None else "%s %d" % (self.place, self.number)
        name = "%04x" % self.address
        if self.place == "socket":
            # The high half of a 16-bit register is named, the low half is "+1".
            name = _SOCKET_NAMES.get(self.address) or _SOCKET_NAMES.get(self.address - 1, name + "-1") + "+1"
        shown = self.data[:32].hex(" ") + (" ... %d bytes" % len(self.data) if len(self.data) > 32 else "")
        return "%-5s %s %s: %s" % (self.operation, where, name, shown)


class Trace:
    """The last frames, oldest first. Off until `start()`."""

    def __init__(self, keep: int = 10_000) -> None:
        self.frames: deque[Frame] = deque(maxlen=keep)
        self.on = False

    def start(self) -> None:
        """Forget what was recorded and record from now on."""
        self.frames.clear()
        self.on = True

    def stop(self) -> list[Frame]:
        """Record no more, and give what was."""
        self.on = False
        return list(self.frames)

    def add(self, frame: Frame) -> None:
        """Called by the chip for every frame."""
        if self.on:
            self.frames.append(frame)

    def __str__(self) -> str:
        return "\n".join(str(frame) for frame in self.frames)
