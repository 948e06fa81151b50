"""ProxyManager itself: its URLs, its pools, what it keeps to itself, and where it can't be had."""

import doctest
import http.server
import pickle
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import radiopool.http
from radiopool import Driver, InvalidValueError, Traits, manager_for
from radiopool.http import (
    HTTPConnectionPool,
    HTTPHeaderDict,
    InvalidHeader,
    LocationParseError,
    LocationValueError,
    PoolManager,
    ProxyManager,
    URLSchemeUnknown,
    make_headers,
    proxy_from_environment,
    proxy_from_url,
)
from radiopool.http.exceptions import ProxySchemeUnknown, ProxySchemeUnsupported
from radiopool.http.forwarding import ForwardingPool
from radiopool_cpython import HostNetwork

# The document's example: the class, and the two ways to authenticate.
DOCUMENT = """
>>> headers = urllib3.make_headers(proxy_basic_auth='myusername:mypassword')
>>> proxy = urllib3.ProxyManager('http://localhost:3128', proxy_headers=headers)
>>> r = proxy.request('GET', 'http://example.com/')
>>> r.status
200
>>> proxy.clear()
>>> proxy = urllib3.ProxyManager('http://localhost:3128/')
>>> r1 = proxy.request('GET', 'http://google.com/')
>>> r2 = proxy.request('GET', 'http://httpbin.org/')
>>> len(proxy.pools)
1
>>> r3 = proxy.request('GET', 'https://httpbin.org/')
>>> r4 = proxy.request('GET', 'https://twitter.com/')
>>> len(proxy.pools)
3
"""


class Forwarder(http.server.BaseHTTPRequestHandler):
    """A proxy that answers for every host itself, and passes tunnels on to one server."""

    protocol_version = "HTTP/1.1"
    timeout = 20

    def do_GET(self):
        self.server.seen.append((self.command, self.path, self.headers))
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(302 if "/to?" in self.path else 200)
        if "/to?" in self.path:
            self.send_header("Location", self.path.partition("/to?")[2])
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET

    def do_CONNECT(self):
        self.server.seen.append((self.command, self.path, self.headers))
        self.send_response(200)
        self.end_headers()
        with socket.create_connection(self.server.tunnels_to) as far:
            back = threading.Thread(target=self.pump, args=(far, self.connection))
            back.start()
            self.pump(self.connection, far)
            back.join()
        self.close_connection = True

    @staticmethod
    def pump(source, sink):
        try:
            while True:
                received = source.recv(65536)
                if not received:
                    break
                sink.sendall(received)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def log_message(self, *_):
        pass


class Serving:
    def __init__(self, handler):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = False
        self.server.seen = self.seen = []
        self.port = self.server.server_address[1]
        self.url = "http://127.0.0.1:%d" % self.port
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def stop(self):
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


@pytest.fixture
def proxy():
    serving = Serving(Forwarder)
    yield serving
    serving.stop()


@pytest.fixture
def radio():
    network = HostNetwork()
    with manager_for(network):
        yield network


@pytest.fixture
def https_target():
    """(port, context that trusts it): an HTTPS server for any of the document's hosts."""
    import ssl

    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("httpbin.org", "twitter.com", "target.example").configure_cert(server)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    serving = Serving(Forwarder)

    def handshake_later(get_request=serving.server.get_request):
        connection, address = get_request()
        return server.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    serving.server.get_request = handshake_later
    yield serving, trust
    serving.stop()


def test_the_examples_of_the_document(proxy, https_target, radio):
    target, trust = https_target
    proxy.server.tunnels_to = ("127.0.0.1", target.port)
    radio.hosts["localhost"] = ("127.0.0.1",)
    radio.routes["127.0.0.1", 3128] = ("127.0.0.1", proxy.port)
    made = []

    class Document:
        make_headers = staticmethod(make_headers)

        @staticmethod
        def ProxyManager(*arguments, **keywords):
            made.append(ProxyManager(*arguments, radio=radio, ssl_context=trust, **keywords))
            return made[-1]

    test = doctest.DocTestParser().get_doctest(DOCUMENT, {"urllib3": Document}, "document", None, 0)
    report = []
    results = doctest.DocTestRunner().run(test, out=report.append)
    assert results.attempted == 12
    assert not results.failed, "".join(report)
    for manager in made:
        manager.clear()
    assert [path for command, path, _ in proxy.seen if command == "CONNECT"] == ["httpbin.org:443", "twitter.com:443"]
    first, second, *_ = proxy.seen
    assert first[2]["Proxy-Authorization"] == "Basic bXl1c2VybmFtZTpteXBhc3N3b3Jk"
    assert "Proxy-Authorization" not in second[2]


