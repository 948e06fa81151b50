"""Names to addresses, within the caller's timeout.

The vendor's own lookup waits five seconds for each answer whatever the caller asked for, waits again when the name
server refuses the name, and gives up after one lost datagram. Its query and its parser are used here, on hardware
socket 0 as it does, which the vendor keeps for that.
"""

import errno

from radiopool.errors import InvalidValueError, NameResolutionError, error_number
from radiopool_wiznet5k.chip import LookupSocket, Patience

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool_wiznet5k.chip import Chip
    from radiopool_wiznet5k.datagram import DatagramSocket

DEFAULT_TIMEOUT = 5
"""Seconds, where the caller has none: the vendor's."""

_PORT = 53
_ASK_AGAIN = 1
_LONGEST_REPLY = 512
_REFUSALS = {1: "the name server could not read the question", 2: "the name server failed", 3: "no such name"}


def is_address(host: str) -> bool:
    """Whether `host` is an IPv4 address in dotted form. Raises InvalidValueError if it is no text."""
    if not isinstance(host, str):
        raise InvalidValueError("host must be a name or an address, not %r" % (host,))
    octets = host.split(".")
    return len(octets) == 4 and all(_is_octet(octet) for octet in octets)


def _is_octet(text: str) -> bool:
    # `isdigit` is true for "\u00b2" too, which `int` does not read.
    return 0 < len(text) < 4 and min(text) >= "0" and max(text) <= "9" and int(text) < 256


def look_up(chip: "Chip", host: str, timeout: "float | None") -> str:
    """The IPv4 address of a name. `timeout` in seconds; None is DEFAULT_TIMEOUT.

    Raises NameResolutionError if the name has none, OSError(ETIMEDOUT) if no answer came in time, InvalidValueError if
    it is no text.
    """
    from radiopool_wiznet5k.datagram import DatagramSocket

    if is_address(host):
        return host
    if host.endswith("."):
        # The root, written out (RFC 1034, section 3.1); the vendor's query ends with it anyway.
        host = host[:-1]
    for label in host.split("."):
        if not 0 < len(label.encode()) < 64:
            raise NameResolutionError("%r can't be a host name: each label has 1 to 63 bytes" % host)
    # Non-blocking sockets wait for names too, as everywhere.
    patience = Patience(timeout or DEFAULT_TIMEOUT)
    what = "the lookup of %r" % host
    raw = LookupSocket()
    try:
        while not chip.claim_lookup_socket(raw):
            patience.pause(what)
        socket = DatagramSocket(chip, raw)
        try:
            return _ask(chip, socket, host, patience, what)
        finally:
            socket.close(linger=0)
    finally:
        with chip.lock:
            chip.release(raw, 0)


def _ask(chip: "Chip", socket: "DatagramSocket", host: str, patience: Patience, what: str) -> str:
    with chip.lock:
        chip.require_link()
        server = chip.radio.ifconfig[3]
    if not any(server):
        raise NameResolutionError("can't look up %r: the radio has no name server (see its ifconfig)" % host)
    from adafruit_wiznet5k import adafruit_wiznet5k_dns as vendor

    query_id, length, query = vendor._build_dns_query(host.encode())
    reply = bytearray(_LONGEST_REPLY)
    while True:
        try:
            # Datagrams get lost, so it is asked again every second.
            socket.settimeout(patience.left(_ASK_AGAIN))
            socket.sendto(query, (chip.radio.pretty_ip(server), _PORT))
            size = 0
            while reply[:2] != query[:2] or size < length:
                if size:
                    # Somebody else's answer; any number of them must not outlast the caller's timeout.
                    patience.pause(what)
                socket.settimeout(patience.left(_ASK_AGAIN))
                size = socket.recvfrom_into(reply)[0]
            return _address(vendor, reply[:size], query_id, length, host)
        except OSError as error:
            if error_number(error) != errno.ETIMEDOUT:
                raise
        patience.pause(what)


def _address(vendor: "Any", reply: "bytearray", query_id: int, length: int, host: str) -> str:
    code = reply[3] & 0x0F
    if code:
        raise NameResolutionError("%r: %s" % (host, _REFUSALS.get(code, "the name server refused, code %d" % code)))
    try:
        address = vendor._parse_dns_response(response=reply, query_id=query_id, query_length=length, debug=False)
    except ValueError as error:
        raise NameResolutionError("%r has no IPv4 address" % host) from error
    return ".".join([str(octet) for octet in address])
