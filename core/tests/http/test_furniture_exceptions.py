"""The exception hierarchy: urllib3's names and parents, the core's parents beside them, and pickling."""

import copy
import http.client
import pickle

import pytest

from radiopool import errors as core
from radiopool.http import errors, exceptions

PARENTS = {
    "HTTPError": (Exception,),
    "HTTPWarning": (Warning,),
    "PoolError": ("HTTPError",),
    "RequestError": ("PoolError",),
    "SSLError": ("HTTPError",),
    "ProxyError": ("HTTPError",),
    "DecodeError": ("HTTPError",),
    "ProtocolError": ("HTTPError",),
    "MaxRetryError": ("RequestError",),
    "HostChangedError": ("RequestError",),
    "TimeoutStateError": ("HTTPError",),
    "TimeoutError": ("HTTPError",),
    "ReadTimeoutError": ("TimeoutError", "RequestError"),
    "ConnectTimeoutError": ("TimeoutError",),
    "NewConnectionError": ("ConnectTimeoutError", "HTTPError"),
    "NameResolutionError": ("NewConnectionError",),
    "EmptyPoolError": ("PoolError",),
    "FullPoolError": ("PoolError",),
    "ClosedPoolError": ("PoolError",),
    "LocationValueError": (ValueError, "HTTPError"),
    "LocationParseError": ("LocationValueError",),
    "URLSchemeUnknown": ("LocationValueError",),
    "ResponseError": ("HTTPError",),
    "SecurityWarning": ("HTTPWarning",),
    "InsecureRequestWarning": ("SecurityWarning",),
    "NotOpenSSLWarning": ("SecurityWarning",),
    "SystemTimeWarning": ("SecurityWarning",),
    "InsecurePlatformWarning": ("SecurityWarning",),
    "DependencyWarning": ("HTTPWarning",),
    "ResponseNotChunked": ("ProtocolError", ValueError),
    "BodyNotHttplibCompatible": ("HTTPError",),
    "IncompleteRead": ("HTTPError", http.client.IncompleteRead),
    "InvalidChunkLength": ("HTTPError", http.client.IncompleteRead),
    "InvalidHeader": ("HTTPError",),
    "ProxySchemeUnknown": (AssertionError, "URLSchemeUnknown"),
    "ProxySchemeUnsupported": (ValueError,),
    "HeaderParsingError": ("HTTPError",),
    "UnrewindableBodyError": ("HTTPError",),
}


@pytest.mark.parametrize("name", PARENTS)
def test_each_has_urllib3s_parents(name):
    kind = getattr(exceptions, name)
    for parent in PARENTS[name]:
        assert issubclass(kind, getattr(exceptions, parent) if isinstance(parent, str) else parent)


def test_none_is_left_out():
    assert exceptions.ConnectionError is exceptions.ProtocolError
    assert set(exceptions.__all__) == {*PARENTS, "ConnectionError"}


def test_urllib3_itself_says_the_same():
    theirs = pytest.importorskip("urllib3.exceptions")
    for name, kind in vars(theirs).items():
        if isinstance(kind, type) and issubclass(kind, (theirs.HTTPError, theirs.HTTPWarning)):
            ours = {parent.__name__ for parent in getattr(exceptions, name).__mro__}
            assert {parent.__name__ for parent in kind.__mro__} <= ours, name


@pytest.mark.parametrize(
    ("name", "parent"),
    [
        ("HTTPError", core.RadiopoolError),
        ("ConnectTimeoutError", core.ConnectError),
        ("NewConnectionError", core.ConnectError),
        ("NameResolutionError", core.NameResolutionError),
        ("SSLError", core.TLSError),
        ("EmptyPoolError", core.OutOfSocketsError),
        ("LocationValueError", core.InvalidValueError),
        ("InvalidHeader", core.InvalidValueError),
        ("IncompleteRead", errors.ProtocolError),
    ],
)
def test_whoever_guards_leases_guards_requests(name, parent):
    assert issubclass(getattr(exceptions, name), parent)


EVERY = [
    exceptions.HTTPError("a", ValueError("b")),
    exceptions.PoolError("pool", "words"),
    exceptions.RequestError("pool", "/url", "words"),
    exceptions.MaxRetryError("pool", "/url", exceptions.NewConnectionError("conn", "refused")),
    exceptions.HostChangedError("pool", "http://other/", 3),
    exceptions.ReadTimeoutError("pool", "/url", "Read timed out."),
    exceptions.ConnectTimeoutError("words"),
    exceptions.NewConnectionError("conn", "words"),
    exceptions.NameResolutionError("host.test", "conn", OSError(-2, "unknown")),
    exceptions.EmptyPoolError("pool", "words"),
    exceptions.ProxyError("words", OSError("cause")),
    exceptions.IncompleteRead(b"abc", 4),
    exceptions.IncompleteRead(3, 4),
    exceptions.InvalidChunkLength(None, b"zz"),
    exceptions.LocationParseError("http://[::1"),
    exceptions.URLSchemeUnknown("file"),
    exceptions.ProxySchemeUnknown("socks9"),
    exceptions.ProxySchemeUnknown("localhost"),
    exceptions.HeaderParsingError([], b"rest"),
    exceptions.SSLError(OSError("cause")),
    exceptions.ProtocolError("Connection aborted.", ConnectionResetError(104, "reset")),
]


class Unpicklable:
    def __reduce__(self):
        raise AssertionError("a pool is not to be pickled")


@pytest.mark.parametrize("error", EVERY, ids=lambda error: type(error).__name__)
def test_pickling_keeps_all_but_the_pool(error):
    for name in ("pool", "conn", "response"):
        if hasattr(error, name):
            setattr(error, name, Unpicklable())
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert repr(again) == repr(error)
    assert repr(again.args) == repr(error.args)
    for name, value in vars(error).items():
        expected = None if isinstance(value, Unpicklable) else value
        assert repr(getattr(again, name)) == repr(expected)
    assert str(copy.copy(error)) == str(error)


def test_what_they_carry():
    reason = exceptions.NewConnectionError("conn", "refused")
    error = exceptions.MaxRetryError("pool", "/url", reason)
    assert (error.pool, error.url, error.reason) == ("pool", "/url", reason)
    assert "/url" in str(error) and "refused" in str(error)
    assert exceptions.HostChangedError("pool", "/url", 5).retries == 5
    cause = OSError("cause")
    assert exceptions.ProxyError("words", cause).original_error is cause
    cut = exceptions.IncompleteRead(b"abc", 4)
    assert (cut.partial, cut.expected) == (b"abc", 4)
    assert str(cut) == repr(cut) == "IncompleteRead(3 bytes read, 4 more expected)"
    assert repr(exceptions.IncompleteRead(3, None)) == "IncompleteRead(3 bytes read)"
    assert repr(exceptions.InvalidChunkLength(None, b"z")) == "InvalidChunkLength(got length b'z', 0 bytes read)"
    assert repr(exceptions.ProtocolError("a", 1)) == "ProtocolError('a', 1)"


def test_an_errno_is_never_made_of_words():
    # OSError takes the first of two arguments for its errno.
    error = exceptions.ProtocolError("Connection aborted.", OSError("cause"))
    assert error.errno is None
    assert error.args[0] == "Connection aborted."
