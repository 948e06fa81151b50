"""Runs on MicroPython: 5,000 requests over three hosts, with radiopool.http on radiopool-micropython's sockets."""

import gc
import os

from radiopool import ConnectionManager
from radiopool.http import PoolManager
from radiopool_micropython import MicroPythonDriver

gc.collect()
driver = MicroPythonDriver()
http = PoolManager(manager=ConnectionManager(driver.socket_pool(None), driver=driver), timeout=10)
host, port = os.getenv("RADIOPOOL_BOARD_SERVER").split(":")
# Three names of one server are three hosts to everything here.
urls = ["http://%s:%s/bytes/200" % (name, port) for name in (host, "127.1", "localhost")]
for number in range(5000):
    assert len(http.request("GET", urls[number % 3]).data) == 200
    if number == 99:
        gc.collect()
        first = gc.mem_alloc()
gc.collect()
# Not stats(), which would be loaded for it.
print(first, gc.mem_alloc(), http.manager._account.ledger.opened)
