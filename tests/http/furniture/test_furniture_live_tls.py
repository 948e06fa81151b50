"""TLS options against a real server: each on its good and its bad side, and each separates sockets."""

import hashlib
import ssl

import pytest

from radiopool import errors as core
from radiopool.http import InsecureRequestWarning, MaxRetryError, SSLError
from radiopool.http.tls_options import TLSOptionError


def digest(authority, name):
    return hashlib.new(name, authority.der).hexdigest()


def trusting(authority, **attributes):
    context = ssl.create_default_context(cafile=authority.file)
    for name, value in attributes.items():
        setattr(context, name, value)
    return context


def get(http, host="one.example", **keywords):
    return http.request("GET", "https://%s/echo" % host, **keywords)


# Each option on its good side: the settings, and the host that is asked.
GOOD = {
    "ca_certs": (lambda authority: {"ca_certs": authority.file}, "one.example"),
    "ca_cert_data": (lambda authority: {"ca_cert_data": authority.pem}, "one.example"),
    "ca_cert_data as DER": (
        lambda authority: {"ca_cert_data": ssl.PEM_cert_to_DER_cert(authority.pem)},
        "one.example",
    ),
    "ssl_context": (lambda authority: {"ssl_context": trusting(authority)}, "one.example"),
    "ssl_context and ca_certs": (
        lambda authority: {"ssl_context": ssl.create_default_context(), "ca_certs": authority.file},
        "one.example",
    ),
    "cert_reqs": (lambda authority: {"ca_certs": authority.file, "cert_reqs": "CERT_REQUIRED"}, "two.example"),
    "cert_reqs short": (lambda authority: {"ca_certs": authority.file, "cert_reqs": "REQUIRED"}, "two.example"),
    "cert_reqs optional": (
        lambda authority: {"ca_certs": authority.file, "cert_reqs": ssl.CERT_OPTIONAL},
        "two.example",
    ),
    "wildcard": (lambda authority: {"ca_certs": authority.file, "assert_hostname": "b.wild.example"}, "one.example"),
    "address": (lambda authority: {"ca_certs": authority.file}, "127.0.0.1"),
    "asserted address": (
        lambda authority: {"ca_certs": authority.file, "assert_hostname": "127.0.0.1"},
        "other.example",
    ),
    "server_hostname": (
        lambda authority: {"ca_certs": authority.file, "server_hostname": "one.example"},
        "other.example",
    ),
    "assert_hostname": (
        lambda authority: {"ca_certs": authority.file, "assert_hostname": "one.example"},
        "other.example",
    ),
    "assert_hostname and ssl_context": (
        lambda authority: {"ssl_context": trusting(authority), "assert_hostname": "one.example"},
        "other.example",
    ),
    "no hostname": (lambda authority: {"ca_certs": authority.file, "assert_hostname": False}, "other.example"),
    "sha256": (
        lambda authority: {"cert_reqs": "NONE", "assert_fingerprint": digest(authority, "sha256")},
        "one.example",
    ),
    "sha1": (
        lambda authority: {"ca_certs": authority.file, "assert_fingerprint": digest(authority, "sha1").upper()},
        "other.example",
    ),
    "with colons": (
        lambda authority: {
            "cert_reqs": "NONE",
            "assert_fingerprint": bytes.fromhex(digest(authority, "md5")).hex(":"),
        },
        "one.example",
    ),
    "client certificate": (
        lambda authority: {"ca_certs": authority.file, "cert_file": authority.client_file},
        "one.example",
    ),
    "client certificate and key": (
        lambda authority: {
            "ca_certs": authority.file,
            "cert_file": authority.client_cert,
            "key_file": authority.client_key,
        },
        "one.example",
    ),
    "versions": (
        lambda authority: {
            "ca_certs": authority.file,
            "ssl_minimum_version": ssl.TLSVersion.TLSv1_2,
            "ssl_maximum_version": ssl.TLSVersion.TLSv1_3,
        },
        "one.example",
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_side(make_https, authority, name):
    settings, host = GOOD[name]
    http = make_https(**settings(authority))
    assert get(http, host).status == 200


BAD = {
    "nobody is trusted": (lambda authority: {}, "one.example", "not trusted"),
    "another name": (lambda authority: {"ca_certs": authority.file}, "other.example", "not for 'other.example'"),
    "another server_hostname": (
        lambda authority: {"ca_certs": authority.file, "server_hostname": "other.example"},
        "one.example",
        "not for 'other.example'",
    ),
    "another assert_hostname": (
        lambda authority: {"ca_certs": authority.file, "assert_hostname": "other.example"},
        "one.example",
        "not for 'other.example'; it is for one.example",
    ),
    "two labels for a wildcard": (
        lambda authority: {"ca_certs": authority.file, "assert_hostname": "a.b.wild.example"},
        "one.example",
        "not for 'a.b.wild.example'",
    ),
    "another address": (
        lambda authority: {"ca_certs": authority.file, "assert_hostname": "127.0.0.2"},
        "one.example",
        "not for '127.0.0.2'",
    ),
    "optional is verified": (lambda authority: {"cert_reqs": "OPTIONAL"}, "one.example", "not trusted"),
    "a name is looked for whatever the context says": (
        lambda authority: {"ssl_context": trusting(authority, check_hostname=False)},
        "other.example",
        "not for 'other.example'",
    ),
    "another fingerprint": (
        lambda authority: {"cert_reqs": "NONE", "assert_fingerprint": "ab" * 32},
        "one.example",
        "Fingerprints did not match",
    ),
    "a fingerprint is no trust": (
        lambda authority: {"assert_fingerprint": digest(authority, "sha256")},
        "one.example",
        "not trusted",
    ),
    "no common version": (
        lambda authority: {"ca_certs": authority.file, "ssl_maximum_version": ssl.TLSVersion.TLSv1_2},
        "tls13",
        "TLS handshake",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_side(make_https, authority, tls_server, name):
    settings, host, words = BAD[name]
    if host == "tls13":
        tls_server.tls.minimum_version = ssl.TLSVersion.TLSv1_3
        host = "one.example"
    http = make_https(**settings(authority))
    with pytest.raises(SSLError, match=words) as caught:
        get(http, host, retries=False)
    assert isinstance(caught.value, core.TLSError)
    with pytest.raises(MaxRetryError) as spent:
        get(http, host, retries=1)
    assert isinstance(spent.value.reason, SSLError)
    assert not tls_server.requests


def test_client_certificates_reach_the_server(make_https, authority, tls_server, echoed):
    authority.ca.configure_trust(tls_server.tls)
    tls_server.tls.verify_mode = ssl.CERT_REQUIRED
    http = make_https(ca_certs=authority.file, cert_file=authority.client_file)
    assert echoed(get(http))["client"] == "client one"


def test_a_missing_client_certificate(make_https, authority, tls_server):
    authority.ca.configure_trust(tls_server.tls)
    tls_server.tls.verify_mode = ssl.CERT_REQUIRED
    http = make_https(ca_certs=authority.file)
    # TLS 1.3 refuses after the client's handshake is done: then it is the answer that does not come.
    with pytest.raises((SSLError, core.RadiopoolError)):
        get(http, retries=False)
    assert not tls_server.requests


def test_an_encrypted_key(make_https, authority, tmp_path, tls_server, echoed):
    from cryptography.hazmat.primitives import serialization

    with open(authority.client_key, "rb") as file:
        key = serialization.load_pem_private_key(file.read(), None)
    locked = tmp_path / "locked.key"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.BestAvailableEncryption(b"open sesame"),
        )
    )
    authority.ca.configure_trust(tls_server.tls)
    tls_server.tls.verify_mode = ssl.CERT_REQUIRED
    settings = {"ca_certs": authority.file, "cert_file": authority.client_cert, "key_file": str(locked)}
    for password in ("open sesame", b"open sesame"):
        assert echoed(get(make_https(key_password=password, **settings)))["client"] == "client one"
    with pytest.raises(TLSOptionError, match="key_password is required"):
        get(make_https(**settings))
    with pytest.raises(TLSOptionError, match="key_file") as caught:
        get(make_https(key_password="wrong horse", **settings))
    assert "horse" not in str(caught.value)


def test_ca_cert_dir(make_https, authority, tmp_path):
    # OpenSSL finds a CA by the hash of its subject's name.
    from cryptography import x509

    subject = x509.load_pem_x509_certificate(authority.pem.encode()).subject
    folder = tmp_path / "authorities"
    folder.mkdir()
    (folder / (_subject_hash(authority.file, subject) + ".0")).write_text(authority.pem)
    assert get(make_https(ca_cert_dir=str(folder))).status == 200
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(SSLError, match="not trusted"):
        get(make_https(ca_cert_dir=str(empty)), retries=False)


def _subject_hash(file, subject):
    """X509_NAME_hash: SHA-1 of the canonical subject. Only OpenSSL itself canonicalises, so ask its tool."""
    import subprocess

    ran = subprocess.run(
        ["openssl", "x509", "-hash", "-noout", "-in", file], capture_output=True, text=True, check=True
    )
    return ran.stdout.strip()


def test_server_hostname_is_what_the_server_is_asked_for(make_https, authority, echoed):
    http = make_https(ca_certs=authority.file, server_hostname="two.example")
    heard = echoed(get(http, "other.example"))
    assert (heard["sni"], heard["host"]) == ("two.example", "other.example")


def test_assert_hostname_leaves_the_server_name_alone(make_https, authority, echoed):
    http = make_https(ca_certs=authority.file, assert_hostname="two.example")
    assert echoed(get(http, "other.example"))["sni"] == "other.example"


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_versions_are_kept(make_https, authority, echoed, version):
    wanted = ssl.TLSVersion[version]
    http = make_https(ca_certs=authority.file, ssl_minimum_version=wanted, ssl_maximum_version=wanted)
    assert echoed(get(http))["version"] == version.replace("_", ".")


@pytest.mark.parametrize("given", ["PROTOCOL_TLSv1_2", "TLSv1_2", getattr(ssl, "PROTOCOL_TLSv1_2", 5)])
def test_ssl_version_is_one_version(make_https, authority, echoed, given):
    assert echoed(get(make_https(ca_certs=authority.file, ssl_version=given)))["version"] == "TLSv1.2"


def test_no_verification_is_warned_of(make_https, tls_server):
    http = make_https(cert_reqs="CERT_NONE")
    with pytest.warns(InsecureRequestWarning, match="not verified") as caught:
        assert get(http).status == 200
    assert caught[0].filename == __file__
    # The pool is the same; said once, it is said.
    assert get(http).status == 200
    assert tls_server.connections == 1


def test_a_warning_made_an_error_sends_nothing(make_https, tls_server):
    with pytest.raises(InsecureRequestWarning):
        get(make_https(cert_reqs="CERT_NONE"))
    assert not tls_server.requests


PAIRS = {
    "ssl_context": lambda authority: (trusting(authority), trusting(authority)),
    "cert_reqs": lambda authority: ("REQUIRED", "OPTIONAL"),
    "ca_certs": lambda authority: (authority.file, authority.client_file),
    "ca_cert_data": lambda authority: (authority.pem, authority.pem + "\n"),
    "cert_file": lambda authority: (authority.client_file, authority.other_client_file),
    "ssl_minimum_version": lambda authority: (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3),
    "ssl_maximum_version": lambda authority: (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3),
    "ssl_version": lambda authority: ("TLSv1_2", "TLSv1_3"),
    "server_hostname": lambda authority: ("one.example", "two.example"),
    "assert_hostname": lambda authority: ("one.example", "two.example"),
    "assert_fingerprint": lambda authority: (digest(authority, "sha1"), digest(authority, "sha256")),
    "key_file": lambda authority: (authority.client_key, authority.client_file),
    "key_password": lambda authority: ("one", "two"),
    "ca_cert_dir": lambda authority: ("/nonexistent/one", "/nonexistent/two"),
}


# A context of the caller's own has its versions itself, and one client's certificate.
OF_A_CONTEXT = ("cert_file", "key_file")
TO_SEPARATE = [(name, False) for name in PAIRS]
TO_SEPARATE += [(name, True) for name in PAIRS if not name.startswith("ssl_") and name not in OF_A_CONTEXT]


@pytest.mark.parametrize(("name", "shared_context"), TO_SEPARATE)
def test_each_option_separates_sockets(make_https, authority, tls_server, name, shared_context):
    """Asked in turn: value one, value two, value one again, none. Three connections, and never another's."""
    values = PAIRS[name](authority)
    base = {"ssl_context": trusting(authority)} if shared_context else {"ca_certs": authority.file}
    if name in ("key_file", "key_password"):
        base["cert_file"] = authority.client_cert if name == "key_file" else authority.client_file
    if name == "cert_reqs" and shared_context:
        values = ("REQUIRED", "CERT_REQUIRED")
    http = make_https()
    pools = []
    for value in (values[0], values[1], values[0], None):
        settings = dict(base)
        if value is not None:
            settings[name] = value
        elif name == "key_file":
            settings["cert_file"] = authority.client_file
        if name == "ca_certs" and value == authority.client_file:
            # Trusts the client's certificate only, and so refuses the server.
            settings["assert_fingerprint"] = digest(authority, "sha256")
            if not shared_context:
                settings["cert_reqs"] = "NONE"
        pool = http.connection_from_host("one.example", 443, "https", pool_kwargs=settings)
        pools.append(pool)
        assert pool.request("GET", "/echo").status == 200
    first, second, again, without = pools
    assert first is again
    assert len({id(first), id(second), id(without)}) == 3 if name != "ca_certs" or shared_context else 2
    assert tls_server.connections == len({id(pool) for pool in pools})
    assert first.num_connections == second.num_connections == 1


def test_one_context_presents_one_client(make_https, authority, tls_server, echoed):
    authority.ca.configure_trust(tls_server.tls)
    tls_server.tls.verify_mode = ssl.CERT_OPTIONAL
    context = trusting(authority)

    def ask(cert_file, context=context):
        with make_https(ssl_context=context, cert_file=cert_file, retries=False) as http:
            return echoed(get(http))["client"]

    assert ask(authority.client_file) == "client one"
    with pytest.raises(TLSOptionError, match="two.pem' and an ssl_context that has had cert_file='.*client.pem'"):
        ask(authority.other_client_file)
    assert ask(authority.client_file) == "client one"
    assert ask(authority.other_client_file, trusting(authority)) == "client two"
    # What could not be loaded is not in it.
    context = trusting(authority)
    with pytest.raises(TLSOptionError, match="nonexistent"):
        ask("/nonexistent.pem", context)
    assert ask(authority.other_client_file, context) == "client two"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_resumed_session_is_checked_too(make_https, authority, tls_server, echoed, version):
    """Over one context a second handshake is short (RFC 8446, 2.2); the certificate is looked at all the same."""
    tls_server.tls.maximum_version = version
    http = make_https(ssl_context=trusting(authority))

    def ask(**settings):
        pool = http.connection_from_host("one.example", 443, "https", settings)
        with pool:
            return echoed(pool.request("GET", "/echo", retries=False))["resumed"]

    assert ask(assert_fingerprint=digest(authority, "sha256")) is False
    assert ask(assert_fingerprint=digest(authority, "sha1")) is True
    assert ask(assert_hostname="two.example") is True
    for settings in ({"assert_fingerprint": "ab" * 32}, {"assert_hostname": "other.example"}):
        with pytest.raises(SSLError):
            ask(**settings)
    assert len(tls_server.requests) == 3


def test_a_pool_of_the_same_context_still_looks_for_the_name(make_https, authority):
    """`assert_hostname` takes the check from OpenSSL on the caller's context; other pools make it themselves."""
    context = trusting(authority)
    http = make_https(ssl_context=context)
    lenient = http.connection_from_host("other.example", 443, "https", {"assert_hostname": False})
    assert lenient.request("GET", "/echo").status == 200
    assert context.check_hostname is False
    with pytest.raises(SSLError, match="not for 'other.example'"):
        get(http, "other.example", retries=False)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"cert_reqs": "SOMETIMES"}, "cert_reqs.*'SOMETIMES'"),
        ({"cert_reqs": 7}, "cert_reqs.*7"),
        ({"cert_reqs": True}, "cert_reqs.*True"),
        ({"ca_certs": "/nonexistent.pem"}, "ca_certs='/nonexistent.pem'"),
        ({"ca_cert_data": "no certificate"}, "ca_cert_data='no certificate'"),
        ({"cert_file": "/nonexistent.pem"}, "cert_file='/nonexistent.pem'"),
        ({"key_file": "/nonexistent.key"}, "key_file without cert_file"),
        ({"key_password": "secret"}, "key_password without cert_file"),
        ({"assert_fingerprint": "ab" * 10}, "assert_fingerprint.*invalid length"),
        ({"assert_fingerprint": "xy" * 32}, "assert_fingerprint.*hexadecimal"),
        ({"assert_fingerprint": b"ab" * 32}, "assert_fingerprint"),
        ({"assert_hostname": True}, "assert_hostname.*True"),
        ({"server_hostname": ""}, "server_hostname.*''"),
        ({"server_hostname": 5}, "server_hostname.*5"),
        ({"ssl_version": "TLSv9"}, "ssl_version.*'TLSv9'"),
        ({"ssl_version": 99}, "ssl_version.*99"),
        ({"ssl_minimum_version": "new"}, "ssl_minimum_version.*'new'"),
        (
            {"ssl_minimum_version": ssl.TLSVersion.TLSv1_3, "ssl_maximum_version": ssl.TLSVersion.TLSv1_2},
            "TLSv1_3 is above ssl_maximum_version TLSv1_2",
        ),
        ({"ssl_version": "TLSv1_2", "ssl_minimum_version": ssl.TLSVersion.TLSv1_2}, "one or the other"),
        (
            {"ssl_context": ssl.create_default_context(), "ssl_minimum_version": ssl.TLSVersion.TLSv1_3},
            "on the context",
        ),
        ({"ssl_context": ssl.create_default_context(), "cert_reqs": "NONE"}, "cert_reqs='NONE' and an ssl_context"),
    ],
)
def test_an_option_that_cannot_be_used(make_https, tls_server, settings, words):
    http = make_https(**settings)
    with pytest.raises(TLSOptionError, match=words) as caught:
        get(http)
    assert isinstance(caught.value, SSLError) and isinstance(caught.value, core.InvalidValueError)
    assert "secret" not in str(caught.value)
    assert tls_server.connections == 0


@pytest.mark.parametrize("keyword", ["my_field", "ssl_contxt", "time_out"])
def test_an_unknown_keyword(make_https, keyword):
    with pytest.raises(TypeError, match=keyword):
        get(make_https(**{keyword: 1}))


def test_tls_options_mean_nothing_to_plain_http(http, authority):
    http.connection_pool_kw["ca_certs"] = authority.file
    assert http.request("GET", "http://one.example/echo").status == 200
