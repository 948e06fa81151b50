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


def __getattr__(name: str) -> object:
    if CPYTHON and name[0] != "_":
        from radiopool.http.names import find

        return find(name)
    for place in () if name[0] == "_" else ("poolmanager", "connectionpool", "keys", "https"):
        found = getattr(__import__("radiopool.http." + place, None, None, (name,)), name, None)
        if found is not None:
            return found
    raise AttributeError("module 'radiopool.http' has no attribute %r" % name)
