"""Request bodies that are sent piece by piece: files, iterables, text, and those that wait for 100 Continue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from radiopool.http.body import RequestBody
from radiopool.http.errors import InvalidHeader

if TYPE_CHECKING:
    from radiopool.http.wire import Exchange

CONTINUE_WAIT = 1.0
"""Seconds to wait for "100 Continue" before the body is sent all the same (RFC 9110 section 10.1.1)."""


def add_body(body: Any, chunked: bool, given: dict[str, str]) -> tuple[str, Outgoing]:
    """The header lines that a body adds, and the body ready to go; the arguments are `Outgoing`'s."""
    outgoing = Outgoing(body, chunked, given)
    return outgoing.lines, outgoing


class Outgoing:
    """A request's body on its way.

    given: the request's headers by lower-case name. `lines` are the header lines that the body adds. Raises
    InvalidHeader if a Content-Length that was given is not the body's.
    """

    def __init__(self, body: Any, chunked: bool, given: dict[str, str]) -> None:
        self._body = body if isinstance(body, RequestBody) else RequestBody(body)
        self._expects = given.get("expect", "").lower() == "100-continue"
        self.lines = ""
        length = self._body.length
        stated = given.get("content-length")
        coding = given.get("transfer-encoding")
        if coding is not None and (coding.strip().lower() != "chunked" or stated is not None):
            raise InvalidHeader(
                "Transfer-Encoding %r: only chunked can be sent, and not with a Content-Length" % coding
            )
        self._chunked = chunked or coding is not None or (length is None and stated is None)
        self._stated: int | None = None
        if self._chunked:
            if stated is not None:
                raise InvalidHeader("Content-Length %s with chunked=True: a chunked body has none" % stated)
            if coding is None:
                self.lines = "Transfer-Encoding: chunked\r\n"
        elif stated is None:
            self.lines = "Content-Length: %d\r\n" % (length or 0)
        else:
            if not stated.isdigit() or (length is not None and int(stated) != length):
                raise InvalidHeader("Content-Length %s, and the body has %s bytes" % (stated, length))
            self._stated = int(stated)

    def send(self, exchange: Exchange) -> None:
        """Send the body. If the peer stops taking it, what it answered meanwhile is the response."""
        if self._expects and not self._may_continue(exchange):
            exchange.close = "the request's body was not sent"
            return
        sent = 0
        for piece in self._body:
            piece = _octets(piece)
            size = len(piece)
            sent += size
            if self._stated is not None and sent > self._stated:
                raise InvalidHeader("Content-Length %d, and the body has more bytes" % self._stated)
            if self._chunked:
                piece = b"%x\r\n%b\r\n" % (size, piece)
            if not self._send(exchange, piece):
                return
        if self._chunked:
            self._send(exchange, b"0\r\n\r\n")
        elif self._stated is not None and sent < self._stated:
            raise InvalidHeader("Content-Length %d, and the body has %d bytes" % (self._stated, sent))

    def _send(self, exchange: Exchange, piece: Any) -> bool:
        view = memoryview(piece)
        try:
            while view:
                count = exchange.socket.send(view)
                exchange.sent += count
                view = view[count:]
            return True
        except OSError as error:
            driver = exchange.pool.manager.driver
            if driver.would_block(error):
                from radiopool.http.full_buffer import send_rest

                try:
                    send_rest(exchange, view)
                    return True
                except OSError as later:
                    error = later
            if driver.is_timeout(error):
                raise exchange.failed(error) from error
            # A server that refuses a body answers and closes before it has read it all.
            exchange.close = "the peer did not take the request's body"
            return False

    def _may_continue(self, exchange: Exchange) -> bool:
        """Wait a moment for the peer's word; False if it has answered already."""
        socket = exchange.socket
        patience = exchange.timeout
        socket.settimeout(CONTINUE_WAIT if patience is None else min(CONTINUE_WAIT, patience))
        try:
            while exchange.stop < 12:
                count = socket.recv_into(exchange.view[exchange.stop :], 0)
                if not count:
                    raise exchange.failed("peer closed before the response")
                exchange.stop += count
        except OSError as error:
            if not exchange.entry:
                raise
            if not exchange.pool.manager.driver.is_timeout(error):
                raise exchange.failed(error) from error
        finally:
            if exchange.entry:
                socket.settimeout(patience)
        return exchange.stop < 12 or exchange.buffer[9:10] == b"1"


def _octets(piece: Any) -> Any:
    """A body's piece byte by byte, whatever its elements are."""
    view = memoryview(piece)
    return view.cast("B") if view.c_contiguous else memoryview(view.tobytes())
