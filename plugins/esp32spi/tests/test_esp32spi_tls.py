"""TLS made by the chip and TLS made on the host, over the emulated wire, with good and bad certificates."""

import ssl

import pytest
import trustme

from radiopool.errors import CertificateError, InvalidValueError, OutOfSocketsError, TLSError
from radiopool_esp32spi import ChipContext


def answer(connection):
    while request := connection.recv(4096):
        connection.sendall(request)


def converse(socket, words=b"hello"):
    socket.sendall(words)
    received = bytearray()
    while len(received) < len(words):
        received += socket.recv(4096)
    assert received == words


@pytest.fixture
def good(chip, server_context):
    return chip.serve(answer, 443, "good.example", server_context("good.example"))


@pytest.fixture
def other_name(chip, server_context):
    return chip.serve(answer, 443, "wrong.example", server_context("somebody-else.example"))


@pytest.fixture
def unknown_issuer(chip, server_context):
    return chip.serve(answer, 443, "unknown.example", server_context("unknown.example", by=trustme.CA()))


@pytest.fixture
def expired(chip, server_context):
    import datetime

    past = datetime.datetime(2020, 1, 1)
    return chip.serve(answer, 443, "expired.example", server_context("expired.example", not_after=past))


# -- on the chip


def test_chip_a_good_certificate(chip, good):
    with chip.connect(good, ssl_context=chip.pool.ssl_context) as socket:
        converse(socket)
        converse(socket, b"x" * 3000)
        assert repr(chip.table).startswith("<Table 0:tls")
        assert chip.driver.is_alive(socket)


@pytest.mark.parametrize("peer", ["other_name", "unknown_issuer", "expired"])
def test_chip_a_bad_certificate_takes_no_number(chip, request, peer):
    peer = request.getfixturevalue(peer)
    with pytest.raises(TLSError, match="the certificate is not one that it trusts for '%s'" % peer.name):
        chip.connect(peer, ssl_context=chip.pool.ssl_context)
    assert isinstance(chip.table.slots[0].secure.failure, ssl.SSLCertVerificationError)
    assert chip.table.in_use == []
    assert chip.radio._tls_socket is None


def test_chip_a_server_that_speaks_no_tls(chip):
    peer = chip.serve(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), 443)
    with pytest.raises(TLSError):
        chip.connect(peer, ssl_context=chip.pool.ssl_context)


def test_chip_the_end_of_a_tls_stream_frees_number_and_tls_slot(chip, server_context):
    def bye(connection):
        connection.sendall(b"bye")
        connection.unwrap()

    peer = chip.serve(bye, 443, "bye.example", server_context("bye.example"))
    for _ in range(2):
        socket = chip.connect(peer, ssl_context=chip.pool.ssl_context)
        assert socket.recv(10) == b"bye"
        assert socket.recv(10) == b""
        assert chip.table.in_use == []
        assert chip.radio._tls_socket is None
        socket.close()


def test_chip_two_tls_hosts_in_turn_on_one_slot(chip, manager, server_context):
    for name in ("a.example", "b.example"):
        chip.serve(answer, 443, name, server_context(name))
    for _ in range(3):
        for name in ("a.example", "b.example"):
            with manager.lease(name, 443, "https:", is_ssl=True) as socket:
                converse(socket)
    stats = manager.stats()
    assert stats["opened"] == 6
    assert stats["closed"] == {"evicted": 5}
    assert stats["tls"] == 1
    assert chip.table.in_use == [0]


def test_chip_a_leased_tls_socket_is_never_taken(chip, manager, server_context):
    for name in ("a.example", "b.example"):
        chip.serve(answer, 443, name, server_context(name))
    with manager.lease("a.example", 443, "https:", is_ssl=True) as socket:
        with pytest.raises(OutOfSocketsError):
            manager.acquire(*manager.key_for("b.example", 443, "https:", is_ssl=True), wait=0)
        converse(socket)


@pytest.mark.parametrize(
    "option",
    [
        lambda context: context.load_verify_locations(cafile="ca.pem"),
        lambda context: context.load_cert_chain("client.pem"),
        lambda context: context.set_ciphers("HIGH"),
        lambda context: context.set_alpn_protocols(["h2"]),
        lambda context: setattr(context, "check_hostname", False),
        lambda context: setattr(context, "verify_mode", ssl.CERT_NONE),
        lambda context: setattr(context, "minimum_version", ssl.TLSVersion.TLSv1_3),
        lambda context: setattr(context, "maximum_version", ssl.TLSVersion.TLSv1_2),
    ],
)
def test_chip_an_option_that_it_cannot_honour_is_refused_by_name(option):
    with pytest.raises(InvalidValueError, match=r"the ESP32 makes TLS itself and has no \w+.*tls='host'"):
        option(ChipContext())


def test_chip_what_it_does_anyway_may_be_asked_for():
    context = ChipContext()
    context.check_hostname = True
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_default_certs()
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert context.minimum_version is None is context.maximum_version


