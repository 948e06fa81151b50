"""The directive `state-diagram`: draws a transition table (event -> (from, to)) as SVG, and lists it below.

    ```{state-diagram} radiopool.ledger_methods.TRANSITIONS
    ```

A state that the drawing has no place for is an error, so a new one can't be forgotten here.
"""

import importlib
import math
from html import escape

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

# Centre of each state's box, in pixels.
PLACES = {
    "new": (70, 60),
    "connecting": (270, 60),
    "leased": (470, 60),
    "idle": (670, 60),
    "closed": (470, 240),
}
WIDTH, HEIGHT = 740, 290
BOX = (110, 40)
GAP = 16
"""Between the two arrows of a pair of states that lead to each other, in pixels."""

STYLE = (
    "rect{fill:none;stroke:currentColor;stroke-width:1.5}line{stroke:currentColor;stroke-width:1.2}"
    "text{fill:currentColor;font:14px sans-serif;text-anchor:middle}.event{font-style:italic;font-size:13px}"
)


def border(centre: tuple[float, float], towards: tuple[float, float]) -> tuple[float, float]:
    """Where the line from a box's centre leaves the box."""
    dx, dy = towards[0] - centre[0], towards[1] - centre[1]
    scale = min(BOX[axis] / 2 / abs(d) if d else math.inf for axis, d in enumerate((dx, dy)))
    return centre[0] + dx * scale, centre[1] + dy * scale


def arrow(event: str, start: tuple[float, float], end: tuple[float, float], shift: float) -> str:
    """One labelled arrow between two boxes, moved sideways by `shift`."""
    length = math.dist(start, end)
    aside = ((start[1] - end[1]) / length * shift, (end[0] - start[0]) / length * shift)
    (x1, y1), (x2, y2) = border(start, end), border(end, start)
    x1, y1, x2, y2 = x1 + aside[0], y1 + aside[1], x2 + aside[0], y2 + aside[1]
    above = y1 == y2 and x1 < x2
    x, y = (x1 + x2) / 2, (y1 + y2) / 2 + (-7 if above else 16 if y1 == y2 else 4)
    if y1 != y2:
        x += 34 if x2 <= x1 else -30
    line = '<line x1="%.0f" y1="%.0f" x2="%.0f" y2="%.0f" marker-end="url(#tip)"/>' % (x1, y1, x2, y2)
    return line + '<text class="event" x="%.0f" y="%.0f">%s</text>' % (x, y, escape(event))


def draw(transitions: dict[str, tuple[str, str]]) -> str:
    """The table as SVG text; the same table always gives the same text. Raises KeyError for an unknown state."""
    pairs = set(transitions.values())
    parts = []
    for event, (before, after) in transitions.items():
        shift = -GAP / 2 if (after, before) in pairs else 0
        parts.append(arrow(event, PLACES[before], PLACES[after], shift))
    for state in dict.fromkeys(state for pair in transitions.values() for state in pair):
        x, y = PLACES[state]
        box = '<rect x="%d" y="%d" width="%d" height="%d" rx="8"/>' % (x - BOX[0] / 2, y - BOX[1] / 2, *BOX)
        parts.append(box + '<text x="%d" y="%d">%s</text>' % (x, y + 5, escape(state)))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="State diagram">'
        '<style>%s</style><defs><marker id="tip" markerWidth="9" markerHeight="8" refX="8" refY="4" orient="auto">'
        '<path d="M0,0 L9,4 L0,8 z" fill="currentColor"/></marker></defs>%s</svg>'
    ) % (WIDTH, HEIGHT, STYLE, "".join(parts))


class StateDiagram(SphinxDirective):
    """`state-diagram`: the argument is the dotted name of a table."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        module, _, name = self.arguments[0].rpartition(".")
        transitions = getattr(importlib.import_module(module), name)
        self.env.note_dependency(importlib.import_module(module).__file__ or "")
        try:
            drawing = draw(transitions)
        except KeyError as error:
            raise self.error("docs/_ext/state_diagram.py has no place for the state %s" % error) from error
        listing = nodes.bullet_list()
        for event, (before, after) in transitions.items():
            text = nodes.paragraph("", "", nodes.literal(text=event), nodes.Text(": %s → %s" % (before, after)))
            listing += nodes.list_item("", text)
        return [nodes.raw("", drawing, format="html"), listing]


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx calls this."""
    app.add_directive("state-diagram", StateDiagram)
    return {"parallel_read_safe": True}