def test_forwarded_requests_are_absolute_and_name_their_host(proxy, radio):
    with ProxyManager(proxy.url, radio=radio, headers={"X-Mine": "1"}) as http:
        http.request("GET", "http://Example.com/a%7eb/../c?q#fragment")
        http.request("GET", "http://example.com:8080")
        http.request("GET", "http://user:word@[::1]:80/")
        http.request("POST", "http://example.com/", body=b"x" * 70_000, headers={"Host": "other"})
        http.request("GET", "http://example.com/", fields={"a": "1"}, headers=HTTPHeaderDict({"X": "2"}))
    seen = [(command, path, headers["Host"], headers["X-Mine"]) for command, path, headers in proxy.seen]
    assert seen == [
        ("GET", "http://example.com/c?q", "example.com", "1"),
        ("GET", "http://example.com:8080/", "example.com:8080", "1"),
        ("GET", "http://[::1]:80/", "[::1]", "1"),
        ("POST", "http://example.com/", "other", None),
        ("GET", "http://example.com/?a=1", "example.com", None),
    ]


def test_one_connection_for_all_plain_hosts(proxy, radio):
    with ProxyManager(proxy.url, radio=radio) as http:
        for host in ("a.example", "b.example", "c.example", "a.example"):
            assert http.request("GET", f"http://{host}/").status == 200
        (pool,) = [http.connection_from_host(host) for host in ("a.example",)]
        assert pool is http.connection_from_url("http://b.example:8080/")
        assert (pool.num_requests, pool.num_connections, len(http.pools)) == (4, 1, 1)
        assert (pool.host, pool.port) == ("127.0.0.1", proxy.port)


def test_proxy_headers_go_to_the_proxy_alone(proxy, https_target, radio):
    target, trust = https_target
    proxy.server.tunnels_to = ("127.0.0.1", target.port)
    own = {"Proxy-Authorization": "Basic abc", "X-Proxy": "1", "x-both": "proxy's"}
    with ProxyManager(proxy.url, radio=radio, proxy_headers=own, ssl_context=trust) as http:
        for _ in range(2):
            http.request("GET", "http://target.example/", headers={"X-Both": "mine"})
            http.request("GET", "https://target.example/", headers={"X-Both": "mine"})
            http.request("GET", "https://target.example/", headers=HTTPHeaderDict({"proxy-AUTHORIZATION": "x"}))
        assert http.proxy_headers == own
    assert [command for command, *_ in proxy.seen] == ["GET", "CONNECT", "GET"]
    for _, _, headers in proxy.seen:
        assert headers["Proxy-Authorization"] == "Basic abc" and headers["X-Proxy"] == "1"
        assert headers.get_all("X-Both") == ["proxy's"]
    assert [headers["X-Both"] for _, _, headers in target.seen] == ["mine", None, "mine", None]
    for _, _, headers in target.seen:
        assert not {"proxy-authorization", "x-proxy"} & {name.lower() for name in headers}


