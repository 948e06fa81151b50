"""urllib3's `util.response`."""

from __future__ import annotations

import http.client
from email.errors import MultipartInvariantViolationDefect, StartBoundaryNotFoundDefect
from typing import Any

from radiopool.http.exceptions import HeaderParsingError


def is_fp_closed(obj: Any) -> bool:
    """Whether a file or a response is closed. Raises ValueError for what is neither."""
    for question in (lambda: obj.isclosed(), lambda: obj.closed, lambda: obj.fp is None):
        try:
            return bool(question())
        except AttributeError:
            pass
    raise ValueError("Unable to determine whether fp is closed.")


def assert_header_parsing(headers: http.client.HTTPMessage) -> None:
    """Raise HeaderParsingError if the standard library's parser left something of the headers; TypeError for others."""
    if not isinstance(headers, http.client.HTTPMessage):
        raise TypeError(f"expected httplib.Message, got {type(headers)}.")
    unparsed = None if headers.is_multipart() else headers.get_payload()
    defects = [
        defect
        for defect in headers.defects
        if not isinstance(defect, (StartBoundaryNotFoundDefect, MultipartInvariantViolationDefect))
    ]
    if defects or (isinstance(unparsed, (str, bytes)) and unparsed):
        raise HeaderParsingError(defects, unparsed if isinstance(unparsed, (str, bytes)) else None)


def is_response_to_head(response: Any) -> bool:
    """Whether a response answers a HEAD request."""
    method = response._method
    return method == 3 if isinstance(method, int) else method.upper() == "HEAD"
