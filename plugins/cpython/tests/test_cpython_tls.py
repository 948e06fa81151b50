"""TLS of the cpython driver: contexts, errors, resumption, liveness, TLS within TLS."""

import contextlib
import datetime
import re
import select
import socket
import ssl
import threading

import pytest
import trustme

from radiopool.errors import CertificateError, ConnectTimeoutError, InvalidValueError, TLSError
from radiopool.tls import TLSSocket
from radiopool_cpython import HostNetwork
from radiopool_cpython import client_context as make_context

MOMENT = 0.05
TODAY = datetime.datetime.now(datetime.timezone.utc)
YEAR = datetime.timedelta(days=365)

versions = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])


def radio_to(server, *names):
    """A radio on which port 443 of each name is the server's."""
    return HostNetwork(
        hosts={name: "127.0.0.1" for name in names}, routes={(name, 443): server.address for name in names}
    )


def finish(driver, connection, word=b"hello"):
    """One exchange, so that the session tickets were read, and close it as the manager does."""
    connection.sendall(word)
    assert connection.recv(len(word)) == word
    driver.close(connection)


@versions
def test_a_bare_sslsocket(serve, connect, driver, server_context, client_context, version):
    server = serve(context=server_context("example.com", maximum_version=version))
    connected = connect(radio_to(server, "example.com"), "example.com", 443, 20, client_context)
    assert type(connected) is ssl.SSLSocket and connected.gettimeout() == 20
    poller = select.poll()
    poller.register(connected, select.POLLOUT)
    assert poller.poll(0)
    finish(driver, connected)
    server.finish()
    # Without close_notify the server's own read would have raised.
    assert not server.errors


def test_over_ipv6_to_an_address(serve, connect, server_context, client_context):
    server = serve(context=server_context("::1"), family=socket.AF_INET6)
    assert connect(HostNetwork(), *server.address, 20, client_context).version() == "TLSv1.3"


def test_the_certificate_names_another_server(serve, connect, server_context, client_context):
    radio = radio_to(serve(context=server_context("inner.test")), "front.test")
    assert connect(radio, "front.test", 443, 20, client_context, "inner.test").server_hostname == "inner.test"
    assert connect(radio, "FRONT.test", 443, 20, client_context, "inner.test.").version()


@versions
@pytest.mark.parametrize(
    ("names", "options", "reason"),
    [
        (["a.test"], {"not_before": TODAY - 2 * YEAR, "not_after": TODAY - YEAR}, r"it expired on \w+ .* GMT; is this"),
        (["b.test", "127.0.0.9"], {}, r"it is not for 'a\.test'; it is for b\.test, 127\.0\.0\.9$"),
    ],
    ids=["expired", "other name"],
)
def test_a_refused_certificate(serve, connect, server_context, client_context, version, names, options, reason):
    server = serve(context=server_context(*names, maximum_version=version, **options))
    with pytest.raises(CertificateError) as caught:
        connect(radio_to(server, "a.test"), "a.test", 443, 20, client_context)
    assert re.match(r"the certificate of a\.test port 443 is refused: " + reason, str(caught.value))
    assert (caught.value.host, caught.value.port) == ("a.test", 443)
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)


def test_an_unknown_issuer(serve, connect, driver, server_context):
    radio = radio_to(serve(context=server_context("a.test")), "a.test")
    with pytest.raises(CertificateError, match=r"not trusted here \(trustme .*\(cafile\)"):
        connect(radio, "a.test", 443, 20, driver.ssl_context(radio))


def test_no_tls_there(serve, connect, client_context):
    def greet(connection):
        connection.sendall(b"220 mail.test ESMTP\r\n")
        connection.recv(1)

    with pytest.raises(TLSError, match="does not speak TLS on that port"):
        connect(radio_to(serve(greet), "mail.test"), "mail.test", 443, 20, client_context)


def test_a_handshake_that_stalls(serve, connect, client_context):
    done = threading.Event()
    with pytest.raises(ConnectTimeoutError, match=r"TLS handshake with slow\.test port 443 took longer"):
        connect(radio_to(serve(lambda _: done.wait(20)), "slow.test"), "slow.test", 443, MOMENT, client_context)
    done.set()


def test_a_context_of_something_else(connect):
    with pytest.raises(InvalidValueError, match="ssl_context must be"):
        connect(HostNetwork(), "127.0.0.1", 443, 20, "trust me")


