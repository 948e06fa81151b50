"""The words and numbers that rooms share: the states of an entry, the reasons for closing one and for refusing a lease.

A board has them in place of their names: see `radiopool.bundle.constants`.
"""

CONTRACT = (1, 0)
"""The driver contract that this core offers, (major, minor). A driver made for another major is refused."""

# The states of an entry. Every transition there is stands in `ledger_methods.TRANSITIONS`.
CONNECTING = "connecting"
LEASED = "leased"
IDLE = "idle"
CLOSED = "closed"

# Why a socket was closed. Whoever discards a leased socket may give a reason of its own.
EVICTED = "evicted"  # made room for another key
STALE = "stale"  # the peer closed it, or sent something, while it was idle
IDLE_TIMEOUT = "idle timeout"
EXPIRED = "max age"
SURPLUS = "surplus"  # more idle sockets than may be kept
RETIRED = "retired"  # its session ended, or everything was to be closed
DISCARDED = "discarded"  # the user did not vouch for it
FAILED = "connect failed"
RESET = "radio reset"

# Why a lease was refused.
NO_SOCKET = "out of sockets"
NO_TLS = "out of TLS sockets"
KEY_FULL = "as many sockets to this host as allowed"

# How long a limit learned from exhaustion holds: what took the sockets may be gone by then.
LEARNED_MS = 60_000

# Milliseconds: after the end of every clock.
NEVER = 1e999

# A number of sockets that stands for any number; it fits a small int of every board.
NO_LIMIT = 536_870_912

# Interim (1xx) responses that may come before the final one.
INTERIM_LIMIT = 16
