"""`request` and its two forms, for connection pools and pool managers alike."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_IN_URL = ("DELETE", "GET", "HEAD", "OPTIONS")


class RequestMethods:
    """What turns `fields` and `json` into a URL or a body. `headers` are those of requests that bring none."""

    headers: "Any" = None

    def request(
        self,
        method: str,
        url: str,
        fields: "Any" = None,
        headers: "Any" = None,
        *,
        body: "Any" = None,
        json: "Any" = None,
        **urlopen_kw: "Any",
    ) -> "Any":
        """Send a request and return its response.

        fields: pairs or a mapping; in the URL of a DELETE, GET, HEAD or OPTIONS, in the body of any other method.
        json: what to send as JSON. Only one of `fields` and `json` and `body` makes the body.
        Other keywords are `urlopen`'s, which also says what is raised.
        """
        method = method.upper()
        if fields is None and json is None:
            return self.urlopen(method, url, body=body, headers=headers, **urlopen_kw)
        from radiopool.http import bodies

        if json is not None:
            body, headers = bodies.json_body(self, json, body, headers)
        if fields is None:
            return self.urlopen(method, url, body=body, headers=headers, **urlopen_kw)
        if method in _IN_URL:
            return self.request_encode_url(method, url, fields, headers, body=body, **urlopen_kw)
        if body is not None:
            raise TypeError("request got values for both 'fields' and 'body', can only specify one.")
        return self.request_encode_body(method, url, fields, headers, **urlopen_kw)

    def request_encode_url(
        self, method: str, url: str, fields: "Any" = None, headers: "Any" = None, **urlopen_kw: "Any"
    ) -> "Any":
        """Send a request with `fields` in the URL's query."""
        if fields:
            from radiopool.http import bodies

            url = bodies.with_query(url, fields)
        return self.urlopen(method, url, headers=headers, **urlopen_kw)

    def request_encode_body(
        self,
        method: str,
        url: str,
        fields: "Any" = None,
        headers: "Any" = None,
        encode_multipart: bool = True,
        multipart_boundary: "str | None" = None,
        **urlopen_kw: "Any",
    ) -> "Any":
        """Send a request with `fields` in the body: as multipart/form-data, or without `encode_multipart` as
        application/x-www-form-urlencoded. Content-Type is set to match."""
        from radiopool.http import bodies

        body, headers = bodies.form_body(self, fields, headers, encode_multipart, multipart_boundary, urlopen_kw)
        return self.urlopen(method, url, body=body, headers=headers, **urlopen_kw)

    def urlopen(self, method: str, url: str, **kw: "Any") -> "Any":
        """Send a request as it is."""
        raise NotImplementedError
