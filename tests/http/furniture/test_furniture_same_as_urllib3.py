"""The same calls through urllib3 and through radiopool, to the same server: what it sees and what comes back is the
same, but for the differences that docs/urllib3.md lists.
"""

import io
import json
import random
import time
import warnings

import pytest

import radiopool.http as ours
from radiopool import manager_for

theirs = pytest.importorskip("urllib3")


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        # urllib3 warns of what it has deprecated.
        warnings.simplefilter("ignore", FutureWarning)
        yield
    manager_for().close()


@pytest.fixture
def naps(monkeypatch):
    slept = []
    monkeypatch.setattr(time, "sleep", lambda seconds: slept.append(round(seconds, 3)))
    return slept


def fields_with_repeats(module):
    fields = module.HTTPHeaderDict([("A", "1")])
    fields.add("a", "2")
    fields.add("B", "3")
    return fields


# What is asked; the module is given for its own classes.
CALLS = {
    "get": lambda http, url, module: http.request("GET", url + "/echo"),
    "lower case": lambda http, url, module: http.request("get", url + "/echo"),
    "fields": lambda http, url, module: http.request("GET", url + "/echo", fields={"a": "b c", "ü": "é&~*"}),
    "repeated fields": lambda http, url, module: http.request("GET", url + "/echo", fields=[("a", 1), ("a", 2)]),
    "delete with a body": lambda http, url, module: http.request("DELETE", url + "/echo", body=b"x"),
    "post nothing": lambda http, url, module: http.request("POST", url + "/echo"),
    "form": lambda http, url, module: http.request("POST", url + "/echo", fields={"a": "ü b"}, encode_multipart=False),
    "multipart": lambda http, url, module: http.request(
        "POST", url + "/echo", fields={"a": "b", "f": ("n.txt", "ü")}, multipart_boundary="x"
    ),
    "request field": lambda http, url, module: http.request(
        "POST", url + "/echo", fields=[module.fields.RequestField.from_tuples("a", ("b", b"c"))], multipart_boundary="x"
    )
    if module is theirs
    else http.request(
        "POST", url + "/echo", fields=[ours.RequestField.from_tuples("a", ("b", b"c"))], multipart_boundary="x"
    ),
    "text": lambda http, url, module: http.request("PUT", url + "/echo", body="grüße"),
    "iterator": lambda http, url, module: http.request("PUT", url + "/echo", body=iter([b"a", b"bc"])),
    "chunked get": lambda http, url, module: http.request("GET", url + "/echo", body=b"abc", chunked=True),
    "own headers": lambda http, url, module: http.request(
        "GET", url + "/echo", headers={"User-Agent": "me", "X": "y", "Host": "other", "Accept-Encoding": "br"}
    ),
    "skipped headers": lambda http, url, module: http.request(
        "GET", url + "/echo", headers=dict.fromkeys(["User-Agent", "Accept-Encoding"], "@@@SKIP_HEADER@@@")
    ),
    "header values": lambda http, url, module: http.request(
        "GET", url + "/echo", headers={"X": 5, "Y": b"5", "Z": "ü"}
    ),
    "header dict": lambda http, url, module: http.request("GET", url + "/echo", headers=fields_with_repeats(module)),
    "json": lambda http, url, module: http.request("POST", url + "/echo", json={"a": [1, None]}),
    "odd url": lambda http, url, module: http.request("GET", url + "/a%2fb/%7e/../x?y=%zz z#f"),
    "two slashes": lambda http, url, module: http.request("GET", url + "//a//b"),
    "post 301": lambda http, url, module: http.request(
        "POST", url + "/redirect?to=/echo&status=301", body=b"x", headers={"Content-Type": "q"}
    ),
    "put 303": lambda http, url, module: http.request(
        "PUT", url + "/redirect?to=/echo&status=303", body=b"x", headers={"Content-Type": "q"}
    ),
    "loop": lambda http, url, module: http.request("GET", url + "/loop"),
    "loop unfollowed": lambda http, url, module: http.request("GET", url + "/loop", retries=False),
    "no scheme": lambda http, url, module: http.request("GET", "localhost:1/echo"),
    "no host": lambda http, url, module: http.request("GET", "http:///echo"),
    "ftp": lambda http, url, module: http.request("GET", "ftp://localhost/"),
    "unknown keyword": lambda http, url, module: http.request("GET", url + "/echo", bogus=1),
    "two bodies": lambda http, url, module: http.request("POST", url + "/echo", json={}, body=b""),
    "not gzip": lambda http, url, module: http.request("GET", url + "/garbled"),
    "cut short": lambda http, url, module: http.request("GET", url + "/short"),
    "expect": lambda http, url, module: http.request(
        "POST", url + "/echo", body=b"x", headers={"Expect": "100-continue"}
    ),
    "not json": lambda http, url, module: http.request("GET", url + "/text").json(),
    "geturl": lambda http, url, module: [
        http.request("GET", url + path).geturl() for path in ("/redirect?to=/echo", "/echo", "/echo?x#f")
    ],
    "reads": lambda http, url, module: [
        *(lambda r: (r.read(0), r.read(2), r.tell(), len(r.read()), r.read()))(
            http.request("GET", url + "/text", preload_content=False)
        )
    ],
    "chunked reads": lambda http, url, module: [
        *(lambda r: (r.chunked, r.length_remaining, r.supports_chunked_reads(), r.read(10), len(r.data)))(
            http.request("GET", url + "/chunked", preload_content=False)
        )
    ],
    "coded reads": lambda http, url, module: [
        *(lambda r: (r.read(10), len(r.read(100)), r.read1(5), len(r.read())))(
            http.request("GET", url + "/coded/gzip,deflate", preload_content=False)
        )
    ],
    "closed early": lambda http, url, module: [
        *(lambda r: (r.close(), r.closed, r.isclosed()))(http.request("GET", url + "/text", preload_content=False))
    ],
    "a response's headers": lambda http, url, module: [
        *(lambda r: (r.getheader("content-TYPE"), r.headers.getlist("Content-Type"), r.headers.get("X", 1), r.reason))(
            http.request("GET", url + "/echo")
        )
    ],
    "as a text file": lambda http, url, module: (
        lambda r: (setattr(r, "auto_close", False), len(list(io.TextIOWrapper(r))))
    )(http.request("GET", url + "/text", preload_content=False)),
}


