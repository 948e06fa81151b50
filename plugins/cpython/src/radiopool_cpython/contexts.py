"""TLS contexts with the platform's trust."""

import ssl
from typing import TYPE_CHECKING, Any

from radiopool.errors import InvalidValueError

if TYPE_CHECKING:
    from os import PathLike

    Path = str | PathLike[str]


def client_context(
    cafile: "Path | None" = None,
    cadata: "str | bytes | None" = None,
    certfile: "Path | None" = None,
    keyfile: "Path | None" = None,
    password: "str | bytes | None" = None,
    minimum_version: "ssl.TLSVersion | str | None" = None,
) -> ssl.SSLContext:
    """A client's context that checks certificate and host name.

    cafile, cadata: trust these CAs (a PEM file; PEM text or DER bytes) instead of the platform's store.
    certfile, keyfile, password: the client's own certificate (PEM), its key if that is in a file of its own, and what
        unlocks it.
    minimum_version: `ssl.TLSVersion` or its name, such as "TLSv1_3". Default: Python's, TLS 1.2.

    Raises InvalidValueError, which names the argument.
    """
    try:
        context = ssl.create_default_context(cafile=cafile, cadata=cadata)
    except (OSError, ValueError, TypeError) as error:
        name = "cafile" if cafile is not None else "cadata"
        raise _refusal(name, cafile if cafile is not None else "…", "hold CA certificates", error) from error
    if certfile is not None:
        try:
            # Without a password OpenSSL would ask for one on the terminal.
            context.load_cert_chain(certfile, keyfile, password=password if password is not None else _no_password)
        except (OSError, ValueError, TypeError) as error:
            raise _refusal("certfile", (certfile, keyfile), "be a certificate and its key", error) from error
    elif keyfile is not None:
        raise InvalidValueError("keyfile is of no use without certfile")
    if minimum_version is not None:
        try:
            context.minimum_version = (
                ssl.TLSVersion[minimum_version] if isinstance(minimum_version, str) else minimum_version
            )
        except (KeyError, ValueError, TypeError) as error:
            names = ", ".join(version.name for version in ssl.TLSVersion)
            raise InvalidValueError(f"minimum_version must be one of {names}, not {minimum_version!r}") from error
    return context


def _no_password() -> str:
    raise ValueError("the key is locked; give its password")


def _refusal(name: str, value: Any, wish: str, error: BaseException) -> InvalidValueError:
    return InvalidValueError(f"{name} {value!r} must {wish}: {error}")
