"""Register maps of the two chips: addresses, values after reset, and names of the values.

Sources: W5500 datasheet 1.0.9, sections 4.1 and 4.2; W5100S datasheet 1.2.x, register descriptions; WIZnet's
ioLibrary headers w5500.h and w5100s.h where a datasheet page was ambiguous.
"""

from dataclasses import dataclass

# Socket registers, the same offsets in both chips.
MR, CR, IR, SR = 0x00, 0x01, 0x02, 0x03
PORT, DHAR, DIPR, DPORT = 0x04, 0x06, 0x0C, 0x10
RXBUF_SIZE, TXBUF_SIZE = 0x1E, 0x1F
TX_FSR, TX_RD, TX_WR = 0x20, 0x22, 0x24
RX_RSR, RX_RD, RX_WR = 0x26, 0x28, 0x2A
IMR = 0x2C
SOCKET_REGISTERS = 0x40

# Sn_MR, protocol bits.
CLOSE_MODE, TCP_MODE, UDP_MODE, MACRAW_MODE = 0, 1, 2, 4

# Sn_CR.
OPEN, LISTEN, CONNECT, DISCON, CLOSE = 0x01, 0x02, 0x04, 0x08, 0x10
SEND, SEND_MAC, SEND_KEEP, RECV = 0x20, 0x21, 0x22, 0x40

# Sn_IR.
CON, DISCON_INT, RECV_INT, TIMEOUT, SENDOK = 0x01, 0x02, 0x04, 0x08, 0x10

# Sn_SR.
CLOSED, INIT, LISTENING, SYNSENT, SYNRECV = 0x00, 0x13, 0x14, 0x15, 0x16
ESTABLISHED, FIN_WAIT, CLOSING, TIME_WAIT, CLOSE_WAIT, LAST_ACK = 0x17, 0x18, 0x1A, 0x1B, 0x1C, 0x1D
UDP, MACRAW = 0x22, 0x42

STATUS_NAMES = {
    CLOSED: "closed",
    INIT: "init",
    LISTENING: "listen",
    SYNSENT: "syn-sent",
    ESTABLISHED: "established",
    FIN_WAIT: "fin-wait",
    CLOSE_WAIT: "close-wait",
    UDP: "udp",
    MACRAW: "macraw",
}

# Common registers, the same in both chips.
GAR, SUBR, SHAR, SIPR = 0x01, 0x05, 0x09, 0x0F


@dataclass(frozen=True)
class Layout:
    """What differs between the chips.

    mode_after_reset: what MR reads after a reset. version: (address, value). link: address of the register whose
    bit 0 is "link up", and its value with the link up. socket_interrupts: address of the register that has a bit
    per socket. rtr, rcr: retry time (100 us) and count. buffers: bytes per direction, over all sockets.
    memory_sizes: addresses of (RMSR, TMSR), two bits per socket, or None.
    """

    name: str
    sockets: int
    mode_after_reset: int
    version: tuple[int, int]
    link: tuple[int, int]
    socket_interrupts: int
    rtr: int
    rcr: int
    buffers: int
    memory_sizes: tuple[int, int] | None = None


W5500 = Layout(
    name="w5500",
    sockets=8,
    mode_after_reset=0x00,
    version=(0x39, 0x04),
    # PHYCFGR: out of reset, all modes capable, 100 Mbit/s full duplex, link.
    link=(0x2E, 0xBF),
    socket_interrupts=0x17,
    rtr=0x19,
    rcr=0x1B,
    buffers=16 * 1024,
)
W5100S = Layout(
    name="w5100s",
    sockets=4,
    mode_after_reset=0x03,
    version=(0x80, 0x51),
    # PHYSR0: 100 Mbit/s full duplex (both are 0), link.
    link=(0x3C, 0x01),
    socket_interrupts=0x15,
    rtr=0x17,
    rcr=0x19,
    buffers=8 * 1024,
    memory_sizes=(0x1A, 0x1B),
)
LAYOUTS = {layout.name: layout for layout in (W5500, W5100S)}


def retry_seconds(rtr: int, rcr: int) -> tuple[float, float]:
    """How long the chip tries before it gives up, in seconds: (ARP, TCP).

    W5500 datasheet 1.0.9, section 4.1, RCR: ARP tries RCR + 1 times, RTR apart; TCP doubles RTR as long as it
    stays within 16 bits, and keeps the last for the remaining tries. 1.8 s and 31.8 s after reset.
    """
    waits = [rtr]
    while len(waits) <= rcr:
        waits.append(waits[-1] * 2 if waits[-1] * 2 <= 0xFFFF else waits[-1])
    return rtr * (rcr + 1) / 10_000, sum(waits) / 10_000
