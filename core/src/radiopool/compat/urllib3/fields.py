"""urllib3's `fields`."""

from __future__ import annotations

import email.utils

from radiopool.http.fields import RequestField, format_multipart_header_param, guess_content_type

__all__ = [
    "RequestField",
    "format_header_param",
    "format_header_param_html5",
    "format_header_param_rfc2231",
    "format_multipart_header_param",
    "guess_content_type",
]

format_header_param_html5 = format_header_param = format_multipart_header_param


def format_header_param_rfc2231(name: str, value: str | bytes) -> str:
    """`name="value"`, or in the form of RFC 2231 for a value beyond ASCII. Servers of forms want the other form."""
    text = value.decode() if isinstance(value, bytes) else value
    if not any(character in text for character in '"\\\r\n'):
        plain = f'{name}="{text}"'
        if plain.isascii():
            return plain
    return f"{name}*={email.utils.encode_rfc2231(text, 'utf-8')}"
