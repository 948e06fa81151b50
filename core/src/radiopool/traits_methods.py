"""What traits check and tell on CPython."""

from __future__ import annotations

from radiopool.errors import InvalidValueError
from radiopool.policy import check_budget


class TraitsMethods:
    """The parent of `Traits`, whose attributes these methods use."""

    budget: tuple[int | None, int | None]
    tls: str | None
    udp: bool
    ipv6: bool
    listen: bool
    tls_cost: int

    def check(self) -> None:
        """Raise InvalidValueError for what can't be traits."""
        if not isinstance(self.budget, (tuple, list)):
            raise InvalidValueError(
                "the budget of traits must be a pair (sockets, TLS sockets), such as (4, None), not %r" % (self.budget,)
            )
        check_budget(self.budget)
        if self.tls not in ("host", "chip", None):
            raise InvalidValueError("tls must be 'host', 'chip' or None, not %r" % (self.tls,))
        if not isinstance(self.tls_cost, int) or self.tls_cost < 1:
            raise InvalidValueError("tls_cost must be a whole number from 1 up, not %r" % (self.tls_cost,))

    def __repr__(self) -> str:
        return "Traits(budget=%r, tls=%r, udp=%r, ipv6=%r, listen=%r, tls_cost=%r)" % (
            self.budget,
            self.tls,
            self.udp,
            self.ipv6,
            self.listen,
            self.tls_cost,
        )
