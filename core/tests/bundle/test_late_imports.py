"""Imports that are made where they are used: loading a file loads none of them, and nothing else is different."""

import sys
import textwrap
import types
from collections.abc import Iterator
from typing import Any

import pytest

from radiopool.bundle.late import late_imports

NAMES = {"A": "a", "B": "b", "Failure": type("Failure", (Exception,), {})}


@pytest.fixture(autouse=True)
def faults() -> Iterator[types.ModuleType]:
    module = types.ModuleType("faults")
    module.__dict__.update(NAMES)
    sys.modules["faults"] = module
    yield module
    del sys.modules["faults"]


def load(source: str) -> "dict[str, Any]":
    scope: dict[str, Any] = {}
    exec(compile(late_imports(textwrap.dedent(source), {"faults"}), "late", "exec"), scope)
    return scope


IN_FUNCTIONS = {
    "raise": ("raise Failure(x)", Failure := NAMES["Failure"]),
    "return": ("return A", "a"),
    "two names": ("return A + B", "ab"),
    "several statements": ("y = A\nreturn y + A + B", "aab"),
    "if": ("if A == 'a':\n    return B", "b"),
    "elif": ("if x == 2:\n    return 0\nelif A == 'a':\n    return B", "b"),
    "third": ("if x == 2:\n    return 0\nelif x == 3:\n    return 1\nelif B:\n    return A\nelse:\n    return B", "a"),
    "else": ("if x == 2:\n    return 0\nelse:\n    if A:\n        return B", "b"),
    "on one line": ("if x: return A", "a"),
    "after a semicolon": ("y = 1; return A", "a"),
    "while": ("while A:\n    return B", "b"),
    "for": ("for y in A:\n    return y + B", "ab"),
    "with": ("import io\nwith io.StringIO(A) as y:\n    return y.read()", "a"),
    "except": ("try:\n    raise F(x)\nexcept Failure:\n    return A", "a"),
    "in an except": ("try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    return A", "a"),
    "finally": ("try:\n    pass\nfinally:\n    y = A\nreturn y", "a"),
    "lambda": ("return (lambda: A)()", "a"),
    "comprehension": ("return [A for _ in 'xy']", ["a", "a"]),
    "inner function": ("def g():\n    return A\nreturn g() + B", "ab"),
    "f-string": ("return f'{A}{B}'", "ab"),
    "method": ("class C:\n    def m(self):\n        return A\nreturn C().m()", "a"),
    "annotation": ("y: A = 'c'\nreturn y", "c"),
}


@pytest.mark.parametrize("name", IN_FUNCTIONS)
def test_in_functions(name: str) -> None:
    body, expected = IN_FUNCTIONS[name]
    body = body.replace("F(x)", "__import__('faults').Failure(x)") if name == "except" else body
    scope = load("from faults import A, B, Failure\n\ndef f(x=1):\n" + textwrap.indent(body, "    ") + "\n")
    if expected is Failure:
        with pytest.raises(Failure):
            scope["f"]()
    else:
        assert scope["f"]() == expected
    # A name that no function uses may be there for others to import; an annotation is no use.
    assert name == "annotation" or not [used for used in ("A", "B", "Failure") if used in body and used in scope]


@pytest.mark.parametrize(
    "use",
    [
        "class C(Failure): pass",
        "def f(x=A): return A",
        "def f(*, x=A): return A",
        "x = A\ndef f(): return A",
        "class C:\n    x = A\n    def f(self): return A",
        "__all__ = ['A']\ndef f(): return A",
        "@Failure\ndef f(): return Failure",
        "def f(A): return A",
        "def f():\n    A = 1\n    return A",
        "",
    ],
)
def test_what_is_used_while_the_file_is_loaded_stays(use: str) -> None:
    source = f"from faults import {'Failure' if 'Failure' in use else 'A'}\n{use}\n"
    assert late_imports(source, {"faults"}).split() == source.split()


def test_other_names_and_other_modules() -> None:
    source = "from faults import A as first\nfrom os import name\n\ndef f():\n    return first, name\n"
    scope = load(source)
    assert scope["f"]() == ("a", scope["name"]) and "first" not in scope
    assert late_imports("import faults\n\ndef f():\n    return faults.A\n", {"faults"}).startswith("import faults")


def test_nothing_is_loaded_before_it_is_used(faults: types.ModuleType) -> None:
    del sys.modules["faults"]
    scope = load("from faults import A\n\ndef f(x):\n    if x:\n        return A\n")
    assert scope["f"](0) is None
    sys.modules["faults"] = faults
    assert scope["f"](1) == "a"
