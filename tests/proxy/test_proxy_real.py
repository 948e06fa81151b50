"""ProxyManager through squid, tinyproxy and proxy.py."""

import ssl

import pytest

from radiopool import manager_for
from radiopool.http import MaxRetryError, ProxyError, ProxyManager, SSLError, make_headers, proxy_from_environment

USER, PASSWORD = "alice", "open-sesame"
KINDS = ("squid", "tinyproxy", "proxy.py")

# proxy.py 2.4 sends every request of a kept connection to the host of the first one, whatever its URL says, and from
# the second on with Proxy-Authorization: what it forwards must not be kept.
NOT_KEPT = {"proxy.py": {"Connection": "close"}}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def test_plain_http_is_forwarded(kind, run_proxy, make_target, radio):
    first, second = make_target(), make_target()
    with ProxyManager(run_proxy(kind).url, radio=radio, proxy_headers=NOT_KEPT.get(kind)) as http:
        for target in (first, second, first):
            response = http.request("GET", target.url + "/a?b=c")
            assert (response.status, response.data) == (200, b"GET /a?b=c ")
        response = http.request("POST", first.url + "/post", body=b"x" * 100_000)
        assert response.data == b"POST /post " + b"x" * 100_000
        assert len(http.pools) == 1
    hosts = [headers["Host"] for _, _, headers in first.requests]
    assert hosts == ["127.0.0.1:%d" % first.port] * 3


@pytest.mark.parametrize("kind", ["squid", "proxy.py"])
def test_the_connection_to_the_proxy_is_kept(kind, run_proxy, make_target, radio):
    target = make_target()
    with ProxyManager(run_proxy(kind).url, radio=radio) as http:
        for number in range(5):
            assert http.request("GET", f"{target.url}/{number}").data == b"GET /%d " % number
        pool = http.connection_from_url(target.url)
        assert (pool.num_requests, pool.num_connections) == (5, 1)


def test_https_through_a_tunnel_is_kept_alive(kind, run_proxy, make_target, authority, radio):
    first, second = make_target(tls=True), make_target(tls=True)
    with ProxyManager(run_proxy(kind).url, radio=radio, ca_certs=authority[1]) as http:
        for number in range(4):
            for target in (first, second):
                assert http.request("GET", f"{target.url}/{number}").data == b"GET /%d " % number
        assert len(http.pools) == 2
        stats = manager_for(radio).stats()
        assert (stats["opened"], stats["reused"], stats["idle"]) == (2, 6, 2)
    assert len(first.accepted) == len(second.accepted) == 1
    assert len(first.requests) == len(second.requests) == 4


def test_tunnels_count_in_the_budget(kind, run_proxy, make_target, authority, radio):
    targets = [make_target(tls=True) for _ in range(3)]
    manager = manager_for(radio)
    manager.set_budget((2, 2))
    with ProxyManager(run_proxy(kind).url, manager=manager, ca_certs=authority[1]) as http:
        for target in targets * 2:
            assert http.request("GET", target.url + "/").status == 200
            assert manager.managed_socket_count <= 2
    assert [len(target.accepted) for target in targets] == [2, 2, 2]


@pytest.mark.parametrize("how", ["headers", "url"])
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_credentials(kind, how, tls, run_proxy, make_target, authority, radio):
    proxy, target = run_proxy(kind, auth=True), make_target(tls=tls)
    with ProxyManager(proxy.url, radio=radio, ca_certs=authority[1], retries=False) as http:
        if tls:
            with pytest.raises(ProxyError, match="Tunnel connection failed: 40[17]") as caught:
                http.request("GET", target.url + "/")
            assert caught.value.original_error.status in (407, 401)
        else:
            assert http.request("GET", target.url + "/").status in (407, 401)
        assert manager_for(radio).managed_socket_count <= (not tls)
    assert not target.requests
    if how == "url":
        made = NOT_KEPT.get(kind)
        http = ProxyManager(proxy.with_credentials(), proxy_headers=made, radio=radio, ca_certs=authority[1])
    else:
        made = {**make_headers(proxy_basic_auth=f"{USER}:{PASSWORD}"), **NOT_KEPT.get(kind, {})}
        http = ProxyManager(proxy.url, proxy_headers=made, radio=radio, ca_certs=authority[1])
    with http:
        for _ in range(2):
            assert http.request("GET", target.url + "/", headers={"X-Own": "1"}).status == 200
    for _, _, headers in target.requests:
        assert "proxy-authorization" not in {name.lower() for name in headers}
        assert headers["X-Own"] == "1"
    assert len(target.requests) == 2
    if tls:
        assert len(target.accepted) == 1


def test_proxy_authorization_of_a_request_never_reaches_the_target(kind, run_proxy, make_target, authority, radio):
    target = make_target(tls=True)
    with ProxyManager(run_proxy(kind).url, radio=radio, ca_certs=authority[1]) as http:
        for name in ("Proxy-Authorization", "proxy-authorization"):
            assert http.request("GET", target.url + "/", headers={name: "Basic secret", "X-Own": "1"}).status == 200
    for _, _, headers in target.requests:
        assert "proxy-authorization" not in {name.lower() for name in headers}
        assert headers["X-Own"] == "1"


