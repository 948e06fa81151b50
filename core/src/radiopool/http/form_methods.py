"""What connection pools and pool managers have in common on CPython: the two forms of `request`, by where the fields
go, and the check of their counts."""

from __future__ import annotations

from typing import Any

from radiopool.errors import InvalidValueError
from radiopool.http import bodies
from radiopool.http.request_methods import RequestMethods


def check_count(name: str, value: Any, least: int) -> None:
    """Raise InvalidValueError unless the setting is a whole number of at least so much."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InvalidValueError(f"{name} must be a whole number of at least {least}, not {value!r}")


class FormMethods(RequestMethods):
    """What connection pools and pool managers have on CPython."""

    def request_encode_url(
        self, method: str, url: str, fields: Any = None, headers: Any = None, **urlopen_kw: Any
    ) -> Any:
        """Send a request with `fields` in the URL's query; `urlopen` says the rest."""
        if fields:
            url = bodies.with_query(url, fields)
        return self.urlopen(method, url, headers=headers, **urlopen_kw)

    def request_encode_body(
        self,
        method: str,
        url: str,
        fields: Any = None,
        headers: Any = None,
        encode_multipart: bool = True,
        multipart_boundary: str | None = None,
        **urlopen_kw: Any,
    ) -> Any:
        """Send a request with `fields` in the body: as multipart/form-data, or without `encode_multipart` as
        application/x-www-form-urlencoded. Content-Type is set to match; `urlopen` says the rest."""
        body, headers = bodies.form_body(
            self, fields, headers, urlopen_kw.pop("body", None), encode_multipart, multipart_boundary
        )
        return self.urlopen(method, url, body=body, headers=headers, **urlopen_kw)
