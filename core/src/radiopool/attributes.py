"""Properties in the half of a class that a board loads later."""

from radiopool.platform import CPYTHON

TYPE_CHECKING = False

if TYPE_CHECKING or CPYTHON:
    attribute = property
else:

    def attribute(function):
        """What stands for `property` there: `platform.Later` calls what is in a list."""
        return [function]
