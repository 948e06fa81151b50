"""The TLS options of a connection pool, made into a context and the checks that a context can't make. CPython only.

Each pool has a context of its own, or the caller's; either way it leases under a key that no other pool has, so none
is handed a socket that was checked against other options.
"""

import hashlib
import hmac
import ipaddress
import ssl
import warnings
from typing import Any

from radiopool import errors as core
from radiopool.http.errors import SSLError
from radiopool.http.exceptions import InsecureRequestWarning

# Digests by the number of hexadecimal digits.
_DIGESTS = {32: "md5", 40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}

_CHANGES_CONTEXT = (
    "cert_reqs",
    "ca_certs",
    "ca_cert_data",
    "ca_cert_dir",
    "cert_file",
    "key_file",
    "key_password",
    "ssl_minimum_version",
    "ssl_maximum_version",
    "ssl_version",
)
# Where a caller's context keeps the client's certificate that was added to it.
_CLIENT = "_radiopool_client"
_CHECKED_AFTER = ("assert_hostname", "assert_fingerprint")
NAMES = ("ssl_context", "server_hostname", *_CHANGES_CONTEXT, *_CHECKED_AFTER)
"""Every option, by the keyword that urllib3 has for it."""


class TLSOptionError(SSLError, core.InvalidValueError):
    """A TLS option that can't be used: wrong in itself, at odds with another, or beyond what the radio can do."""


class CertificateError(SSLError, core.CertificateError):
    """The server's certificate is not the one that `assert_hostname` or `assert_fingerprint` asks for."""


class TLSOptions:
    """The TLS settings of one connection pool.

    ssl_context: the caller's context. Certificates of the options below are added to it, one client's at most;
        `assert_hostname` and `assert_fingerprint` take the check of the name over from it.
    cert_reqs: ssl.CERT_REQUIRED (the default), CERT_OPTIONAL or CERT_NONE, as number or name.
    ca_certs, ca_cert_dir, ca_cert_data: who is trusted in place of the system's list: a PEM file, a folder of them
        (OpenSSL's `c_rehash`), PEM text or DER bytes.
    cert_file, key_file, key_password: the client's certificate; the key is in its file unless named.
    ssl_minimum_version, ssl_maximum_version: `ssl.TLSVersion`s; `ssl_version` is both, by an `ssl.PROTOCOL_` constant.
    server_hostname: the name to ask the server for (SNI) and to find in its certificate, if not the host.
    assert_hostname: another name to find in the certificate; False does not look for any.
    assert_fingerprint: the certificate's digest in hexadecimal (SHA-256; SHA-1 and MD5 as well), in place of any name.
        Who signed it is verified all the same; with cert_reqs=CERT_NONE the digest is all that counts.

    Raises TLSOptionError. Warns, with InsecureRequestWarning, if no certificate will be verified.
    """

    def __init__(
        self,
        ssl_context: Any = None,
        server_hostname: "str | None" = None,
        assert_hostname: "str | bool | None" = None,
        assert_fingerprint: "str | None" = None,
        **changes: Any,
    ) -> None:
        unknown = set(changes).difference(_CHANGES_CONTEXT)
        if unknown:
            raise TypeError("unknown TLS option %s" % ", ".join(sorted(unknown)))
        changes = {name: value for name, value in changes.items() if value is not None}
        if server_hostname is not None and (not isinstance(server_hostname, str) or not server_hostname):
            raise TLSOptionError("server_hostname must be a host name, not %r" % (server_hostname,))
        if assert_hostname is True or not isinstance(assert_hostname, (str, bool, type(None))):
            raise TLSOptionError("assert_hostname must be a host name or False, not %r" % (assert_hostname,))
        self.server_name = server_hostname
        self.assert_hostname = assert_hostname
        self.fingerprint = None if assert_fingerprint is None else _fingerprint(assert_fingerprint)
        if ssl_context is None:
            self.context = _context(changes)
        else:
            self.context = ssl_context
            _change(ssl_context, changes)
        if self.fingerprint or assert_hostname is not None:
            # OpenSSL looks for the server name and for nothing else.
            self.context.check_hostname = False
        if self.context.verify_mode == ssl.CERT_NONE and not self.fingerprint:
            warnings.warn(
                "certificates are not verified: anybody can answer in the server's place",
                InsecureRequestWarning,
                stacklevel=_caller(),
            )

    @classmethod
    def for_driver(cls, tls: "str | None", keywords: "dict[str, Any]") -> "TLSOptions | None":
        """The options among a pool's keywords, or None if there are none. `tls` is where the radio does TLS
        (`Traits.tls`).

        Raises TLSOptionError for an option that a chip can't honour.
        """
        given = {name: keywords[name] for name in NAMES if keywords.get(name) is not None}
        if not given:
            return None
        if tls != "chip":
            return cls(**given)
        # The chip verifies with its firmware's own list, always; its driver's context stands for just that.
        for name, value in given.items():
            demand = name == "cert_reqs" and _requirement(value) == ssl.CERT_REQUIRED
            if not demand and (name != "ssl_context" or isinstance(value, ssl.SSLContext)):
                raise TLSOptionError(
                    "%s can't be honoured: this radio's TLS runs on its chip, which decides all of it" % name
                )
        return None

    def connect(self, manager: Any, key: Any, ssl_context: Any, timeout: "float | None") -> Any:
        """A connected and checked socket: the `connect` of `ConnectionManager.acquire`."""
        driver = manager.driver
        socket = driver.connect(
            manager.socket_pool, key.host, key.port, timeout, ssl_context, key.server_name, key.source_address
        )
        try:
            self.check(socket, key.server_name or key.host)
        except BaseException:
            driver.close(socket)
            raise
        return socket

    def check(self, socket: Any, name: str) -> None:
        """Look at the certificate of a socket whose handshake is done. Raises CertificateError."""
        context = self.context
        if self.fingerprint:
            _check_fingerprint(socket.getpeercert(True), self.fingerprint)
        elif context.verify_mode != ssl.CERT_NONE and not context.check_hostname and self.assert_hostname is not False:
            check_name(socket.getpeercert(), self.assert_hostname or name)


