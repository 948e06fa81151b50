"""requests and httpx over radiopool: on the host, and over an emulated W5500, with HTTPS."""

import copy
import io
import pickle
import socket
import subprocess

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


# -- requests, as its own adapter has it


@pytest.fixture
def host_session(site):
    """A session on the host's own network, and the URL of the site."""
    radio = HostNetwork(hosts=HOSTS)
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", RadiopoolAdapter(radio))
        yield session, f"http://one.example:{site.port}"
    manager_for(radio).close()


def test_a_session_keeps_cookies(host_session):
    session, url = host_session
    assert session.get(url + "/cookies").cookies.get_dict() == {"a": "1", "b": "2"}
    assert session.get(url + "/").json()["cookies"] == ["a=1; b=2"]


@pytest.mark.parametrize(
    ("path", "error"),
    [("/cut", "ChunkedEncodingError"), ("/packed", "ContentDecodingError"), ("/stuck", "ConnectionError")],
)
@pytest.mark.parametrize("stream", [False, True])
def test_errors_in_a_body_are_the_librarys_own(host_session, path, error, stream):
    session, url = host_session
    with pytest.raises(getattr(requests.exceptions, error)) as caught:
        list(session.get(url + path, timeout=(9, 0.1), stream=stream).iter_content(3))
    assert isinstance(caught.value.__cause__, radiopool.RadiopoolError)


def retries_of(package):
    return pytest.importorskip(package).Retry(5, status_forcelist=[503], allowed_methods=["POST"])


@pytest.mark.parametrize("package", ["urllib3", "radiopool.http"])
def test_the_settings_of_retries_count(site, package):
    radio = HostNetwork(hosts=HOSTS)
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", RadiopoolAdapter(radio, max_retries=retries_of(package)))
        assert session.post(f"http://one.example:{site.port}/busy").status_code == 200
    assert site.requests == [("POST", "/busy")] * 3
    manager_for(radio).close()


def test_spent_retries_are_a_retry_error(site):
    radio = HostNetwork(hosts=HOSTS)
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", RadiopoolAdapter(radio, max_retries=retries_of("urllib3").new(total=1)))
        with pytest.raises(requests.exceptions.RetryError):
            session.post(f"http://one.example:{site.port}/busy")
    assert manager_for(radio).stats()["leased"] == 0
    manager_for(radio).close()


@pytest.mark.parametrize("timeout", [0, -1, "soon", (1, 2, 3), (1, 0)])
def test_a_timeout_that_is_none_is_a_value_error(host_session, timeout):
    session, url = host_session
    with pytest.raises(ValueError, match="timeout"):
        session.get(url, timeout=timeout)


def test_timeouts_of_urllib3_and_ours(host_session):
    session, url = host_session
    for timeout in (pytest.importorskip("urllib3").Timeout(connect=9, read=0.1), radiopool.http.Timeout(read=0.1)):
        with pytest.raises(requests.exceptions.ConnectionError, match="timed out"):
            session.get(url + "/stuck", timeout=timeout)


def test_an_error_of_the_body_to_be_sent_is_the_programs_own(host_session):
    session, url = host_session

    def body():
        yield b"a"
        raise ValueError("mine")

    with pytest.raises(ValueError, match="^mine$"):
        session.post(url, data=body())
    assert session.get(url).status_code == 200


@pytest.mark.parametrize("again", [copy.deepcopy, lambda session: pickle.loads(pickle.dumps(session))])
def test_a_session_can_be_pickled(site, again):
    url = f"http://127.0.0.1:{site.port}/"
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", RadiopoolAdapter(max_retries=2, pool_maxsize=3))
        session.get(url)
        with again(session) as other:
            assert other.get(url).status_code == 200
            assert other.get_adapter(url).max_retries.total == 2


def test_who_is_trusted_can_be_a_folder(tls_site, authority, tmp_path):
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca)
    # OpenSSL finds a CA by the hash of its subject's name.
    name = subprocess.run(["openssl", "x509", "-hash", "-noout", "-in", ca], capture_output=True, check=True).stdout
    ca.rename(tmp_path / (name.decode().strip() + ".0"))
    radio = HostNetwork(hosts=HOSTS)
    with requests.Session() as session:
        session.trust_env = False
        session.mount("https://", RadiopoolAdapter(radio))
        assert session.get(f"https://one.example:{tls_site.port}/", verify=str(tmp_path)).status_code == 200
    manager_for(radio).close()


# -- httpx, as its own transport has it


@pytest.fixture
def host_client(site):
    """A client on the host's own network, and the URL of the site."""
    radio = HostNetwork(hosts=HOSTS)
    with httpx.Client(transport=RadiopoolTransport(radio)) as client:
        yield client, f"http://one.example:{site.port}"
    manager_for(radio).close()


def test_repeated_headers_are_all_sent(host_client):
    client, url = host_client
    assert client.get(url, headers=[("Cookie", "a=1"), ("Cookie", "b=2")]).json()["cookies"] == ["a=1", "b=2"]


def test_a_stream_is_handed_on_as_it_comes(host_client, site):
    client, url = host_client
    with client.stream("GET", url + "/drip") as response:
        pieces = response.iter_raw()
        assert next(pieces) == b"one\n"
        # The server goes on only now.
        site.go_on.set()
        assert b"".join(pieces) == b"two\n"


def test_a_body_of_stated_length_is_sent_as_it_is_made(host_client):
    client, url = host_client
    asked = []

    def body():
        for number in range(3):
            asked.append(number)
            yield b"x"

    answered = client.post(url, content=body(), headers={"Content-Length": "3"})
    assert (answered.json()["body"], asked) == ("xxx", [0, 1, 2])


@pytest.mark.parametrize("error", [ValueError, OSError])
def test_an_error_of_a_streamed_body_is_the_programs_own(host_client, error):
    client, url = host_client

    def body():
        yield b"a"
        raise error("mine")

    with pytest.raises(error, match="^mine$"):
        client.post(url, content=body())
    assert client.get(url).status_code == 200


@pytest.mark.parametrize(("path", "error"), [("/cut", "RemoteProtocolError"), ("/stuck", "ReadTimeout")])
def test_errors_in_a_body_are_httpxs_own(host_client, path, error):
    client, url = host_client
    with pytest.raises(getattr(httpx, error)):
        client.get(url + path, timeout=httpx.Timeout(9, read=0.1))


def test_a_timeout_of_nothing_is_a_value_error_to_httpx_too(host_client):
    client, url = host_client
    with pytest.raises(ValueError, match="timeout"):
        client.get(url, timeout=-1)