@pytest.mark.parametrize("replaced", [False, True])
def test_headers_for_the_proxy_can_be_changed(proxy, https_target, radio, replaced):
    target, trust = https_target
    proxy.server.tunnels_to = ("127.0.0.1", target.port)
    url = proxy.url.replace("//", "//bob:old@")
    with ProxyManager(url, radio=radio, ssl_context=trust) as http:
        for token in ("new", "newer"):
            for _ in range(2):
                http.request("GET", "http://target.example/")
                http.request("GET", "https://target.example/")
            held = http.connection_from_url("http://target.example/")
            if replaced:
                http.proxy_headers = HTTPHeaderDict({"Proxy-Authorization": token})
            else:
                http.proxy_headers["Proxy-Authorization"] = token
        http.request("GET", "http://target.example/")
        assert http.connection_from_url("https://target.example/").request("GET", "/").status == 200
        assert http.connection_from_url("http://target.example/") is not held
        http.proxy_headers = None
        http.request("GET", "http://target.example/")
        # What was opened with other headers serves no more.
        assert manager_for(radio).managed_socket_count == 1
        http.proxy_headers = {"X": "5 \u20ac"}
        for _ in range(2):
            with pytest.raises(InvalidHeader):
                http.request("GET", "http://target.example/")
    old = "Basic Ym9iOm9sZA=="
    assert [(command, headers["Proxy-Authorization"]) for command, _, headers in proxy.seen] == [
        ("GET", old), ("CONNECT", old), ("GET", old),
        ("GET", "new"), ("CONNECT", "new"), ("GET", "new"),
        ("GET", "newer"), ("CONNECT", "newer"),
        ("GET", None),
    ]  # fmt: skip


def test_headers_changed_while_a_pool_is_made(radio, monkeypatch):
    """As another thread may: the pool that comes of it has the new ones all the same."""
    http = ProxyManager("http://proxy.example:3128", radio=radio, proxy_headers={"X": "old"})

    class Slow(ForwardingPool):
        def __init__(self, *arguments, **keywords):
            if http.proxy_headers["X"] == "old":
                http.proxy_headers["X"] = "new"
                http.connection_from_url("https://a.example/")
            super().__init__(*arguments, **keywords)

    http.pool_classes_by_scheme["http"] = Slow
    pool = http.connection_from_url("http://a.example/")
    assert pool.proxy_headers == {"X": "new"}
    assert http.connection_from_url("http://a.example/") is pool


def test_redirects_lose_authorization(proxy, radio):
    with ProxyManager(proxy.url, radio=radio, proxy_headers={"Proxy-Authorization": "p"}) as http:
        response = http.request(
            "GET", "http://a.example/to?http://b.example/", headers={"Authorization": "a", "X-Own": "1"}
        )
    assert response.geturl() == "http://b.example/"
    first, second = (headers for _, _, headers in proxy.seen)
    assert (first["Authorization"], first["Proxy-Authorization"], first["Host"]) == ("a", "p", "a.example")
    assert (second["Authorization"], second["Proxy-Authorization"], second["Host"]) == (None, "p", "b.example")


def test_tunnels_are_found_by_a_key_that_holds_the_proxy(proxy, https_target, radio):
    target, trust = https_target
    proxy.server.tunnels_to = ("127.0.0.1", target.port)
    with (
        ProxyManager(proxy.url, radio=radio, ssl_context=trust) as one,
        ProxyManager(proxy.url, radio=radio, ssl_context=trust) as other,
        PoolManager(radio=radio) as direct,
    ):
        one.request("GET", "https://target.example/")
        key, context = one.connection_from_host("target.example", 443, "https")._lease_key
        assert (key.host, key.port, key.tls, key.proxy) == ("target.example", 443, id(trust), one.proxy)
        assert context is trust
        assert direct.connection_from_host("a.example")._make_key()[0].proxy is None
        manager = manager_for(radio)
        assert (manager.available_socket_count, manager.stats()["opened"]) == (1, 1)
        # A manager of its own is a session of its own, and opens its own tunnel.
        other.request("GET", "https://target.example/")
        assert manager.stats()["opened"] == 2


