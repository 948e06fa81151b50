"""Socket options by the firmware's numbers, and what they are called on this computer."""

import socket

from radiopool_socketpool.personality import Personality, firmware_error

SOL_SOCKET = 0xFFF

# Both ports' own (CircuitPython, shared-bindings/socketpool/enum.h).
COMMON = {
    (SOL_SOCKET, 4): (socket.SOL_SOCKET, socket.SO_REUSEADDR),
    (6, 1): (socket.IPPROTO_TCP, socket.TCP_NODELAY),
    (0, 5): (socket.IPPROTO_IP, socket.IP_MULTICAST_TTL),
}
# espressif hands every other number to lwIP (lwip/sockets.h).
LWIP = {
    (SOL_SOCKET, 0x0008): (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    (SOL_SOCKET, 0x0020): (socket.SOL_SOCKET, socket.SO_BROADCAST),
    (0, 1): (socket.IPPROTO_IP, socket.IP_TOS),
    (0, 2): (socket.IPPROTO_IP, socket.IP_TTL),
    (0, 3): (socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP),
    (0, 4): (socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP),
    (0, 6): (socket.IPPROTO_IP, socket.IP_MULTICAST_IF),
    (0, 7): (socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP),
    (41, 27): (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY),
}
# Options of one kind of socket only.
OF_KIND = {(0, 5): "datagram", (6, 1): "stream"}


def host_option(port: Personality, kind: str, level: int, option: int) -> tuple[int, int]:
    """This computer's (level, option). Raises the port's errno for one that it does not know on such a socket."""
    known = COMMON.get((level, option)) or (LWIP.get((level, option)) if port.passes_options else None)
    if known is None or OF_KIND.get((level, option), kind) != kind:
        raise firmware_error(port.unknown_option)
    return known
