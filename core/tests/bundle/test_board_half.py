"""The board's half of a file: the same program as the file is where CPYTHON and TYPE_CHECKING are false."""

import ast
import textwrap
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radiopool.bundle.board_half import board_half


def half(text: str) -> str:
    """The half of a text, whose lines must be as many."""
    source = textwrap.dedent(text)
    found = board_half(source)
    ast.parse(found)
    assert found.count("\n") == source.count("\n")
    return found


def names(text: str) -> "set[str]":
    return {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


def run(source: str, **names: Any) -> "dict[str, Any]":
    scope = dict(names)
    exec(compile(source, "half", "exec"), scope)
    return {name: value for name, value in scope.items() if name != "__builtins__"}


BRANCHES = {
    "one side": ("if CPYTHON:\n    a = 1\nb = 2\n", {"b"}),
    "both sides": ("if TYPE_CHECKING or CPYTHON:\n    a = 1\nelse:\n    b = 2\n", {"b"}),
    "the other way": ("if not CPYTHON:\n    b = 2\nelse:\n    a = 1\n", {"b"}),
    "first of three": ("x = 1\nif CPYTHON:\n    a = 1\nelif x:\n    b = 2\nelse:\n    c = 3\n", {"x", "b", "c"}),
    "second of three": ("x = 1\nif x:\n    b = 1\nelif CPYTHON:\n    a = 2\nelse:\n    c = 3\n", {"x", "b", "c"}),
    "third of three": ("x = 1\nif x:\n    b = 1\nelif not CPYTHON:\n    c = 2\nelse:\n    a = 3\n", {"x", "b", "c"}),
    "last of two": ("x = 1\nif x:\n    b = 1\nelif CPYTHON:\n    a = 2\n", {"x", "b"}),
    "beside a question": ("x = 1\nif x and CPYTHON and x > 0:\n    a = 1\n", {"x"}),
    "or a question": ("x = 1\nif x or CPYTHON:\n    b = 1\n", {"x", "b"}),
    "inside an else": ("x = 1\nif x:\n    b = 1\nelse:\n    if CPYTHON:\n        a = 1\n", {"x", "b"}),
    "the whole block": ("for x in (1, 2):\n    if CPYTHON:\n        a = 1\n", {"x"}),
    "inside a side taken": ("if not CPYTHON:\n    b = 1\n    if TYPE_CHECKING:\n        a = 1\n", {"b"}),
    "nested": ("if CPYTHON:\n    if not CPYTHON:\n        a = 1\nelse:\n    b = 1\n", {"b"}),
    "tests over lines": ("x = 1\nif (\n    x and\n    # why\n    CPYTHON\n):\n    a = 1\nb = 1\n", {"x", "b"}),
    "strings over lines": ('if CPYTHON:\n    a = """\nelse:\n"""\nelse:\n    b = """\n\n  x"""\nc = 1\n', {"b", "c"}),
    "on one line": ("if CPYTHON: a = 1; d = 2\nelse: b = 1\n", {"b"}),
    "beside a statement": ("b = 1; TYPE_CHECKING = False; c = 2\n", {"b", "c"}),
    "decorated": ("if CPYTHON:\n    @print\n    def a(): pass\nelse:\n    @str\n    def b(): pass\n", {"str"}),
    "a try": ("try:\n    if CPYTHON:\n        a = 1\nfinally:\n    b = 1\n", {"b"}),
    "not ASCII": ('x = "ä"; b = "ö" if not CPYTHON else a\nif CPYTHON: a = "ü"\n', {"x", "b"}),
}


@pytest.mark.parametrize("text", BRANCHES)
def test_branches(text: str) -> None:
    source, left = BRANCHES[text]
    found = half(source)
    assert names(found) == left
    marks = dict.fromkeys(("CPYTHON", "TYPE_CHECKING"), False)
    assert run(found).keys() == run(source, **marks).keys() - marks.keys()


def test_what_stays_keeps_its_line() -> None:
    found = half(
        '''\
        """What it is."""

        from radiopool.platform import CPYTHON

        TYPE_CHECKING = False
        if TYPE_CHECKING:
            from typing import Any

        SIZE = (
            4096 if CPYTHON
            else 256
        )

        def size(
            *parts: "Any",
        ) -> int:
            if CPYTHON:
                return 0
            return SIZE
        '''
    )
    lines = dict(enumerate(found.splitlines(), 1))
    assert {number for number, line in lines.items() if not line.strip()} == {2, 3, 4, 5, 6, 7, 8, 13, 17, 18}
    assert lines[14] == "def size(" and lines[19] == "    return SIZE"
    (constant,) = [node for node in ast.parse(found).body if isinstance(node, ast.Assign)]
    assert (constant.lineno, ast.unparse(constant)) == (9, "SIZE = 256")


def test_imports_that_only_tests_used() -> None:
    found = half(
        """\
        import sys
        from radiopool import platform, registry
        from radiopool.platform import CPYTHON, Lock
        from radiopool.platform import (
            CPYTHON as CPYTHON,
            now_ms as now,
        )
        def f():
            from radiopool.platform import CPYTHON
            if CPYTHON:
                return platform.CPYTHON
        """
    )
    assert [line for line in found.splitlines() if line.strip()] == [
        "import sys",
        "from radiopool import (registry)",
        "from radiopool.platform import (Lock)",
        "from radiopool.platform import (now_ms as now",
        ")",
        "def f():",
        "    pass",
    ]


def test_imports_that_something_else_uses_stay() -> None:
    for text in (
        "from radiopool import platform\nif platform.CPYTHON:\n    pass\nx = platform.NAME\n",
        "from radiopool.platform import CPYTHON\n__all__ = ['CPYTHON']\nif CPYTHON:\n    pass\n",
        "from radiopool.platform import CPYTHON\n",
        "from radiopool.platform import CPYTHON\nx = f'{CPYTHON}'\n",
    ):
        assert half(text).startswith(text.splitlines()[0] + "\n")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("_A = 5\nx = _A\n", "\nx = 5\n"),
        ("_A = -5  # why\nx = 2 + _A\n", "  # why\nx = 2 + (-5)\n"),
        ("_A = b'x' if CPYTHON else 'y'\nx = _A\n", "\nx = 'y'\n"),
        ("_A = ('one '\n  'two')\nx = _A, _A\n", "\n\nx = 'one two', 'one two'\n"),
        ('_A = """a\n\n  b"""\nx = _A\n', "\n\n\nx = 'a\\n\\n  b'\n"),
        ("_A = 5\ndef f(x=_A):\n    return x.a[_A]\n", "\ndef f(x=5):\n    return x.a[5]\n"),
    ],
)
def test_constants(text: str, written: str) -> None:
    assert half(text) == written


