"""`wifi`: what board scripts do with it, and where names and routes lead."""

import errno
import ipaddress
import socket as host_socket
import subprocess
import sys

import pytest

import socketpool
import wifi


def test_a_board_script_connects_and_prints_its_address():
    radio = wifi.Radio(networks={"home": "secret"}, connected=False)
    assert (radio.connected, radio.ipv4_address, radio.ap_info, radio.addresses) == (False, None, None, ())
    radio.connect("home", "secret", timeout=5)
    assert radio.connected
    assert radio.ipv4_address == ipaddress.IPv4Address("127.0.0.1")
    assert radio.ap_info.ssid == "home"
    assert [network.ssid for network in radio.start_scanning_networks()] == ["home"]
    radio.stop_scanning_networks()
    radio.stop_station()
    assert not radio.connected


@pytest.mark.parametrize(
    ("ssid", "password", "text"),
    [("elsewhere", "secret", "No network with that ssid"), ("home", b"wrong", "Authentication failure")],
)
def test_connect_fails_in_the_firmwares_words(ssid, password, text):
    radio = wifi.Radio(networks={"home": "secret"}, connected=False)
    with pytest.raises(ConnectionError, match=text):
        radio.connect(ssid, password)
    assert not radio.connected


def test_turned_off():
    radio = wifi.Radio()
    radio.enabled = False
    assert not radio.connected
    with pytest.raises(RuntimeError, match="wifi is not enabled"):
        radio.connect("home")
    radio.enabled = True
    radio.connect(b"home", b"any")
    assert radio.connected


def test_a_radio_that_is_not_connected_reaches_nothing(listener):
    radio = wifi.Radio(connected=False)
    pool = socketpool.SocketPool(radio)
    with pytest.raises(pool.gaierror):
        pool.getaddrinfo("localhost", 80)
    with pool.socket() as sock:
        sock.settimeout(1)
        with pytest.raises(OSError) as caught:
            sock.connect(listener.address)
        assert caught.value.errno == errno.EHOSTUNREACH
    radio.connect("desk")
    listener.connect(pool)[0].close()


def test_hosts_give_names_addresses(listener):
    radio = wifi.Radio(hosts={"Server.test": "127.0.0.1", "both.test": ("::1", "127.0.0.1")}, loopback=True)
    pool = socketpool.SocketPool(radio)
    with pool.socket() as sock:
        sock.settimeout(5)
        sock.connect(("server.test.", listener.address[1]))
        listener.accept()
    assert [found[4][0] for found in pool.getaddrinfo("both.test", 80)] == ["::1", "127.0.0.1"]
    assert [found[4][0] for found in pool.getaddrinfo("both.test", 80, pool.AF_INET)] == ["127.0.0.1"]


def test_routes_lead_elsewhere_and_the_rest_of_a_made_up_host_refuses(listener):
    radio = wifi.Radio(routes={("example.com", 80): listener.address, ("10.1.2.3", 5): listener.address})
    pool = socketpool.SocketPool(radio)
    address = pool.getaddrinfo("example.com", 80)[0][4]
    assert ipaddress.ip_address(address[0]) in ipaddress.ip_network("198.18.0.0/15")
    for target in (address, ("example.com", 80), ("10.1.2.3", 5)):
        with pool.socket() as sock:
            sock.settimeout(5)
            sock.connect(target)
            listener.accept()
    with pool.socket() as sock, pytest.raises(OSError) as caught:
        sock.connect(("example.com", 81))
    assert caught.value.errno == errno.ECONNRESET


def test_datagrams_come_from_where_they_were_sent_to():
    with host_socket.socket(type=host_socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        radio = wifi.Radio(routes={("time.test", 123): peer.getsockname()})
        pool = socketpool.SocketPool(radio)
        address = pool.getaddrinfo("time.test", 123)[0][4]
        with pool.socket(pool.AF_INET, pool.SOCK_DGRAM) as sock:
            sock.settimeout(5)
            sock.sendto(b"what time is it?", address)
            peer.sendto(b"late", peer.recvfrom(20)[1])
            assert sock.recvfrom_into(bytearray(9)) == (4, address)


def test_loopback_keeps_to_this_computer():
    pool = socketpool.SocketPool(wifi.Radio(loopback=True))
    with pytest.raises(pool.gaierror):
        pool.getaddrinfo("example.com", 80)
    with pool.socket() as sock, pytest.raises(OSError) as caught:
        sock.connect(("203.0.113.1", 80))
    assert caught.value.errno == errno.EHOSTUNREACH


def test_a_programs_own_choice_of_radio_is_the_default(monkeypatch):
    chosen = wifi.Radio("raspberrypi")
    monkeypatch.setattr(wifi, "radio", chosen)
    assert socketpool.SocketPool() is socketpool.SocketPool(chosen)


@pytest.mark.parametrize("port", ["espressif", "raspberrypi"])
def test_the_environment_chooses_the_default_radios_port(port):
    script = "import wifi; print(wifi.radio.personality.name)"
    environment = {"RADIOPOOL_PERSONALITY": port, "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == port
