"""Where the two ports of CircuitPython differ: one row per port, every difference a field with its source.

Sources: CircuitPython's `ports/espressif/common-hal/socketpool/Socket.c`,
`ports/raspberrypi/common-hal/socketpool/Socket.c` and the lwIP underneath. *Inferred* marks what was read there
and not seen on hardware.
"""

import errno
import os
from dataclasses import dataclass

from radiopool.errors import InvalidValueError


@dataclass(frozen=True)
class Personality:
    """How one port's sockets behave where ports differ. Errno fields are numbers of the host's `errno` module."""

    name: str
    """The port's folder in CircuitPython: what `Radio(personality=...)` takes."""
    platform: str
    """`sys.platform` on its boards."""
    sockets: int
    """Sockets of all kinds open at once."""
    streams: int
    """TCP sockets open at once (lwIP's `MEMP_NUM_TCP_PCB` where the port opens them without lwIP's socket layer)."""
    datagrams: int
    """UDP sockets open at once (`MEMP_NUM_UDP_PCB` likewise)."""
    tls_cost: int
    """How many of the sockets one TLS socket takes."""
    ipv6: bool
    connect_timeout: int
    """The errno of a connect that took longer than the timeout."""
    end_without_blocking: int | None
    """The errno of a non-blocking receive at the end of the stream; None: it returns 0."""
    reset: int | None
    """The errno of a receive after the peer's RST; None: it waits until its timeout."""
    waits_to_send: bool
    """Whether a send waits for room in the buffer; else it raises EAGAIN at once, whatever the timeout."""
    sends_after_end: bool
    """Whether a send is accepted after the peer's FIN; else BrokenPipeError."""
    accept_inherits_timeout: bool
    """Whether an accepted socket starts with the listener's timeout; else it is non-blocking (*inferred*)."""
    accept_needs_listen: int | None
    """The errno of accept on a socket that does not listen; None: it waits until its timeout."""
    accept_raises_when_full: bool
    """Whether an accept for which no socket is left raises; else it drops that connection and waits on."""
    receive_needs_peer: bool
    """Whether a receive on a TCP socket that was never connected raises ENOTCONN at once; else at its timeout."""
    connects_behind: bool
    """Whether a connect that timed out and then succeeded makes the socket usable after all."""
    sendto_is_a_pipe: bool
    """Whether a failed sendto is BrokenPipeError, whatever the cause."""
    passes_options: bool
    """Whether socket options that CircuitPython does not name reach lwIP."""
    unknown_type_is_raw: bool
    """Whether a socket type that nobody knows gives a RAW socket; else it is taken for "Out of sockets"."""
    send_buffer: int
    """Bytes one send takes at most (`TCP_SND_BUF`)."""
    segment: int | None
    """Bytes one receive gives at most, where the port hands out one packet buffer at a time (`TCP_MSS`)."""
    unknown_option: int
    """The errno of a socket option that the port does not know."""
    bad_family: str
    """What NotImplementedError says of a family that the port does not have."""


ESPRESSIF = Personality(
    name="espressif",
    platform="Espressif",
    sockets=8,
    streams=8,
    datagrams=8,
    tls_cost=2,
    ipv6=True,
    connect_timeout=errno.ETIMEDOUT,
    end_without_blocking=errno.ENOTCONN,
    reset=None,
    waits_to_send=False,
    sends_after_end=True,
    accept_inherits_timeout=False,
    accept_needs_listen=None,
    accept_raises_when_full=False,
    receive_needs_peer=False,
    connects_behind=False,
    sendto_is_a_pipe=True,
    passes_options=True,
    unknown_type_is_raw=True,
    send_buffer=5760,
    segment=None,
    unknown_option=errno.ENOPROTOOPT,
    bad_family="Unsupported socket type",
)

RASPBERRYPI = Personality(
    name="raspberrypi",
    platform="RP2040",
    sockets=8,
    streams=5,
    datagrams=4,
    tls_cost=1,
    ipv6=False,
    connect_timeout=errno.EINPROGRESS,
    end_without_blocking=None,
    reset=errno.ECONNRESET,
    waits_to_send=True,
    sends_after_end=False,
    accept_inherits_timeout=True,
    accept_needs_listen=errno.EINVAL,
    accept_raises_when_full=True,
    receive_needs_peer=True,
    connects_behind=True,
    sendto_is_a_pipe=False,
    passes_options=False,
    unknown_type_is_raw=False,
    send_buffer=11680,
    segment=1460,
    unknown_option=errno.EOPNOTSUPP,
    bad_family="Only IPv4 sockets supported",
)

PERSONALITIES = {port.name: port for port in (ESPRESSIF, RASPBERRYPI)}


def personality_named(name: "str | Personality") -> Personality:
    """The port of that name, or the one given. Raises InvalidValueError."""
    if isinstance(name, Personality):
        return name
    if name not in PERSONALITIES:
        raise InvalidValueError("personality must be one of %s, not %r" % (", ".join(sorted(PERSONALITIES)), name))
    return PERSONALITIES[name]


def firmware_error(number: int, kind: type[OSError] = OSError) -> OSError:
    """The error a board raises: an OSError and no subclass of it, whatever the errno.

    CPython turns `OSError(ETIMEDOUT, text)` into TimeoutError; boards don't, and code that catches TimeoutError
    must fail on the desk as it does there. Both `errno` and `args[0]` hold the number.
    """
    error = kind(number)
    error.errno = number
    error.strerror = os.strerror(number)
    return error
