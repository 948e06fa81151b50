"""One user at a time on a chip that knows only one conversation.

The vendor's library sends a command in one chip-select session and reads the reply in the next; a second thread in
between would read the first one's reply.
"""

import time

from radiopool.platform import CPYTHON, Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CLOSE = 0x2E


class Turn:
    """`with turn as radio:` holds the chip for as long as the block lasts.

    When the vendor's library gives up on an answer (after 10 s), or is interrupted in between, chip and library are out
    of step: the answer still comes, and from then on the library takes each answer for that of the next command. So
    the next turn first waits until the chip is ready again and then ends the answer that nobody read, with a session
    that moves no byte; to a chip that waits for a command such a session is nothing (nina-fw, `loop` and
    `SPISClass::transfer`; on the real chip inferred, not tried).
    """

    def __init__(self, radio: "Any") -> None:
        self.radio = radio
        self._lock = Lock()
        self._out_of_step = False
        # Numbers that the chip may still hold; they belong to nobody here.
        self._orphans: set[int] = set()

    def __enter__(self) -> "Any":
        self._lock.__enter__()
        try:
            if self._out_of_step or self._orphans:
                self._catch_up()
        except BaseException:
            self._lock.__exit__(None, None, None)
            raise
        return self.radio

    def __exit__(self, kind: "Any", error: "BaseException | None", trace: "Any") -> None:
        if error is not None and breaks_step(error):
            self._out_of_step = True
        self._lock.__exit__(None, None, None)

    def disown(self, number: int) -> None:
        """Close that number as soon as the chip answers again."""
        self._orphans.add(number)

    def close_number(self, number: int) -> None:
        """Give a number back to the chip. Within a turn. Raises only what breaks step; then it is closed later.

        Not the vendor's socket_close, which hides that the chip did not answer.
        """
        self._orphans.add(number)
        try:
            self.radio._send_command_get_response(_CLOSE, ((number,),))
        except OSError as error:
            if breaks_step(error):
                raise
        self._orphans.discard(number)
        if self.radio._tls_socket == number:
            self.radio._tls_socket = None

    def give_up(self, number: int, error: BaseException) -> None:
        """A command failed that takes that number on the chip: it may be taken all the same. Within a turn."""
        if breaks_step(error):
            self.disown(number)
        else:
            self.close_number(number)

    def forget(self) -> None:
        """The chip was reset: it waits for a command, and has no sockets."""
        self._out_of_step = False
        self._orphans = set()

    def _catch_up(self) -> None:
        if CPYTHON:
            self._end_session()
        self.radio._wait_for_ready()
        with self.radio._spi_device:
            pass
        for number in list(self._orphans):
            self.close_number(number)
        self._out_of_step = False

    def _end_session(self) -> None:
        """End the session of one who was interrupted on the way into the vendor's `with`, or on its way out: the chip
        would stay selected, and the bus locked, for good. (A board's `with` can't be interrupted there.)"""
        device = self.radio._spi_device
        device.chip_select.value = not device.cs_active_value
        for _ in range(100):
            if device.spi.try_lock():
                break
            # Another chip on the bus has it for some milliseconds, if anybody has.
            time.sleep(0.01)
        device.spi.unlock()


def breaks_step(error: BaseException) -> bool:
    """Whether a command may be left half said: it was not answered, or its caller was interrupted (Ctrl-C)."""
    return not isinstance(error, Exception) or is_unanswered(error)


def is_unanswered(error: BaseException) -> bool:
    """Whether the vendor's library says that the chip did not answer, or not with an answer."""
    # By name: MicroPython has no TimeoutError to catch.
    text = str(error)
    return type(error).__name__ == "TimeoutError" and ("ESP32" in text or "SPI" in text)
