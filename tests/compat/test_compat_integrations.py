"""requests and httpx over radiopool: on the host, and over an emulated W5500, with HTTPS."""

import io
import socket

import pytest

import radiopool
from radiopool import manager_for
from radiopool_cpython import HostNetwork

requests = pytest.importorskip("requests")
httpx = pytest.importorskip("httpx")

from radiopool.integrations.httpx import RadiopoolTransport  # noqa: E402
from radiopool.integrations.requests import RadiopoolAdapter  # noqa: E402

HOSTS = {"one.example": "127.0.0.1", "two.example": "127.0.0.1"}


@pytest.fixture(params=["cpython", "w5500"])
def radio(request, site, tls_site):
    """A radio on which one.example is the two sites of the test; it has nothing open afterwards."""
    routes = {("127.0.0.1", 80): ("127.0.0.1", site.port), ("127.0.0.1", 443): ("127.0.0.1", tls_site.port)}
    if request.param == "cpython":
        radio = HostNetwork(hosts=HOSTS, routes=routes)
    else:
        pytest.importorskip("radiopool_wiznet5k")
        routes |= {(name, port): place for (_, port), place in routes.items() for name in HOSTS}
        radio = radiopool.driver_named("wiznet5k").emulated("w5500", hosts=HOSTS, routes=routes)
    yield radio
    manager = manager_for(radio)
    counts = manager.stats()
    manager.close()
    if hasattr(radio, "emulator"):
        radio.emulator.close()
    assert (counts["leased"], counts["idle"]) == (0, 0), counts


@pytest.fixture
def session(radio, client_context):
    with requests.Session() as session:
        session.trust_env = False
        adapter = RadiopoolAdapter(radio, ssl_context=client_context)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        yield session


@pytest.fixture
def client(radio, client_context):
    with httpx.Client(transport=RadiopoolTransport(radio, ssl_context=client_context)) as client:
        yield client


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_requests(session, scheme, site, tls_site):
    url = scheme + "://one.example"
    assert session.get(url + "/a?b=c").json()["path"] == "/a?b=c"
    assert session.post(url + "/", json={"a": 1}).json()["body"] == '{"a": 1}'
    assert session.post(url + "/", data=iter([b"a", b"bc"])).json()["body"] == "abc"
    assert 'name="f"; filename="n"' in session.post(url + "/", files={"f": ("n", io.BytesIO(b"x"))}).json()["body"]
    assert session.head(url + "/100").headers["content-length"] == "100"
    with session.get(url + "/20000", stream=True) as response:
        assert sum(map(len, response.iter_content(999))) == 20000
    assert (tls_site if scheme == "https" else site).connections == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_httpx(client, scheme, site, tls_site):
    url = scheme + "://one.example"
    assert client.get(url + "/a", params={"b": "c"}).json()["path"] == "/a?b=c"
    assert client.post(url + "/", json={"a": 1}).json()["body"].replace(" ", "") == '{"a":1}'
    assert client.post(url + "/", content=iter([b"a", b"bc"])).json()["body"] == "abc"
    assert client.put(url + "/", data={"a": "b"}).json()["type"] == "application/x-www-form-urlencoded"
    with client.stream("GET", url + "/20000") as response:
        assert sum(map(len, response.iter_bytes())) == 20000
    assert (tls_site if scheme == "https" else site).connections == 1


def test_a_response_that_is_not_read_gives_its_socket_back(session, client, radio):
    session.get("http://one.example/20000", stream=True).close()
    with client.stream("GET", "http://one.example/20000"):
        pass
    assert manager_for(radio).stats()["leased"] == 0


def test_errors_are_the_librarys_own():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    radio = HostNetwork(hosts=HOSTS)
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", RadiopoolAdapter(radio))
        with pytest.raises(requests.exceptions.ConnectionError) as caught:
            session.get(f"http://one.example:{port}/")
        assert caught.value.request.url == f"http://one.example:{port}/"
        with pytest.raises(requests.exceptions.ConnectionError):
            session.get("http://no-such-host.invalid/")
    with httpx.Client(transport=RadiopoolTransport(radio)) as client, pytest.raises(httpx.ConnectError):
        client.get(f"http://one.example:{port}/")
    manager_for(radio).close()


def test_a_silent_server_is_a_read_timeout():
    radio = HostNetwork(hosts=HOSTS)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://one.example:{listener.getsockname()[1]}/"
        with requests.Session() as session:
            session.trust_env = False
            session.mount("http://", RadiopoolAdapter(radio))
            with pytest.raises(requests.exceptions.ReadTimeout):
                session.get(url, timeout=0.05)
        transport = RadiopoolTransport(radio)
        with httpx.Client(transport=transport, timeout=0.05) as client, pytest.raises(httpx.ReadTimeout):
            client.get(url)
    manager_for(radio).close()


def test_certificates_are_verified(tls_site, authority, tmp_path):
    radio = HostNetwork(hosts=HOSTS)
    url = f"https://one.example:{tls_site.port}/"
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(trusted)
    with requests.Session() as session:
        session.trust_env = False
        session.mount("https://", RadiopoolAdapter(radio))
        with pytest.raises(requests.exceptions.SSLError):
            session.get(url)
        assert session.get(url, verify=str(trusted)).status_code == 200
    with httpx.Client(transport=RadiopoolTransport(radio)) as client, pytest.raises(httpx.ConnectError):
        client.get(url)
    manager_for(radio).close()
