"""What can go wrong on demand."""


class Faults:
    """The state of the world around the chip. Change it at any time, from any thread.

    cable: whether the Ethernet cable is in. With it out, packets go nowhere in either direction, the PHY says so,
    and connections stay up until the chip's own time-out.
    dns_silent, dhcp_silent: the name server, the DHCP server answers nothing.
    """

    def __init__(self) -> None:
        self.cable = True
        self.dns_silent = False
        self.dhcp_silent = False
        self._gone: set[str] = set()

    def vanish(self, address: str) -> None:
        """No packet to or from this IPv4 address arrives any more: a black hole before a connect, a peer that is
        gone without a word after it."""
        self._gone.add(address)

    def come_back(self, address: str) -> None:
        """Undo `vanish`."""
        self._gone.discard(address)

    def passes(self, address: str) -> bool:
        """Whether packets to and from this address arrive."""
        return self.cable and address not in self._gone
