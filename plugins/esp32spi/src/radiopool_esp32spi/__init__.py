"""radiopool's driver for ESP32 co-processors with NINA firmware: Adafruit's `ESP_SPIcontrol`."""

__version__ = "0.1.0"

from radiopool_esp32spi.chip_tls import ChipContext
from radiopool_esp32spi.datagram import DatagramSocket
from radiopool_esp32spi.driver import ESP32SPIDriver
from radiopool_esp32spi.pool import SocketPool
from radiopool_esp32spi.stream import StreamSocket

__all__ = ["ChipContext", "DatagramSocket", "ESP32SPIDriver", "SocketPool", "StreamSocket", "__version__"]
