import os

import wifi
from radiopool import RadiopoolError, register
from radiopool.http import PoolManager
from radiopool_socketpool import SocketPoolDriver

register(SocketPoolDriver())
wifi.radio.connect(os.getenv("CIRCUITPY_WIFI_SSID"), os.getenv("CIRCUITPY_WIFI_PASSWORD"))

url = os.getenv("URL") or "http://example.com/"
with PoolManager(radio=wifi.radio, timeout=10) as http:
    try:
        for _ in range(3):
            response = http.request("GET", url)
            print(response.status, len(response.data))
    except RadiopoolError as error:
        print("no answer:", error)
    print(http.manager)
