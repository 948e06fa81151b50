"""Constants that stand where they are used, so that a board keeps no name for them.

Private ones of a file: `_NAME = 5`, a number, text or bytes, and `_NAME = Name`, another name for what the file
imports or defines above. Nothing outside the file sees them any more.

Shared ones: a package lists in its `board.json`, under "constants", modules that have nothing else. What is imported
from them is written in place; the modules themselves are shipped for whoever else asks for them.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
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
    """The file with the values of constants in place of their names, and the shared ones that it does not need now.

    What is bound a second time, used above its line, or used in an f-string (where its place is not known before Python
    3.12) keeps its name. Raises SyntaxError.
    """
    lines = Lines(source)
    bound = bound_names(lines.tree)
    formatted = {
        name.id
        for node in ast.walk(lines.tree)
        if isinstance(node, ast.JoinedStr)
        for name in ast.walk(node)
        if isinstance(name, ast.Name)
    }
    shared = {name: value for name, value in _imported_constants(lines.tree, bound).items() if name not in formatted}
    private = {name: node for name, node in _private_constants(lines.tree, bound).items() if name not in formatted}
    # A negative number is no atom: -5 ** 2 is not (-5) ** 2.
    texts = {name: ast.unparse(node.value) for name, node in private.items()}
    values = shared | {name: (f"({text})" if text[0] == "-" else text).encode() for name, text in texts.items()}
    gone = set(map(id, private.values()))
    edits = [
        lines.replace(*lines.span(node), values[node.id])
        for node in ast.walk(lines.tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in values
    ]
    for block in _top_blocks(lines.tree):
        edits += lines.remove(block, lambda statement: id(statement) in gone)
    return lines.edited(edits).decode(), set(shared)


def _imported_constants(tree: ast.Module, bound: list[str]) -> dict[str, bytes]:
    """The shared constants that a file imports and does not bind otherwise, and their values."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported = [alias.name for node in imports for alias in node.names]
    found: dict[str, bytes] = {}
    for node in imports:
        known = shared_constants().get(node.module or "", {}) if not node.level else {}
        for alias in node.names:
            if alias.name in known and not alias.asname and bound.count(alias.name) == imported.count(alias.name):
                found[alias.name] = known[alias.name]
    return found


def _private_constants(tree: ast.Module, bound: list[str]) -> dict[str, ast.Assign]:
    """The assignments at a file's top that make private constants, by name."""
    used = _first_uses(tree)
    found: dict[str, ast.Assign] = {}
    for statement in [statement for block in _top_blocks(tree) for statement in block]:
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            continue
        value = statement.value
        # Another name for one that always means the same, or a literal.
        if bound.count(value.id) > 1 if isinstance(value, ast.Name) else not _is_literal(value):
            continue
        target = statement.targets[0]
        if not isinstance(target, ast.Name) or target.id[:1] != "_" or target.id[:2] == "__":
            continue
        assert statement.end_lineno is not None
        if bound.count(target.id) == 1 and used.get(target.id, statement.end_lineno + 1) > statement.end_lineno:
            found[target.id] = statement
    return found


def _top_blocks(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    """The statements that run whenever the file does: at its top, and in what is left of a branch decided there."""
    yield tree.body
    for statement in tree.body:
        if isinstance(statement, ast.If) and isinstance(statement.test, ast.Constant):
            yield statement.body if statement.test.value else statement.orelse


def _is_literal(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return isinstance(node.operand, ast.Constant) and type(node.operand.value) is int
    return isinstance(node, ast.Constant) and type(node.value) in (int, str, bytes)


def bound_names(tree: ast.Module) -> list[str]:
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
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found[node.id] = min(found.get(node.id, node.lineno), node.lineno)
    return found
