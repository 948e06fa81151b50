import socket

from radiopool import Driver, manager_for, register


class Port(Driver):
    name = "port"

    def matches(self, radio):
        return radio is socket

    def socket_pool(self, radio):
        return socket

    def is_alive(self, port):
        port.setblocking(False)
        return port.read(1) is None


register(Port())
manager = manager_for(socket)