@versions
def test_sessions_are_resumed(serve, connect, driver, server_context, client_context, version):
    resumed = []

    def count(connection):
        resumed.append(connection.session_reused)
        connection.sendall(connection.recv(5))
        connection.recv(1)

    server = serve(count, server_context("a.test", "b.test", maximum_version=version))
    radio = radio_to(server, "a.test", "b.test")
    for _ in range(3):
        finish(driver, connect(radio, "a.test", 443, 20, client_context))
    assert resumed == [False, True, True]
    finish(driver, connect(radio, "b.test", 443, 20, client_context))
    assert resumed[-1] is False, "another server name"
    other = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    other.load_verify_locations(cadata="".join(map(ssl.DER_cert_to_PEM_cert, client_context.get_ca_certs(True))))
    finish(driver, connect(radio, "a.test", 443, 20, other))
    assert resumed[-1] is False, "another context"
    finish(driver, connect(radio, "a.test", 443, 20, client_context))
    assert resumed[-1] is True


def test_a_session_is_kept_while_its_connection_is_idle(serve, connect, driver, server_context, client_context):
    server = serve(context=server_context("a.test"))
    radio = radio_to(server, "a.test")
    first = connect(radio, "a.test", 443, 20, client_context)
    assert not connect(radio, "a.test", 443, 20, client_context).session_reused, "no ticket was read yet"
    select.select([first], [], [], 20)
    assert driver.is_alive(first)
    assert connect(radio, "a.test", 443, 20, client_context).session_reused


@versions
def test_alive_or_not(serve, connect, driver, server_context, client_context, version):
    go_on, half_closed, seen = threading.Event(), threading.Event(), threading.Event()

    def chat(connection):
        connection.recv(1)
        connection.sendall(b"chatter")
        go_on.wait(20)
        connection.settimeout(0)
        with pytest.raises(ssl.SSLWantReadError):
            connection.unwrap()
        half_closed.set()
        seen.wait(20)

    server = serve(chat, server_context("a.test", maximum_version=version))
    connected = connect(radio_to(server, "a.test"), "a.test", 443, 20, client_context)
    if version is ssl.TLSVersion.TLSv1_3:
        select.select([connected], [], [], 20)
    assert driver.is_alive(connected) and driver.is_alive(connected)
    connected.settimeout(20)
    connected.sendall(b"!")
    while driver.is_alive(connected):
        pass
    # A byte went to find that out; the connection is spent and will be closed.
    connected.settimeout(20)
    assert connected.recv(3) == b"hat"
    assert connected.pending() and not driver.is_alive(connected)
    assert connected.recv(9) == b"ter"
    go_on.set()
    while driver.is_alive(connected):
        pass
    half_closed.wait(20)
    seen.set()
    driver.close(connected)
    assert not driver.is_alive(connected)


@versions
def test_closing_does_not_cut_off_what_was_sent(serve, connect, driver, server_context, client_context, version):
    closed = threading.Event()
    arrived = []

    def read_late(connection):
        closed.wait(20)
        arrived.append(sum(map(len, iter(lambda: connection.recv(65536), b""))))

    server = serve(read_late, server_context("a.test", maximum_version=version))
    connected = connect(radio_to(server, "a.test"), "a.test", 443, 20, client_context)
    if version is ssl.TLSVersion.TLSv1_3:
        select.select([connected], [], [], 20)
    connected.sendall(b"x" * 1_000_000)
    driver.close(connected)
    closed.set()
    server.finish()
    assert arrived == [1_000_000] and not server.errors


def test_abandon_says_nothing(serve, connect, driver, server_context, client_context):
    server = serve(context=server_context("a.test"))
    connected = connect(radio_to(server, "a.test"), "a.test", 443, 20, client_context)
    connected.sendall(b"hello")
    assert connected.recv(5) == b"hello"
    driver.abandon(connected)
    server.finish()
    # The descriptor was the last, so the connection ends, and ends without close_notify.
    assert [type(error) for error in server.errors] == [ssl.SSLEOFError]


def tunnel_to(target):
    """A handler that pipes a connection to another server, as an HTTPS proxy does after CONNECT."""

    def relay(connection):
        with socket.create_connection(target.address, 20) as onward, contextlib.suppress(OSError):
            ends = {connection: onward, onward: connection}
            while True:
                # One thread: an SSLSocket must not be used by two at once before Python 3.13.
                for source in select.select(list(ends), [], [])[0]:
                    received = source.recv(65536)
                    if not received:
                        return
                    ends[source].sendall(received)

    return relay


