"""Names and addresses in a certificate (RFC 9525, 6.3)."""

import pytest

from radiopool import errors as core
from radiopool.http.tls_options import CertificateError, check_name


def certificate(*names):
    kinds = ["IP Address" if name[0].isdigit() or ":" in name else "DNS" for name in names]
    return {"subject": ((("commonName", "common.example"),),), "subjectAltName": tuple(zip(kinds, names, strict=True))}


@pytest.mark.parametrize(
    ("names", "name"),
    [
        (["one.example"], "one.example"),
        (["ONE.example"], "one.EXAMPLE"),
        (["one.example"], "one.example."),
        (["other.example", "one.example"], "one.example"),
        (["*.one.example"], "a.one.example"),
        (["127.0.0.1"], "127.0.0.1"),
        (["::1"], "[::1]"),
        (["0:0:0:0:0:0:0:1"], "::1"),
        (["fe80::1"], "[fe80::1%eth0]"),
    ],
)
def test_found(names, name):
    check_name(certificate(*names), name)


@pytest.mark.parametrize(
    ("names", "name"),
    [
        ([], "common.example"),
        (["one.example"], "two.example"),
        (["one.example"], "a.one.example"),
        (["*.one.example"], "one.example"),
        (["*.one.example"], "a.b.one.example"),
        (["*.one.example"], ".one.example"),
        (["*.example"], "one.example"),
        (["*"], "example"),
        (["a*.one.example"], "ab.one.example"),
        (["*.0.0.1"], "127.0.0.1"),
        (["127.0.0.1"], "127.0.0.2"),
        (["127.0.0.1"], "localhost"),
    ],
)
def test_not_found(names, name):
    with pytest.raises(CertificateError) as caught:
        check_name(certificate(*names), name)
    assert name in str(caught.value)
    assert isinstance(caught.value, core.CertificateError)


@pytest.mark.parametrize("nothing", [None, {}])
def test_no_certificate(nothing):
    with pytest.raises(CertificateError, match="no name at all"):
        check_name(nothing, "one.example")
