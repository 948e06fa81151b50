"""urllib3's `util.ssl_`, over the standard library's ssl."""

from __future__ import annotations

import hashlib
import ssl
from ssl import SSLContext as SSLContext
from typing import Any

from radiopool.compat.urllib3.util.ssltransport import SSLTransport as SSLTransport
from radiopool.compat.urllib3.util.url import Url as Url
from radiopool.http import tls_options
from radiopool.http.exceptions import SSLError

HAS_NEVER_CHECK_COMMON_NAME = ssl.HAS_NEVER_CHECK_COMMON_NAME
IS_PYOPENSSL = False
ALPN_PROTOCOLS = ["http/1.1"]
HASHFUNC_MAP = {32: hashlib.md5, 40: hashlib.sha1, 64: hashlib.sha256}


def assert_fingerprint(cert: bytes | None, fingerprint: str) -> None:
    """Raise SSLError unless a certificate (DER) has that digest (hexadecimal; SHA-256, SHA-1 or MD5)."""
    if cert is None:
        raise SSLError("No certificate for the peer.")
    tls_options._check_fingerprint(cert, tls_options._fingerprint(fingerprint))


def resolve_cert_reqs(candidate: None | int | str) -> ssl.VerifyMode:
    """An `ssl.VerifyMode` by number or name; CERT_REQUIRED for None. Raises AttributeError for no such name."""
    if candidate is None:
        return ssl.CERT_REQUIRED
    return _constant(candidate, "CERT_")  # type: ignore[no-any-return]


def resolve_ssl_version(candidate: None | int | str) -> int:
    """An `ssl.PROTOCOL_` constant by number or name; PROTOCOL_TLS for None. Raises AttributeError for no such name."""
    if candidate is None:
        return ssl.PROTOCOL_TLS
    return _constant(candidate, "PROTOCOL_")  # type: ignore[no-any-return]


def _constant(candidate: Any, prefix: str) -> Any:
    if not isinstance(candidate, str):
        return candidate
    found = getattr(ssl, candidate, None)
    return getattr(ssl, prefix + candidate) if found is None else found


def create_urllib3_context(
    ssl_version: int | None = None,
    cert_reqs: int | None = None,
    options: int | None = None,
    ciphers: str | None = None,
    ssl_minimum_version: int | None = None,
    ssl_maximum_version: int | None = None,
    verify_flags: int | None = None,
) -> ssl.SSLContext:
    """A client's TLS context: TLS 1.2 up, certificates required unless `cert_reqs` says otherwise, nobody trusted yet.

    Raises ValueError if both `ssl_version` and a minimum or maximum are given.
    """
    if ssl_version not in (None, ssl.PROTOCOL_TLS, ssl.PROTOCOL_TLS_CLIENT):
        if ssl_minimum_version is not None or ssl_maximum_version is not None:
            raise ValueError(
                "Can't specify both 'ssl_version' and either 'ssl_minimum_version' or 'ssl_maximum_version'"
            )
        name = ssl._PROTOCOL_NAMES[ssl_version].removeprefix("PROTOCOL_")  # type: ignore[attr-defined]
        ssl_minimum_version = ssl_maximum_version = getattr(ssl.TLSVersion, name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion(ssl_minimum_version or ssl.TLSVersion.TLSv1_2)
    if ssl_maximum_version is not None:
        context.maximum_version = ssl.TLSVersion(ssl_maximum_version)
    if ciphers:
        context.set_ciphers(ciphers)
    if options is None:
        options = ssl.OP_NO_COMPRESSION | ssl.OP_NO_TICKET | ssl.OP_NO_SSLv2 | ssl.OP_NO_SSLv3
    context.options |= options
    if verify_flags is not None:
        context.verify_flags |= verify_flags
    elif hasattr(ssl, "VERIFY_X509_STRICT"):
        # As the interpreter's own default context (Python 3.13).
        context.verify_flags |= ssl.create_default_context().verify_flags & ssl.VERIFY_X509_STRICT
    context.post_handshake_auth = True
    verified = ssl.CERT_REQUIRED if cert_reqs is None else ssl.VerifyMode(cert_reqs)
    context.check_hostname = verified == ssl.CERT_REQUIRED
    context.verify_mode = verified
    context.hostname_checks_common_name = False
    return context


def ssl_wrap_socket(
    sock: Any,
    keyfile: str | None = None,
    certfile: str | None = None,
    cert_reqs: int | None = None,
    ca_certs: str | None = None,
    server_hostname: str | None = None,
    ssl_version: int | None = None,
    ciphers: str | None = None,
    ssl_context: ssl.SSLContext | None = None,
    ca_cert_dir: str | None = None,
    key_password: str | None = None,
    ca_cert_data: str | bytes | None = None,
    tls_in_tls: bool = False,
) -> Any:
    """TLS over a connected socket. Raises SSLError, ssl.SSLError."""
    context = ssl_context or create_urllib3_context(ssl_version, cert_reqs, ciphers=ciphers)
    if ca_certs or ca_cert_dir or ca_cert_data:
        try:
            context.load_verify_locations(ca_certs, ca_cert_dir, ca_cert_data)
        except OSError as error:
            raise SSLError(error) from error
    elif ssl_context is None:
        context.load_default_certs()
    if certfile:
        context.load_cert_chain(certfile, keyfile, key_password)
    context.set_alpn_protocols(ALPN_PROTOCOLS)
    if tls_in_tls:
        return SSLTransport(sock, context, server_hostname)
    return context.wrap_socket(sock, server_hostname=server_hostname)


def is_ipaddress(hostname: str | bytes) -> bool:
    """Whether that is an address and no name."""
    return tls_options._address(hostname.decode("ascii") if isinstance(hostname, bytes) else hostname) is not None
