"""The frames of the SPI protocol, both ways.

A command is `E0 number count (length bytes)* EE`, padded to a multiple of four bytes; a reply has bit 7 of the
number set; a command that can't be served is answered `EF 00 EE`. Lengths are one byte, two big-endian ones where
`WIDE_COMMANDS` and `WIDE_REPLIES` say (nina-fw `main/CommandHandler.cpp`, the handlers and `handle`).
"""

START, END, ERROR, REPLY = 0xE0, 0xEE, 0xEF, 0x80

WIDE_COMMANDS = frozenset((0x44, 0x45, 0x46))
"""Commands whose parameters have 16-bit lengths: send, read, insert."""
WIDE_REPLIES = frozenset((0x45,))
"""Replies whose parameters have 16-bit lengths: read."""
UNMEASURED_COMMANDS = frozenset((0x40, 0x41))
"""Client certificate and key: longer than their one length byte can say, so the firmware copies a fixed size."""

ERROR_REPLY = bytes((ERROR, 0, END, 0))
"""`handle()` in nina-fw: what an unknown command is answered with, padded."""


class FrameError(Exception):
    """The bytes are not a command of the protocol; the message says where they leave it."""


def pad(frame: bytes) -> bytes:
    """The frame, lengthened with zeros to a multiple of four bytes (`ALIGN_UP` in nina-fw)."""
    return frame + bytes(-len(frame) % 4)


def parse_command(frame: bytes) -> tuple[int, list[bytes]]:
    """The command's number and its parameters. Raises FrameError.

    The firmware itself trusts the lengths it is sent; the emulator refuses a frame that contradicts itself, so that
    a caller's mistake is seen and not guessed around. What follows the end byte is padding and may be anything.
    """
    # The ESP32's SPI slave moves whole words by DMA: a trailing part of one never arrives (ESP-IDF, "SPI Slave
    # Driver", on transaction lengths).
    frame = frame[: len(frame) // 4 * 4]
    if len(frame) < 4:
        raise FrameError("a frame has at least 4 bytes, not %d" % len(frame))
    if frame[0] != START:
        raise FrameError("a command starts with E0, not %02X" % frame[0])
    number, count, at = frame[1], frame[2], 3
    if number & REPLY:
        raise FrameError("%02X is the number of a reply" % number)
    if number in UNMEASURED_COMMANDS:
        return number, [frame[4:]]
    parameters = []
    size = 2 if number in WIDE_COMMANDS else 1
    for index in range(count):
        length = int.from_bytes(frame[at : at + size], "big")
        at += size
        if at + length >= len(frame):
            raise FrameError("parameter %d of command %02X runs past the frame" % (index, number))
        parameters.append(frame[at : at + length])
        at += length
    if frame[at] != END:
        raise FrameError("command %02X ends with EE, not %02X" % (number, frame[at]))
    return number, parameters


def build_command(number: int, parameters: "list[bytes] | tuple[bytes, ...]" = ()) -> bytes:
    """The frame that a host sends."""
    return _build(number, parameters, 2 if number in WIDE_COMMANDS else 1)


def build_reply(number: int, parameters: "list[bytes] | tuple[bytes, ...]") -> bytes:
    """The frame that the chip answers with."""
    return _build(number | REPLY, parameters, 2 if number in WIDE_REPLIES else 1)


def _build(number: int, parameters: "list[bytes] | tuple[bytes, ...]", size: int) -> bytes:
    frame = bytearray((START, number, len(parameters)))
    for parameter in parameters:
        frame += len(parameter).to_bytes(size, "big") + parameter
    frame.append(END)
    return pad(bytes(frame))
