from radiopool import errors as core
from radiopool import http
from radiopool.http.errors import (
    ClosedPoolError,
    ConnectTimeoutError,
    EmptyPoolError,
    HTTPError,
    IncompleteRead,
    InvalidHeader,
    LocationParseError,
    LocationValueError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    PoolError,
    ProtocolError,
    ReadTimeoutError,
    RequestError,
    SSLError,
    TimeoutError,
    URLSchemeUnknown,
)
from radiopool.platform import CPYTHON


def caught(error, parents):
    for parent in parents:
        try:
            raise error
        except parent:
            pass


def test_the_package_has_them_too():
    for error in (HTTPError, IncompleteRead, MaxRetryError, ReadTimeoutError, URLSchemeUnknown):
        assert getattr(http, error.__name__) is error
    assert not hasattr(http, "NobodysError")


def test_each_is_caught_as_what_it_is_called():
    for error, parents in (
        (HTTPError("words"), (core.RadiopoolError, OSError)),
        (MaxRetryError(None, "/", None), (RequestError, PoolError, HTTPError)),
        (ReadTimeoutError(None, "/", "silent"), (TimeoutError, HTTPError)),
        (ConnectTimeoutError("slow"), (TimeoutError,)),
        (NewConnectionError(None, "refused"), (ConnectTimeoutError, TimeoutError)),
        (NameResolutionError("host", None, "unknown"), (NewConnectionError,)),
        (EmptyPoolError(None, "none left"), (PoolError,)),
        (ClosedPoolError(None, "closed"), (PoolError,)),
        (SSLError("refused"), (HTTPError,)),
        (IncompleteRead(b"ab", 3), (ProtocolError, HTTPError)),
        (InvalidHeader("X"), (HTTPError,)),
        (LocationParseError("http:"), (LocationValueError, HTTPError)),
        (URLSchemeUnknown("file"), (LocationValueError, HTTPError)),
    ):
        caught(error, parents + (core.RadiopoolError,))
        assert str(error), error


def test_on_cpython_the_cores_error_is_a_parent_too():
    if CPYTHON:
        caught(NewConnectionError(None, "refused"), (core.ConnectError,))
        caught(NameResolutionError("host", None, "unknown"), (core.NameResolutionError,))
        caught(EmptyPoolError(None, "none left"), (core.OutOfSocketsError, RuntimeError))
        caught(SSLError("refused"), (core.TLSError,))
        caught(InvalidHeader("X"), (core.InvalidValueError, ValueError))


def test_what_they_carry():
    reason = ProtocolError("cut")
    error = MaxRetryError("pool", "/url", reason)
    assert (error.pool, error.url, error.reason) == ("pool", "/url", reason)
    assert str(error).startswith("pool: Max retries exceeded with url: /url")
    error = ReadTimeoutError("pool", "/url", "silent")
    assert (error.pool, error.url, str(error)) == ("pool", "/url", "pool: silent")
    error = NameResolutionError("host", "pool", "unknown")
    assert (error.host, error.conn, error.pool) == ("host", "pool", "pool")
    error = IncompleteRead(b"ab", 3)
    assert (error.partial, error.expected, str(error)) == (b"ab", 3, "IncompleteRead(2 bytes read, 3 more expected)")
    assert str(IncompleteRead(2, None)) == "IncompleteRead(2 bytes read)"
    assert LocationParseError("http:").location == "http:"
    assert URLSchemeUnknown("file").scheme == "file"