@pytest.mark.parametrize(
    "text",
    [
        "A = 5\n",
        "__version__ = '1.0'\n",
        "_A = True\n",
        "_A = None\n",
        "_A = 1.5\n",
        "_A = (1, 2)\n",
        "_A = _B = 5\n",
        "_A = 5\n_A += 1\n",
        "_A = 5\ndef f():\n    global _A\n",
        "_A = 5\ndef f(_A):\n    return _A\n",
        "_A = 5\nf(_A=3)\n",
        "_A = 5\nfor _A in (): pass\n",
        "_A = 5\nfrom b import c as _A\n",
        "def f():\n    return _A\n_A = 5\n",
        "def f():\n    return f'{1}{_A}'\n_A = 5\n",
        "_A = 5\n__all__ = ['_A']\n",
        "class C:\n    _A = 5\n",
    ],
)
def test_what_is_no_private_constant_stays(text: str) -> None:
    assert half(text) == text


VALUES = ["CPYTHON", "platform.CPYTHON", "TYPE_CHECKING", "a", "b", "0", "''", "'x'", "a == b", "None"]
SHAPES = ["not {}", "({} and {})", "({} or {})", "({} if {} else {})", "[{}, {}]", "({}\n or {}\n and {})", "len([{}])"]
EXPRESSIONS = st.recursive(
    st.sampled_from(VALUES),
    lambda parts: st.builds(lambda shape, *given: shape.format(*given), st.sampled_from(SHAPES), parts, parts, parts),
    max_leaves=12,
)


class Platform:
    CPYTHON = False


