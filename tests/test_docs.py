"""Nothing is left out: no page of the tests, no state of the diagram; no error, hook or public name of the docs."""

import importlib.util
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import radiopool
from environments import ROOT, distributions
from radiopool import Policy, errors, hookspecs, ledger_methods, vocabulary
from radiopool.cli import app

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
    return str(extension.draw(ledger_methods.TRANSITIONS))


def test_the_state_diagram_has_every_state_and_every_event(drawn: str) -> None:
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", drawn)
    states = {state for pair in ledger_methods.TRANSITIONS.values() for state in pair}
    assert sorted(texts) == sorted([*states, *ledger_methods.TRANSITIONS])
    assert drawn.count("<line") == len(ledger_methods.TRANSITIONS)


# -- what the chapters must have

CHAPTERS = {path.stem: path.read_text() for path in ROOT.glob("docs/*.md")}


def first_cells(page: str) -> "set[str]":
    """The words in code in the first cells of a page's tables."""
    cells = [line.split("|")[1] for line in page.splitlines() if line.startswith("| ")]
    return {word for cell in cells for word in re.findall("`([^`]+)`", cell)}


def error_classes() -> "list[type[Exception]]":
    return [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.RadiopoolError)]


@pytest.mark.parametrize("error", error_classes(), ids=lambda error: error.__name__)
def test_every_error_has_a_row_with_its_parents(error: "type[Exception]") -> None:
    (row,) = [line for line in CHAPTERS["errors"].splitlines() if line.startswith(f"| `{error.__name__}` |")]
    _, _, ours, builtin, when, remedy, _ = (cell.strip() for cell in row.split("|"))
    parent, *others = (base.__name__ for base in error.__bases__)
    assert ours == f"`{parent}`"
    assert builtin == ", ".join(f"`{other}`" for other in others)
    assert when and remedy


def test_every_row_is_an_error() -> None:
    assert first_cells(CHAPTERS["errors"]) == {error.__name__ for error in error_classes()}


def hooks() -> "list[str]":
    return [name for name, one in vars(hookspecs).items() if hasattr(one, "radiopool_spec")]


def test_every_hook_is_in_the_chapter_on_observing() -> None:
    assert sorted(hooks()) == ["closed", "opened", "reused"]
    for name in hooks():
        arguments = ", ".join(inspect.signature(getattr(hookspecs, name)).parameters)
        assert f"def {name}(self, {arguments}):" in CHAPTERS["observing"]
        assert inspect.getdoc(getattr(hookspecs, name))


def test_every_count_of_stats_is_in_the_chapter_on_observing() -> None:
    with radiopool.manager_for() as manager:
        assert set(manager.stats()) == first_cells(CHAPTERS["observing"])


def test_every_part_of_the_policy_and_every_reason_is_in_the_chapter_on_recycling() -> None:
    rows = first_cells(CHAPTERS["recycling"])
    assert set(inspect.signature(Policy).parameters) <= rows
    reasons = "EVICTED STALE IDLE_TIMEOUT EXPIRED SURPLUS RETIRED DISCARDED FAILED RESET".split()
    named = vars(vocabulary)
    constants = {name for name, one in named.items() if name.isupper() and isinstance(one, str)}
    assert set(reasons) <= constants - {"CONNECTING", "LEASED", "IDLE", "CLOSED", "NO_SOCKET", "NO_TLS"}
    assert {named[name] for name in reasons} <= rows


def test_every_environment_variable_is_documented() -> None:
    sources = [path.read_text() for path in ROOT.glob("core/src/radiopool/**/*.py")]
    variables = {name for source in sources for name in re.findall(r"\bRADIOPOOL_[A-Z_]+\b", source)}
    assert variables
    undocumented = {name for name in variables if not any(name in text for text in CHAPTERS.values())}
    assert not undocumented


def test_every_command_is_in_the_chapter_on_the_command_line() -> None:
    commands = typer.main.get_command(app.app).commands  # type: ignore[attr-defined]
    for name, command in commands.items():
        assert f"| `radiopool {name}" in CHAPTERS["cli"]
        options = {option for one in command.params for option in one.opts if option.startswith("--")}
        everywhere = "".join(CHAPTERS.values())
        assert not {option for option in options - {"--help"} if option not in everywhere}, name


# -- what must have a docstring

PACKAGES = ["radiopool", "radiopool.http", "radiopool.testing"]
PACKAGES += ["radiopool_" + Path(name).name for name in distributions() if name != "core"]


def names(package: str) -> "list[str]":
    """The public names of a package; those of http are listed apart, since each is loaded when it is used."""
    module = importlib.import_module(package + ".names" if package == "radiopool.http" else package)
    return list(module.__all__)


def silent_parts(name: str, one: Any) -> "Iterator[str]":
    """What has no docstring, its own or an inherited one: the object, and the public methods of a class of ours."""
    if not str(getattr(one, "__module__", "")).startswith("radiopool") or not callable(one):
        return
    if not inspect.getdoc(one):
        yield name
    parts = vars(one).items() if isinstance(one, type) else ()
    for part, value in parts:
        is_method = isinstance(value, (property, classmethod, staticmethod)) or inspect.isfunction(value)
        if (
            is_method
            and not part.startswith("_")
            and not any(inspect.getdoc(vars(parent)[part]) for parent in one.__mro__ if part in vars(parent))
        ):
            yield f"{name}.{part}"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_documented(package: str) -> None:
    module = importlib.import_module(package)
    silent = [part for name in names(package) for part in silent_parts(name, getattr(module, name))]
    assert not silent


def test_every_public_name_of_the_core_is_in_a_chapter() -> None:
    prose = "".join(CHAPTERS.values())
    assert not [name for name in radiopool.__all__ if not re.search(rf"\b{name}\b", prose)]
