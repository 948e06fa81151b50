"""Refuses, by reading the source, what MicroPython or CircuitPython lacks or does differently.

`check(source)` returns the findings. Not looked at, because a board never runs it: annotations, the body of
`if TYPE_CHECKING` and of `if CPYTHON`. Where code asks first (`hasattr(x, "name")`, `try: ... except ImportError`
or `AttributeError` or `NameError`), what it asked for is allowed; so is `getattr(x, "name", default)`.

What reading cannot see (a dict that came from elsewhere, a view that another function keeps) is left to the tests
on a real interpreter.
"""

import ast
import builtins
import io
import sys
import tokenize
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import board_constructs as lacking
from board_views import FUNCTIONS, name_of, own_nodes, resizes_under_views

BOTH = ("circuitpython", "micropython")
LATIN = ("latin-1", "latin1", "iso-8859-1", "iso8859-1")


class Finding(NamedTuple):
    """One refused construct. `rule` is a short fixed name, `message` says what is wrong with this one."""

    line: int
    rule: str
    message: str


def check(source: str, targets: Iterable[str] = BOTH, not_shipped: Iterable[str] = ()) -> "list[Finding]":
    """The findings of one file, by line. Raises SyntaxError.

    targets: the interpreters it must run on. not_shipped: modules (dotted) that boards do not get; importing one
    while loading is refused, importing it in a function is that function's business.
    """
    tree = ast.parse(source)
    checker = _Checker(tree, tuple(targets), frozenset(not_shipped))
    checker.visit(tree)
    findings = [*checker.findings, *_parenthesised_with(tree, source)]
    return sorted(set(findings))


def _constant(node: ast.AST) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _nodes(statements: "list[ast.stmt]") -> "Iterator[ast.AST]":
    for statement in statements:
        yield from ast.walk(statement)


def _parenthesised_with(tree: ast.AST, source: str) -> "Iterator[Finding]":
    """`with (a as b, c):` looks like any other `with` in the tree; only its tokens tell."""
    several = {
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, (ast.With, ast.AsyncWith)) and (len(node.items) > 1 or node.items[0].optional_vars)
    }
    tokens = [t for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.type != tokenize.NL]
    for index, token in enumerate(tokens):
        if token.string != "with" or token.start[0] not in several or tokens[index + 1].string != "(":
            continue
        depth, end = 1, index + 1
        while depth:
            end += 1
            depth += {"(": 1, ")": -1}.get(tokens[end].string, 0)
        if tokens[end + 1].string == ":":
            yield Finding(token.start[0], "syntax", "parenthesised with")