@given(EXPRESSIONS, st.sampled_from([0, 1, "", "y"]), st.sampled_from([0, 1, "y"]))
def test_every_expression_keeps_its_value(text: str, a: object, b: object) -> None:
    source = f"x = {text}\nif {text}:\n    y = 1\nelif not ({text}):\n    y = 2\nz = [1 for _ in 'x' if {text}]\n"
    given = {"a": a, "b": b}
    marks = {"CPYTHON": False, "TYPE_CHECKING": False, "platform": Platform}
    found = half(source)
    assert not names(found) & marks.keys()
    expected = run(source, **given, **marks)
    assert run(found, **given) == {name: value for name, value in expected.items() if name not in marks}


def test_another_name_for_something_is_written_in_place() -> None:
    found = half(
        """
        if CPYTHON:
            from radiopool.a import Methods as _Parent
        else:
            _Parent = object
        _Kind = dict
        class C(_Parent):
            made = _Kind()
        """
    )
    assert not {"_Parent", "_Kind"} & names(found)
    assert isinstance(run(found)["C"].made, dict)
    # Not where it is bound again, or means different things.
    for text in ("_A = dict\n_A = list\n", "b = 1\nb = 2\n_A = b\n"):
        assert half(text) == text


def test_the_question_which_interpreter_it_is_has_its_answer() -> None:
    found = half("import sys\nimport time\nCPYTHON = sys.implementation.name == 'cpython'\nif CPYTHON:\n    a = 1\n")
    assert run(found).keys() == {"time", "CPYTHON"} and run(found)["CPYTHON"] is False


def test_locks_of_boards_exclude_nobody() -> None:
    source = """
        from radiopool.platform import Lock
        class C:
            def __init__(self, other):
                self.lock = Lock()
                self._lock = Lock()
                self.other = other
            def both(self):
                with self.lock:
                    with self._lock:
                        return 1
            def others(self):
                with self.other:
                    return 2
        """
    found = half(source)
    assert "self.lock = Lock()" in found and "_lock" not in found
    assert found.count("with ") == 1 and "with self.other:" in found
    # One that is not only entered is needed.
    asked = source + "    def is_free(self):\n                return self._lock.acquire(False)\n"
    assert "self._lock = Lock()" in half(asked)
    # Whose lock it is matters, not what it is called.
    theirs = source.replace("radiopool.platform", "threading")
    assert half(theirs) == textwrap.dedent(theirs)


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("def f(a, b=1, *, c=2, d=3): return a, b, c, d\n", (1, 2, 3, 4)),
        ("def f(a,\n      *,  # by name\n      c=2): return a, c\n", (1, 2)),
        ("def f(*, c=2): return c,\n", (1,)),
        ("def f(a=1 * 2, *, c=2, **d): return a, c\n", (1, 2)),
    ],
)
def test_by_name_or_by_place(text: str, given: "tuple[int, ...]") -> None:
    assert run(half(text))["f"](*given) == given


@pytest.mark.parametrize("text", ["def f(*a, c=2): pass\n", "def f(a=1, *, c): pass\n", "def f(a, *, c=1, d): pass\n"])
def test_what_can_not_be_given_by_place_stays(text: str) -> None:
    assert half(text) == text


def test_shared_constants_are_written_in_place():
    found = half(
        """
        from radiopool.keys import PoolKey
        from radiopool.vocabulary import (
            IDLE,
            LEASED,
        )
        from radiopool.vocabulary import STALE
        from radiopool.vocabulary import NO_LIMIT as MOST

        def state(entry):
            from radiopool.vocabulary import EVICTED

            return entry.state == LEASED or f"{STALE} {MOST}", EVICTED, IDLE
        """
    )
    assert "== 'leased'" in found and "'evicted', 'idle'" in found
    assert not {"LEASED", "IDLE", "EVICTED"} & names(found)
    # Where its place is not known, and where it has another name, it stays.
    assert "import (STALE" in found.replace("import STALE", "import (STALE") and {"STALE", "MOST"} <= names(found)


def test_what_is_not_python_is_refused() -> None:
    with pytest.raises(SyntaxError):
        board_half("if CPYTHON\n")
