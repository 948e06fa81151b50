"""The half of a file that a board runs.

Files for boards have branches that only CPython or a type checker takes: `if CPYTHON`, `if TYPE_CHECKING or
platform.CPYTHON`, `X if CPYTHON else Y`. A board's compiler does not know that, and every name in such a branch costs
the board memory for as long as its module is loaded. So a bundle has the board's half only.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from radiopool.bundle.constants import write_in_place
from radiopool.bundle.lines import BLOCKS, Edit, Lines, listed
from radiopool.bundle.locks import is_only_entered, locks

MARKS = ("CPYTHON", "TYPE_CHECKING")
"""The names that are false on a board, `CPYTHON` as an attribute (`platform.CPYTHON`) too."""


def board_half(source: str) -> str:
    """The file without what only CPython and type checkers run; every line that stays keeps its number.

    - A branch that no board takes is empty lines, or `pass` where a block needs a statement; `A if CPYTHON else B` is
      `(B)`. What stands beside a mark in `and` and `or` is taken to have no effects but its value.
    - `TYPE_CHECKING = False` is gone, `CPYTHON` is set to False, and an import that only such tests, branches and
      statements used is gone.
    - `with self.lock:` is `if (True):` in a class that makes it of `radiopool.platform.Lock`, which excludes nobody
      there; `self._lock = Lock()`, whose name says that nobody else asks for it, is gone.
    - Parameters that must be given by name may be given by place, which takes a dictionary less.
    - Private constants, and those of `radiopool.vocabulary`, are their values: see `constants`.

    The file itself runs on a board too. Raises SyntaxError for what is not Python.
    """
    asked = {_carrier(node) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.expr) and _is_mark(node)}
    half, written = write_in_place(_Branches(source).resolved())
    # What only the other half used.
    other = _used(source) - _used(half)
    return _without_imports(half, asked | written | other)


def _used(source: str) -> set[str]:
    """The names that are used anywhere in a file."""
    nodes = ast.walk(ast.parse(source))
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def _is_mark(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        return node.id in MARKS and isinstance(node.ctx, ast.Load)
    return isinstance(node, ast.Attribute) and node.attr == MARKS[0] and isinstance(node.value, ast.Name)


def _sets_the_mark(node: ast.AST) -> bool:
    """Whether it is the statement that asks which interpreter it runs on."""
    return isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [MARKS[0]]


def _carrier(mark: ast.expr) -> str:
    """The name that has to be imported for a mark."""
    return next(node.id for node in ast.walk(mark) if isinstance(node, ast.Name))


def _is_boolean(node: ast.expr) -> bool:
    """Whether its value is True or False for certain, not only true or false."""
    if isinstance(node, ast.BoolOp):
        return all(_is_boolean(operand) for operand in node.values)
    return isinstance(node, ast.Compare) or _is_mark(node) or _is_not(node)


def _is_not(node: ast.expr) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)


def _comes_to(node: ast.expr) -> bool | None:
    """What the marks alone decide a test to be on a board; None if they do not."""
    if _is_mark(node):
        return False
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        inner = _comes_to(node.operand)
        return None if inner is None else not inner
    if isinstance(node, ast.BoolOp) and not any(isinstance(inner, ast.NamedExpr) for inner in ast.walk(node)):
        decisive = isinstance(node.op, ast.Or)
        found = [_comes_to(operand) for operand in node.values]
        if decisive in found:
            return decisive
        return None if None in found else not decisive
    return None


class _Branches:
    """The edits that resolve tests. `is_test`: only whether the value is true matters, not which value it is."""

    def __init__(self, source: str) -> None:
        self.lines = Lines(source)
        self._locks = set(locks(self.lines.tree))
        self._own_locks = {lock for lock in self._locks if is_only_entered(lock, self.lines.tree)}

    def resolved(self) -> str:
        return self.lines.edited(self._block(self.lines.tree.body)).decode()

    def _block(self, block: list[ast.stmt]) -> Iterator[Edit]:
        yield from self.lines.remove(block, self._is_gone)
        for statement in block:
            if not self._is_gone(statement):
                yield from self._statement(statement)

    def _is_gone(self, statement: ast.stmt) -> bool:
        if isinstance(statement, ast.If):
            return _comes_to(statement.test) is False and not statement.orelse
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        if isinstance(target, ast.Attribute):
            return ast.unparse(target) in self._own_locks
        return isinstance(target, ast.Name) and target.id == "TYPE_CHECKING"

    def _statement(self, node: ast.AST) -> Iterator[Edit]:
        if isinstance(node, ast.If):
            yield from self._if(node)
            return
        if isinstance(node, ast.With) and ", ".join(map(ast.unparse, node.items)) in self._locks:
            header = self.lines.span(node)[0], self.lines.span(node.items[0].context_expr)[1]
            yield self.lines.replace(*header, b"if (True)")
            yield from self._block(node.body)
            return
        if isinstance(node, ast.FunctionDef):
            yield from self._star(node.args)
        for field, child in ast.iter_fields(node):
            if isinstance(child, list) and child and isinstance(child[0], ast.stmt):
                yield from self._block(child)
                continue
            for inner in child if isinstance(child, list) else [child]:
                if isinstance(inner, ast.expr) and field == "value" and _sets_the_mark(node):
                    yield self.lines.replace(*self.lines.span(inner), b"False")
                elif isinstance(inner, ast.expr):
                    yield from self._expression(inner, field == "test")
                elif isinstance(inner, ast.AST):
                    yield from self._statement(inner)

    def _star(self, arguments: ast.arguments) -> Iterator[Edit]:
        # Where none of the parameters has to be given, and so their order can't matter.
        if arguments.kwonlyargs and not arguments.vararg and None not in arguments.kw_defaults:
            first = self.lines.span(arguments.kwonlyargs[0])[0]
            star = self.lines.bytes.rindex(b"*", 0, first)
            yield self.lines.replace(star, self.lines.bytes.index(b",", star) + 1, b"")

    def _if(self, node: ast.If) -> Iterator[Edit]:
        # The words `if` and `else` stay and with them the indentation: `if False` costs bytecode nothing.
        decided = _comes_to(node.test)
        yield from self._expression(node.test, True)
        body_start, body_end = self.lines.span(node.body[0])[0], self.lines.span(node.body[-1])[1]
        if decided is False:
            yield self.lines.replace(body_start, body_end, b"pass")
        else:
            yield from self._block(node.body)
        if decided:
            yield self.lines.replace(body_end, self.lines.span(node)[1], b"")
        elif node.orelse and self.lines.bytes.startswith(b"elif", self.lines.span(node.orelse[0])[0]):
            # No block of its own: it may go without a trace.
            (branch,) = node.orelse
            if self._is_gone(branch):
                yield self.lines.replace(*self.lines.span(branch), b"")
            else:
                yield from self._statement(branch)
        else:
            yield from self._block(node.orelse)

    def _expression(self, node: ast.AST, is_test: bool = False) -> Iterator[Edit]:
        if isinstance(node, ast.JoinedStr):
            return  # Python 3.10 and 3.11 do not know where in the file its expressions are
        if isinstance(node, ast.expr):
            decided = _comes_to(node)
            if decided is not None and (is_test or _is_boolean(node)):
                yield self.lines.replace(*self.lines.span(node), b"(%a" % decided, b")")
                return
        if isinstance(node, ast.IfExp):
            decided = _comes_to(node.test)
            if decided is not None:
                yield self._kept(node, [node.body if decided else node.orelse], is_test)
                return
            yield from self._expression(node.test, True)
            yield from self._expression(node.body, is_test)
            yield from self._expression(node.orelse, is_test)
        elif isinstance(node, ast.BoolOp):
            yield from self._operands(node, is_test)
        else:
            inner_test = isinstance(node, ast.expr) and _is_not(node)
            for child in ast.iter_child_nodes(node):
                yield from self._expression(child, inner_test)

    def _operands(self, node: ast.BoolOp, is_test: bool) -> Iterator[Edit]:
        # True in an `and` and False in an `or` change nothing; the last one may be the value.
        neutral = isinstance(node.op, ast.And)
        last = node.values[-1]
        droppable = is_test or _is_boolean(node)
        kept = [value for value in node.values if _comes_to(value) is not neutral or (value is last and not droppable)]
        if kept != node.values:
            yield self._kept(node, kept, is_test, b"and" if neutral else b"or")
            return
        for value in kept:
            yield from self._expression(value, is_test)

    def _kept(self, node: ast.expr, parts: list[ast.expr], is_test: bool, word: bytes = b"") -> Edit:
        """The edit that leaves these parts of an expression, each in its own line."""
        text, line = b"(", node.lineno
        for part in parts:
            text += b"\n" * (part.lineno - line) + (word + b" " if part is not parts[0] else b"")
            text += b"(" + self.lines.edited(self._expression(part, is_test), *self.lines.span(part)) + b")"
            assert part.end_lineno is not None
            line = part.end_lineno
        return self.lines.replace(*self.lines.span(node), text, b")")


def _without_imports(source: str, names: set[str]) -> str:
    """The file without the imports of those names, where nothing uses them."""
    lines = Lines(source)
    nodes = list(ast.walk(lines.tree))
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    # __all__ and its like.
    used |= {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    spare = names - used

    def kept(statement: ast.Import | ast.ImportFrom) -> list[ast.alias]:
        return [alias for alias in statement.names if (alias.asname or alias.name) not in spare]

    def is_spare(statement: ast.stmt) -> bool:
        return isinstance(statement, (ast.Import, ast.ImportFrom)) and not kept(statement)

    edits: list[Edit] = []
    for node in nodes:
        for block in (getattr(node, name, None) for name in BLOCKS):
            if isinstance(block, list):
                edits += lines.remove(block, is_spare)
        if isinstance(node, (ast.Import, ast.ImportFrom)) and 0 < len(kept(node)) < len(node.names):
            opening, closing = "import ", ""
            if isinstance(node, ast.ImportFrom):
                opening, closing = "from %s%s import (" % ("." * node.level, node.module or ""), ")"
            text = opening + listed(kept(node))
            edits.append(lines.replace(*lines.span(node), text.encode(), closing.encode()))
    return lines.edited(edits).decode()