def outcome(module, call, server):
    """What the server saw and what came back, in a form that can be compared."""
    del server.requests[:]
    server.counts.clear()
    with module.PoolManager() as http:
        try:
            came = call(http, "http://localhost:%d" % server.port, module)
        except Exception as error:
            came = (type(error).__name__, type(getattr(error, "reason", None)).__name__)
    if hasattr(came, "status"):
        came = (came.status, came.data if came.status >= 300 else json.loads(came.data)["body"])
    seen = [
        (method, path, sorted((name.lower(), value) for name, value in fields.items() if value != "radiopool"))
        for method, path, fields in server.requests
    ]
    return came, [(method, path, [field for field in fields if not _is_theirs(field)]) for method, path, fields in seen]


def _is_theirs(field):
    return field[0] == "user-agent" and field[1].startswith("python-urllib3")


@pytest.mark.parametrize("name", CALLS)
def test_the_same_call(server, name):
    expected = outcome(theirs, CALLS[name], server)
    found = outcome(ours, CALLS[name], server)
    if name == "cut short":
        # One error, where urllib3 has one inside the other.
        expected = (("MaxRetryError", "IncompleteRead"), expected[1])
    if name == "not json":
        assert found[0][0] == expected[0][0] == "JSONDecodeError"
        return
    assert found == expected


def scenario(draw, number):
    """Settings of a Retry, a request, and a server that fails in one way or another; None if it might never end."""
    settings = {"total": draw.choice([None, False, 0, 1, 2, 5])}
    for name in ("connect", "read", "redirect"):
        if draw.random() < 0.4:
            settings[name] = draw.choice([None, False, 0, 1, 3])
    for name in ("status", "other"):
        if draw.random() < 0.4:
            settings[name] = draw.choice([None, 0, 1, 3])
    if draw.random() < 0.5:
        settings["status_forcelist"] = draw.choice([[503], [500, 503], {404}])
    if draw.random() < 0.3:
        settings["allowed_methods"] = draw.choice([None, {"POST"}, {"GET"}])
    for name in ("raise_on_status", "raise_on_redirect", "respect_retry_after_header"):
        if draw.random() < 0.3:
            settings[name] = draw.random() < 0.5
    if draw.random() < 0.4:
        settings["backoff_factor"] = draw.choice([0.1, 1])
    path = draw.choice(
        [
            "/flaky?times=%d&number=%d" % (draw.randint(1, 4), number),
            "/flaky?times=%d&after=1&number=%d" % (draw.randint(1, 4), number),
            "/cut?times=%d&number=%d" % (draw.randint(1, 4), number),
            "/loop",
            "/status?code=503",
            "/status?code=503&after=2",
            "/status?code=404",
            "/redirect?to=/status%3Fcode%3D503",
            "/redirect?status=303&to=/echo",
            "/echo",
        ]
    )
    limit = {"/loop": "redirect", "/cut": "read"}.get(path.partition("?")[0], "status")
    if settings["total"] is None and settings.get(limit) is None:
        return None
    return settings, path, draw.choice(["GET", "GET", "PUT", "POST"]), draw.random() < 0.9


@pytest.mark.parametrize("seed", range(8))
def test_the_same_retries(server, naps, seed):
    """As many requests, as long waits, the same history and the same end, for random settings and faults."""
    draw = random.Random(seed)
    compared = 0
    for number in range(25):
        made = scenario(draw, number)
        if made is None:
            continue
        settings, path, method, redirect = made
        ends = []
        for module in (theirs, ours):
            del server.requests[:], naps[:]
            server.counts.clear()
            with module.PoolManager() as http:
                try:
                    response = http.request(
                        method,
                        "http://localhost:%d%s" % (server.port, path),
                        retries=module.Retry(**settings),
                        redirect=redirect,
                        body=None if method == "GET" else b"x",
                    )
                    history = [
                        attempt._replace(error=type(attempt.error).__name__) for attempt in response.retries.history
                    ]
                    end = (response.status, repr(response.retries), history)
                except Exception as error:
                    end = (type(error).__name__, type(getattr(error, "reason", None)).__name__)
            ends.append((end, [request[:2] for request in server.requests], naps[:]))
        assert ends[0] == ends[1], made
        compared += 1
    assert compared > 10
