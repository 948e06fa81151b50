"""Runs on MicroPython: radiopool.http, over the same socket pool as the others; with "native", over its own driver."""

import gc
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
    from radiopool.driver import GenericDriver

    return GenericDriver(), shim.Pool()


def manager():
    made, pool = driver()
    return load_manager().ConnectionManager(pool, driver=made)


if what == "manager-kept":
    shim.kept(load_manager)
elif what == "kept":
    shim.kept(load)
elif what == "manager-loaded":
    leasing = manager()
    leasing.free_socket(leasing.get_socket(shim.host, shim.port, "http:"))
    print(shim.loaded("radiopool"))
else:
    http = load()(manager=manager(), timeout=10)
    small = shim.url + "200"
    large = shim.url + "102400"

    def get(url=small):
        assert len(http.request("GET", url).data) == 200

    def stream(buffer):
        response = http.request("GET", large, preload_content=False)
        left = 102400
        while left:
            left -= response.readinto(buffer)

    if what == "loaded":
        get()
        print(shim.loaded("radiopool"))
    elif what == "soak":
        # Three names of one server are three hosts to everything here.
        urls = [small.replace(shim.host, name) for name in ("127.0.0.1", "127.1", "localhost")]
        heap = []
        for number in range(5000):
            get(urls[number % 3])
            if number in (99, 4999):
                gc.collect()
                heap.append(gc.mem_alloc())
        print(heap[0], heap[1], http.manager.stats()["opened"])
    else:
        shim.measure(what, get, stream)
