"""urllib3's `_collections`: private there, and imported by many."""

from radiopool.http.header_mapping import HeaderItems as HTTPHeaderDictItemView
from radiopool.http.headers import HTTPHeaderDict
from radiopool.http.pools import RecentlyUsedContainer

__all__ = ["HTTPHeaderDict", "HTTPHeaderDictItemView", "RecentlyUsedContainer"]
