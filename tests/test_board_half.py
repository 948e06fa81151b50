"""What is shipped of every file for boards is that file: its lines, and on MicroPython its names."""

import ast
import os
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import board_files
from environments import ROOT
from radiopool.bundle.board_half import board_half
from radiopool.bundle.constants import shared_constants

MICROPYTHON = ROOT / ".venv-boards" / "bin" / "micropython"
FILES = [file for package in board_files.packages() for file in board_files.board_files(package)]
MARKS = {"CPYTHON", "TYPE_CHECKING"}

# Prints, for each module named on the command line, the names it has. A module at the top of lib/ is one by itself.
PROGRAM = """
import sys
for name in sys.argv[1:]:
    module = __import__(name, None, None, ("x",))
    print(name, " ".join(module.__dict__))
"""


@cache
def half(file: board_files.BoardFile) -> str:
    return board_half(file.path.read_text())


def statements(source: str) -> "Iterator[tuple[str, int, str]]":
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield type(node).__name__, node.lineno, node.name
        elif isinstance(node, ast.stmt) and not isinstance(node, (ast.Pass, ast.If)):
            yield type(node).__name__, node.lineno, ""


def constants(source: str, whole: str) -> "set[str]":
    """The names that the file binds at its top and its half only has the values of."""
    tree = ast.parse(whole)
    branches = [statement for statement in tree.body if isinstance(statement, ast.If)]
    found = {
        statement.targets[0].id
        for statement in tree.body + [inner for branch in branches for inner in branch.orelse]
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    }
    return {name for name in found if name[:1] == "_"} - {
        node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.module)
def test_no_line_moves(file: board_files.BoardFile) -> None:
    whole = file.path.read_text()
    assert half(file).count("\n") == whole.count("\n")
    assert set(statements(half(file))) <= set(statements(whole))
    left = [node for node in ast.walk(ast.parse(half(file))) if isinstance(node, ast.Name)]
    assert not [node for node in left if node.id in MARKS and isinstance(node.ctx, ast.Load)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.module)
def test_no_other_file_wants_a_constant_that_is_written_in_place(file: board_files.BoardFile) -> None:
    folded = constants(half(file), file.path.read_text())
    tests = [*ROOT.glob("core/tests/board/*.py"), *ROOT.glob("plugins/*/tests/board/*.py")]
    for path in [*(other.path for other in FILES if other != file), *tests]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert not (folded & {alias.name for alias in node.names} and node.module == file.module), path
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert not (node.attr in folded and node.value.id == file.module.split(".")[-1]), path


@pytest.mark.skipif(not MICROPYTHON.exists(), reason="make .venv-boards/ready")
def test_on_micropython_it_has_the_files_names(tmp_path: Path) -> None:
    modules = [file.module for file in FILES]
    for file in FILES:
        target = tmp_path / file.path.relative_to(file.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(half(file))
    whole = names_on_micropython(modules, sorted({file.folder for file in FILES}))
    found = names_on_micropython(modules, [tmp_path])
    assert found.keys() == whole.keys() == set(modules)
    # Written in place; who wants them has their own modules, which are there.
    homes = shared_constants()
    assert homes and all(set(values) <= found[module] for module, values in homes.items())
    shared = {name for values in homes.values() for name in values}
    for file in FILES:
        gone = whole[file.module] - found[file.module]
        assert found[file.module] <= whole[file.module]
        text = file.path.read_text()
        assert gone <= MARKS | constants(half(file), text) | shared | unused_imports(half(file), text)


def unused_imports(source: str, whole: str) -> "set[str]":
    """The names that a file imports, and its half does not use."""
    nodes = list(ast.walk(ast.parse(whole)))
    imports = [node for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = {alias.asname or alias.name for node in imports for alias in node.names}
    return names - {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}


def names_on_micropython(modules: "list[str]", folders: "list[Path]") -> "dict[str, set[str]]":
    """The names of each module, read from source in those folders."""
    environment = os.environ | {"MICROPYPATH": os.pathsep.join(map(str, folders))}
    command = [MICROPYTHON, "-X", "heapsize=16m", "-c", PROGRAM, *modules]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    lines = (line.split() for line in done.stdout.splitlines())
    return {words[0]: set(words[1:]) for words in lines}