def test_many_threads_share_the_pools(proxy, https_target, radio):
    target, trust = https_target
    proxy.server.tunnels_to = ("127.0.0.1", target.port)
    urls = ["http://a.example/", "https://target.example/", "http://b.example/"] * 20
    with ProxyManager(proxy.url, radio=radio, ssl_context=trust, maxsize=4, block=True) as http:
        with ThreadPoolExecutor(6) as threads:
            assert {response.status for response in threads.map(lambda url: http.request("GET", url), urls)} == {200}
        assert len(http.pools) == 2
        assert manager_for(radio).managed_socket_count <= 8


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://proxy:3128", "unsupported scheme ftp"),
        ("proxy.example", "had no scheme"),
        ("localhost:3128", "had no scheme"),
        ("socks4://proxy", "unsupported scheme socks4"),
    ],
)
def test_urls_that_are_no_proxys(url, message, radio):
    with pytest.raises(ProxySchemeUnknown, match=message):
        ProxyManager(url, radio=radio)
    with pytest.raises(ProxySchemeUnknown):
        proxy_from_url(url, radio=radio)


def test_a_bad_proxy_url_keeps_its_password(radio):
    for url in ("http://bob:hunter2@[bad:1/", "http://bob:hunter2@host:99999", "http://bob:hunter2@host:port"):
        with pytest.raises(LocationParseError) as caught:
            ProxyManager(url, radio=radio)
        assert "hunter2" not in str(caught.value) + repr(caught.value) + caught.value.location
        assert caught.value.__cause__ is None and caught.value.__suppress_context__
    # The name of the scheme forgotten, and what must be percent-encoded.
    for url in (
        "b.b:hunter2@host:99999",
        "//bob:hunter2@host:99999",
        "b.b:hunter2://x@host:99999",
        "socks5://b:hunter2@a..b",
    ):
        with pytest.raises(LocationParseError, match=r"\*\*\*@") as caught:
            ProxyManager(url, radio=radio)
        assert "hunter2" not in str(caught.value) + repr(caught.value) + caught.value.location
    for mark in "/?#":
        with pytest.raises(LocationValueError, match="an @ behind") as misread:
            ProxyManager(f"http://bob:12{mark}hunter2@host:3128", radio=radio)
        assert "12" not in str(misread.value)
    with pytest.raises(LocationValueError):
        ProxyManager("http://", radio=radio)
    with pytest.raises(LocationValueError):
        ProxyManager(None, radio=radio)
    with pytest.raises(InvalidHeader) as refused:
        ProxyManager("http://h", radio=radio, proxy_headers={"Proxy-Authorization": "hunter2\r\nX: y"})
    assert "hunter2" not in str(refused.value)


def test_nothing_that_is_shown_has_the_password(radio):
    http = ProxyManager("http://bob:hunter%32%3A@proxy.example:3128/path", radio=radio)
    assert http.proxy_headers == {"Proxy-Authorization": "Basic Ym9iOmh1bnRlcjI6"}
    pools = [http.connection_from_url("http://a.example"), http.connection_from_url("https://a.example")]
    shown = [http, http.proxy, http.proxy_config, http.route, *pools, *(pool.proxy for pool in pools)]
    shown += [pools[0]._make_key(), pools[1]._make_key(), http.connection_pool_kw, http.pools.keys()]
    for one in shown:
        for text in (repr(one), str(one)):
            assert "hunter" not in text and "Ym9iOm" not in text
    assert http.proxy.url == "http://proxy.example:3128"
    assert "proxy.example" in repr(http)


def test_given_credentials_win_over_those_of_the_url(radio):
    http = ProxyManager("http://bob:word@proxy", radio=radio, proxy_headers={"proxy-authorization": "Bearer x"})
    assert http.proxy_headers == {"proxy-authorization": "Bearer x"}
    assert (http.proxy.port, ProxyManager("https://proxy", radio=radio).proxy.port) == (80, 443)


def test_a_connection_pool_stands_for_its_host(proxy, radio):
    pool = HTTPConnectionPool("127.0.0.1", proxy.port, manager=manager_for(radio))
    with ProxyManager(pool, radio=radio) as http:
        assert http.request("GET", "http://a.example/").status == 200


def test_only_http_and_https_go_through(radio):
    http = ProxyManager("http://127.0.0.1:1", radio=radio)
    with pytest.raises(URLSchemeUnknown):
        http.request("GET", "ftp://a.example/")
    with pytest.raises(LocationValueError):
        http.connection_from_host(None)
    with pytest.raises(LocationValueError, match="absolute"):
        http.connection_from_host("a.example").request("GET", "/path")


