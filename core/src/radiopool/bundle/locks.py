"""The locks that a file makes of `radiopool.platform.Lock`: on a board these exclude nobody."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def locks(tree: ast.Module) -> Iterator[str]:
    """What a file makes of `radiopool.platform.Lock`, as it is written: `self.lock`."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    if not any(
        node.module == "radiopool.platform" and alias.name == "Lock" for node in imports for alias in node.names
    ):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.value) == "Lock()":
            yield from map(ast.unparse, node.targets)


def is_only_entered(lock: str, tree: ast.Module) -> bool:
    """Whether a lock is one class's own, by its name, and only ever made and entered."""
    nodes = list(ast.walk(tree))
    uses = [node for node in nodes if isinstance(node, ast.Attribute) and ast.unparse(node) == lock]
    entered = [item for node in nodes if isinstance(node, ast.With) for item in node.items if ast.unparse(item) == lock]
    made = [use for use in uses if isinstance(use.ctx, ast.Store)]
    return "._" in lock and len(uses) == len(entered) + len(made)
