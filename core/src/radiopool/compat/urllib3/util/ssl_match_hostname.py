"""urllib3's `util.ssl_match_hostname`."""

from __future__ import annotations

from typing import Any

from radiopool.http.tls_options import CertificateError as _CertificateError
from radiopool.http.tls_options import check_name

CertificateError = _CertificateError


def match_hostname(cert: dict[str, Any] | None, hostname: str, hostname_checks_common_name: bool = False) -> None:
    """Raise CertificateError unless a certificate is for that name (RFC 9525); ValueError for none at all."""
    if not cert:
        raise ValueError(
            "empty or no certificate, match_hostname needs a SSL socket or SSL context with either "
            "CERT_OPTIONAL or CERT_REQUIRED"
        )
    check_name(cert, hostname)