class _Checker(ast.NodeVisitor):
    """Walks one module. Facts of the whole file are gathered first, since a name may be used above its assignment."""

    def __init__(self, tree: ast.Module, targets: "tuple[str, ...]", not_shipped: "frozenset[str]") -> None:
        self.findings: "list[Finding]" = []
        self.not_shipped = not_shipped
        self.modules = lacking.MODULES.union(*lacking.MODULES_MISSING_ON.values())
        self.half_missing_modules = {name: t for t in targets for name in lacking.MODULES_MISSING_ON[t]}
        self.missing_names = lacking.NAMES.union(*(lacking.NAMES_MISSING_ON[t] for t in targets))
        self.circuitpython = "circuitpython" in targets
        self.asked_for: "list[set[str]]" = []
        self.tried = 0
        self.functions = 0
        self.own_functions = {node.name for node in ast.walk(tree) if isinstance(node, FUNCTIONS)}
        self.defined = {
            *self.own_functions,
            *(node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)),
            *(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)),
        }
        self.made: "dict[str, set[str]]" = {}
        for node in ast.walk(tree):
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
                targets_of = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets_of:
                    if isinstance(target, (ast.Name, ast.Attribute)):
                        self.made.setdefault(name_of(target), set()).add(self.maker(node.value))

    def refuse(self, node: ast.AST, rule: str, message: str) -> None:
        self.findings.append(Finding(getattr(node, "lineno", 1), rule, message))

    def is_asked_for(self, name: str) -> bool:
        return bool(self.tried) or any(name in names for names in self.asked_for)

    def is_own(self, node: ast.Attribute) -> bool:
        """Whether it is an attribute that this file's own classes give themselves."""
        return name_of(node.value) == "self" and isinstance(node.value, ast.Name) and node.attr in self.made

    def maker(self, value: ast.expr) -> str:
        """What an assigned value is: 'dict', 'bytearray', the name of the function or class called, or ''."""
        if isinstance(value, (ast.Dict, ast.DictComp)):
            return "dict"
        return name_of(value.func) if isinstance(value, ast.Call) else ""

    def is_only(self, node: ast.AST, kind: str) -> bool:
        """Whether the name or attribute is only ever assigned values of that kind in this file."""
        makers = self.made.get(name_of(node), set()) - {""}
        return makers == {kind} or (isinstance(node, ast.expr) and self.maker(node) == kind)

    def visit_all(self, nodes: "Iterable[ast.AST]") -> None:
        for node in nodes:
            self.visit(node)

    # What a board never runs, and what was asked for.

    def visit_If(self, node: ast.If) -> None:
        test = {name_of(n) for n in ast.walk(node.test)} | ({"not"} if isinstance(node.test, ast.UnaryOp) else set())
        asked = {
            str(_constant(n.args[1]))
            for n in ast.walk(node.test)
            if isinstance(n, ast.Call) and name_of(n.func) == "hasattr" and len(n.args) == 2
        }
        self.visit(node.test)
        on_boards, otherwise = node.body, node.orelse
        if test & {"TYPE_CHECKING", "CPYTHON"}:
            self.visit_all(node.body if "not" in test else node.orelse)
            return
        if "not" in test:
            on_boards, otherwise = otherwise, on_boards
        self.asked_for.append(asked | {name for one in asked for name in lacking.COMPANIONS.get(one, ())})
        self.visit_all(on_boards)
        self.asked_for[-1] = {name for one in asked for name in lacking.ALTERNATIVES.get(one, ())}
        self.visit_all(otherwise)
        self.asked_for.pop()

    def visit_Try(self, node: ast.Try) -> None:
        caught = {name_of(n) for handler in node.handlers if handler.type for n in ast.walk(handler.type)}
        asks = bool(caught & {"ImportError", "AttributeError", "NameError"})
        self.tried += asks
        self.visit_all(node.body)
        self.tried -= asks
        self.visit_all([*node.handlers, *node.orelse, *node.finalbody])

    def visit_TryStar(self, node: ast.AST) -> None:
        self.refuse(node, "syntax", "except*")
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.target)
        if node.value:
            self.visit(node.value)

    # Syntax.

    def visit_Dict(self, node: ast.Dict) -> None:
        if None in node.keys:
            self.refuse(node, "syntax", "{**a}")
        self.generic_visit(node)

    def visit_display(self, node: "ast.List | ast.Tuple | ast.Set") -> None:
        stored = isinstance(getattr(node, "ctx", None), ast.Store)
        if not stored and any(isinstance(element, ast.Starred) for element in node.elts):
            self.refuse(node, "syntax", "* in a list, tuple or set display")
        self.generic_visit(node)

    visit_List = visit_Tuple = visit_Set = visit_display

    def visit_Match(self, node: ast.AST) -> None:
        self.refuse(node, "syntax", "match")
        self.generic_visit(node)

    def visit_TypeAlias(self, node: ast.AST) -> None:
        self.refuse(node, "syntax", "type statement")

    def visit_FunctionDef(self, node: "ast.FunctionDef | ast.AsyncFunctionDef") -> None:
        arguments = node.args
        if arguments.posonlyargs:
            self.refuse(node, "syntax", "positional-only arguments (/)")
        if node.name in lacking.NEVER_CALLED and (self.circuitpython or node.name != "__setattr__"):
            self.refuse(node, "never-called", "%s: %s" % (node.name, lacking.NEVER_CALLED[node.name]))
        self.check_generator(node)
        self.check_live_views(node)
        self.check_exception_attributes(node)
        self.visit_all(node.decorator_list)
        self.visit_all([*arguments.defaults, *(default for default in arguments.kw_defaults if default)])
        self.functions += 1
        self.visit_all(node.body)
        self.functions -= 1

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        if node.args.posonlyargs:
            self.refuse(node, "syntax", "positional-only arguments (/)")
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for keyword in node.keywords:
            self.refuse(node, "syntax", "class keyword %s=" % keyword.arg)
        exceptions = [
            base for base in node.bases if name_of(base) in vars(builtins) and name_of(base) not in self.defined
        ]
        if len(exceptions) > 1:
            self.refuse(node, "layout-conflict", "class %s has two built-in parents" % node.name)
        if any(name_of(base) != "object" for base in node.bases):
            for member in node.body:
                if isinstance(member, FUNCTIONS) and member.name == "__new__":
                    self.refuse(member, "namedtuple", "__new__ in a subclass; a function can make the instance")
        self.check_live_views(node)
        self.generic_visit(node)

    # Modules, names, attributes.

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.check_module(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if not node.level:
            self.check_module(node, module, [alias.name for alias in node.names])
        for alias in node.names:
            if alias.name == "*":
                self.refuse(node, "import-star", "import *: __all__ is ignored on boards")
            elif module in lacking.ATTRIBUTES:
                self.check_attribute(node, module, alias.name)

    def check_module(self, node: ast.AST, module: str, names: "list[str] | None" = None) -> None:
        top = module.split(".")[0]
        if self.tried:
            return
        if top in self.half_missing_modules:
            if not self.functions:
                where = "%s has no module %s: import it where it is used" % (self.half_missing_modules[top], module)
                self.refuse(node, "missing-module", where)
        elif module in ("os.path", "collections.abc") or (top in sys.stdlib_module_names and top not in self.modules):
            self.refuse(node, "missing-module", "no module %s on boards" % module)
        if not self.functions:
            dotted = {module, *(module + "." + name for name in names or ())}
            for missing in dotted & self.not_shipped:
                self.refuse(node, "not-shipped", "%s is not among its package's board files (board.json)" % missing)

    def visit_Name(self, node: ast.Name) -> None:
        missing = node.id in self.missing_names and node.id not in self.defined
        if missing and isinstance(node.ctx, ast.Load) and not self.is_asked_for(node.id):
            self.refuse(node, "missing-name", "%s is not on every board" % node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.value, ast.Name) and node.value.id in lacking.ATTRIBUTES:
            self.check_attribute(node, node.value.id, node.attr)
        elif isinstance(node.value, ast.Name) and node.value.id == "builtins":
            if node.attr in self.missing_names and not self.is_asked_for(node.attr):
                self.refuse(node, "missing-name", "%s is not on every board" % node.attr)
        elif node.attr in lacking.ATTRIBUTES_MISSING and not self.is_asked_for(node.attr) and not self.is_own(node):
            self.refuse(node, "missing-attribute", "no .%s on boards" % node.attr)
        elif node.attr == "errno" and isinstance(node.ctx, ast.Load) and name_of(node.value) != "self":
            self.refuse(node, "errno-attribute", "OSError('x').errno == 'x' there: use errors.error_number")
        self.generic_visit(node)

    def check_attribute(self, node: ast.AST, module: str, name: str) -> None:
        if name not in lacking.ATTRIBUTES[module] and not self.is_asked_for(name):
            rule = "missing-errno" if module == "errno" else "missing-attribute"
            self.refuse(node, rule, "no %s.%s on every board" % (module, name))

    # Calls and operators.

    def visit_Call(self, node: ast.Call) -> None:
        name = name_of(node.func)
        for keyword in node.keywords:
            if keyword.arg in lacking.KEYWORDS.get(name, ()):
                self.refuse(node, "missing-keyword", "%s() takes no %s= on boards" % (name, keyword.arg))
        if isinstance(node.func, ast.Attribute):
            self.check_method(node, node.func)
        elif name == "next" and len(node.args) == 2 and self.circuitpython:
            self.refuse(node, "next-default", "next(it, default) fails on CircuitPython")
        elif name in ("next", "list", "tuple", "reversed") and node.args:
            self.check_order(node, name, node.args[0])
        if name == "deque" and len(node.args) < 2:
            self.refuse(node, "deque", "deque needs (iterable, maxlen)")
        if name == "str" and len(node.args) > 1 and str(_constant(node.args[1])).lower() in LATIN:
            self.refuse(node, "latin-1", "text is UTF-8 whatever the encoding says")
        self.generic_visit(node)

    def check_method(self, node: ast.Call, method: ast.Attribute) -> None:
        name, receiver = method.attr, method.value
        if name in lacking.METHODS and name not in self.own_functions and not self.is_asked_for(name):
            self.refuse(node, "missing-method", "no built-in type has .%s() on boards" % name)
        if name == "release" and self.is_only(receiver, "memoryview"):
            self.refuse(node, "missing-method", "memoryview has no release() on boards")
        if name in ("clear", "insert", "pop", "remove", "reverse") and self.is_only(receiver, "bytearray"):
            self.refuse(node, "missing-method", "bytearray has no %s() on boards" % name)
        if name in ("remove", "clear", "insert", "index", "rotate", "copy") and self.is_only(receiver, "deque"):
            self.refuse(node, "deque", "deque has no %s() on boards" % name)
        if name == "popitem" and self.is_only(receiver, "dict"):
            self.refuse(node, "dict-order", "popitem() of a plain dict: any item, not the last")
        encoding = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "encoding")]
        if name in ("encode", "decode") and encoding and str(_constant(encoding[0])).lower() in LATIN:
            self.refuse(node, "latin-1", ".%s('latin-1') means UTF-8 on boards" % name)

    def check_order(self, node: ast.Call, function: str, argument: ast.expr) -> None:
        """First or last of a plain dict: `next(iter(d))`, `reversed(d)`, `list(d)[0]` (the subscript asks)."""
        inner = argument
        while isinstance(inner, ast.Call):
            views = isinstance(inner.func, ast.Attribute) and inner.func.attr in ("keys", "values", "items")
            if views and isinstance(inner.func, ast.Attribute):
                inner = inner.func.value
            elif name_of(inner.func) in ("iter", "list", "tuple") and inner.args:
                inner = inner.args[0]
            else:
                break
        if function in ("next", "reversed") and self.is_only(inner, "dict"):
            self.refuse(node, "dict-order", "a plain dict has no order on boards: use OrderedDict")

    def visit_Subscript(self, node: ast.Subscript) -> None:
        value = node.value
        if isinstance(value, ast.Name) and value.id in lacking.BUILTIN_TYPES and value.id not in self.defined:
            self.refuse(node, "generic-type", "%s[...] fails at run time on boards" % value.id)
        if isinstance(value, ast.Call) and name_of(value.func) in ("list", "tuple") and value.args:
            self.check_order(value, "reversed", value.args[0])
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        sides = (node.left, node.right)
        if isinstance(node.op, ast.BitOr):
            types = [s for s in sides if isinstance(s, ast.Name) and s.id in lacking.BUILTIN_TYPES]
            if types or any(isinstance(s, ast.Constant) and s.value is None for s in sides):
                self.refuse(node, "type-union", "X | Y of types fails at run time on boards")
            if any(self.is_only(s, "dict") for s in sides):
                self.refuse(node, "dict-operator", "no dict | dict on boards")
        if isinstance(node.op, (ast.BitAnd, ast.BitOr, ast.BitXor, ast.Sub)):
            for side in sides:
                if isinstance(side, ast.Call) and name_of(side.func) in ("keys", "items") and not side.args:
                    self.refuse(node, "dict-operator", "no set operators on dict views on boards")
        self.generic_visit(node)

    # Statements.

    def visit_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice):
                self.refuse(node, "del-slice", "del x[a:b] fails on a bytearray there: use x[a:b] = b''")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            if isinstance(target, ast.Attribute) and name_of(target.value) in self.own_functions:
                self.refuse(node, "function-attribute", "functions have no attributes on boards")
        self.generic_visit(node)

    def visit_For(self, node: "ast.For | ast.AsyncFor") -> None:
        looped = node.iter
        called = looped.func if isinstance(looped, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr in ("keys", "values", "items"):
            looped = called.value
        for change in self.changes(node.body, ast.dump(looped)):
            self.refuse(change, "changed-while-looping", "changing what is looped over goes unnoticed on boards")
        self.generic_visit(node)

    visit_AsyncFor = visit_For

    def changes(self, block: "list[ast.stmt]", looped: str) -> "Iterator[ast.AST]":
        """The statements that add or remove items of what is looped over, in blocks that loop on afterwards."""
        if block and isinstance(block[-1], (ast.Break, ast.Return, ast.Raise)):
            return
        for statement in block:
            inner = [getattr(statement, field, []) for field in ("body", "orelse", "finalbody")]
            handlers = [handler.body for handler in getattr(statement, "handlers", [])]
            if any(inner) or handlers:
                for part in [*inner, *handlers]:
                    yield from self.changes(part, looped)
            elif any(self.is_change(node, looped) for node in ast.walk(statement)):
                yield statement

    def is_change(self, node: ast.AST, looped: str) -> bool:
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, (ast.Del, ast.Store)):
            return ast.dump(node.value) == looped
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            words = ("pop", "popitem", "clear", "update", "setdefault", "add", "discard", "remove", "append", "insert")
            return node.func.attr in words and ast.dump(node.func.value) == looped
        return False

    def check_live_views(self, scope: "ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef") -> None:
        for node, made in resizes_under_views(scope):
            self.refuse(node, "live-view", "resized under a live memoryview (line %d)" % made)

    def check_generator(self, function: ast.AST) -> None:
        nodes = list(own_nodes(function))
        for node in nodes:
            guarded = _nodes(node.body) if isinstance(node, ast.Try) and node.finalbody else ()
            if any(isinstance(inner, (ast.Yield, ast.YieldFrom)) for inner in guarded):
                self.refuse(node, "generator-finally", "the finally of a dropped generator never runs on boards")

    def check_exception_attributes(self, function: ast.AST) -> None:
        """`error.x = 1` on an instance of a built-in exception: boards refuse it."""
        built_in: "set[str]" = set()
        for node in own_nodes(function):
            if isinstance(node, ast.ExceptHandler) and node.name and node.type:
                kinds = [n for n in ast.walk(node.type) if isinstance(n, ast.Name)]
                if any(kind.id in vars(builtins) and kind.id not in self.defined for kind in kinds):
                    built_in.add(node.name)
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                kind = getattr(builtins, name_of(node.value.func), None)
                if isinstance(kind, type) and issubclass(kind, BaseException):
                    built_in.update(name_of(target) for target in node.targets)
        asked = {
            str(_constant(n.args[1]))
            for n in own_nodes(function)
            if isinstance(n, ast.Call) and name_of(n.func) == "hasattr" and len(n.args) == 2
        }
        for node in own_nodes(function):
            if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Store) or node.attr in asked:
                continue
            if name_of(node.value) in built_in:
                self.refuse(node, "exception-attribute", "built-in exceptions take no attributes on boards")
