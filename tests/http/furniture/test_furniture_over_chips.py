"""TLS options on emulated chips: TLS made on the chip refuses them, TLS made on the host over the chip honours them."""

import hashlib
import ssl

import pytest

from radiopool import ConnectionManager
from radiopool.http import HTTPSPoolKey, PoolManager, SSLError
from radiopool.http.tls_options import NAMES, TLSOptionError

esp32spi = pytest.importorskip("radiopool_esp32spi.driver")
wiznet5k = pytest.importorskip("radiopool_wiznet5k.driver")

ADDRESS = "10.0.0.1"
URL = "https://one.example/echo"
MADE = {
    "chip": lambda: esp32spi.ESP32SPIDriver(),
    "host over esp32": lambda: esp32spi.ESP32SPIDriver(tls="host"),
    "host over w5500": lambda: wiznet5k.WIZNET5KDriver(),
}


@pytest.fixture
def over(tls_server, authority):
    """Makes PoolManagers over an emulated chip whose network ends in `tls_server`."""
    opened = []

    def over(kind, **settings):
        driver = MADE[kind]()
        trust = {"trust": authority.file} if "w5500" not in kind else {}
        radio = driver.emulated(
            hosts={"one.example": ADDRESS, "other.example": ADDRESS},
            routes={(ADDRESS, 443): tls_server.port},
            **trust,
        )
        manager = ConnectionManager(driver.socket_pool(radio), driver=driver)
        http = PoolManager(manager=manager, timeout=10, **settings)
        opened.append((http, manager, radio))
        return http

    yield over
    for http, manager, radio in opened:
        http.clear()
        assert manager.stats()["leased"] == manager.stats()["idle"] == 0
        manager.close()
        radio.emulator.close()


OPTIONS = {
    "ssl_context": ssl.create_default_context(),
    "server_hostname": "other.example",
    "cert_reqs": "CERT_NONE",
    "ca_certs": "ca.pem",
    "ca_cert_data": "pem",
    "ca_cert_dir": "/folder",
    "cert_file": "client.pem",
    "key_file": "client.key",
    "key_password": "secret",
    "ssl_minimum_version": ssl.TLSVersion.TLSv1_3,
    "ssl_maximum_version": ssl.TLSVersion.TLSv1_2,
    "ssl_version": "TLSv1_2",
    "assert_hostname": "other.example",
    "assert_fingerprint": "ab" * 32,
}


def test_a_chip_refuses_what_it_cannot_honour(over, tls_server):
    assert set(OPTIONS) == set(NAMES) >= {*HTTPSPoolKey._fields[8:]}
    http = over("chip")
    for name, value in OPTIONS.items():
        pool = http.connection_from_host("one.example", 443, "https", {name: value})
        with pytest.raises(TLSOptionError, match=name + " can't be honoured") as caught:
            pool.request("GET", "/echo")
        assert "secret" not in str(caught.value)
    assert tls_server.connections == 0


def test_a_chip_does_what_is_asked_where_it_does_it_anyway(over, tls_server):
    assert over("chip", cert_reqs="CERT_REQUIRED").request("GET", URL).status == 200


@pytest.mark.parametrize("kind", ["host over esp32", "host over w5500"])
def test_over_a_chip_each_check_is_made(over, authority, tls_server, kind, echoed):
    digest = hashlib.sha256(authority.der).hexdigest()
    http = over(kind, ca_certs=authority.file)
    assert echoed(http.request("GET", URL))["sni"] == "one.example"

    def ask(host="one.example", **options):
        pool = http.connection_from_host(host, 443, "https", options)
        with pool:
            return echoed(pool.request("GET", "/echo", retries=False))

    assert ask(assert_fingerprint=digest)["host"] == "one.example"
    assert ask("other.example", assert_hostname="one.example")["sni"] == "other.example"
    assert ask("other.example", server_hostname="two.example")["sni"] == "two.example"
    assert ask(cert_file=authority.client_file)["host"] == "one.example"
    asked = len(tls_server.requests)
    for host, options in (
        ("one.example", {"assert_fingerprint": "ab" * 32}),
        ("one.example", {"assert_hostname": "other.example"}),
        ("other.example", {}),
        ("one.example", {"ca_certs": None}),
    ):
        with pytest.raises(SSLError):
            ask(host, **options)
    assert len(tls_server.requests) == asked
