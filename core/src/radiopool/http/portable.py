"""What CPython's programs ask of an HTTP error and no board has: to be pickled, more than one plain argument, and no
password of a URL in its message (URLs with one are refused on a board)."""

import re
from typing import Any, cast

_USER = re.compile(r"//[^/?#\s]*@")

# What an error points at and another process can't have: pools, connections and responses hold sockets and locks.
_STAYS_HERE = {"pool", "conn", "response"}


class Portable:
    """A parent of errors that are OSErrors: arguments are kept as given but for the user information of URLs, and
    pickling keeps all but the pool."""

    args: tuple[Any, ...]

    def __init__(self, *args: Any) -> None:
        # Without the arguments: OSError takes the first of two for an errno.
        super().__init__()
        self.args = tuple([masked(argument) if isinstance(argument, str) else argument for argument in args])

    def __repr__(self) -> str:
        # An error whose message is its repr, as http.client has it, is not wrapped in its name once more.
        message = str(self)
        return message if message.startswith(type(self).__name__ + "(") else super().__repr__()

    def __reduce__(self) -> tuple[Any, ...]:
        make, args, state = cast("tuple[Any, ...]", super().__reduce__())
        return make, args, state | dict.fromkeys(state.keys() & _STAYS_HERE)


def masked(text: str) -> str:
    """The text without the user information of URLs in it, which may be a password."""
    return _USER.sub("//***@", text)