def _caller() -> int:
    """The stack level of whoever called into this package."""
    import sys

    level = 2
    frame = sys._getframe(level)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("radiopool."):
        frame = frame.f_back
        level += 1
    return level


# -- contexts


def _context(changes: "dict[str, Any]") -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(
            cafile=changes.get("ca_certs"), capath=changes.get("ca_cert_dir"), cadata=changes.get("ca_cert_data")
        )
    except (OSError, ValueError, TypeError) as error:
        raise _unusable(("ca_certs", "ca_cert_dir", "ca_cert_data"), changes, error) from error
    # A name in the subject is no name of a server any more (RFC 9525, 6.1).
    context.hostname_checks_common_name = False
    context.set_alpn_protocols(["http/1.1"])
    requirement = _requirement(changes.get("cert_reqs"))
    if requirement != ssl.CERT_REQUIRED:
        context.check_hostname = False
        context.verify_mode = requirement
    _limit_versions(context, changes)
    _add_client(context, changes)
    return context


def _change(context: Any, changes: "dict[str, Any]") -> None:
    """Add to the caller's context what can be added without making it weaker."""
    for name in ("ssl_version", "ssl_minimum_version", "ssl_maximum_version"):
        if name in changes:
            raise TLSOptionError("%s and ssl_context: set the version on the context" % name)
    requirement = changes.get("cert_reqs")
    if requirement is not None and _requirement(requirement) != context.verify_mode:
        raise TLSOptionError(
            "cert_reqs=%r and an ssl_context of %s: set the context's verify_mode" % (requirement, context.verify_mode)
        )
    if any(name in changes for name in ("ca_certs", "ca_cert_dir", "ca_cert_data")):
        try:
            context.load_verify_locations(
                changes.get("ca_certs"), changes.get("ca_cert_dir"), changes.get("ca_cert_data")
            )
        except (OSError, ValueError, TypeError) as error:
            raise _unusable(("ca_certs", "ca_cert_dir", "ca_cert_data"), changes, error) from error
    certificate = changes.get("cert_file")
    # OpenSSL would present the last one loaded on every later connection, and a resumed session is of the first.
    loaded = vars(context).get(_CLIENT, certificate)
    if loaded != certificate is not None:
        raise TLSOptionError(
            "cert_file=%r and an ssl_context that has had cert_file=%r: give each certificate a context of its own"
            % (certificate, loaded)
        )
    _add_client(context, changes)
    if certificate is not None:
        vars(context)[_CLIENT] = certificate


def _requirement(value: Any) -> ssl.VerifyMode:
    if value is None:
        return ssl.CERT_REQUIRED
    if isinstance(value, str):
        name = value if value.startswith("CERT_") else "CERT_" + value
        if name in ssl.VerifyMode.__members__:
            return ssl.VerifyMode[name]
    elif not isinstance(value, bool):
        try:
            return ssl.VerifyMode(value)
        except ValueError:
            pass
    raise TLSOptionError("cert_reqs must be CERT_REQUIRED, CERT_OPTIONAL or CERT_NONE, not %r" % (value,))


