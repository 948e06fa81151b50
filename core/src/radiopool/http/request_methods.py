"""`request`, for connection pools and pool managers alike."""

from radiopool.platform import CPYTHON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

if TYPE_CHECKING or CPYTHON:
    Later = object
else:
    from radiopool.platform import Later


class RequestMethods(Later):
    """What turns `fields` and `json` into a URL or a body. `headers` are those of requests that bring none."""

    headers: "Any" = None

    def request(
        self,
        method: str,
        url: str,
        body: "Any" = None,
        fields: "Any" = None,
        headers: "Any" = None,
        json: "Any" = None,
        **urlopen_kw: "Any",
    ) -> "Any":
        """Send a request and return its response.

        fields: pairs or a mapping; in the URL of a DELETE, GET, HEAD or OPTIONS, in the body of any other method: as
            multipart/form-data, or with encode_multipart=False as application/x-www-form-urlencoded.
        json: what to send as JSON. Only one of `fields` and `json` and `body` makes the body.
        Other keywords are `urlopen`'s, which also says what is raised; InvalidHeader for what is no method.
        """
        if CPYTHON and type(method) is not str:
            from radiopool.http.header_lines import check_method

            check_method(method)
        if method != "GET":
            # It makes a new text, which a board has to find room for.
            method = method.upper()
        if fields is not None or json is not None:
            from radiopool.http.bodies import encode

            url, body, headers = encode(self, method, url, fields, headers, body, json, urlopen_kw)
        if body is not None:
            urlopen_kw["body"] = body
        if headers is not None:
            urlopen_kw["headers"] = headers
        return self.urlopen(method, url, **urlopen_kw)

    if TYPE_CHECKING:
        urlopen: "Any"
