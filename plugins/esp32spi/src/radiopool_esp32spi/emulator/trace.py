"""What went over the wire: exact counts always, the bytes themselves on request."""

from collections import Counter
from typing import NamedTuple


class Exchange(NamedTuple):
    """One chip-select session that moved bytes: `kind` is "command" or "reply"."""

    kind: str
    number: int
    frame: bytes

    def __str__(self) -> str:
        arrow = ">" if self.kind == "command" else "<"
        return "%s %02X %s" % (arrow, self.number & 0x7F, self.frame.hex(" "))


class Trace:
    """Counters since the last `clear`, and the frames while `recording`.

    chip_selects: times the chip was selected. bytes_out: bytes clocked to the chip while it took a command.
    bytes_in: bytes clocked out of it while it had a reply. commands: how often each command number was sent.
    """

    def __init__(self) -> None:
        self.recording = False
        self.clear()

    def clear(self) -> None:
        self.chip_selects = 0
        self.bytes_out = 0
        self.bytes_in = 0
        self.commands: "Counter[int]" = Counter()
        self.frames: "list[Exchange]" = []

    def record(self, kind: str, frame: bytes) -> None:
        if kind == "command":
            self.bytes_out += len(frame)
            if len(frame) > 1:
                self.commands[frame[1]] += 1
        else:
            self.bytes_in += len(frame)
        if self.recording:
            self.frames.append(Exchange(kind, frame[1] if len(frame) > 1 else 0, bytes(frame)))

    def __repr__(self) -> str:
        return "<Trace %d chip selects, %d bytes out, %d bytes in>" % (
            self.chip_selects,
            self.bytes_out,
            self.bytes_in,
        )