def test_wrap(serve, connect, driver, server_context, client_context):
    target = serve(context=server_context("target.test"))
    proxy = serve(tunnel_to(target), server_context("proxy.test"))
    plain_proxy = serve(tunnel_to(target))
    plain = driver.wrap(connect(HostNetwork(), *plain_proxy.address), client_context, "target.test.")
    assert type(plain) is ssl.SSLSocket
    outer = connect(radio_to(proxy, "proxy.test"), "proxy.test", 443, 20, client_context)
    within = driver.wrap(outer, client_context, "target.test")
    assert type(within) is TLSSocket
    assert driver.is_alive(within)
    within.settimeout(20)
    for secured in plain, within:
        secured.sendall(b"hello")
        assert secured.recv(5) == b"hello"
    third = serve(context=server_context("third.test"))
    proxy._serve = tunnel_to(serve(tunnel_to(third), server_context("second.test")))
    outer = connect(radio_to(proxy, "proxy.test"), "proxy.test", 443, 20, client_context)
    inmost = driver.wrap(driver.wrap(outer, client_context, "second.test"), client_context, "third.test")
    inmost.sendall(b"hello")
    assert inmost.recv(5) == b"hello"
    with pytest.raises(ssl.SSLCertVerificationError):
        driver.wrap(connect(HostNetwork(), *plain_proxy.address), client_context, "other.test")
    driver.abandon(inmost)
    assert outer.fileno() == -1
    for secured in plain, within:
        driver.close(secured)


def test_context_options(tmp_path, serve, connect, server_context, authority):
    asking = server_context("a.test")
    asking.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(asking)
    seen = []

    def see(connection):
        seen.append(connection.getpeercert()["subjectAltName"])
        connection.sendall(b"!")

    radio = radio_to(serve(see, asking), "a.test")
    ca, client, key = tmp_path / "ca.pem", tmp_path / "client.pem", tmp_path / "key.pem"
    authority.cert_pem.write_to_path(ca)
    certificate = authority.issue_cert("client.test")
    certificate.private_key_pem.write_to_path(key)
    certificate.cert_chain_pems[0].write_to_path(client)
    context = make_context(cafile=ca, certfile=client, keyfile=key, minimum_version="TLSv1_3")
    assert context.minimum_version is ssl.TLSVersion.TLSv1_3
    assert connect(radio, "a.test", 443, 20, context).recv(1) == b"!"
    assert seen == [(("DNS", "client.test"),)]
    assert make_context(cadata=authority.cert_pem.bytes().decode()).get_ca_certs() == context.get_ca_certs()
    assert make_context(minimum_version=ssl.TLSVersion.TLSv1_2).minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_locked_key(tmp_path, authority):
    from cryptography.hazmat.primitives import serialization

    certificate = authority.issue_cert("client.test")
    unlocked = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), None)
    path = tmp_path / "locked.pem"
    path.write_bytes(
        unlocked.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"open sesame"),
        )
        + certificate.cert_chain_pems[0].bytes()
    )
    make_context(certfile=path, password="open sesame")
    with pytest.raises(InvalidValueError, match="certfile .*locked.pem.* the key is locked; give its password"):
        make_context(certfile=path)
    with pytest.raises(InvalidValueError, match="certfile") as caught:
        make_context(certfile=path, password="not that")
    assert "not that" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cafile": "/nowhere/ca.pem"}, "cafile '/nowhere/ca.pem' must hold CA certificates: .*No such file"),
        ({"cadata": "not a certificate"}, "cadata '…' must hold CA certificates"),
        ({"certfile": "/nowhere/client.pem"}, "certfile .*/nowhere/client.pem.* must be a certificate and its key"),
        ({"keyfile": "key.pem"}, "keyfile is of no use without certfile"),
        ({"minimum_version": "1.5"}, "minimum_version must be one of .*TLSv1_3.*, not '1.5'"),
    ],
)
def test_bad_context_options(options, message):
    with pytest.raises(InvalidValueError, match=message):
        make_context(**options)


def test_the_platforms_trust(driver):
    context = driver.ssl_context(HostNetwork())
    assert context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname
    assert context.cert_store_stats() == ssl.create_default_context().cert_store_stats()


def test_a_context_that_verifies_after_wrapping(serve, connect, server_context):
    """As truststore's does, which asks the operating system about the certificate once the handshake is done."""

    class LateContext(ssl.SSLContext):
        versions: list[str | None] = []

        def wrap_socket(self, *arguments, **options):
            secured = super().wrap_socket(*arguments, **options)
            self.versions.append(secured.version())
            return secured

    context = LateContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connect(radio_to(serve(context=server_context("a.test")), "a.test"), "a.test", 443, 20, context)
    assert context.versions == ["TLSv1.3"]


def test_self_signed(tmp_path, serve, connect, client_context):
    alone = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    lone = trustme.CA()
    path = tmp_path / "alone.pem"
    path.write_bytes(lone.private_key_pem.bytes() + lone.cert_pem.bytes())
    alone.load_cert_chain(path)
    with pytest.raises(CertificateError, match="it is signed by itself"):
        connect(radio_to(serve(context=alone), "a.test"), "a.test", 443, 20, client_context)
