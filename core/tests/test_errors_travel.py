"""Every public error is the same after pickle and copy: type, message, errno, and what it carries."""

import copy
import inspect
import pickle
import socket

import pytest

from radiopool import errors as core
from radiopool.compat import AlreadyImportedError
from radiopool.http import HTTPConnectionPool, exceptions
from radiopool.http.tls_options import CertificateError, TLSOptionError
from radiopool.http.tunnel import TunnelError

POOL = HTTPConnectionPool("host.example")
STAYS = {"pool", "conn", "response"}

# What the classes with arguments of their own are made of.
ARGUMENTS = {
    exceptions.PoolError: (POOL, "words"),
    exceptions.RequestError: (POOL, "/url", "words"),
    exceptions.MaxRetryError: (POOL, "/url", exceptions.NameResolutionError("host.example", POOL, "unknown")),
    exceptions.HostChangedError: (POOL, "http://other.example/", 3),
    exceptions.ReadTimeoutError: (POOL, "/url", "words"),
    exceptions.NewConnectionError: (POOL, "words"),
    exceptions.NameResolutionError: ("host.example", POOL, socket.gaierror(-2, "unknown")),
    exceptions.EmptyPoolError: (POOL, "words"),
    exceptions.FullPoolError: (POOL, "words"),
    exceptions.ClosedPoolError: (POOL, "words"),
    exceptions.ProxyError: ("words", OSError(5, "cause")),
    exceptions.IncompleteRead: (b"abc", 4),
    exceptions.InvalidChunkLength: (None, b"zz"),
    exceptions.HeaderParsingError: ([], b"rest"),
    TunnelError: (407, "Proxy Authentication Required"),
}


def every_class():
    found = {AlreadyImportedError, CertificateError, TLSOptionError, TunnelError}
    for module in (core, exceptions):
        found.update(
            value
            for value in vars(module).values()
            if inspect.isclass(value) and issubclass(value, Exception) and value.__module__.startswith("radiopool")
        )
    return sorted(found, key=lambda kind: (kind.__module__, kind.__name__))


def ways():
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        yield lambda error, protocol=protocol: pickle.loads(pickle.dumps(error, protocol))
    yield copy.copy
    yield copy.deepcopy


def carried(error):
    return {name: None if name in STAYS else repr(value) for name, value in vars(error).items()}


@pytest.mark.parametrize("kind", every_class(), ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_it_is_the_same_elsewhere(kind):
    error = kind(*ARGUMENTS.get(kind, ("words",)))
    if isinstance(error, OSError):
        error.errno = 111
    if isinstance(error, core.ConnectError):
        error.host, error.port = "host.example", 80
    for way in ways():
        again = way(error)
        assert type(again) is kind
        assert (str(again), repr(again), repr(again.args)) == (str(error), repr(error), repr(error.args))
        assert getattr(again, "errno", None) == getattr(error, "errno", None)
        assert carried(again) == carried(error)


def test_a_number_and_its_words_travel_as_the_two_they_are():
    error = core.UnreachableError(113, "No route to host")
    again = pickle.loads(pickle.dumps(error))
    assert (again.errno, again.strerror, str(again)) == (113, "No route to host", "[Errno 113] No route to host")
