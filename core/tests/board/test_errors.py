from expect import raises
from radiopool import errors


def test_all_are_os_errors():
    for kind in (errors.InvalidValueError, errors.LeaseError, errors.OutOfSocketsError, errors.ConnectTimeoutError):
        assert issubclass(kind, errors.RadiopoolError)
        assert issubclass(kind, OSError)


def test_a_lease_that_timed_out_is_out_of_sockets():
    assert issubclass(errors.LeaseTimeoutError, errors.OutOfSocketsError)


def test_tls_errors_are_connect_errors():
    assert issubclass(errors.CertificateError, errors.TLSError)
    assert issubclass(errors.TLSError, errors.ConnectError)


def test_a_connect_error_says_where_to():
    error = errors.RefusedError("nothing listens there")
    assert error.host is None and error.port is None
    error.host, error.port = "a.example", 80
    assert (error.host, error.port) == ("a.example", 80)
    assert "nothing listens there" in str(error)


def test_the_number_of_an_error():
    assert errors.error_number(OSError(110)) == 110
    assert errors.error_number(OSError(104, "reset")) == 104
    assert errors.error_number(OSError("no number")) is None
    assert errors.error_number(OSError()) is None
    assert errors.error_number(ValueError("no number")) is None


def test_except_os_error_catches_ours():
    def fail():
        raise errors.NameResolutionError("unknown")

    assert "unknown" in str(raises(OSError, fail))
