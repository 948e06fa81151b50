"""The name server of the emulated network: one question, one answer (RFC 1035)."""

import struct

from radiopool_wiznet5k.emulator.faults import Faults
from radiopool_wiznet5k.emulator.network import Network

PORT = 53
_A, _IN = 1, 1
_TTL = 60
_RESPONSE, _RECURSION = 0x8000, 0x0180
_NAME_ERROR, _FORMAT_ERROR = 3, 1


class NameServer:
    """Answers from the network's `hosts`; what it does not know goes to the network's `dns_server` if there is one.

    An unknown name is refused with NXDOMAIN, once, as servers do.
    """

    def __init__(self, network: Network, faults: Faults) -> None:
        self._network = network
        self._faults = faults
        self.questions: list[str] = []

    def __call__(self, query: bytes) -> list[bytes] | None:
        """The reply to a query; [] while the server is silent; None if it is to be forwarded."""
        if self._faults.dns_silent:
            return []
        try:
            name, kind, end = _question(query)
        except (IndexError, struct.error, UnicodeDecodeError):
            return [query[:2] + struct.pack(">HHHHH", _RESPONSE | _RECURSION | _FORMAT_ERROR, 0, 0, 0, 0)]
        self.questions.append(name)
        address = self._network.address_of(name)
        if address is None and self._network.dns_server is not None:
            return None
        if address is None:
            return [_reply(query, end, _NAME_ERROR, b"")]
        if kind != (_A, _IN):
            return [_reply(query, end, 0, b"")]
        packed = bytes(int(octet) for octet in address.split("."))
        # C00C: the name is the one at offset 12, in the question (RFC 1035, section 4.1.4).
        answer = struct.pack(">HHHIH", 0xC00C, _A, _IN, _TTL, 4) + packed
        return [_reply(query, end, 0, answer)]


def _question(query: bytes) -> tuple[str, tuple[int, int], int]:
    """(name, (type, class), offset after the question)."""
    labels = []
    offset = 12
    while query[offset]:
        length = query[offset]
        labels.append(query[offset + 1 : offset + 1 + length].decode("ascii"))
        offset += 1 + length
    kind = struct.unpack_from(">HH", query, offset + 1)
    return ".".join(labels), (kind[0], kind[1]), offset + 5


def _reply(query: bytes, end: int, code: int, answer: bytes) -> bytes:
    flags = _RESPONSE | _RECURSION | code
    return query[:2] + struct.pack(">HHHHH", flags, 1, 1 if answer else 0, 0, 0) + query[12:end] + answer
