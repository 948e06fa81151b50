"""The release of urllib3 whose names these are."""

__version__ = version = "2.8.0"
__version_tuple__ = version_tuple = (2, 8, 0)
__commit_id__ = commit_id = None
