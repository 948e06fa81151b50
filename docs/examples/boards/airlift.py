import os

import board
from adafruit_esp32spi.adafruit_esp32spi import ESP_SPIcontrol
from digitalio import DigitalInOut

from radiopool import RadiopoolError, register
from radiopool.http import PoolManager
from radiopool_esp32spi import ESP32SPIDriver

register(ESP32SPIDriver())
pins = (DigitalInOut(board.ESP_CS), DigitalInOut(board.ESP_BUSY), DigitalInOut(board.ESP_RESET))
radio = ESP_SPIcontrol(board.SPI(), *pins)
radio.connect_AP(os.getenv("CIRCUITPY_WIFI_SSID"), os.getenv("CIRCUITPY_WIFI_PASSWORD"))

url = os.getenv("URL") or "http://example.com/"
with PoolManager(radio=radio, timeout=10) as http:
    try:
        for _ in range(3):
            response = http.request("GET", url)
            print(response.status, len(response.data))
    except RadiopoolError as error:
        print("no answer:", error)
    print(http.manager)