@pytest.mark.parametrize("kind", ["squid", "proxy.py"])
def test_tls_proxy(kind, run_proxy, make_target, authority, radio):
    proxy = run_proxy(kind, tls=True)
    plain, secure = make_target(), make_target(tls=True)
    trust = ssl.create_default_context(cafile=authority[1])
    with ProxyManager(proxy.url, radio=radio, proxy_ssl_context=trust, ca_certs=authority[1]) as http:
        for _ in range(3):
            assert http.request("GET", plain.url + "/").data == b"GET / "
            assert http.request("GET", secure.url + "/").data == b"GET / "
        body = b"z" * 300_000
        assert http.request("POST", secure.url + "/", body=body).data == b"POST / " + body
    assert len(secure.accepted) == 1


@pytest.mark.parametrize("kind", ["squid", "proxy.py"])
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_a_tls_proxy_that_is_not_trusted(kind, tls, run_proxy, make_target, authority, radio):
    target = make_target(tls=tls)
    proxy = run_proxy(kind, tls=True)
    with ProxyManager(
        proxy.url, radio=radio, proxy_ssl_context=ssl.create_default_context(), ca_certs=None, retries=False
    ) as http:
        with pytest.raises(ProxyError) as caught:
            http.request("GET", target.url + "/")
        assert isinstance(caught.value.original_error, SSLError)
        assert f"the certificate of 127.0.0.1 port {proxy.port} is refused" in str(caught.value)
        assert manager_for(radio).managed_socket_count == 0


def test_the_name_and_fingerprint_of_a_tls_proxy(run_proxy, make_target, authority, radio):
    proxy, target = run_proxy("proxy.py", tls=True), make_target()

    def through(**options):
        return ProxyManager(proxy.url, radio=radio, ca_certs=authority[1], retries=False, **options)

    with (
        through(proxy_assert_hostname="other.example") as http,
        pytest.raises(ProxyError, match=r"not for 'other\.example'"),
    ):
        http.request("GET", target.url + "/")
    with (
        through(proxy_assert_fingerprint="00" * 32) as http,
        pytest.raises(ProxyError, match="Fingerprints did not match"),
    ):
        http.request("GET", target.url + "/")
    assert manager_for(radio).managed_socket_count == 0
    with through(proxy_assert_hostname="localhost") as http:
        assert http.request("GET", target.url + "/").status == 200


def test_a_wrong_certificate_of_the_target(kind, run_proxy, make_target, authority, radio):
    target = make_target(tls=True, certificate=authority[0].issue_cert("elsewhere.example"))
    proxy = run_proxy(kind)
    with (
        ProxyManager(proxy.url, radio=radio, ca_certs=authority[1], retries=False) as http,
        pytest.raises(SSLError) as caught,
    ):
        http.request("GET", target.url + "/")
    assert not isinstance(caught.value, ProxyError)
    assert f"the certificate of 127.0.0.1 port {target.port} is refused" in str(caught.value)
    assert f"this is the target's TLS, inside the tunnel of the proxy {proxy.url}" in str(caught.value)
    assert manager_for(radio).managed_socket_count == 0


def test_a_target_that_nobody_listens_at(kind, run_proxy, make_target, authority, radio):
    target = make_target(tls=True)
    target.socket.close()
    with (
        ProxyManager(run_proxy(kind).url, radio=radio, ca_certs=authority[1], retries=1) as http,
        pytest.raises(MaxRetryError) as caught,
    ):
        http.request("GET", target.url + "/")
    assert isinstance(caught.value.reason, (ProxyError, SSLError))
    assert manager_for(radio).managed_socket_count == 0


def test_redirects_from_forwarded_to_tunnelled_and_back(kind, run_proxy, make_target, authority, radio):
    plain, secure = make_target(), make_target(tls=True)
    proxy = run_proxy(kind, auth=True).with_credentials()
    with ProxyManager(proxy, proxy_headers=NOT_KEPT.get(kind), radio=radio, ca_certs=authority[1]) as http:
        response = http.request("GET", f"{plain.url}/to?{secure.url}/to?{plain.url}/end")
        assert response.data == b"GET /end "
    for _, _, headers in plain.requests + secure.requests:
        assert "proxy-authorization" not in {name.lower() for name in headers}


def test_proxies_of_the_environment(run_proxy, make_target, authority, radio, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
    proxy, plain, secure, direct = run_proxy("proxy.py"), make_target(), make_target(tls=True), make_target()
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{proxy.port}")
    monkeypatch.setenv("NO_PROXY", f"elsewhere.example, 127.0.0.1:{direct.port}")
    with proxy_from_environment(radio=radio, ca_certs=authority[1]) as http:
        for target in (plain, secure, direct):
            assert http.request("GET", target.url + "/").data == b"GET / "
        assert http.connection_from_url(plain.url).proxy.port == proxy.port
        assert http.connection_from_url(secure.url).proxy.port == proxy.port
        assert http.connection_from_url(direct.url).proxy is None
        assert http.request("GET", f"{plain.url}/to?{direct.url}/end").data == b"GET /end "
    assert "Via" in plain.requests[0][2]
    assert "Via" not in direct.requests[0][2]
