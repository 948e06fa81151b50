"""urllib3's `_request_methods`."""

from radiopool.http.form_methods import FormMethods as RequestMethods

__all__ = ["RequestMethods"]
