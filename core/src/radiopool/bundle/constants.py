"""Constants that stand where they are used, so that a board keeps no name for them.

Private ones of a file: `_NAME = const(5)` needs no import, since the compilers of MicroPython (since 1.19) and
CircuitPython (since 9) know `const` by its syntax. Where the name begins with an underscore, they write the value into
the code and keep no name at all.

Shared ones: a package lists in its `board.json`, under "constants", modules that have nothing else. What is imported
from them is written in place; the modules themselves are shipped for whoever else asks for them.
"""

from __future__ import annotations

import ast
import json
from functools import cache
from pathlib import Path

from radiopool.bundle.lines import Lines


@cache
def shared_constants() -> dict[str, dict[str, bytes]]:
    """The core's modules of constants, by name: each constant's name and its value, as Python."""
    package = Path(__file__).parent.parent
    listed = json.loads((package / "board.json").read_text(encoding="utf-8")).get("constants", [])
    found: dict[str, dict[str, bytes]] = {}
    for place in listed:
        tree = ast.parse((package / place).read_text(encoding="utf-8"))
        values = found["radiopool." + place.removesuffix(".py").replace("/", ".")] = {}
        for statement in tree.body:
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                values[statement.targets[0].id] = ast.unparse(statement.value).encode()
    return found


def write_in_place(source: str) -> tuple[str, set[str]]:
    """The file with the values of shared constants in place of their names, and the names that it does not need now.

    Raises SyntaxError.
    """
    lines = Lines(source)
    bound = _bound_names(lines.tree)
    values: dict[str, bytes] = {}
    for node in ast.walk(lines.tree):
        if isinstance(node, ast.ImportFrom) and not node.level:
            known = shared_constants().get(node.module or "", {})
            values |= {
                alias.name: known[alias.name] for alias in node.names if alias.name in known and not alias.asname
            }
    imported = [alias.name for node in ast.walk(lines.tree) if isinstance(node, ast.ImportFrom) for alias in node.names]
    values = {name: value for name, value in values.items() if bound.count(name) == imported.count(name)}
    # The places of names within an f-string are not known before Python 3.12.
    inside = {id(name) for node in ast.walk(lines.tree) if isinstance(node, ast.JoinedStr) for name in ast.walk(node)}
    edits = [
        lines.replace(*lines.span(node), values[node.id])
        for node in ast.walk(lines.tree)
        if isinstance(node, ast.Name) and node.id in values and id(node) not in inside
    ]
    return lines.edited(edits).decode(), set(values)


def fold_constants(source: str) -> str:
    """The file with `const()` around the private constants at its top that are literals: numbers, text and bytes.

    One that is bound a second time, or used above its line, stays as it is. Nothing outside the file can see them any
    more. Raises SyntaxError.
    """
    lines = Lines(source)
    bound = _bound_names(lines.tree)
    used = _first_uses(lines.tree)
    edits = []
    for statement in lines.tree.body:
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1 or not _is_literal(statement.value):
            continue
        target = statement.targets[0]
        if not isinstance(target, ast.Name) or target.id[:1] != "_" or target.id[:2] == "__":
            continue
        assert statement.end_lineno is not None
        if bound.count(target.id) == 1 and used.get(target.id, statement.end_lineno + 1) > statement.end_lineno:
            literal = lines.edited([], *lines.span(statement.value))
            text = target.id.encode() + b" = const(" + b"\n" * (statement.value.lineno - statement.lineno) + literal
            edits.append(lines.replace(*lines.span(statement), text, b")"))
    return lines.edited(edits).decode()


def _is_literal(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return isinstance(node.operand, ast.Constant) and type(node.operand.value) is int
    return isinstance(node, ast.Constant) and type(node.value) in (int, str, bytes)


def _bound_names(tree: ast.Module) -> list[str]:
    """Every place where a name is bound or only spelled, in any scope: the compilers know no scopes here."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.append(node.id)
        elif isinstance(node, (ast.arg, ast.keyword)):
            found.append(node.arg or "")
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler)):
            found.append(node.name or "")
        elif isinstance(node, ast.alias):
            found.append(node.asname or node.name)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            found += node.names
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # __all__, getattr() and their like.
            found.append(node.value)
    return found


def _first_uses(tree: ast.Module) -> dict[str, int]:
    """The first line in which each name is used."""
    found: dict[str, int] = {}
    for node in ast.walk(tree):
        # Python 3.10 and 3.11 do not know the lines inside of an f-string, only where it begins.
        inside = ast.walk(node) if isinstance(node, ast.JoinedStr) else [node]
        for name in inside:
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load):
                line = node.lineno if isinstance(node, ast.JoinedStr) else name.lineno
                found[name.id] = min(found.get(name.id, line), line)
    return found
