"""Buffers that are resized while a memoryview over them is kept: on a board the view then reads freed memory.

CPython refuses the resize (BufferError).
"""

import ast
from collections.abc import Iterator

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def name_of(node: "ast.AST | None") -> str:
    """The last word of a dotted name, or ''."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def own_nodes(function: ast.AST) -> "Iterator[ast.AST]":
    """The nodes of a function without those of functions inside it."""
    for child in ast.iter_child_nodes(function):
        yield child
        if not isinstance(child, (*FUNCTIONS, ast.Lambda)):
            yield from own_nodes(child)


def resizes_under_views(
    scope: "ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef",
) -> "Iterator[tuple[ast.AST, int]]":
    """The nodes that resize a buffer under a live view, each with the line that made the view.

    In a function, views in local names; in a class, views in attributes.
    """
    in_class = isinstance(scope, ast.ClassDef)
    nodes = list(ast.walk(scope) if in_class else own_nodes(scope))
    for node in nodes:
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], (ast.Name, ast.Attribute)):
            continue
        view, value = node.targets[0], node.value
        if isinstance(view, ast.Attribute) is not in_class:
            continue
        while isinstance(value, ast.Subscript):
            value = value.value
        if isinstance(value, ast.Call) and name_of(value.func) == "memoryview" and value.args:
            yield from _resizes(nodes, node, view, ast.dump(value.args[0]))


def _resizes(nodes: "list[ast.AST]", made: ast.Assign, view: ast.expr, buffer: str) -> "Iterator[tuple[ast.AST, int]]":
    local = isinstance(view, ast.Name)
    gone = min((n.lineno for n in nodes if local and _ends(n, name_of(view)) and n.lineno > made.lineno), default=0)
    used = max((n.lineno for n in nodes if isinstance(n, ast.Name) and n.id == name_of(view)), default=0)
    looped = any(isinstance(n, (ast.For, ast.While)) and n.lineno < made.lineno <= (n.end_lineno or 0) for n in nodes)
    for node in nodes:
        if not _is_resize(node, buffer):
            continue
        line = getattr(node, "lineno", 0)
        if local and (line < made.lineno or (gone and line > gone) or (line > used and not looped)):
            continue
        yield node, made.lineno


def _ends(node: ast.AST, view: str) -> bool:
    if isinstance(node, ast.Delete):
        return any(name_of(target) == view for target in node.targets)
    rebound = isinstance(node, ast.Assign) and any(name_of(target) == view for target in node.targets)
    return rebound and isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)


def _is_resize(node: ast.AST, buffer: str) -> bool:
    if isinstance(node, ast.AugAssign):
        return isinstance(node.op, ast.Add) and _stored(node.target) == buffer
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in ("append", "extend") and ast.dump(node.func.value) == buffer
    if isinstance(node, ast.Assign):
        target = node.targets[0]
        if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice):
            emptied = isinstance(node.value, ast.Constant) and not node.value.value
            return ast.dump(target.value) == buffer and (emptied or target.slice.upper is None)
    return False


def _stored(target: ast.expr) -> str:
    """The dump of an assigned name or attribute as it would be when read."""
    read = ast.parse(ast.unparse(target), mode="eval").body
    return ast.dump(read)