def test_pool_classes_that_would_go_past_the_proxy(radio):
    http = ProxyManager("http://127.0.0.1:1", radio=radio)
    http.pool_classes_by_scheme["http"] = HTTPConnectionPool
    with pytest.raises(InvalidValueError, match="past the proxy"):
        http.request("GET", "http://a.example/")


def test_forwarding_of_https_needs_a_tls_proxy(radio):
    def pools(url, **options):
        http = ProxyManager(url, radio=radio, **options)
        return [type(http.connection_from_url(target)).__name__ for target in ("http://a.example", "https://a.example")]

    assert pools("http://p", use_forwarding_for_https=True) == ["ForwardingPool", "TunnelPool"]
    assert pools("https://p") == ["ForwardingPool", "TunnelPool"]
    assert pools("https://p", use_forwarding_for_https=True) == ["ForwardingPool", "ForwardingPool"]


def test_a_tls_proxy_forwards_https(https_target, radio):
    serving, trust = https_target
    radio.hosts["target.example"] = ("127.0.0.1",)
    url = f"https://target.example:{serving.port}"
    own = {"X-Proxy": "1"}
    with ProxyManager(
        url, radio=radio, proxy_headers=own, proxy_ssl_context=trust, use_forwarding_for_https=True
    ) as http:
        for _ in range(2):
            assert http.request("GET", "https://a.example/x").status == 200
            assert http.request("GET", "http://b.example/y").status == 200
        pool = http.connection_from_url("https://a.example")
        assert (pool.num_requests, pool.num_connections, len(http.pools)) == (4, 1, 1)
        assert pool._lease_key[0].tls == id(trust)
        assert http.connection_from_pool_key(pool.pool_key) is pool
    assert [(path, headers["Host"], headers["X-Proxy"]) for _, path, headers in serving.seen] == [
        ("https://a.example/x", "a.example", "1"),
        ("http://b.example/y", "b.example", "1"),
    ] * 2


class ChipTLS(Driver):
    """A radio with the host's sockets, whose TLS is said to be on a chip."""

    name = "chip-tls"

    def socket_pool(self, radio):
        return radio

    def traits(self, radio):
        return Traits(tls="chip")


class BareSockets:
    """A socket pool whose sockets are not the system's."""

    SOCK_STREAM = socket.SOCK_STREAM
    AF_INET = socket.AF_INET
    getaddrinfo = staticmethod(socket.getaddrinfo)

    @staticmethod
    def socket(*arguments):
        return socket.socket(*arguments)


def test_tls_on_the_chip_allows_plain_http_only(proxy):
    with manager_for(BareSockets(), driver=ChipTLS()) as manager:
        with ProxyManager(proxy.url, manager=manager) as http:
            assert http.request("GET", "http://a.example/").status == 200
            with pytest.raises(ProxySchemeUnsupported, match="the TLS of this radio's chip .driver chip-tls."):
                http.request("GET", "https://a.example/")
            assert manager.stats()["leased"] == 0
        with pytest.raises(ProxySchemeUnsupported, match="operating system's sockets"):
            ProxyManager("socks5://127.0.0.1:1", manager=manager)
    assert [command for command, *_ in proxy.seen] == ["GET"]


def test_names_are_found(radio):
    for name in ("ProxyManager", "proxy_from_url", "proxy_from_environment"):
        assert getattr(radiopool.http, name) is globals()[name]
        assert name in radiopool.http.names.__all__


def test_errors_can_be_pickled(radio):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(radiopool.http.ProxyError) as caught:
        ProxyManager(f"http://127.0.0.1:{port}", radio=radio).request("GET", "http://a.example/", retries=False)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert type(again.original_error) is type(caught.value.original_error)


# -- the environment

NAMES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")


