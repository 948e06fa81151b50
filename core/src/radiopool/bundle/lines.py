"""A file's text with parts replaced and no line moved: a traceback on a board names the line of the file itself."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

BLOCKS = ("body", "orelse", "finalbody")
"""The fields of a statement that hold the statements in it."""


def listed(names: Iterable[ast.alias]) -> str:
    """What stands behind `import`."""
    return ", ".join(alias.name + (" as " + alias.asname if alias.asname else "") for alias in names)


class Edit(NamedTuple):
    """Bytes `start` to `end` of a file become `text`, which has as many ends of lines."""

    start: int
    end: int
    text: bytes


class Lines:
    """A file, parsed. Raises SyntaxError."""

    def __init__(self, source: str) -> None:
        self.tree = ast.parse(source)
        # The tree counts columns in bytes of UTF-8.
        self.bytes = source.encode()
        self._starts = [0]
        for line in self.bytes.split(b"\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)

    def span(self, node: ast.expr | ast.stmt | ast.arg) -> tuple[int, int]:
        """Where a node begins, its decorators included, and ends."""
        # A decorator's expression is in the tree, its "@" is not: that is where the statement would begin.
        line = min(found.lineno for found in (node, *getattr(node, "decorator_list", ())))
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self._starts[line - 1] + node.col_offset, self._starts[node.end_lineno - 1] + node.end_col_offset

    def replace(self, start: int, end: int, text: bytes, close: bytes = b"") -> Edit:
        """That edit: `text`, the ends of lines that it lacks, `close`."""
        return Edit(start, end, text + b"\n" * (self.bytes.count(b"\n", start, end) - text.count(b"\n")) + close)

    def remove(self, block: list[ast.stmt], is_gone: Callable[[ast.stmt], bool]) -> Iterator[Edit]:
        """The edits that take statements out of a block; `pass` stands where it would be left empty."""
        gone = [statement for statement in block if is_gone(statement)]
        for statement in gone:
            start, end = self.span(statement)
            needed = (len(gone) == len(block) and statement is block[0]) or self.bytes[end:].lstrip(b" ")[:1] == b";"
            line = self.bytes.rfind(b"\n", 0, start) + 1
            if not needed and self.bytes[line:start].isspace():
                start = line  # the indentation too
            yield self.replace(start, end, b"pass" if needed else b"")

    def edited(self, edits: Iterable[Edit], start: int = 0, end: int | None = None) -> bytes:
        """The text from `start` to `end` with the edits, which do not overlap and lie within."""
        pieces = []
        for edit in sorted(edits):
            pieces += [self.bytes[start : edit.start], edit.text]
            start = edit.end
        return b"".join([*pieces, self.bytes[start:end]])
