"""Docstrings here are written to be read in the source; this turns their two habits into reStructuredText.

A paragraph of lines `name: what it is`, with what follows indented, becomes a definition list. A paragraph that is
indented, or begins as Python does (formatters move it to the margin where nothing follows it), becomes code.
"""

import re

from sphinx.application import Sphinx

TERM = re.compile(r"([a-z_][\w]*(?:, [a-z_]\w*)*): +(.*)")


PYTHON = re.compile(r"(import|from|class|def|with|for|async|@)[ \w]|\w+ = ")


def is_list(paragraph: list[str]) -> bool:
    """Whether a paragraph begins a list of names with what they are, rather than a sentence with a colon in it."""
    return bool(TERM.match(paragraph[0])) and (
        len(paragraph) == 1 or bool(re.match(r" |" + TERM.pattern, paragraph[1]))
    )


def definitions(paragraph: list[str]) -> list[str]:
    """The definition list, and as a paragraph of its own what follows it at the margin."""
    lines: list[str] = []
    for index, line in enumerate(paragraph):
        term = TERM.match(line)
        if term:
            lines += ["``%s``" % term[1], "    " + term[2]]
        elif line.startswith(" "):
            lines.append("    " + line.strip())
        else:
            return [*lines, "", *paragraph[index:]]
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
        at_margin = bool(PYTHON.match(paragraph[0]))
        is_code = at_margin or all(line.startswith("    ") for line in paragraph)
        if is_code and not in_code and not (converted and converted[-2].endswith("::")):
            converted += ["::", ""]
        in_code = is_code
        if at_margin:
            paragraph = ["    " + line for line in paragraph]
        elif not is_code and is_list(paragraph):
            paragraph = definitions(paragraph)
        converted += [*paragraph, ""]
    return converted


def process(app: Sphinx, what: str, name: str, found: object, options: object, lines: list[str]) -> None:
    """autodoc's hook: changes the lines in place."""
    lines[:] = convert(lines)


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx calls this."""
    app.connect("autodoc-process-docstring", process)
    return {"parallel_read_safe": True}
