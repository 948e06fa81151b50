import os

from radiopool import RadiopoolError, register
from radiopool.http import PoolManager
from radiopool_micropython import MicroPythonDriver

register(MicroPythonDriver())

url = os.getenv("URL") or "http://example.com/"
with PoolManager(timeout=10) as http:
    try:
        for _ in range(3):
            response = http.request("GET", url)
            print(response.status, len(response.data))
    except RadiopoolError as error:
        print("no answer:", error)
    print(http.manager)
