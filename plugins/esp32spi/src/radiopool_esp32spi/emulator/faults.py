"""What can be made to go wrong, while it is going on. Set an attribute to start a fault, reset it to end it."""


class Faults:
    """ready: the level at which the ready pin is stuck (True high, False low), or None.
    delay: seconds that every command takes longer.
    deaf: the chip takes no command at all, as after a crash; it needs a reset.
    mute: the chip answers every command with its error reply.
    """

    def __init__(self) -> None:
        self.ready: "bool | None" = None
        self.delay = 0.0
        self.deaf = False
        self.mute = False

    def clear(self) -> None:
        """End every fault."""
        self.__init__()  # type: ignore[misc]
