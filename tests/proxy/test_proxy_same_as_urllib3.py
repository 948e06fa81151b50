"""The same requests through the same proxies with urllib3's ProxyManager and ours: the same answers and errors."""

import ssl

import pytest

import radiopool.http

urllib3 = pytest.importorskip("urllib3", reason="urllib3 is not installed: it is in the test group")

KINDS = ("squid", "tinyproxy", "proxy.py")


def both(radio, url, **keywords):
    return (urllib3.ProxyManager(url, **keywords), radiopool.http.ProxyManager(url, radio=radio, **keywords))


def outcome(manager, method, url, **keywords):
    """What a request came to: the response, or the error and its reasons by name."""
    try:
        response = manager.request(method, url, **keywords)
        return response.status, response.data, response.geturl()
    except Exception as error:
        names = []
        while error is not None:
            names.append(type(error).__name__)
            error = getattr(error, "reason", None) or getattr(error, "original_error", None)
            if not isinstance(error, Exception):
                break
        return names


@pytest.mark.parametrize("kind", KINDS)
def test_answers(kind, run_proxy, make_target, authority, radio):
    plain, secure = make_target(), make_target(tls=True)
    own = {"Connection": "close"} if kind == "proxy.py" else None
    managers = both(radio, run_proxy(kind).url, ca_certs=authority[1], proxy_headers=own)
    for method, url, keywords in (
        ("GET", plain.url + "/a?b=c", {}),
        ("POST", plain.url + "/", {"fields": {"a": "b"}, "encode_multipart": False}),
        ("GET", secure.url + "/a", {}),
        ("POST", secure.url + "/a", {"json": {"a": 1}}),
        ("GET", f"{plain.url}/to?{secure.url}/end", {}),
        ("GET", f"{secure.url}/to?/end", {}),
    ):
        theirs, ours = (outcome(manager, method, url, **keywords) for manager in managers)
        assert ours[:2] == theirs[:2], url
    assert [len(manager.pools) for manager in managers] == [2, 2]
    for manager in managers:
        manager.clear()


@pytest.mark.parametrize("kind", KINDS)
def test_errors(kind, run_proxy, make_target, authority, radio):
    secure = make_target(tls=True, certificate=authority[0].issue_cert("elsewhere.example"))
    closed = make_target()
    closed.socket.close()
    for url, target, keywords in (
        (run_proxy(kind, auth=True).url, secure.url, {}),
        (run_proxy(kind).url, secure.url, {}),
        (closed.url, secure.url, {}),
        (closed.url, "http://127.0.0.1:1/", {}),
    ):
        for retries in (False, 0):
            managers = both(radio, url, ca_certs=authority[1], retries=retries, **keywords)
            theirs, ours = (outcome(manager, "GET", target) for manager in managers)
            # Beyond these, urllib3 has the system's errors and we the tunnel's own.
            depth = 1 if retries is False else 2
            assert ours[:depth] == theirs[:depth], (url, target, theirs, ours)
            for manager in managers:
                manager.clear()


def test_a_tls_proxy_that_is_not_trusted(run_proxy, make_target, authority, radio):
    target = make_target()
    options = {"proxy_ssl_context": ssl.create_default_context(), "retries": 0}
    theirs, ours = (
        outcome(manager, "GET", target.url) for manager in both(radio, run_proxy("squid", tls=True).url, **options)
    )
    assert ours == theirs == ["MaxRetryError", "ProxyError", "SSLError"]
