"""Linked files: one module's names, wherever they are imported from."""

import importlib
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from radiopool import DriverError
from radiopool.bundle.parts import Part
from radiopool.bundle.writing import board_texts

Load = Callable[..., "list[Any]"]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Link files of a package `knot`, those named into `__init__`, and import the package and all its modules."""

    def loaded(linked: str, **files: str) -> list[Any]:
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text)
        listed = tuple((PurePosixPath("knot", f"{name}.py"), tmp_path / f"{name}.py") for name in files)
        places = tuple(PurePosixPath("knot", f"{word}.py") for word in linked.split())
        home = (PurePosixPath("knot/__init__.py"), places)
        part = Part("knot", "1", "knot", tmp_path, listed, (), (home,))
        for place, text in board_texts([part], for_bytecode=True).items():
            target = tmp_path / "lib" / place
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        monkeypatch.syspath_prepend(str(tmp_path / "lib"))
        return [importlib.import_module("knot" if name == "__init__" else f"knot.{name}") for name in files]

    yield loaded
    for name in [name for name in sys.modules if name.split(".")[0] == "knot"]:
        del sys.modules[name]


def test_names_are_where_they_were(load: Load) -> None:
    knot, rope, end, other = load(
        "rope end",
        __init__="__version__ = '1'\nfrom knot.end import End as End\n",
        rope="from collections import OrderedDict as Coil\n\n_LENGTH = 3\n\ndef length():\n    return _LENGTH\n",
        end="from knot import __version__\nfrom knot.rope import Coil, length as measure\n\n_LENGTH = 4\n\nclass End:\n"
        "    def all(self):\n        from knot.rope import length\n"
        "        return length(), measure(), Coil, __version__, _LENGTH\n",
        other="from knot.end import End as Finish\nfrom knot import rope\n",
    )
    assert knot.End is end.End is other.Finish
    assert knot.length is rope.length is other.rope.length
    assert knot.End().all() == (3, 3, OrderedDict, "1", 4)
    assert {knot.length.__module__, knot.End.__module__} == {"knot"}


def test_a_constant_that_no_file_wants_stays_where_it_was(load: Load) -> None:
    knot, rope, end = load(
        "rope",
        __init__="__version__ = '1'\n",
        rope="SPARE = 5\nLENGTH = 6\nUSED = 7\ndef used(): return USED\n",
        end="from knot.rope import LENGTH\n",
    )
    assert (rope.SPARE, rope.LENGTH, knot.LENGTH, end.LENGTH, knot.used()) == (5, 6, 6, 6, 7)
    assert not hasattr(knot, "SPARE") and knot.__version__ == "1"


def test_a_name_for_two_things_is_refused(load: Load) -> None:
    with pytest.raises(DriverError, match="end.py and knot/rope.py can't be linked: both have a name length"):
        load("rope end", __init__="", rope="def length(): pass\n", end="length = [5]\n")


def test_source_is_not_linked(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / "rope.py").write_text("def length(): pass\n")
    places = [PurePosixPath("knot", name) for name in ("__init__.py", "rope.py")]
    files = tuple((place, tmp_path / place.name) for place in places)
    part = Part("knot", "1", "knot", tmp_path, files, (), ((places[0], (places[1],)),))
    assert board_texts([part], for_bytecode=False) == {places[0]: "", places[1]: "def length(): pass\n"}
    assert board_texts([part], for_bytecode=True)[places[1]] == "from knot import length\n"
