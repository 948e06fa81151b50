"""Runs on MicroPython: adafruit_requests on adafruit_connection_manager, unchanged, with stand-ins for their typing."""

import sys

import shim


class Typing:
    def __getattr__(self, name):
        return self

    def __getitem__(self, of):
        return self


for name in ("types", "typing", "circuitpython_typing", "circuitpython_typing.socket"):
    sys.modules[name] = Typing()
sys.modules["circuitpython_typing"].socket = sys.modules["circuitpython_typing.socket"]

what = sys.argv[1]
pool = shim.Pool()


def load():
    import adafruit_requests

    return adafruit_requests


def load_manager():
    import adafruit_connection_manager

    return adafruit_connection_manager


if what == "manager-kept":
    shim.kept(load_manager)
elif what == "kept":
    shim.kept(load)
elif what == "manager-loaded":
    manager = load_manager().get_connection_manager(pool)
    manager.free_socket(manager.get_socket(shim.host, shim.port, "http:"))
    print(shim.loaded("adafruit"))
else:
    session = load().Session(pool)
    small = shim.url + "200"
    large = shim.url + "102400"

    def get():
        response = session.get(small)
        assert len(response.content) == 200
        response.close()

    def stream(buffer):
        response = session.get(large)
        left = 102400
        while left:
            left -= response._readinto(buffer)
        response.close()

    if what == "loaded":
        get()
        print(shim.loaded("adafruit"))
    else:
        shim.measure(what, get, stream)
