"""urllib3's `util.proxy`."""

from __future__ import annotations

from typing import Any


def connection_requires_http_tunnel(
    proxy_url: Any = None, proxy_config: Any = None, destination_scheme: str | None = None
) -> bool:
    """Whether a request through that proxy needs a CONNECT tunnel."""
    if not proxy_url or destination_scheme == "http":
        return False
    forwards = proxy_config is not None and proxy_config.use_forwarding_for_https
    return not (proxy_url.scheme == "https" and forwards)