def _limit_versions(context: ssl.SSLContext, changes: "dict[str, Any]") -> None:
    minimum = _version("ssl_minimum_version", changes)
    maximum = _version("ssl_maximum_version", changes)
    exact = changes.get("ssl_version")
    if exact is not None:
        if minimum is not None or maximum is not None:
            raise TLSOptionError("ssl_version and ssl_minimum_version or ssl_maximum_version: give one or the other")
        minimum = maximum = _exact_version(exact)
    try:
        if minimum is not None:
            context.minimum_version = minimum
        if maximum is not None:
            context.maximum_version = maximum
    except ValueError as error:
        raise _unusable(("ssl_version", "ssl_minimum_version", "ssl_maximum_version"), changes, error) from error
    lowest, highest = context.minimum_version, context.maximum_version
    if lowest > 0 and highest > 0 and lowest > highest:
        raise TLSOptionError("ssl_minimum_version %s is above ssl_maximum_version %s" % (lowest.name, highest.name))


def _version(name: str, changes: "dict[str, Any]") -> "ssl.TLSVersion | None":
    value = changes.get(name)
    if value is None:
        return None
    try:
        return ssl.TLSVersion(value)
    except ValueError:
        raise TLSOptionError("%s must be an ssl.TLSVersion, not %r" % (name, value)) from None


def _exact_version(value: Any) -> "ssl.TLSVersion | None":
    """The one version that an `ssl.PROTOCOL_` constant, or its name, stands for; None for "the best there is"."""
    name = value
    if not isinstance(value, str):
        names = [known.name for known in ssl._SSLMethod if known == value]
        name = names[0] if names else ""
    name = name.removeprefix("PROTOCOL_")
    if name in ("TLS", "TLS_CLIENT", "SSLv23"):
        return None
    if name not in ssl.TLSVersion.__members__:
        raise TLSOptionError("ssl_version must be an ssl.PROTOCOL_ constant, not %r" % (value,))
    return ssl.TLSVersion[name]


def _add_client(context: Any, changes: "dict[str, Any]") -> None:
    certificate = changes.get("cert_file")
    key = changes.get("key_file")
    if certificate is None:
        for name in ("key_file", "key_password"):
            if name in changes:
                raise TLSOptionError("%s without cert_file: give the certificate too" % name)
        return

    def password() -> Any:
        # OpenSSL asks only if the key is encrypted, and would ask the terminal.
        given = changes.get("key_password")
        if given is None:
            raise TLSOptionError("the key in %s is encrypted: key_password is required" % (key or certificate))
        return given

    try:
        context.load_cert_chain(certificate, key, password)
    except TLSOptionError:
        raise
    except (OSError, ValueError, TypeError) as error:
        raise _unusable(("cert_file", "key_file"), changes, error) from error


def _unusable(names: "tuple[str, ...]", changes: "dict[str, Any]", error: Exception) -> TLSOptionError:
    given = ["%s=%s" % (name, repr(changes[name])[:80]) for name in names if name in changes]
    return TLSOptionError("%s can't be used: %s" % (", ".join(given), error))


# -- checks


def _fingerprint(text: Any) -> str:
    digits = text.replace(":", "").lower() if isinstance(text, str) else ""
    if len(digits) not in _DIGESTS or digits.strip("0123456789abcdef"):
        raise TLSOptionError(
            "assert_fingerprint %r is of invalid length, or not hexadecimal: give the 64 digits of a SHA-256" % (text,)
        )
    return digits


def _check_fingerprint(certificate: "bytes | None", expected: str) -> None:
    if not certificate:
        raise CertificateError("the server has no certificate to compare with assert_fingerprint")
    found = hashlib.new(_DIGESTS[len(expected)], certificate, usedforsecurity=False).hexdigest()
    if not hmac.compare_digest(found, expected):
        raise CertificateError("Fingerprints did not match: expected %s, the certificate has %s" % (expected, found))


def check_name(certificate: "dict[str, Any] | None", name: str) -> None:
    """Find a host name or an address among the subject alternative names (RFC 9525, 6.3). Raises CertificateError.

    `certificate` is what `getpeercert()` gives. A wildcard is the whole first label, and stands for one label.
    """
    address = _address(name.strip("[]").partition("%")[0])
    names = [(kind, value) for kind, value in (certificate or {}).get("subjectAltName", ())]
    for kind, value in names:
        if kind == "DNS" and address is None and _matches(value.lower(), name.rstrip(".").lower()):
            return
        if kind == "IP Address" and address is not None and _address(value.strip()) == address:
            return
    raise CertificateError(
        "the certificate is not for %r; it is for %s"
        % (name, ", ".join(value for kind, value in names if kind in ("DNS", "IP Address")) or "no name at all")
    )


def _address(text: str) -> "ipaddress.IPv4Address | ipaddress.IPv6Address | None":
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _matches(pattern: str, name: str) -> bool:
    if pattern == name:
        return True
    if not pattern.startswith("*.") or pattern.count(".") < 2:
        return False
    first, dot, rest = name.partition(".")
    return bool(first and dot) and rest == pattern[2:]
