"""Board-safe files use nothing that a board lacks; each rule of the checker is shown to catch its construct."""

import builtins
import subprocess

import pytest

import board_checker
import board_constructs
import board_files
from environments import ROOT

MICROPYTHON = ROOT / ".venv-boards" / "bin" / "micropython"

# rule -> snippets, each refused by that rule and by no other.
REFUSED = {
    "syntax": [
        "b = {**a}",
        "b = [*a]",
        "b = (*a, 1)",
        "b = {*a}",
        "def f(x):\n    return *x, 1",
        "def f(a, /, b): pass",
        "f = lambda a, /: a",
        "match a:\n    case 1: pass",
        "with (open(a) as b, open(c) as d):\n    pass",
        "with (open(a) as b):\n    pass",
        "with (a, b):\n    pass",
        "class A(metaclass=B): pass",
    ],
    "missing-module": [
        *("import " + name for name in "typing types dataclasses enum functools contextlib weakref abc".split()),
        *("import " + name for name in "itertools logging threading queue copy string datetime urllib".split()),
        *("import " + name for name in "inspect warnings os.path urllib.parse http.client".split()),
        "from collections.abc import Mapping",
        "from typing import Any",
        "def f():\n    import functools",
        "import socket",
        "import asyncio",
        "import hashlib",
        "import traceback",
        "from __future__ import annotations",
    ],
    "missing-name": [
        "try:\n    f()\nexcept ConnectionResetError:\n    pass",
        *("x = " + name for name in "ConnectionRefusedError ConnectionAbortedError BlockingIOError".split()),
        *("x = " + name for name in "InterruptedError FileNotFoundError UnicodeDecodeError".split()),
        *("x = " + name for name in "ConnectionError TimeoutError BrokenPipeError".split()),
        *("x = " + name for name in "Warning DeprecationWarning ResourceWarning".split()),
        "vars(x)",
        "import builtins\nx = builtins.TimeoutError",
    ],
    "missing-errno": [
        *("import errno\nx = errno." + name for name in "EPIPE EWOULDBLOCK EISCONN EINTR ENETUNREACH EPROTO".split()),
        "from errno import EPIPE",
    ],
    "missing-attribute": [
        "import os\nos.environ['x']",
        "import os\nos.path.join('a', 'b')",
        "import time\ntime.monotonic()",
        "import time\ntime.monotonic_ns()",
        "import time\ntime.perf_counter()",
        "import select\nselect.select([], [], [])",
        "import gc\ngc.threshold(1)",
        "from collections import defaultdict",
        "import collections\ncollections.Counter()",
        "key._fields",
        "key._replace(a=1)",
        "key._asdict()",
        "Key._make(a)",
        "view.nbytes",
        "f.__annotations__",
        "x.__slots__",
        "if hasattr(time, 'monotonic_ns'):\n    pass\nelse:\n    time.monotonic_ns()",
    ],
    "missing-method": [
        "memoryview(b'').tobytes()",
        "view = memoryview(b'')\nview.release()",
        *("a.%s()" % name for name in "title capitalize casefold isascii".split()),
        "a.removeprefix('x')",
        "a.zfill(3)",
        "a = OrderedDict()\na.move_to_end(1)",
        "a = bytearray()\na.clear()",
        "n.bit_length()",
    ],
    "missing-keyword": [
        "a.split(',', maxsplit=1)",
        "zip(a, b, strict=True)",
        "json.dumps(a, indent=2)",
        "a.popitem(last=False)",
        "namedtuple('A', 'b', defaults=(1,))",
    ],
    "layout-conflict": ["class E(OSError, ValueError): pass"],
    "exception-attribute": [
        "def f():\n    try:\n        g()\n    except OSError as error:\n        error.host = 1\n        raise",
        "def f():\n    error = OSError(1)\n    error.host = 1",
    ],
    "errno-attribute": ["def f(error):\n    return error.errno == 11"],
    "namedtuple": ["class Key(namedtuple('Key', 'a b')):\n    def __new__(cls): pass"],
    "deque": ["a = deque()", "a = deque((), 5)\na.remove(1)"],
    "dict-operator": ["a.keys() & b", "b - a.items()", "a = {}\nc = a | b"],
    "dict-order": [
        "d = {}\nnext(iter(d))",
        "d = dict(a=1)\nnext(iter(d.values()))",
        "class A:\n    def __init__(self):\n        self.d = {}\n    def f(self):\n        self.d.popitem()",
        "d = {}\nfor a in reversed(d): pass",
        "d = {}\nlist(d)[0]",
    ],
    "changed-while-looping": [
        "for k in d:\n    del d[k]",
        "for k in self.d.values():\n    if k:\n        self.d.pop(k)",
        "for k, v in d.items():\n    d[k + 1] = v",
    ],
    "del-slice": ["del ba[:3]"],
    "latin-1": ["a.encode('latin-1')", "a.decode('iso-8859-1')", "str(a, 'latin1')", "a.encode(encoding='latin-1')"],
    "next-default": ["next(it, None)"],
    "function-attribute": ["def f(): pass\nf.calls = 0"],
    "generic-type": ["x = list[int]"],
    "type-union": ["x = int | None", "isinstance(a, int | str)"],
    "never-called": [
        "class A:\n    def %s(self): pass" % name for name in ("__del__", "__init_subclass__", "__setattr__")
    ],
    "generator-finally": ["def f():\n    try:\n        yield 1\n    finally:\n        g()"],
    "import-star": ["from a import *"],
    "live-view": [
        "def f(b):\n    v = memoryview(b)\n    b.extend(b'x')\n    return v",
        "def f(b):\n    v = memoryview(b)[2:]\n    b += b'x'\n    return v",
        "def f(b):\n    v = memoryview(b)\n    b[:4] = b''\n    v[0]",
        "def f(b):\n    while 1:\n        v = memoryview(b)\n        g(v)\n        b.append(1)",
        "class A:\n    def f(self):\n        self.v = memoryview(self.b)\n    def g(self):\n        self.b[:1] = b''",
    ],
    "not-shipped": ["from pack import helper", "import pack.helper", "from pack.helper import f"],
}

