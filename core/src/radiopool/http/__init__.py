"""HTTP on leased sockets, with the interface of urllib3's PoolManager.

    from radiopool.http import PoolManager

    with PoolManager() as http:                    # on a board: PoolManager(radio=wifi.radio)
        response = http.request("GET", "http://example.com/")
        print(response.status, response.data)

Every name is loaded when it is first used: a program pays for what it needs. `names` lists those that a board lacks.
"""

from radiopool.platform import CPYTHON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from radiopool.http.names import *  # noqa: F403


if TYPE_CHECKING or CPYTHON:

    def __getattr__(name: str) -> object:
        if name[:1] != "_":
            from radiopool.http.names import find

            return find(name)
        raise AttributeError("module 'radiopool.http' has no attribute %r" % name)

else:
    from radiopool.platform import find

    def __getattr__(name):
        return find(__name__, "poolmanager https errors", name)
