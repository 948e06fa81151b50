"""Nothing in the documentation is left out: of the tests, of the tables of contents, of the state diagram."""

import importlib.util
import re
from pathlib import Path

import pytest

from environments import ROOT
from radiopool import recycling

PAGES = sorted(
    path
    for pattern in ("*.md", "core/*.md", "plugins/*/*.md", "docs/**/*.md")
    for path in ROOT.glob(pattern)
    if "_build" not in path.parts
)
FENCE = re.compile(r"^ *(```+|:::+)(.*)$")
LANGUAGES = {"bash", "console", "html", "ini", "json", "mermaid", "python", "text", "toml", "yaml"}


def fences(page: Path) -> "list[tuple[int, str]]":
    """The line and the word after the fence of every block of a page."""
    found, closing = [], ""
    for number, line in enumerate(page.read_text().splitlines(), 1):
        match = FENCE.match(line)
        if match and not closing:
            found.append((number, match[2].strip()))
            closing = match[1]
        elif match and match[1] == closing and not match[2].strip():
            closing = ""
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_names_a_language_that_we_know_how_to_test(page: Path) -> None:
    unknown = [(number, word) for number, word in fences(page) if not word.startswith("{") and word not in LANGUAGES]
    assert not unknown
    # A directive with Python in it would be shown and never run.
    assert not [word for _, word in fences(page) if re.match(r"\{(code-block|code|sourcecode)\} *py", word)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_skipped_block_says_why(page: Path) -> None:
    for skip in re.findall(r"<!---+ *skip:(.*)-->", page.read_text()):
        assert re.match(r' *next +(if\(.*\), *reason=)?"[^"]{8,}"|.*reason="[^"]{8,}"', skip), skip


@pytest.fixture
def drawn() -> str:
    spec = importlib.util.spec_from_file_location("state_diagram", ROOT / "docs" / "_ext" / "state_diagram.py")
    assert spec is not None and spec.loader is not None
    extension = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(extension)
    return str(extension.draw(recycling.TRANSITIONS))


def test_the_state_diagram_has_every_state_and_every_event(drawn: str) -> None:
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", drawn)
    states = {state for pair in recycling.TRANSITIONS.values() for state in pair}
    assert sorted(texts) == sorted([*states, *recycling.TRANSITIONS])
    assert drawn.count("<line") == len(recycling.TRANSITIONS)
