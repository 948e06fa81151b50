"""`radiopool new-driver`: a plugin project to begin with."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from radiopool import scaffold


def new_driver(
    name: Annotated[str, typer.Argument(help="The word by which users will choose the driver, such as at-modem.")],
    folder: Annotated[
        Path, typer.Option(file_okay=False, help="Where to put the project's folder, radiopool-NAME.")
    ] = Path(),
) -> None:
    """Write a new driver's project: it installs, it is discovered, and it passes the conformance kit as it is."""
    project = scaffold.new_driver(name, folder)
    typer.echo(f"Wrote {project}. Next:\n\n  cd {shlex.quote(str(project))}\n  pip install -e '.[test]'\n  pytest\n")
