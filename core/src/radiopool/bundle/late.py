"""Imports that are made where they are used, so that a board loads what it seldom needs when it does.

A package lists in its `board.json`, under "late", modules for that: those of errors. In bytecode

    from radiopool.errors import InvalidValueError

    def bind(address):
        raise InvalidValueError("...")

has the import before the `raise`. A name that is used while the file is loaded (a parent of a class, a default), that
no function uses, or that the file binds or spells elsewhere too (as a parameter, in `__all__`) stays where it was.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from radiopool.bundle.constants import bound_names
from radiopool.bundle.lines import BLOCKS, Edit, Lines, listed


def late_imports(source: str, modules: Collection[str]) -> str:
    """The source with what it imports from those modules imported by the statements that need it. Lines move."""
    lines = Lines(source)
    imports = [node for node in lines.tree.body if isinstance(node, ast.ImportFrom) and node.module in modules]
    homes = {alias.asname or alias.name: (node, alias) for node in imports for alias in node.names}
    bound = bound_names(lines.tree)
    for name in {*_names_at_load(lines.tree.body), *(name for name in homes if bound.count(name) > 1)}:
        homes.pop(name, None)
    if not homes:
        return source
    edits: list[Edit] = []
    moved: list[ast.alias] = []
    for node in ast.walk(lines.tree):
        if isinstance(node, ast.FunctionDef):
            for statement, names in _uses(node.body, homes):
                edits.append(_before(lines, statement, [homes[name] for name in names]))
                moved += [homes[name][1] for name in names]
    for node in imports:
        kept = [alias for alias in node.names if alias not in moved]
        text = f"from {node.module} import {listed(kept)}" if kept else "pass"
        edits.append(lines.replace(*lines.span(node), text.encode()))
    return lines.edited(edits).decode()


def _names_at_load(block: list[ast.stmt]) -> Iterator[str]:
    """The names that a file uses while it is loaded: outside of functions, and in what stands around a function."""
    for statement in block:
        nodes: list[ast.AST] = [statement]
        if isinstance(statement, ast.FunctionDef):
            nodes = [*statement.decorator_list, *statement.args.defaults]
            nodes += [default for default in statement.args.kw_defaults if default]
        elif isinstance(statement, ast.ClassDef):
            nodes = [*statement.decorator_list, *statement.bases]
            yield from _names_at_load(statement.body)
        for node in nodes:
            yield from (found.id for found in ast.walk(node) if isinstance(found, ast.Name))


def _uses(
    block: list[ast.stmt], wanted: Collection[str], at: ast.stmt | None = None
) -> Iterator[tuple[ast.stmt, list[str]]]:
    """(statement, names): the statements before which a function has to import which of the wanted names.

    at: the statement before which it must be, for the one of this block; None: each before itself.
    """
    for statement in block:
        place = at or statement
        names = sorted(set(_names_in(statement)) & set(wanted))
        if names:
            yield place, names
        if isinstance(statement, ast.FunctionDef):
            continue
        inner = [getattr(statement, field, []) for field in BLOCKS]
        inner += [handler.body for handler in getattr(statement, "handlers", [])]
        for nested in inner:
            if nested:
                # Nothing can stand before an `elif`.
                is_elif = isinstance(statement, ast.If) and nested is statement.orelse and _is_elif(statement)
                yield from _uses(nested, wanted, place if is_elif else None)


def _is_elif(statement: ast.If) -> bool:
    # It is an `if` that is all there is in an `else`.
    first = statement.orelse[0]
    return len(statement.orelse) == 1 and isinstance(first, ast.If) and first.col_offset == statement.col_offset


def _names_in(statement: ast.stmt) -> Iterator[str]:
    """The names in a statement itself, not in the statements of its blocks, and not in annotations, which boards skip.

    What a nested function uses is the function's; the class of an `except` is the whole `try` statement's.
    """
    if isinstance(statement, ast.FunctionDef):
        return
    for field, child in ast.iter_fields(statement):
        if field in BLOCKS or field == "annotation":
            continue
        for node in child if isinstance(child, list) else [child]:
            if isinstance(node, ast.ExceptHandler):
                node = node.type
            if isinstance(node, ast.AST):
                yield from (found.id for found in ast.walk(node) if isinstance(found, ast.Name))


def _before(lines: Lines, statement: ast.stmt, homes: list[tuple[ast.ImportFrom, ast.alias]]) -> Edit:
    start = lines.span(statement)[0]
    line = lines.bytes[lines.bytes.rfind(b"\n", 0, start) + 1 : start]
    after = "; " if line.strip() else "\n" + line.decode()
    text = "".join(f"from {node.module} import {listed([alias])}{after}" for node, alias in homes)
    return Edit(start, start, text.encode())
