"""Every example of urllib3's PoolManager document, as it stands there but for its imports, against a local server under
the document's own host names; results that the document leaves as a `repr` are assigned."""

import doctest
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from radiopool import manager_for
from radiopool.http import PoolManager
from radiopool_cpython import HostNetwork

HOSTS = ("example.com", "httpbin.org", "google.com", "yahoo.com")
SERVERS = {"example.com": "ECS (iad/182A)", "httpbin.org": "gunicorn/18.0"}

POOL_MANAGER = """
>>> manager = PoolManager(10)
>>> r = manager.request('GET', 'http://example.com')
>>> r.headers['server']
'ECS (iad/182A)'
>>> r = manager.request('GET', 'http://httpbin.org/')
>>> r.headers['server']
'gunicorn/18.0'
>>> r = manager.request('POST', 'http://httpbin.org/headers')
>>> r = manager.request('HEAD', 'http://httpbin.org/cookies')
>>> len(manager.pools)
2
>>> conn = manager.connection_from_host('httpbin.org')
>>> conn.num_requests
3
"""

KEYS_BY_DEFAULT = """
>>> manager = PoolManager(10, my_field='wheat')
>>> pool = manager.connection_from_url('http://example.com')
>>> manager.connection_pool_kw['my_field'] = 'barley'
>>> pool = manager.connection_from_url('http://example.com')
>>> len(manager.pools)
1
"""

CUSTOM_KEY = """
>>> import functools
>>> from collections import namedtuple
>>> from radiopool.http.poolmanager import HTTPPoolKey
>>> from radiopool.http.poolmanager import default_key_normalizer as normalizer
>>> CustomKey = namedtuple('CustomKey', HTTPPoolKey._fields + ('my_field',))
>>> manager = PoolManager(10, my_field='wheat')
>>> manager.key_fn_by_scheme['http'] = functools.partial(normalizer, CustomKey)
>>> pool = manager.connection_from_url('http://example.com')
>>> manager.connection_pool_kw['my_field'] = 'barley'
>>> other = manager.connection_from_url('http://example.com')
>>> len(manager.pools)
2
>>> pool.request('GET', '/').status, other.request('GET', '/').status
(200, 200)
>>> manager.request('GET', 'http://example.com/').status, len(manager.pools)
(200, 2)
>>> manager.connection_pool_kw['my_field'] = 'rye'
>>> manager.request('GET', 'http://example.com/').status, len(manager.pools)
(200, 3)
"""

CONTEXT_MANAGER = """
>>> with PoolManager(10) as manager:
...     r = manager.request('GET', 'http://example.com')
...     r = manager.request('GET', 'http://httpbin.org/')
...     len(manager.pools)
...
2
>>> len(manager.pools)
0
"""

API = """
>>> manager = PoolManager(num_pools=2)
>>> r = manager.request('GET', 'http://google.com/')
>>> r = manager.request('GET', 'http://google.com/mail')
>>> r = manager.request('GET', 'http://yahoo.com/')
>>> len(manager.pools)
2
"""

FIELD_NAMES = """
>>> from radiopool.http.poolmanager import BasePoolKey, HTTPPoolKey, HTTPSPoolKey
>>> BasePoolKey._fields
('scheme', 'host', 'port')
>>> HTTPPoolKey._fields
('scheme', 'host', 'port', 'timeout', 'retries', 'strict', 'block', 'source_address')
>>> HTTPSPoolKey._fields[8:]
('key_file', 'cert_file', 'cert_reqs', 'ca_certs', 'ssl_version', 'ca_cert_dir')
"""


class Handler(BaseHTTPRequestHandler):
    """Says which server it is by the host asked for."""

    protocol_version = "HTTP/1.1"
    timeout = 20

    def version_string(self):
        return SERVERS.get(self.headers["Host"], "other")

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_HEAD = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def radio():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    port = server.server_address[1]
    yield HostNetwork(hosts=dict.fromkeys(HOSTS, "127.0.0.1"), routes={("127.0.0.1", 80): ("127.0.0.1", port)})
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    "example", [POOL_MANAGER, KEYS_BY_DEFAULT, CUSTOM_KEY, CONTEXT_MANAGER, API, FIELD_NAMES], ids=range(6)
)
def test_example(example, radio):
    with manager_for(radio):
        made = []

        def on_the_test_radio(*arguments, **keywords):
            made.append(PoolManager(*arguments, radio=radio, **keywords))
            return made[-1]

        test = doctest.DocTestParser().get_doctest(example, {"PoolManager": on_the_test_radio}, "document", None, 0)
        report = []
        results = doctest.DocTestRunner().run(test, out=report.append)
        assert results.attempted
        assert not results.failed, "".join(report)
        for manager in made:
            manager.clear()
