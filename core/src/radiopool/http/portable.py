"""What CPython's programs ask of an HTTP error and no board has: to be pickled, and more than one plain argument."""

from typing import Any, cast

# What an error points at and another process can't have: pools, connections and responses hold sockets and locks.
_STAYS_HERE = {"pool", "conn", "response"}


class Portable:
    """A parent of errors that are OSErrors: arguments are kept as given, and pickling keeps all but the pool."""

    args: tuple[Any, ...]

    def __init__(self, *args: Any) -> None:
        # Without the arguments: OSError takes the first of two for an errno.
        super().__init__()
        self.args = args

    def __repr__(self) -> str:
        # An error whose message is its repr, as http.client has it, is not wrapped in its name once more.
        message = str(self)
        return message if message.startswith(type(self).__name__ + "(") else super().__repr__()

    def __reduce__(self) -> tuple[Any, ...]:
        make, args, state = cast("tuple[Any, ...]", super().__reduce__())
        return make, args, state | dict.fromkeys(state.keys() & _STAYS_HERE)