@pytest.fixture
def environment(monkeypatch):
    """Sets the variables given, and removes all others that count."""

    def settle(**variables):
        for name in (*NAMES, *map(str.upper, NAMES), "REQUEST_METHOD"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return settle


def proxies_of(http, *urls):
    found = [http.connection_from_url(url).proxy for url in urls]
    return [proxy and proxy.url for proxy in found]


def test_proxies_of_the_environment(environment, radio):
    environment(HTTP_PROXY="http://bob:hunter2@one:1", HTTPS_PROXY="two:2", all_proxy="http://three:3")
    http = proxy_from_environment(radio=radio)
    assert proxies_of(http, "http://a.example", "https://a.example") == ["http://one:1", "http://two:2"]
    assert "hunter2" not in repr(http)
    environment(HTTP_PROXY="http://one:1", http_proxy="http://small:1")
    assert proxies_of(proxy_from_environment(radio=radio), "http://a.example", "https://b") == ["http://small:1", None]
    # In a CGI program HTTP_PROXY is a header that the client sent.
    environment(HTTP_PROXY="http://one:1", REQUEST_METHOD="GET")
    assert proxies_of(proxy_from_environment(radio=radio), "http://a.example") == [None]
    environment()
    assert proxies_of(proxy_from_environment(radio=radio), "http://a.example") == [None]
    # It was read when it was asked for.
    assert proxies_of(http, "http://a.example") == ["http://one:1"]


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("*", "http://a.example", True),
        ("a.example", "http://a.example", True),
        ("a.example", "http://sub.a.example/path", True),
        ("a.example", "http://ba.example", False),
        (".a.example", "http://a.example", True),
        ("x, A.Example ,y", "http://a.EXAMPLE:81", True),
        ("a.example:81", "http://a.example:81", True),
        ("a.example:81", "http://a.example", False),
        ("127.0.0.1", "http://127.0.0.1:5000", True),
        ("", "http://a.example", False),
    ],
)
def test_no_proxy_as_the_standard_library_reads_it(no_proxy, url, direct, environment, radio):
    environment(http_proxy="http://one:1", no_proxy=no_proxy)
    import urllib.request

    assert bool(urllib.request.proxy_bypass_environment(urllib.request.Request(url).host)) is direct
    assert proxies_of(proxy_from_environment(radio=radio), url) == [None if direct else "http://one:1"]


@pytest.mark.parametrize("port", ["", ":8080"])
@pytest.mark.parametrize("no_proxy", ["::1", "[::1]", "[::1]:8080"])
def test_an_ipv6_address_in_no_proxy(no_proxy, port, environment, radio):
    environment(http_proxy="http://one:1", no_proxy="localhost," + no_proxy)
    http = proxy_from_environment(radio=radio)
    direct = port == ":8080" or "8080" not in no_proxy
    assert proxies_of(http, f"http://[::1]{port}/", "http://[::2]/") == [
        None if direct else "http://one:1",
        "http://one:1",
    ]
    assert http.connection_from_host("::1", 8080).proxy is None


def test_settings_changed_later_count_with_and_without_a_proxy(environment, radio):
    environment(http_proxy="http://one:1", no_proxy="b.example")
    http = proxy_from_environment(radio=radio, maxsize=2)
    http.connection_pool_kw["maxsize"] = 3
    assert [http.connection_from_url(f"http://{host}.example").maxsize for host in "ab"] == [3, 3]


def test_requests_by_the_environment(environment, proxy, radio):
    radio.hosts["direct.example"] = ("127.0.0.1",)
    direct = Serving(Forwarder)
    try:
        environment(http_proxy=proxy.url, no_proxy="direct.example")
        with proxy_from_environment(radio=radio, headers={"X-Mine": "1"}, proxy_headers={"X-Proxy": "1"}) as http:
            url = f"http://direct.example:{direct.port}/"
            assert http.request("GET", f"http://far.example/to?{url}").status == 200
            assert manager_for(radio).available_socket_count == 2
        assert manager_for(radio).available_socket_count == 0
        assert [(path, headers["X-Mine"], headers["X-Proxy"]) for _, path, headers in proxy.seen] == [
            (f"http://far.example/to?{url}", "1", "1")
        ]
        assert [(path, headers["X-Mine"], headers["X-Proxy"]) for _, path, headers in direct.seen] == [("/", "1", None)]
    finally:
        direct.stop()
