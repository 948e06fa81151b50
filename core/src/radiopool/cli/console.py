"""Where the commands print: as wide as the terminal, and wide enough for a table where there is none."""

from __future__ import annotations

from rich.console import Console

# rich takes 80 columns where it sees no terminal, and breaks the words of a table to fit.
WIDTH_OF_A_FILE = 160


def console(to_stderr: bool = False) -> Console:
    """A console; colours only on a terminal."""
    made = Console(stderr=to_stderr, highlight=False, emoji=False)
    if not made.is_terminal:
        made.width = WIDTH_OF_A_FILE
    return made
