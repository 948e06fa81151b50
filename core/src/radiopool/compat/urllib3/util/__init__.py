"""urllib3's `util`."""

from radiopool.compat.urllib3.util import proxy as proxy
from radiopool.compat.urllib3.util import ssl_match_hostname as ssl_match_hostname
from radiopool.compat.urllib3.util import util as util
from radiopool.compat.urllib3.util.connection import is_connection_dropped
from radiopool.compat.urllib3.util.request import SKIP_HEADER, SKIPPABLE_HEADERS, make_headers
from radiopool.compat.urllib3.util.response import is_fp_closed
from radiopool.compat.urllib3.util.retry import Retry
from radiopool.compat.urllib3.util.ssl_ import (
    ALPN_PROTOCOLS,
    IS_PYOPENSSL,
    SSLContext,
    assert_fingerprint,
    create_urllib3_context,
    resolve_cert_reqs,
    resolve_ssl_version,
    ssl_wrap_socket,
)
from radiopool.compat.urllib3.util.timeout import Timeout
from radiopool.compat.urllib3.util.url import Url, parse_url
from radiopool.compat.urllib3.util.wait import wait_for_read, wait_for_write

__all__ = (
    "ALPN_PROTOCOLS",
    "IS_PYOPENSSL",
    "SKIPPABLE_HEADERS",
    "SKIP_HEADER",
    "Retry",
    "SSLContext",
    "Timeout",
    "Url",
    "assert_fingerprint",
    "create_urllib3_context",
    "is_connection_dropped",
    "is_fp_closed",
    "make_headers",
    "parse_url",
    "resolve_cert_reqs",
    "resolve_ssl_version",
    "ssl_wrap_socket",
    "wait_for_read",
    "wait_for_write",
)
