"""Sending a request again: retries after failures and statuses, redirects within a host and across hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from radiopool.errors import InvalidValueError
from radiopool.http import redirects
from radiopool.http.errors import MaxRetryError, ProtocolError, SSLError, TimeoutError
from radiopool.http.exceptions import ProxyError
from radiopool.http.retry import Retry

if TYPE_CHECKING:
    from radiopool.http.connectionpool import HTTPConnectionPool
    from radiopool.http.file_response import HTTPResponse


def settle(
    pool: HTTPConnectionPool,
    response: HTTPResponse | None,
    failure: Exception | None,
    retries: Any,
    redirect: bool,
    assert_same_host: bool,
    asked: tuple[Any, ...],
) -> HTTPResponse:
    """The response that a connection pool returns in the end, when the first attempt was not simply a success.

    `asked` are the arguments of `request_once`. Raises what the last attempt raised, or MaxRetryError with it.
    """
    retries = Retry.from_int(retries, redirect=redirect, default=pool.retries)
    method, url, body, headers, *rest = asked
    while True:
        if failure is not None:
            if not isinstance(failure, (TimeoutError, ProtocolError, SSLError, ProxyError)):
                raise failure
            if isinstance(failure, InvalidValueError):
                # A TLS option that can't be used is no better the second time.
                raise failure
            retries = retries.increment(method, url, error=failure, _pool=pool)
            failure = None
            retries.sleep()
        else:
            assert response is not None
            location = redirect and response.get_redirect_location()
            if location:
                following = _increment(retries, method, url, response, pool, retries.raise_on_redirect)
                if following is None:
                    return response
                retries = following
                response.drain_conn()
                retries.sleep_for_retry(response)
                following_url = redirects.target(pool.url_of(url), str(location))
                if assert_same_host:
                    pool._check_same_host(following_url.url, retries)
                url = following_url.request_uri
                method, body, headers = redirects.reshape(
                    response.status, method, body, pool.headers if headers is None else headers
                )
            elif retries.is_retry(method, response.status, "Retry-After" in response.headers):
                following = _increment(retries, method, url, response, pool, retries.raise_on_status)
                if following is None:
                    return response
                retries = following
                response.drain_conn()
                retries.sleep(response)
            else:
                response.retries = retries
                return response
        try:
            response = pool.request_once(method, url, body, headers, *rest)
        except OSError as error:
            failure = error


def follow(manager: Any, method: str, url: str, response: HTTPResponse, pool: Any, kw: dict[str, Any]) -> HTTPResponse:
    """Follow a redirect across hosts, and those after it; `kw` are the keywords of `PoolManager.urlopen`."""
    while True:
        location = response.get_redirect_location()
        if not location:
            return response
        retries = response._retries
        given = kw.get("retries")
        if given is None:
            given = pool.retries
        if not isinstance(retries, Retry):
            retries = Retry.from_int(given)
        elif isinstance(given, int):
            # The pool, which was not to follow redirects, made it of a number: it allows none.
            retries = retries.new(redirect=None, raise_on_redirect=True)
        try:
            target = redirects.target(url, str(location)).url
        except ValueError:
            response.drain_conn()
            raise
        method, kw["body"], kw["headers"] = redirects.reshape(
            response.status, method, kw.get("body"), kw.get("headers")
        )
        if not pool.is_same_host(target):
            kw["headers"] = redirects.without(kw["headers"], retries.remove_headers_on_redirect)
        following = _increment(retries, method, url, response, pool, retries.raise_on_redirect)
        if following is None:
            return response
        kw["retries"] = following
        response.drain_conn()
        following.sleep_for_retry(response)
        url = target
        # By way of the manager's own method: a subclass that extends it sees each place before it is asked.
        response = manager.urlopen(method, url, redirect=False, **kw)
        pool, _ = manager.pool_of(url)
        response.url = url


def last_location(retries: Any) -> str | None:
    """Where the last redirect pointed, if there was one."""
    history = retries.history if isinstance(retries, Retry) else ()
    return history[-1].redirect_location if history else None


def _increment(retries: Retry, method: str, url: str, response: HTTPResponse, pool: Any, raises: bool) -> Retry | None:
    """The next attempt's Retry; None if there is none and the response is to be returned as it is."""
    try:
        return retries.increment(method, url, response=response, _pool=pool)
    except MaxRetryError:
        if raises:
            response.drain_conn()
            raise
        response.retries = retries
        return None
