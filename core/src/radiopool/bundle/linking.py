"""Files that a board always loads together, in one file of bytecode.

Every module costs a board some hundred bytes, and every name some once more for each module that uses it. So a package
lists in its `board.json`, under "linked", the files that its bytecode has in another one:

    "linked": {"__init__.py": ["platform.py", "driver.py"]}

The package's `__init__` then has its own lines and after them those of these files, in that order. Their imports of
each other go, and everybody else's lead to the package. Where a linked file was stays one that takes its names from
there, for programs that import them by that path. An import within a package is relative, since a dotted name is one
more that the board keeps. Source is not linked: a board would have to compile it all at once.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from radiopool.bundle.late import late_imports
from radiopool.bundle.lines import BLOCKS, Edit, Lines, listed
from radiopool.bundle.parts import Part
from radiopool.errors import DriverError


def linked(sources: Mapping[PurePosixPath, str], parts: Iterable[Part]) -> dict[PurePosixPath, str]:
    """The sources of a bundle, by their places, as they are compiled. Raises DriverError for what can't be linked."""
    late = {module_name(place) for part in parts for place in part.late}
    sources = {place: late_imports(source, late) for place, source in sources.items()}
    homes: dict[str, str] = {}
    for part in parts:
        for package, places in part.linked:
            homes |= {module_name(place): module_name(package) for place in places}
    made = {place: _redirected(source, _folder(place), homes) for place, source in sources.items()}
    wanted = {name for source in sources.values() for name in _names_wanted(source)}
    for part in parts:
        for package, places in part.linked:
            files = [(package, sources[package])]
            for place in places:
                source, spare = _without_spare(sources[place], wanted)
                files.append((place, source))
                names = ", ".join(_own_names(source))
                made[place] = (f"from {module_name(package)} import {names}\n" if names else "") + spare
            made[package] = _link(files, homes)
    return made


def module_name(place: PurePosixPath) -> str:
    """The dotted name of the module that has that place below lib/."""
    words = place.with_suffix("").parts
    return ".".join(words[:-1] if words[-1] == "__init__" else words)


def _names_wanted(source: str) -> Iterator[str]:
    """The names that a file uses, or imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)


def _without_spare(source: str, wanted: Collection[str]) -> tuple[str, str]:
    """The source without the constants at its top that no file wants, and these: who asks for one finds it where the
    linked file was."""
    lines = Lines(source)

    def is_spare(statement: ast.stmt) -> bool:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        is_constant = isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)
        return is_constant and isinstance(target, ast.Name) and target.id not in wanted

    spare = [ast.unparse(statement) + "\n" for statement in lines.tree.body if is_spare(statement)]
    return lines.edited(lines.remove(lines.tree.body, is_spare)).decode(), "".join(spare)


def _folder(place: PurePosixPath) -> str:
    """The dotted name of the package that a module is in; of a package, its own."""
    return ".".join(place.parts[:-1])


def _link(files: list[tuple[PurePosixPath, str]], homes: Mapping[str, str]) -> str:
    """The source of a package, the first file, with its linked files.

    homes: of each linked module the package that has its names.
    """
    package = module_name(files[0][0])
    given: dict[str, str] = {}
    for place, source in files:
        for name in _own_names(source):
            if name in given:
                raise DriverError(f"{place} and {given[name]} can't be linked: both have a name {name}")
            given[name] = str(place)

    def is_at_hand(module: str, names: list[str]) -> bool:
        # Of the package itself a module of its own may be wanted.
        return homes.get(module) == package or (module == package and set(names) <= given.keys())

    texts = [_redirected(source, package, homes, is_at_hand) for _, source in files]
    # What loading leaves behind goes at once, or the heap ends in pieces too small for a buffer.
    return "\n".join([*texts, "import gc", "gc.collect()", ""])


def _redirected(
    source: str,
    folder: str,
    homes: Mapping[str, str],
    is_at_hand: Callable[[str, list[str]], bool] = lambda module, names: False,
) -> str:
    """The source with its imports from linked modules leading to where their names are; no line moves.

    folder: the package that it stands in. is_at_hand: whether what is imported from a module stands in the same file,
    and has only to be given another name where one is wanted.
    """
    lines = Lines(source)
    edits: list[Edit] = []
    imports = {
        id(node): node for node in ast.walk(lines.tree) if isinstance(node, ast.ImportFrom) and node.module is not None
    }
    here = {key for key, node in imports.items() if is_at_hand(node.module or "", [alias.name for alias in node.names])}
    renamed = {key: [alias for alias in imports[key].names if alias.asname not in (None, alias.name)] for key in here}
    for node in ast.walk(lines.tree):
        for block in (getattr(node, name, None) for name in BLOCKS):
            if isinstance(block, list):
                edits += lines.remove(block, lambda statement: id(statement) in here and not renamed[id(statement)])
    for key, node in imports.items():
        if key not in here:
            module = node.module or ""
            home = _nearest(homes.get(module, module), folder)
            if home != module and not node.level:
                text = f"from {home} import ({listed(node.names)}"
                edits.append(lines.replace(*lines.span(node), text.encode(), b")"))
        elif renamed[key]:
            text = "; ".join(f"{alias.asname} = {alias.name}" for alias in renamed[key])
            edits.append(lines.replace(*lines.span(node), text.encode()))
    return lines.edited(edits).decode()


def _nearest(module: str, folder: str) -> str:
    """The shortest name by which a module in that package imports another: relative where it goes up from there."""
    head, _, tail = module.rpartition(".")
    if module == folder or folder.startswith(module + "."):
        head, tail = module, ""
    if not folder or (head != folder and not folder.startswith(head + ".")):
        return module
    return "." * (folder.count(".") - head.count(".") + 1) + tail


def _own_names(source: str) -> list[str]:
    """The names that a module's own statements bind at its top, in their order."""

    def names(block: list[ast.stmt]) -> Iterator[str]:
        for statement in block:
            if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                yield statement.name
            elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
                nodes = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
                yield from (node.id for node in nodes if isinstance(node.ctx, ast.Store))
            elif isinstance(statement, (ast.Import, ast.ImportFrom)):
                yield from (alias.asname for alias in statement.names if alias.asname and alias.asname != alias.name)
            elif isinstance(statement, (ast.If, ast.Try)):
                yield from names(statement.body + statement.orelse)

    return list(dict.fromkeys(name for name in names(ast.parse(source).body) if name[:2] != "__"))
