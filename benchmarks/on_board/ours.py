"""Runs on MicroPython: radiopool.http, over the same socket pool as the others; with "native", over its own driver."""

import sys

import shim

what = sys.argv[1]


def load():
    from radiopool.http import PoolManager

    return PoolManager


def load_manager():
    import radiopool

    return radiopool


def driver():
    if "native" in sys.argv:
        from radiopool_micropython import MicroPythonDriver

        made = MicroPythonDriver()
        return made, made.socket_pool(None)
    from radiopool import GenericDriver

    return GenericDriver(), shim.Pool()


def manager():
    made, pool = driver()
    return load_manager().ConnectionManager(pool, driver=made)


def get_and_free():
    leasing = manager()
    leasing.free_socket(leasing.get_socket(shim.host, shim.port, "http:"))


if what == "kept":
    # The modules named after it.
    shim.kept(lambda: [__import__(name) for name in sys.argv[2:]])
elif what == "manager-loaded":
    get_and_free()
    print(shim.loaded("radiopool"))
else:
    http = load()(manager=manager(), timeout=10)
    small = shim.url + "200"
    large = shim.url + "102400"

    def get():
        assert len(http.request("GET", small).data) == 200

    def stream(buffer):
        response = http.request("GET", large, preload_content=False)
        left = 102400
        while left:
            left -= response.readinto(buffer)

    if what == "loaded":
        get()
        print(shim.loaded("radiopool"))
    else:
        shim.measure(what, get, stream)
