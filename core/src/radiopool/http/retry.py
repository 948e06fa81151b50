"""Retries: how often and how soon a request may be sent again, and what for."""

import random
import re
import time
from collections import namedtuple
from collections.abc import Collection
from typing import Any, ClassVar

from radiopool.errors import InvalidValueError
from radiopool.http.exceptions import (
    ConnectTimeoutError,
    InvalidHeader,
    MaxRetryError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    ResponseError,
)

RequestHistory = namedtuple("RequestHistory", ("method", "url", "error", "status", "redirect_location"))
"""One attempt that was not the last: what was asked, and the error, or the status and where it pointed."""

_COUNTS = ("total", "connect", "read", "redirect", "status", "other")


class Retry:
    """How many more attempts a request has, and of which kind. Never changes: each attempt makes the next object.

    total: attempts in all beyond the first; it wins over the counts below. None leaves it to them, 0 allows none,
        False raises the first error as it is and returns redirects unfollowed.
    connect, read, redirect, status, other: how many may be spent on failures to connect, on failures after the request
        was sent, on redirects, on statuses of `status_forcelist`, on anything else. None: as many as `total`.
    allowed_methods: the methods (upper case) that may be sent again after the server may have seen them; None is any.
    status_forcelist: the statuses that count as failures.
    backoff_factor: seconds; the second and later attempts in a row wait factor * 2 ** (failures - 1), plus up to
        `backoff_jitter` seconds, at most `backoff_max`.
    raise_on_redirect, raise_on_status: whether spent attempts raise MaxRetryError or give the last response.
    history: the attempts so far, a tuple of `RequestHistory`.
    respect_retry_after_header: whether to wait as long as Retry-After says (at most `retry_after_max` seconds), and to
        try statuses 413, 429 and 503 again that have it.
    remove_headers_on_redirect: headers that another host must not see.
    """

    DEFAULT_ALLOWED_METHODS = frozenset(("DELETE", "GET", "HEAD", "OPTIONS", "PUT", "TRACE"))
    RETRY_AFTER_STATUS_CODES = frozenset((413, 429, 503))
    DEFAULT_REMOVE_HEADERS_ON_REDIRECT = frozenset(("Authorization", "Cookie", "Proxy-Authorization"))
    DEFAULT_BACKOFF_MAX = 120
    DEFAULT_RETRY_AFTER_MAX = 6 * 60 * 60
    DEFAULT: "ClassVar[Retry]"

    def __init__(
        self,
        total: "bool | int | None" = 10,
        connect: "bool | int | None" = None,
        read: "bool | int | None" = None,
        redirect: "bool | int | None" = None,
        status: "int | None" = None,
        other: "int | None" = None,
        allowed_methods: "Collection[str] | None" = DEFAULT_ALLOWED_METHODS,
        status_forcelist: "Collection[int] | None" = None,
        backoff_factor: float = 0,
        backoff_max: float = DEFAULT_BACKOFF_MAX,
        raise_on_redirect: bool = True,
        raise_on_status: bool = True,
        history: "tuple[RequestHistory, ...] | None" = None,
        respect_retry_after_header: bool = True,
        remove_headers_on_redirect: "Collection[str]" = DEFAULT_REMOVE_HEADERS_ON_REDIRECT,
        backoff_jitter: float = 0.0,
        retry_after_max: float = DEFAULT_RETRY_AFTER_MAX,
    ) -> None:
        if total is False or redirect is False:
            redirect = 0
            raise_on_redirect = False
        self.total = total
        self.connect = connect
        self.read = read
        self.redirect = redirect
        self.status = status
        self.other = other
        for name in _COUNTS:
            count = getattr(self, name)
            if count is not None and not isinstance(count, int):
                raise InvalidValueError("Retry's %s must be a whole number, False or None, not %r" % (name, count))
        self.allowed_methods = allowed_methods
        self.status_forcelist = status_forcelist or frozenset()
        self.backoff_factor = backoff_factor
        self.backoff_max = backoff_max
        self.backoff_jitter = backoff_jitter
        self.raise_on_redirect = raise_on_redirect
        self.raise_on_status = raise_on_status
        self.history = history or ()
        self.respect_retry_after_header = respect_retry_after_header
        self.retry_after_max = retry_after_max
        self.remove_headers_on_redirect = frozenset(name.lower() for name in remove_headers_on_redirect)

    @classmethod
    def from_int(
        cls,
        retries: "Retry | bool | int | None",
        redirect: "bool | int | None" = True,
        default: "Retry | bool | int | None" = None,
    ) -> "Retry":
        """What a `retries=` argument means: a Retry is itself, a number a total, None the default (three)."""
        if retries is None:
            retries = cls.DEFAULT if default is None else default
        if isinstance(retries, Retry):
            return retries
        return cls(retries, redirect=None if redirect else False)

    def new(self, **changes: Any) -> "Retry":
        """The same with some settings changed, of the same class. A subclass with settings of its own extends this."""
        settings: dict[str, Any] = {
            "total": self.total,
            "connect": self.connect,
            "read": self.read,
            "redirect": self.redirect,
            "status": self.status,
            "other": self.other,
            "allowed_methods": self.allowed_methods,
            "status_forcelist": self.status_forcelist,
            "backoff_factor": self.backoff_factor,
            "backoff_max": self.backoff_max,
            "backoff_jitter": self.backoff_jitter,
            "raise_on_redirect": self.raise_on_redirect,
            "raise_on_status": self.raise_on_status,
            "history": self.history,
            "respect_retry_after_header": self.respect_retry_after_header,
            "retry_after_max": self.retry_after_max,
            "remove_headers_on_redirect": self.remove_headers_on_redirect,
        }
        settings.update(changes)
        return type(self)(**settings)

    # -- waiting -----------------------------------------------------------------------------------------------------

    def get_backoff_time(self) -> float:
        """Seconds to wait before the next attempt: 0 after the first failure in a row, then doubling."""
        failures = 0
        for attempt in reversed(self.history):
            if attempt.redirect_location is not None:
                break
            failures += 1
        if failures < 2:
            return 0
        # A thousand failures make a number too big for a float.
        seconds = self.backoff_factor * 2 ** min(failures - 1, 64) + random.random() * self.backoff_jitter
        return float(max(0, min(self.backoff_max, seconds)))

    def parse_retry_after(self, retry_after: str) -> float:
        """Seconds that a Retry-After field asks for (RFC 9110, 10.2.3: a number or a date), 0 to `retry_after_max`.

        Raises InvalidHeader for anything else.
        """
        if re.fullmatch(r"\s*[0-9]+\s*", retry_after):
            # A number of more digits than int() takes is beyond any ceiling, too.
            digits = retry_after.strip().lstrip("0")
            seconds = float(digits or 0) if len(digits) < 16 else float("inf")
        else:
            from email.utils import mktime_tz, parsedate_tz

            try:
                # None for what is no date; the rest is raised for dates like the year 10000.
                seconds = mktime_tz(parsedate_tz(retry_after)) - time.time()  # type: ignore[arg-type]
            except (IndexError, OverflowError, TypeError, ValueError):
                raise InvalidHeader("Invalid Retry-After header: %s" % retry_after) from None
        return max(0, min(seconds, self.retry_after_max))

    def get_retry_after(self, response: Any) -> "float | None":
        """Seconds that the response asks to wait, or None if it does not."""
        field = response.headers.get("Retry-After")
        return None if field is None else self.parse_retry_after(field)

    def sleep_for_retry(self, response: Any) -> bool:
        """Wait as long as the response asks; whether it asked."""
        seconds = self.get_retry_after(response)
        if not seconds:
            return False
        time.sleep(seconds)
        return True

    def sleep(self, response: Any = None) -> None:
        """Wait before the next attempt: as long as the response asks, else the backoff."""
        if self.respect_retry_after_header and response is not None and self.sleep_for_retry(response):
            return
        seconds = self.get_backoff_time()
        if seconds > 0:
            time.sleep(seconds)

    # -- deciding ----------------------------------------------------------------------------------------------------

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
        """Whether a response of that status to that method is to be tried again."""
        if not self._is_method_retryable(method):
            return False
        if status_code in self.status_forcelist:
            return True
        return bool(
            self.total
            and self.respect_retry_after_header
            and has_retry_after
            and status_code in self.RETRY_AFTER_STATUS_CODES
        )

    def is_exhausted(self) -> bool:
        """Whether one of the counts is overdrawn."""
        return any(count is not None and count < 0 for count in (getattr(self, name) for name in _COUNTS))

    def increment(
        self,
        method: "str | None" = None,
        url: "str | None" = None,
        response: Any = None,
        error: "Exception | None" = None,
        _pool: Any = None,
        _stacktrace: Any = None,
    ) -> "Retry":
        """The Retry of the next attempt, one attempt poorer, with this one in its history.

        `error` says how the attempt failed; without one, `response` is what it gave. Raises MaxRetryError if that
        attempt was the last, or `error` itself if such errors are not retried at all.
        """
        if error is not None and self._is_final(method, error):
            raise error if _stacktrace is None else error.with_traceback(_stacktrace)
        kind = self._kind(response, error)
        spent: dict[str, Any] = {}
        for name in ("total", kind):
            count = getattr(self, name)
            if count is not None:
                spent[name] = count - 1
        location = response.get_redirect_location() or None if kind == "redirect" else None
        status = response.status if response is not None and error is None else None
        attempt = RequestHistory(method, url, error, status, location)
        following = self.new(history=(*self.history, attempt), **spent)
        if following.is_exhausted():
            reason = error or ResponseError(_cause(kind, status))
            raise MaxRetryError(_pool, url, reason) from reason
        return following

    def _kind(self, response: Any, error: "Exception | None") -> str:
        if error is not None:
            return "connect" if _not_sent(error) else "read" if _maybe_sent(error) else "other"
        if response is not None and response.get_redirect_location():
            return "redirect"
        return "status"

    def _is_final(self, method: "str | None", error: Exception) -> bool:
        if self.total is False:
            return True
        if _not_sent(error):
            return self.connect is False
        if _maybe_sent(error):
            return self.read is False or method is None or not self._is_method_retryable(method)
        return False

    def _is_method_retryable(self, method: str) -> bool:
        return not self.allowed_methods or method.upper() in self.allowed_methods

    def __repr__(self) -> str:
        return "%s(total=%s, connect=%s, read=%s, redirect=%s, status=%s)" % (
            type(self).__name__,
            self.total,
            self.connect,
            self.read,
            self.redirect,
            self.status,
        )


Retry.DEFAULT = Retry(3)


def _not_sent(error: Exception) -> bool:
    """The server can't have seen the request."""
    if isinstance(error, ProxyError):
        error = error.original_error
    return isinstance(error, ConnectTimeoutError)


def _maybe_sent(error: Exception) -> bool:
    """The server may have seen the request, and acted on it."""
    return isinstance(error, (ReadTimeoutError, ProtocolError))


def _cause(kind: str, status: "int | None") -> str:
    if kind == "redirect":
        return "too many redirects"
    if status:
        return ResponseError.SPECIFIC_ERROR.format(status_code=status)
    return ResponseError.GENERIC_ERROR
