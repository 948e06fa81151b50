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

_PLACES = {
    "PoolManager": "poolmanager",
    "HTTPConnectionPool": "connectionpool",
    "HTTPSConnectionPool": "connectionpool",
    "HTTPPoolKey": "keys",
    "HTTPSPoolKey": "keys",
    "default_key_normalizer": "keys",
}


def __getattr__(name: str) -> object:
    place = _PLACES.get(name)
    if place:
        return getattr(__import__("radiopool.http." + place, None, None, (name,)), name)
    if CPYTHON and name[:1] != "_":
        from radiopool.http.names import find

        return find(name)
    raise AttributeError("module 'radiopool.http' has no attribute %r" % name)
