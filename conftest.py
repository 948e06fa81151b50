"""For all tests of the workspace: the code in the documentation is run, and sockets left open are found."""

import gc
from collections.abc import Iterator

import pytest
from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser, SkipParser

# ```python blocks run in order, those of one document in one namespace; `>>>` in them is a doctest. A block that
# can't run here is preceded by <!--- skip: next "the reason" -->, and pytest reports it as skipped.
pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["*.md"],
    excludes=["**/CHANGELOG.md", "docs/_build/**"],
).pytest()


@pytest.fixture(autouse=True, scope="module")
def sockets_left_open() -> Iterator[None]:
    """A socket in a reference cycle warns only when collected; warnings are errors, so collect in the file at fault."""
    yield
    gc.collect()
