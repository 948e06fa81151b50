"""The buffer memory of one direction of one socket.

Both chips address it by pointers of 16 bits that are never reduced: they run through 65,535 to 0, and the place in
memory is the pointer modulo the buffer's size, which is a power of two (W5500 datasheet 1.0.9, section 4.2,
Sn_TX_WR and Sn_RX_RD; ring masks in section 3.3).
"""

POINTER = 0xFFFF


class Ring:
    """`size` bytes at `base` of a memory that all sockets of the chip share. A size of 0 stores nothing."""

    def __init__(self, memory: bytearray, base: int, size: int) -> None:
        self._memory = memory
        self._base = base
        self.size = size

    def read(self, pointer: int, count: int) -> bytes:
        """`count` bytes from `pointer` on, round the end as often as it takes."""
        parts = [self._memory[start:stop] for start, stop in self._stretches(pointer, count)]
        return b"".join(parts).ljust(count, b"\0")

    def write(self, pointer: int, data: bytes) -> None:
        """Store bytes from `pointer` on; what goes round the ring overwrites what is there."""
        done = 0
        for start, stop in self._stretches(pointer, len(data)):
            self._memory[start:stop] = data[done : done + stop - start]
            done += stop - start

    def _stretches(self, pointer: int, count: int) -> list[tuple[int, int]]:
        stretches = []
        while count and self.size:
            offset = pointer % self.size
            length = min(count, self.size - offset)
            stretches.append((self._base + offset, self._base + offset + length))
            pointer += length
            count -= length
        return stretches


def distance(start: int, stop: int) -> int:
    """How far `stop` is ahead of `start`, both 16-bit pointers."""
    return (stop - start) & POINTER
