"""adafruit_connection_manager, by radiopool: what a board has under that name instead of Adafruit's."""

from radiopool.compat.adafruit import (  # noqa: F401
    ConnectionManager,
    CPythonNetwork,
    PoolManager,
    __repo__,
    __version__,
    connection_manager_close_all,
    create_fake_ssl_context,
    get_connection_manager,
    get_radio_socketpool,
    get_radio_ssl_context,
)
