"""The command `radiopool`. Needs the extra `cli` (typer and rich)."""

from radiopool.cli.app import main

__all__ = ["main"]
