"""The commands together, and what becomes of their errors: one sentence on standard error, and an exit status."""

from __future__ import annotations

import os
import sys
from typing import Annotated, NoReturn

import typer
import typer.exceptions

import radiopool
from radiopool.cli.bundle import bundle
from radiopool.cli.conformance import conformance
from radiopool.cli.demo import demo
from radiopool.cli.doctor import doctor
from radiopool.cli.drivers import drivers
from radiopool.cli.fetch import fetch
from radiopool.cli.new_driver import new_driver

app = typer.Typer(
    help="Leases and recycles network sockets, under one budget per radio, for whatever radio you have.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"radiopool {radiopool.__version__}")
        raise typer.Exit


@app.callback()
def command_line(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """The options of the command itself."""


for command in (drivers, doctor, fetch, demo, conformance, new_driver, bundle):
    app.command()(command)


def main() -> NoReturn:
    """Run the command line and exit: 0 done, 1 failed, 2 misused, 130 interrupted."""
    try:
        status = app(prog_name="radiopool", standalone_mode=False)
    except typer.exceptions.Abort:
        status = 130
    except typer.exceptions.TyperException as error:
        status = _fail(error.format_message(), error.exit_code)
    except (KeyboardInterrupt, EOFError):
        status = 130
    except BrokenPipeError:
        # Whoever read our output has seen enough (`radiopool drivers | head -1`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    except radiopool.RadiopoolError as error:
        status = _fail(str(error), 1)
    except Exception as error:
        # A fault of ours or of somebody's driver; `python -X dev -m radiopool` shows where.
        if sys.flags.dev_mode:
            raise
        status = _fail(f"{type(error).__name__}: {error}", 1)
    sys.exit(status if isinstance(status, int) else 0)


def _fail(sentence: str, status: int) -> int:
    if sentence:  # none if the help was the answer
        typer.secho(f"radiopool: {' '.join(sentence.split())}", err=True, fg="red" if sys.stderr.isatty() else None)
    return status
