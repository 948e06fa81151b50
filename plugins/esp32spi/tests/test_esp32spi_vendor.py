"""The vendor's unmodified library on the emulated chip, without our driver."""

import socket
import time

import pytest
from adafruit_esp32spi import adafruit_esp32spi as library
from adafruit_esp32spi.adafruit_esp32spi_socketpool import SocketPool

from radiopool_esp32spi.emulator import AccessPoint, Emulator


@pytest.fixture(scope="module")
def home():
    with Emulator(access_points=(AccessPoint("home", "secret", -61, 11), AccessPoint("cafe"))) as emulator:
        yield emulator.radio(with_gpio0=True, join=False)


@pytest.fixture
def radio(home):
    yield home
    home.emulator.faults.clear()
    home.emulator.reboot()


@pytest.fixture
def pool(radio):
    radio.connect_AP("cafe", None)
    return SocketPool(radio)


def test_joining_with_a_password_and_without(radio):
    assert radio.status == library.WL_IDLE_STATUS
    assert not radio.is_connected
    radio.connect("home", "secret")
    assert radio.is_connected
    assert radio.ap_info.ssid == "home"
    assert radio.ap_info.rssi == -61
    assert radio.ap_info.authmode == "WPA2"
    assert radio.ap_info.bssid == b"\x02\0\0\0\0\x01"
    radio.connect_AP("cafe", None)
    assert radio.ap_info.authmode == "OPEN"
    radio.disconnect()
    assert radio.status == library.WL_DISCONNECTED
    assert radio.ap_info is None


@pytest.mark.parametrize(
    ("ssid", "password", "words"), [("home", "guess", "Failed to connect to ssid"), ("none", "x", "No such ssid")]
)
def test_not_joining(radio, ssid, password, words):
    with pytest.raises(ConnectionError, match=words):
        radio.connect_AP(ssid, password, timeout_s=0.06)


def test_what_it_says_of_itself(radio):
    radio.connect("home", "secret")
    assert radio.firmware_version == "3.3.0"
    assert radio.mac_address == b"\x24\x0a\xc4\0\0\x02"
    assert radio.ipv4_address == "192.0.2.2"
    assert radio.network_data["netmask"] == b"\xff\xff\xff\x00"
    assert abs(radio.get_time()[0] - time.time()) < 60
    assert radio.ping("10.0.0.1") == 1


def test_scanning(radio):
    radio.start_scan_networks()
    found = radio.get_scan_networks()[:1]
    assert [(point.ssid, point.rssi, point.channel, point.authmode) for point in found] == [("home", -61, 11, "WPA2")]


def test_settings_and_pins(radio):
    radio.set_ip_config("192.0.2.9", "192.0.2.1")
    radio.set_dns_config("192.0.2.1", "192.0.2.1")
    radio.set_hostname("board")
    radio.set_esp_debug(True)
    radio.set_pin_mode(26, 1)
    radio.set_digital_write(26, True)
    radio.set_analog_write(25, 0.5)
    assert radio.create_AP("mine", None) == library.WL_AP_LISTENING


def test_a_conversation_and_the_attention_pin(radio, pool):
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = pool.socket()
        connection.connect(("127.0.0.1", server.getsockname()[1]))
        peer, _ = server.accept()
        with peer:
            assert connection._connected()
            assert connection.send(b"x" * 150) == 150
            assert peer.recv(150, socket.MSG_WAITALL) == b"x" * 150
            peer.sendall(b"answer")
            buffer = bytearray(6)
            assert connection.recv_into(buffer) == 6
            assert buffer == b"answer"
            assert radio.emulator.gpio0.value is False
            peer.sendall(b"more")
            while not connection._available():
                pass
            assert radio.emulator.gpio0.value is True
        connection.close()
    assert radio.emulator.table.in_use == []


def test_the_vendors_own_reset_boots_the_chip(radio, pool):
    pool.socket().connect(("127.0.0.1", 9), radio.UDP_MODE)
    assert radio.emulator.table.in_use == [0]
    radio.reset()
    assert radio.emulator.table.in_use == []
    assert radio.status == library.WL_IDLE_STATUS


def test_a_mute_chip_is_a_broken_pipe(radio):
    radio.emulator.faults.mute = True
    with pytest.raises(BrokenPipeError, match="Error response to command"):
        radio.firmware_version  # noqa: B018


def test_a_stuck_ready_pin_is_a_timeout_of_one_second_or_ten(radio, monkeypatch):
    now = iter(range(1000))
    monkeypatch.setattr(library, "time", type("Clock", (), {"monotonic": lambda: next(now), "sleep": time.sleep}))
    radio.emulator.faults.ready = True
    with pytest.raises(TimeoutError, match="ESP32 not responding"):
        radio.firmware_version  # noqa: B018
    assert next(now) in range(11, 14)
    radio.emulator.faults.ready = False
    with pytest.raises(TimeoutError, match="ESP32 timed out on SPI select"):
        radio.firmware_version  # noqa: B018


def test_a_deaf_chip_is_a_timeout_until_reset(radio):
    radio.emulator.faults.deaf = True
    with pytest.raises(TimeoutError, match="Timed out waiting for SPI char"):
        radio.firmware_version  # noqa: B018
    radio.reset()
    assert radio.firmware_version == "3.3.0"


def test_a_slow_chip_is_only_slow(radio):
    radio.emulator.faults.delay = 0.02
    assert radio.firmware_version == "3.3.0"


def test_losing_the_access_point_and_finding_it_again(radio, pool):
    radio.emulator.lose_access_point()
    assert radio.status == library.WL_CONNECTION_LOST
    with pytest.raises(ConnectionError, match="Failed to request hostname"):
        pool.getaddrinfo("localhost", 80)
    radio.emulator.find_access_point()
    assert radio.is_connected


def test_two_chips_on_one_machine_know_nothing_of_each_other(radio, pool):
    with Emulator() as other:
        other_radio = other.radio()
        pool.socket().connect(("127.0.0.1", 9), radio.UDP_MODE)
        assert radio.emulator.table.in_use == [0]
        assert other.table.in_use == []
        assert other_radio.is_connected
