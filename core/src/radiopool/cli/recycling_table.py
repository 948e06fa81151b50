"""The table of what became of a radio's sockets, which `fetch` and `demo` print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from radiopool.cli.drivers import describe_budget


def describe_closed(closed: Mapping[str, int]) -> str:
    """Reasons and counts: "evicted 12, retired 4"."""
    return ", ".join(f"{reason} {count}" for reason, count in sorted(closed.items())) or "none"


def recycling_table(stats: Mapping[str, Any]) -> Table:
    """What `ConnectionManager.stats()` says, for a person."""
    table = Table("Budget", "Opened", "Reused", "Most open", "Closed", title="Sockets")
    table.add_row(
        describe_budget(stats["budget"]),
        str(stats["opened"]),
        str(stats["reused"]),
        str(stats["peak"]),
        describe_closed(stats["closed"]),
    )
    return table
