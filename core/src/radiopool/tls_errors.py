"""A sentence for a TLS handshake that failed: with whom, why, and what to do. CPython only."""

import ssl
from typing import TYPE_CHECKING, Any

from radiopool.errors import CertificateError, ConnectError, ConnectTimeoutError, TLSError

if TYPE_CHECKING:
    from radiopool.tls import TLSSocket


def handshake_error(
    error: BaseException, host: str, port: int, connection: "TLSSocket | ssl.SSLSocket | None" = None
) -> ConnectError:
    """The core's error for what a handshake raised: CertificateError, ConnectTimeoutError or TLSError.

    The message says to whom and why, and what to do. `connection`, if given, is asked for the names in the
    certificate that was refused. Raise it `from error`.
    """
    where = f"{host} port {port}"
    refused: ConnectError
    if isinstance(error, ssl.SSLCertVerificationError):
        fault = _certificate_fault(error, host, connection)
        refused = CertificateError(f"the certificate of {where} is refused: {fault}")
    elif isinstance(error, TimeoutError):
        refused = ConnectTimeoutError(f"the TLS handshake with {where} took longer than the timeout")
    else:
        refused = TLSError(f"the TLS handshake with {where} failed: {_tls_fault(error)}")
    refused.host, refused.port = host, port
    refused.errno = getattr(error, "errno", None)
    return refused


def _tls_fault(error: BaseException) -> str:
    reason = getattr(error, "reason", None)
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError)):
        return "the peer closed the connection; does it speak TLS on that port, and does it want a client certificate?"
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"):
        return f"the peer does not speak TLS on that port ({reason})"
    if reason:
        return f"{reason}; compare the TLS versions, ciphers and client certificate that each side wants"
    return str(error) or type(error).__name__


def _certificate_fault(
    error: ssl.SSLCertVerificationError, host: str, connection: "TLSSocket | ssl.SSLSocket | None"
) -> str:
    """In words. The numbers are OpenSSL's X509_V_ERR_ codes (x509_vfy.h)."""
    certificate = _refused_certificate(connection)
    code = error.verify_code
    if code == 10:
        return f"it expired on {certificate.get('notAfter', 'a day gone by')}; is this machine's clock right?"
    if code == 9:
        return f"it is valid from {certificate.get('notBefore', 'a later day')} only; is this machine's clock right?"
    if code in (62, 64):
        server = getattr(connection, "server_hostname", None) or host
        names = [name for kind, name in certificate.get("subjectAltName", ()) if kind in ("DNS", "IP Address")]
        return f"it is not for {server!r}" + ("; it is for " + ", ".join(names) if names else "")
    if code in (2, 18, 19, 20, 21):
        issuer = ", ".join(value for part in certificate.get("issuer", ()) for _, value in part)
        signed = "signed by itself" if code == 18 else "from an issuer that is not trusted here"
        advice = "if you trust it, give its CA to the TLS context (cafile)"
        return f"it is {signed}{issuer and f' ({issuer})'}; {advice}"
    return str(error.verify_message)


def _refused_certificate(connection: "TLSSocket | ssl.SSLSocket | None") -> dict[str, Any]:
    """What `getpeercert` would give had the handshake succeeded; {} where this Python does not offer it."""
    connection = getattr(connection, "_engine", connection)
    try:
        # getpeercert refuses before the end of the handshake, and Python 3.13's public get_unverified_chain gives
        # undecoded bytes; this is what the latter is made of, since 3.10.
        return dict(connection._sslobj.get_unverified_chain()[0].get_info())  # type: ignore[union-attr]
    except (AttributeError, TypeError, LookupError, OSError):
        return {}
