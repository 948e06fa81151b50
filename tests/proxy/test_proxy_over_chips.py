"""ProxyManager on emulated chips, through a real proxy: a tunnel needs no more than a leased socket."""

import ssl

import pytest

from radiopool import ConnectionManager
from radiopool.http import ProxyManager
from radiopool.http.exceptions import ProxySchemeUnsupported

esp32spi = pytest.importorskip("radiopool_esp32spi.driver")
wiznet5k = pytest.importorskip("radiopool_wiznet5k.driver")

ADDRESS = "10.0.0.1"
MADE = {
    "chip": lambda: esp32spi.ESP32SPIDriver(),
    "host over esp32": lambda: esp32spi.ESP32SPIDriver(tls="host"),
    "host over w5500": lambda: wiznet5k.WIZNET5KDriver(),
}


@pytest.fixture
def manager_over():
    """`manager_over(kind, proxy)`: a manager on an emulated chip, whose network has the proxy at proxy.example:3128."""
    opened = []

    def over(kind, proxy):
        driver = MADE[kind]()
        radio = driver.emulated(hosts={"proxy.example": ADDRESS}, routes={(ADDRESS, 3128): proxy.port})
        opened.append((ConnectionManager(driver.socket_pool(radio), driver=driver), radio))
        return opened[-1][0]

    yield over
    for manager, radio in opened:
        assert manager.stats()["leased"] == manager.stats()["idle"] == 0
        manager.close()
        radio.emulator.close()


@pytest.mark.parametrize("kind", MADE)
def test_plain_http_over_every_chip(kind, manager_over, run_proxy, make_target):
    target = make_target()
    manager = manager_over(kind, run_proxy("squid"))
    with ProxyManager("http://proxy.example:3128", manager=manager) as http:
        for number in range(3):
            assert http.request("GET", f"{target.url}/{number}").data == b"GET /%d " % number
        assert manager.stats()["opened"] == 1


@pytest.mark.parametrize("kind", ["host over esp32", "host over w5500"])
def test_https_where_the_host_makes_tls(kind, manager_over, run_proxy, make_target, authority):
    target = make_target(tls=True)
    manager = manager_over(kind, run_proxy("tinyproxy"))
    with ProxyManager("http://proxy.example:3128", manager=manager, ca_certs=authority[1]) as http:
        for number in range(3):
            assert http.request("GET", f"{target.url}/{number}").data == b"GET /%d " % number
        assert manager.stats()["opened"] == len(target.accepted) == 1


def test_a_tls_proxy_over_a_chip(manager_over, run_proxy, make_target, authority):
    target = make_target(tls=True)
    manager = manager_over("host over w5500", run_proxy("squid", tls=True))
    trust = ssl.create_default_context(cafile=authority[1])
    with ProxyManager(
        "https://proxy.example:3128",
        manager=manager,
        ca_certs=authority[1],
        proxy_ssl_context=trust,
        proxy_assert_hostname="localhost",
    ) as http:
        for number in range(2):
            assert http.request("GET", f"{target.url}/{number}").data == b"GET /%d " % number
    assert len(target.accepted) == 1


def test_https_where_the_chip_makes_tls_is_refused(manager_over, run_proxy, make_target):
    target = make_target(tls=True)
    manager = manager_over("chip", run_proxy("tinyproxy"))
    with (
        ProxyManager("http://proxy.example:3128", manager=manager) as http,
        pytest.raises(ProxySchemeUnsupported, match="the TLS of this radio's chip .driver esp32spi."),
    ):
        http.request("GET", target.url + "/")
    assert manager.managed_socket_count == 0
    assert not target.accepted


@pytest.mark.parametrize("kind", MADE)
def test_socks_is_the_hosts_alone(kind, manager_over, run_proxy):
    with pytest.raises(ProxySchemeUnsupported, match="operating system's sockets"):
        ProxyManager("socks5://proxy.example:3128", manager=manager_over(kind, run_proxy("tinyproxy")))
