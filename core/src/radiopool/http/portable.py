"""What CPython's programs ask of an HTTP error and no board has: to be pickled, and more than one plain argument."""

from typing import Any

# What an error points at and another process can't have: pools, connections and responses hold sockets and locks.
_STAYS_HERE = ("pool", "conn", "response")


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
        state = {name: None if name in _STAYS_HERE else value for name, value in self.__dict__.items()}
        return _rebuilt, (type(self), self.args, state)


def _rebuilt(kind: type[Any], args: tuple[Any, ...], state: dict[str, Any]) -> Any:
    # Not through __init__: its arguments differ from class to class, and the message is already made.
    error = kind.__new__(kind)  # type: ignore[call-overload]
    error.args = args
    error.__dict__.update(state)
    return error
