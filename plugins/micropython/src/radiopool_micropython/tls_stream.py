"""TLS on MicroPython: the handshake within a timeout.

`wrap_socket` shakes hands in a loop that takes EAGAIN, which is also what a timeout of the native socket says, for
"go on": it never ends if the server is silent. Over a stream of our own, the handshake waits in `select.poll` and a
timeout is an error.
"""

import errno
import io

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from radiopool_micropython.sockets import NativeSocket

# extmod/vfs.h and py/stream.h: what a stream's ioctl is asked.
_POLL = 3
_CLOSE = 4


def handshake(socket: "NativeSocket", context: "Any", server_name: str) -> "Any":
    """The TLS stream over a connected socket. Raises OSError, or ValueError for a certificate that is refused."""
    stream = Stream(socket)
    try:
        return context.wrap_socket(stream, server_hostname=server_name)
    finally:
        # From now on a read that finds nothing says so, and `NativeSocket` waits.
        stream.waits = False


class Stream(io.IOBase):
    """A native socket as mbedTLS reads and writes it: a count, None for "try again", or a negative errno."""

    def __init__(self, socket: "NativeSocket") -> None:
        self.socket = socket
        self.waits = True

    def readinto(self, buffer: "Any") -> "int | None":
        """What is there, up to the buffer's length."""
        return self._try(self.socket.raw.readinto, buffer, 1)

    def write(self, data: "Any") -> "int | None":
        """What fits."""
        return self._try(self.socket.raw.write, data, 4)

    def _try(self, operation: "Any", data: "Any", event: int) -> "int | None":
        # mbedTLS is not made for exceptions that pass through it.
        try:
            while True:
                count = operation(data)
                if count is not None or not self.waits:
                    return count  # type: ignore[no-any-return]
                self.socket.wait(event)
        except OSError as error:
            return -(error.args[0] if error.args else errno.EIO)  # the port's own: a number

    def ioctl(self, request: int, argument: int) -> int:
        """What poll and close of the TLS stream come down to."""
        if request == _CLOSE:
            self.socket.raw.close()
        # Ready, as far as anybody can ask here: NativeSocket waits on the native socket itself.
        return argument if request == _POLL else 0
