"""CPython's response: urllib3's whole interface and decoding, on top of `BaseHTTPResponse`."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from radiopool.http.binary_file import BinaryFile
from radiopool.http.errors import IncompleteRead
from radiopool.http.fastwire import drop, read_up_to, shut_down
from radiopool.http.response import BaseHTTPResponse

if TYPE_CHECKING:
    from radiopool.http.headers import HTTPHeaderDict
    from radiopool.http.retry import Retry
    from radiopool.http.wire import Exchange


class HTTPResponse(BinaryFile, BaseHTTPResponse):
    """What a server answered: status, headers and a body to read as from a binary file.

    The lease of its socket ends with the last byte of the body, with `close`, or when nobody holds the response any
    more. `decode_content` says whether reads undo the Content-Encoding.
    """

    REDIRECT_STATUSES = (301, 302, 303, 307, 308)
    CONTENT_DECODERS = ("gzip", "x-gzip", "deflate", "br", "zstd")

    auto_close = True
    _source: Exchange | None = None
    _decoder: Any = None
    _held = b""
    _raw_read = 0
    _closed = False

    def __init__(
        self,
        exchange: Exchange,
        url: str | None = None,
        method: str = "GET",
        decode_content: bool = True,
        retries: Any = None,
        enforce_content_length: bool = True,
    ) -> None:
        # Not super().__init__: this runs once a request, and a call costs what five of these lines do.
        self.status = exchange.status
        self._head = exchange.head
        self._source = exchange
        self._url = url
        self._method = method
        self._retries = retries
        self._encoded = exchange.encoded
        self.chunked = exchange.chunked > 0
        self.decode_content = decode_content
        self.enforce_content_length = enforce_content_length

    def __del__(self) -> None:
        # Whoever dropped a response without reading or closing it gets no socket leak for it.
        if self._source is not None:
            drop(self._source)

    # -- the head

    @property
    def reason(self) -> str:
        """The words after the status; may be empty."""
        return self._head[13 : self._head.find(b"\r")].decode("latin-1")

    @property
    def version_string(self) -> str:
        """`HTTP/1.1` or `HTTP/1.0`."""
        return self._head[:8].decode("ascii")

    @property
    def msg(self) -> HTTPHeaderDict:
        """The header fields, under http.client's name."""
        return self.headers

    def info(self) -> HTTPHeaderDict:
        """The header fields, under http.client's name."""
        return self.headers

    def getheaders(self) -> HTTPHeaderDict:
        """The header fields."""
        return self.headers

    def getheader(self, name: str, default: str | None = None) -> str | None:
        """One header's value."""
        return self.headers.get(name, default)  # type: ignore[no-any-return]

    def get_redirect_location(self) -> str | None | bool:
        """Where a redirect points; None if it does not say, False if the status is no redirect."""
        if self.status in self.REDIRECT_STATUSES:
            return self.headers.get("location")  # type: ignore[no-any-return]
        return False

    @property
    def url(self) -> str | None:
        """What was asked for: the URL of the last redirect, or the request's target."""
        return self._url

    @url.setter
    def url(self, url: str | None) -> None:
        self._url = url

    def geturl(self) -> str | None:
        """What was asked for: the URL of the last redirect, or the request's target."""
        from radiopool.http.resend import last_location

        return last_location(self._retries) or self._url

    @property
    def retries(self) -> Retry | None:
        """The `Retry` after this response: what is left of it, and its history."""
        from radiopool.http.retry import Retry

        retries = self._retries
        if not isinstance(retries, Retry):
            retries = self._retries = Retry.from_int(retries)
        return retries

    @retries.setter
    def retries(self, retries: Retry | None) -> None:
        self._retries = retries

    # -- the connection

    @property
    def connection(self) -> Any:
        """The leased socket while there is one."""
        return self._source.socket if self._source is not None else None

    @property
    def length_remaining(self) -> int | None:
        """Bytes left of the body as sent; None if only its end will tell."""
        if self._source is None:
            return self._count_ahead()
        left = None if self._source.chunked else self._source.left
        return None if left is None else left + self._count_ahead()

    def isclosed(self) -> bool:
        """Whether nothing is left to read from the connection."""
        return self._source is None

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def close(self) -> None:
        """End the lease; the connection is closed if the body was not read to its end."""
        self._closed = True
        # Half of a coded body, which ends nowhere, is not to be decoded on.
        self._ahead = None
        self._held = b""
        self._decoder = False
        source = self._source
        if source is not None:
            # Never to be used again: another thread may be reading into its buffer.
            self._source = None
            source.abort("response closed early")

    def release_conn(self) -> None:
        """Give the connection back now: kept if little of the body is unread, closed if much is."""
        self.drain_conn()

    def drain_conn(self) -> None:
        """Read what is left of the body, so that its connection can be recycled; closed if that is much."""
        closed = self._closed
        super().drain_conn()
        self._closed = closed

    def shutdown(self) -> None:
        """End a read from another thread: it gets IncompleteRead, or the end of a body without a length, and closes the
        connection.

        A chip's socket can't be shut down: it is closed, and who waits for it learns that when its timeout is over.
        """
        source = self._source
        pool: Any = None if source is None else source.pool
        if source is None or pool is None:
            return
        # Until the lock is free nobody can lease the socket anew.
        with pool.manager._account.lock:
            if self._source is not source or source.entry is None:
                return
            source.close = "response closed early"
            is_shut = shut_down(source.socket)
        if not is_shut:
            self.close()

    def fileno(self) -> int:
        """The number of the leased socket. Raises OSError if there is none."""
        if self._source is None or not hasattr(self._source.socket, "fileno"):
            raise OSError("HTTPResponse has no file to get a fileno from")
        return self._source.socket.fileno()  # type: ignore[no-any-return]

    # -- the body

    @property
    def data(self) -> bytes:
        """The whole body. Kept, so that it can be asked for again.

        Empty for a 101: what follows that is the other protocol's, on `connection`, and not waited for.
        """
        body = self._body
        if body is None:
            if self.status == 101:
                return b""
            source = self._source
            if source is None or self._encoded or self._raw_read or not self.enforce_content_length:
                body = self.read()
            else:
                # What `read` comes to, without its calls: this runs once a request.
                try:
                    body = source.read()
                except BaseException:
                    source.abort("interrupted")
                    raise
                finally:
                    self._settle()
                self._raw_read = len(body)
            self._body = body
        return body

    def read(self, amt: int | None = None, decode_content: bool | None = None, cache_content: bool = False) -> bytes:
        """The rest of the body, or its next `amt` bytes (fewer at its end, b"" after it).

        decode_content: whether to undo the Content-Encoding; by default as the request said. cache_content: keep the
        rest as `data`; a part is not kept.

        Raises IncompleteRead (the peer closed early), ProtocolError, ReadTimeoutError, DecodeError.
        """
        if decode_content is None:
            decode_content = self.decode_content
        if amt is not None and amt < 0:
            amt = None
        if self._encoded:
            from radiopool.http.decoded import read

            body = read(self, amt, decode_content)
        else:
            body = self._raw(amt)
        if cache_content and amt is None:
            self._body = body
        return body

    def _raw(self, amt: int | None) -> bytes:
        if amt is not None:
            if amt > 65536:
                return read_up_to(self._receive, amt)
            buffer = bytearray(amt)
            return bytes(memoryview(buffer)[: _fill(buffer, self._receive)])
        ahead = b"" if self._ahead is None else self._ahead.read()
        try:
            body = super().read()
        except IncompleteRead as error:
            if not self._may_be_short():
                if ahead:
                    error.partial = ahead + error.partial  # type: ignore[operator]
                raise
            body = error.partial  # type: ignore[assignment]
        self._raw_read += len(body)
        return ahead + body

    def _may_be_short(self) -> bool:
        # A missing last chunk is no matter of the Content-Length.
        return not self.enforce_content_length and not self.chunked

    def _receive(self, buffer: Any, size: int) -> int:
        # What is there of the body as sent, with at most one wait for the peer.
        if self._ahead is not None:
            count = self._ahead.readinto(buffer)
            if count:
                return count
        source = self._source
        if source is None:
            return 0
        try:
            count = source.readinto(buffer, size)
        except BaseException as error:
            # What is an error of the exchange has ended it already.
            source.abort("interrupted")
            if not isinstance(error, IncompleteRead) or not self._may_be_short():
                raise
            return 0
        finally:
            self._settle()
        self._raw_read += count
        return count

    def readinto(self, b: Any) -> int:
        """Fill the buffer with the next bytes of the body: how many; fewer than fit only at its end."""
        return _fill(b, self._receive_decoded)

    def readinto1(self, b: Any) -> int:
        """Up to as many bytes as fit with at most one wait for the peer: how many, 0 at the end of the body."""
        view = memoryview(b).cast("B")
        return self._receive_decoded(view, len(view))

    def _receive_decoded(self, buffer: Any, size: int) -> int:
        if self._encoded and self.decode_content:
            piece = self.read1(size)
            buffer[: len(piece)] = piece
            return len(piece)
        return self._receive(buffer, size)

    def read1(self, amt: int | None = None, decode_content: bool | None = None) -> bytes:
        """Up to `amt` bytes with at most one wait for the peer; b"" at the end."""
        if amt is None or amt < 0:
            amt = 65536
        if self._encoded:
            from radiopool.http.decoded import read1

            return read1(self, amt, self.decode_content if decode_content is None else decode_content)
        return self._raw1(amt)

    def _raw1(self, amt: int) -> bytes:
        buffer = bytearray(min(amt, 65536))
        return bytes(memoryview(buffer)[: self._receive(buffer, len(buffer))])

    def stream(self, amt: int | None = 65536, decode_content: bool | None = None) -> Iterator[bytes]:
        """The rest of the body in pieces of up to `amt` bytes; of a chunked one, at most a chunk at a time."""
        if amt is not None and amt < 0:
            amt = None
        if self.chunked and self._source is not None:
            yield from self.read_chunked(amt, decode_content)
            return
        while True:
            piece = self.read(amt, decode_content)
            if not piece:
                break
            yield piece

    def read_chunked(self, amt: int | None = None, decode_content: bool | None = None) -> Iterator[bytes]:
        """The body chunk by chunk, in pieces of up to `amt` bytes.

        Raises ResponseNotChunked if the response is not chunked.
        """
        if amt is not None and amt < 0:
            amt = None
        if not self.chunked:
            if self.headers.get("transfer-encoding", "").lower() == "chunked":
                # Only said so: this one (HEAD, 204, 304) has no body.
                return
            from radiopool.http.exceptions import ResponseNotChunked

            raise ResponseNotChunked("read_chunked() of a response without Transfer-Encoding: chunked")
        if self._encoded:
            from radiopool.http.decoded import pieces

            yield from pieces(self, amt, self.decode_content if decode_content is None else decode_content)
            return
        while True:
            piece = self._chunk(amt)
            if not piece:
                break
            yield piece

    def _chunk(self, amt: int | None) -> bytes:
        # The next chunk, whole unless it is longer than `amt`.
        chunk = self._raw1(65536 if amt is None else amt)
        left = self._source.left if chunk and self._source is not None else 0
        if not left:
            return chunk
        return chunk + self._raw(left if amt is None else min(left, amt - len(chunk)))

    def supports_chunked_reads(self) -> bool:
        """True: reads go straight to the connection."""
        return True

    def tell(self) -> int:
        """Bytes of the body read so far, as sent."""
        return self._raw_read - self._count_ahead()

    def _count_ahead(self) -> int:
        # How many of the bytes received are none that the caller has read; those decoded are not counted as sent.
        if self._ahead is None or (self._encoded and self.decode_content):
            return 0
        return self._ahead.getbuffer().nbytes - self._ahead.tell()

    def __enter__(self) -> HTTPResponse:
        return self

    def __repr__(self) -> str:
        return "<HTTPResponse [%d]>" % self.status


def _fill(buffer: Any, receive: Callable[[Any, int], int]) -> int:
    view = memoryview(buffer).cast("B")
    size = len(view)
    done = 0
    while done < size:
        count = receive(view[done:], size - done)
        if not count:
            break
        done += count
    return done


io.IOBase.register(HTTPResponse)
