"""The chip's SPI side: takes a command in one chip-select session, gives the reply in the next.

```
WAITING --(deselected, bytes came)--> BUSY --(handler done)--> REPLYING --(deselected)--> WAITING
```

The ready pin is low in WAITING and REPLYING, high in BUSY and while selected (nina-fw `components/SPIS/src/SPIS.cpp`,
`transfer` and `handleOnChipSelect`; `main/sketch.ino.cpp`, `loop`). A session without bytes leaves WAITING as it is
and ends REPLYING. A session while BUSY meets a chip that has no transfer set up: its bytes are lost.

A handler that must wait (connect, handshake, a full send buffer) is a generator; it moves on each time somebody looks
at the ready pin, so a busy chip needs no thread. It has none, so an interrupt (Ctrl-C) may land on any line here: each
leaves a state that the next session or a reset gets out of.
"""

import logging
import threading
import time
from collections.abc import Callable, Generator

from radiopool_esp32spi.emulator import frames
from radiopool_esp32spi.emulator.faults import Faults
from radiopool_esp32spi.emulator.patience import Wait
from radiopool_esp32spi.emulator.trace import Trace

log = logging.getLogger(__name__)

WAITING, BUSY, REPLYING, OFF = "waiting", "busy", "replying", "off"

BUFFER = 4092
"""`SPI_MAX_DMA_LEN`: the longest frame either way, bytes."""

Reply = bytes
Handler = Callable[[bytes], Generator[Wait, None, Reply]]


class Slave:
    """`handle(frame)` returns the reply after what waits it takes; `restart()` is what a boot does to the rest."""

    def __init__(
        self, handle: Handler, restart: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.trace = Trace()
        self.faults = Faults()
        self.state = WAITING
        self.attention = False
        self.strapped = True
        # Guards everything here: a test's thread may start a fault while the driver's is on the wire.
        self.lock = threading.RLock()
        self._handle = handle
        self._restart = restart
        self._clock = clock
        self._selected = False
        self._taken = bytearray()
        self._reply = b""
        self._sent = 0
        self._pending: "Generator[Wait, None, Reply] | None" = None
        self._wait: "Wait | None" = None

    def select(self) -> None:
        with self.lock:
            if self._selected:
                return
            self.trace.chip_selects += 1
            self._selected = True
            self._taken = bytearray()
            self._sent = 0

    def exchange(self, sent: bytes) -> bytes:
        """What the chip puts on its line while `sent` is clocked in; zeros where it has nothing to say."""
        with self.lock:
            if not self._selected or self.faults.deaf:
                return bytes(len(sent))
            if self.state == REPLYING:
                answer = self._reply[self._sent : self._sent + len(sent)]
                self._sent += len(sent)
                return answer.ljust(len(sent), b"\0")
            if self.state == WAITING:
                self._taken += sent[: BUFFER - len(self._taken)]
            return bytes(len(sent))

    def deselect(self) -> None:
        # Never raises: an exception in an edge would leave the ready pin high for good.
        with self.lock:
            if not self._selected:
                return
            self._selected = False
            if self.state == REPLYING:
                self.trace.record("reply", self._reply[: self._sent])
                self.state = WAITING
            elif self.state == WAITING and self._taken and not self.faults.deaf:
                self.trace.record("command", bytes(self._taken))
                self._begin(bytes(self._taken))

    def ready_level(self) -> bool:
        """True is high: not ready."""
        with self.lock:
            if self.faults.ready is not None:
                return self.faults.ready
            if self._selected or self.state == OFF:
                return True
            if self.state == BUSY:
                self._advance()
            return self.state == BUSY

    def halt(self) -> None:
        """Reset is low."""
        with self.lock:
            self._drop_pending()
            self.state = OFF

    def boot(self) -> None:
        """Reset is high again: nothing that was before is known any more."""
        with self.lock:
            if self.state != OFF:
                return
            self.faults.deaf = False
            self.attention = False
            self._restart()
            self.state = WAITING

    def _drop_pending(self) -> None:
        if self._pending is not None:
            self._pending.close()
        self._pending = self._wait = None

    def _begin(self, frame: bytes) -> None:
        if self.faults.mute:
            self._finish(frames.ERROR_REPLY)
            return
        self._pending = self._serve(frame)
        self.state = BUSY
        self._advance(0)

    def _serve(self, frame: bytes) -> Generator[Wait, None, Reply]:
        if self.faults.delay:
            yield Wait(self._clock() + self.faults.delay)
        return (yield from self._handle(frame))

    def _advance(self, patience: float = 0.002) -> None:
        """Move the pending handler on; wait at most `patience` seconds for what it waits for."""
        assert self._pending is not None
        try:
            if self._wait is not None and not self._wait.is_over(self._clock(), patience):
                return
            self._wait = next(self._pending)
        except StopIteration as done:
            # Nothing is what a handler returns that was interrupted before.
            self._finish(done.value or frames.ERROR_REPLY)
        except BaseException as error:
            self._finish(frames.ERROR_REPLY)
            if not isinstance(error, Exception):
                raise
            log.exception("the emulated chip failed to serve a command")

    def _finish(self, reply: Reply) -> None:
        self._reply = reply
        self.state = REPLYING
        self._pending = self._wait = None
