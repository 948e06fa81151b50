"""What a benchmark leaves: a table on the screen and in the docs, and a plot."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs" / "_generated"

Row = Sequence[object]


def write(name: str, title: str, command: str, header: Row, rows: Sequence[Row], remarks: str = "") -> None:
    """Print a table, and write it as `docs/_generated/NAME.md`."""
    lines = [
        "| " + " | ".join(map(str, header)) + " |",
        "| --- |" + " ---: |" * (len(header) - 1),
        *("| " + " | ".join(map(str, row)) + " |" for row in rows),
    ]
    print(f"\n{title}\n")
    print("\n".join(lines))
    if remarks:
        print("\n" + remarks)
    DOCS.mkdir(exist_ok=True)
    where = f"{platform.python_implementation()} {platform.python_version()}, {platform.system()}, {platform.machine()}"
    text = f"{title} (`{command}`; {where})\n\n" + "\n".join(lines) + "\n" + (f"\n{remarks}\n" if remarks else "")
    (DOCS / f"{name}.md").write_text(text)


def bars(name: str, title: str, values: dict[str, float], unit: str, log: bool = False) -> None:
    """Write a bar chart as `docs/_generated/NAME.svg`."""
    import matplotlib

    matplotlib.use("svg")
    # The same picture for the same numbers: no date, no random identifiers.
    matplotlib.rcParams["svg.hashsalt"] = "radiopool"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 0.6 + 0.42 * len(values)))
    names = list(reversed(values))
    drawn = axes.barh(names, [values[label] for label in names], color="#4878a8")
    axes.bar_label(drawn, fmt="%.3g", padding=3)
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(unit)
    if log:
        axes.set_xscale("log")
    axes.margins(x=0.15)
    axes.spines[["top", "right"]].set_visible(False)
    DOCS.mkdir(exist_ok=True)
    figure.savefig(DOCS / f"{name}.svg", bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)