def test_chip_contexts_and_names_that_are_not_its_own_are_refused(chip, good, client_context):
    with pytest.raises(InvalidValueError, match="can't honour"):
        chip.connect(good, ssl_context=client_context)
    with pytest.raises(InvalidValueError, match="not server_name 'other.example'"):
        chip.connect(good, ssl_context=chip.pool.ssl_context, server_name="other.example")
    with pytest.raises(InvalidValueError, match="server_side"):
        chip.pool.ssl_context.wrap_socket(chip.pool.socket(), server_side=True)
    with pytest.raises(InvalidValueError, match="session"):
        chip.pool.ssl_context.wrap_socket(chip.pool.socket(), session=1)
    with pytest.raises(InvalidValueError, match="stream socket of that chip"):
        chip.pool.ssl_context.wrap_socket(chip.pool.socket(2, 2))
    with pytest.raises(InvalidValueError, match="needs a host name"):
        chip.pool.ssl_context.wrap_socket(chip.pool.socket()).connect((b"\x0a\0\0\1", 443))
    assert chip.table.in_use == []


def test_chip_a_stand_in_without_options_is_taken_for_the_chips_own(chip, good):
    """As adafruit_connection_manager makes them: nothing in it that could be dropped."""
    import adafruit_connection_manager as incumbent

    stand_in = incumbent.create_fake_ssl_context(chip.pool, chip.radio)
    with chip.connect(good, ssl_context=stand_in) as socket:
        converse(socket)


def test_chip_the_vendors_conntype_makes_tls_too(chip, good):
    with chip.pool.socket() as socket:
        socket.settimeout(5)
        socket.connect((good.name, 443), chip.radio.TLS_MODE)
        converse(socket)


# -- on the host


def test_host_a_good_certificate(chip, good, client_context):
    socket = chip.connect(good, driver=chip.host_driver, ssl_context=client_context)
    converse(socket)
    converse(socket, b"x" * 3000)
    assert repr(chip.table).startswith("<Table 0:tcp")
    assert chip.host_driver.is_alive(socket)
    socket.close()
    assert chip.table.in_use == []


@pytest.mark.parametrize("peer", ["other_name", "unknown_issuer", "expired"])
def test_host_a_bad_certificate_says_why_and_takes_no_number(chip, request, host_manager, client_context, peer):
    peer = request.getfixturevalue(peer)
    with pytest.raises(CertificateError, match=r"certificate|Hostname"):
        host_manager.get_socket(peer.name, 443, "https:", is_ssl=True, ssl_context=client_context)
    assert chip.table.in_use == []


def test_host_as_many_tls_sockets_as_there_are_sockets(chip, host_manager, server_context, client_context):
    names = ["h%d.example" % number for number in range(6)]
    for name in names:
        chip.serve(answer, 443, name, server_context(name))
    sockets = [host_manager.get_socket(name, 443, "https:", is_ssl=True, ssl_context=client_context) for name in names]
    for socket in sockets:
        converse(socket)
    assert chip.table.in_use == [0, 1, 2, 3, 4, 5]
    assert host_manager.stats()["tls"] == 6
    for socket in sockets:
        host_manager.free_socket(socket)


def test_host_session_tickets_do_not_make_an_idle_socket_stale(chip, host_manager, good, client_context):
    for _ in range(3):
        with host_manager.lease(good.name, 443, "https:", is_ssl=True, ssl_context=client_context) as socket:
            converse(socket)
            assert socket.version() == "TLSv1.3"
    assert host_manager.stats()["opened"] == 1


def test_host_another_name_can_be_asked_for(chip, other_name, client_context):
    socket = chip.connect(
        other_name, driver=chip.host_driver, ssl_context=client_context, server_name="somebody-else.example"
    )
    converse(socket)
    socket.close()


def test_host_a_handshake_that_fails_leaves_no_socket(chip, client_context):
    def babble(connection):
        connection.sendall(b"this is no TLS record")
        while connection.recv(4096):
            pass

    peer = chip.serve(babble, 443)
    with pytest.raises(ssl.SSLError):
        chip.connect(peer, driver=chip.host_driver, ssl_context=client_context)
    assert chip.table.in_use == []


def test_host_a_silent_server_costs_the_callers_timeout(chip, client_context):
    def swallow(connection):
        while connection.recv(4096):
            pass

    peer = chip.serve(swallow, 443)
    with pytest.raises(OSError) as caught:
        chip.connect(peer, timeout=0.1, driver=chip.host_driver, ssl_context=client_context)
    assert chip.host_driver.is_timeout(caught.value)
    assert chip.table.in_use == []


def test_host_chip_contexts_are_refused(chip, good):
    with pytest.raises(InvalidValueError, match=r"must be an ssl.SSLContext"):
        chip.connect(good, driver=chip.host_driver, ssl_context=chip.pool.ssl_context)
    assert chip.table.in_use == []


def test_host_abandoning_reaches_the_socket_below(chip, host_manager, good, client_context):
    host_manager.get_socket(good.name, 443, "https:", is_ssl=True, ssl_context=client_context)
    chip.emulator.reboot()
    host_manager.radio_reset()
    assert chip.pool.numbers == {}
    chip.radio.connect_AP("emulated", "")
