"""Docstrings here are written to be read in the source; this turns their two habits into reStructuredText.

A paragraph of lines `name: what it is`, with what follows indented, becomes a definition list. An indented paragraph
becomes a block of code.
"""

import re

from sphinx.application import Sphinx

TERM = re.compile(r"([a-z_][\w]*(?:, [a-z_]\w*)*): +(.*)")


def is_list(paragraph: list[str]) -> bool:
    """Whether a paragraph is a list of names with what they are, rather than a sentence with a colon in it."""
    if not TERM.match(paragraph[0]):
        return False
    return all(line.startswith(" ") or TERM.match(line) for line in paragraph)


def definitions(paragraph: list[str]) -> list[str]:
    """The definition list."""
    lines = []
    for line in paragraph:
        term = TERM.match(line)
        if term:
            lines += ["``%s``" % term[1], "    " + term[2]]
        else:
            lines.append("    " + line.strip())
    return lines


def convert(lines: list[str]) -> list[str]:
    """The whole docstring, paragraph by paragraph."""
    converted: list[str] = []
    paragraphs: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    in_code = False
    for paragraph in filter(None, paragraphs):
        indented = all(line.startswith("    ") for line in paragraph)
        if indented and not in_code and not (converted and converted[-2].endswith("::")):
            converted += ["::", ""]
        in_code = indented
        converted += [*(definitions(paragraph) if is_list(paragraph) else paragraph), ""]
    return converted


def process(app: Sphinx, what: str, name: str, found: object, options: object, lines: list[str]) -> None:
    """autodoc's hook: changes the lines in place."""
    lines[:] = convert(lines)


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx calls this."""
    app.connect("autodoc-process-docstring", process)
    return {"parallel_read_safe": True}