ALLOWED = [
    "import socket\n",
    "x = getattr(errno, 'EPIPE', 32)",
    "x = getattr(builtins, 'ConnectionResetError', OSError)",
    "a, *rest = b",
    "f(*a, **b)",
    "def f(a, *, b): pass",
    "with a as b, c as d:\n    pass",
    "with (yield_lock()):\n    pass",
    "def f(a: 'list[int]') -> 'int | None':\n    x: list[int] = []",
    "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from typing import Any",
    "if platform.CPYTHON:\n    import threading",
    "if not CPYTHON:\n    pass\nelse:\n    import threading",
    "try:\n    import threading\nexcept ImportError:\n    threading = None",
    "import time\nif hasattr(time, 'monotonic_ns'):\n    time.monotonic_ns()\nelse:\n    time.ticks_ms()",
    "class E(OSError, platform.TimedOut): pass",
    "d = OrderedDict()\nnext(iter(d))",
    "for k in d:\n    if k:\n        del d[k]\n        break",
    "for k in list(d):\n    del d[k]",
    "def f():\n    import pack.helper",
    "def f(b):\n    v = memoryview(b)\n    g(v)\n    v = None\n    b.extend(b'x')",
    "def f(b):\n    b.extend(b'x')\n    return memoryview(b)",
    "def f(b):\n    v = memoryview(b)\n    b[:4] = g()\n    return v",
    "class A:\n    __slots__ = ('a',)",
    "lock.release()",
    "x = a | b",
    "x = b'%d' % 1",
    "class A:\n    def f(self):\n        self._fields = []\n        return self._fields",
    "try:\n    f()\nexcept OSError as error:\n    if hasattr(error, 'partial'):\n        error.partial = b''",
]


@pytest.mark.parametrize(("rule", "snippet"), [(rule, text) for rule, texts in REFUSED.items() for text in texts])
def test_refuses(rule: str, snippet: str) -> None:
    assert {found.rule for found in board_checker.check(snippet, not_shipped=["pack.helper"])} == {rule}


@pytest.mark.parametrize("snippet", ["import socket", "import asyncio", "next(it, None)"])
def test_what_one_interpreter_lacks_is_refused_for_that_one_only(snippet: str) -> None:
    assert board_checker.check(snippet, ["circuitpython"])
    assert not board_checker.check(snippet, ["micropython"])


@pytest.mark.parametrize("snippet", ALLOWED)
def test_allows(snippet: str) -> None:
    targets = ["micropython"] if "socket" in snippet else board_checker.BOTH
    assert board_checker.check(snippet, targets, ["pack.helper"]) == []


@pytest.mark.skipif("not hasattr(__import__('ast'), 'TryStar')", reason="except* is syntax of Python 3.11")
def test_refuses_except_star() -> None:
    assert [found.rule for found in board_checker.check("try:\n    f()\nexcept* E:\n    pass")] == ["syntax"]


def test_every_rule_has_a_snippet() -> None:
    source = (ROOT / "tools" / "board_checker.py").read_text()
    tree = board_checker.ast.parse(source)
    rules = {
        node.args[1].value
        for node in board_checker.ast.walk(tree)
        if isinstance(node, board_checker.ast.Call)
        and getattr(node.func, "attr", "") == "refuse"
        and isinstance(node.args[1], board_checker.ast.Constant)
    }
    assert rules | {"missing-errno", "missing-attribute"} == set(REFUSED)


ALL_FILES = [file for package in board_files.packages() for file in board_files.board_files(package)]


@pytest.mark.parametrize("file", ALL_FILES, ids=lambda file: file.module)
def test_board_file(file: board_files.BoardFile) -> None:
    assert board_files.problems(file) == []


def test_every_distribution_lists_its_board_files() -> None:
    metadata = [*ROOT.glob("core/pyproject.toml"), *ROOT.glob("plugins/*/pyproject.toml")]
    listings = {package.parent.parent for package in board_files.packages()}
    assert {path.parent for path in metadata} == listings


def on_micropython(expression: str) -> "set[str]":
    done = subprocess.run([MICROPYTHON, "-c", "print(' '.join(%s))" % expression], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


needs_micropython = pytest.mark.skipif(not MICROPYTHON.exists(), reason="make .venv-boards/ready installs MicroPython")


@needs_micropython
def test_the_missing_names_are_those_a_real_micropython_lacks() -> None:
    there = on_micropython("dir(__import__('builtins'))")
    missing = board_constructs.NAMES | board_constructs.NAMES_MISSING_ON["micropython"]
    assert not missing & there
    mine = {name for name in vars(builtins) if not name.startswith("_")}
    words = {"True", "False", "None", "delattr"}
    assert mine - there - words <= missing


@needs_micropython
@pytest.mark.parametrize("module", sorted(board_constructs.ATTRIBUTES))
def test_allowed_attributes_are_there_on_a_real_micropython(module: str) -> None:
    assert board_constructs.ATTRIBUTES[module] <= on_micropython("dir(__import__(%r))" % module)


@needs_micropython
def test_missing_methods_are_those_a_real_micropython_lacks() -> None:
    values = "'', b'', bytearray(), memoryview(b''), {}, [], set(), (), 1, 1.0, frozenset(), OSError()"
    there = on_micropython("name for value in (%s) for name in dir(value)" % values)
    assert not board_constructs.METHODS & there
