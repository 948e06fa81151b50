import os

import board
from adafruit_wiznet5k.adafruit_wiznet5k import WIZNET5K
from digitalio import DigitalInOut

from radiopool import RadiopoolError, register
from radiopool.http import PoolManager
from radiopool_wiznet5k import WIZNET5KDriver

register(WIZNET5KDriver())
radio = WIZNET5K(board.SPI(), DigitalInOut(board.D10))

url = os.getenv("URL") or "http://example.com/"
with PoolManager(radio=radio, timeout=10) as http:
    try:
        for _ in range(3):
            response = http.request("GET", url)
            print(response.status, len(response.data))
    except RadiopoolError as error:
        print("no answer:", error)
    print(http.manager)
