"""`radiopool bundle`: the files for a board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from radiopool import __version__
from radiopool import bundle as bundles
from radiopool.bundle.writing import write_zip
from radiopool.cli.console import console


def bundle(
    out: Annotated[Path, typer.Option(help="The folder to write, laid out as a board's drive; or the drive itself.")],
    driver: Annotated[list[str], typer.Option(help="A driver the board needs; may be given several times.")],
    http: Annotated[bool, typer.Option("--http", help="With radiopool.http.")] = False,
    compat: Annotated[bool, typer.Option("--compat", help="With the faces of Adafruit's libraries.")] = False,
    mpy: Annotated[bool, typer.Option("--mpy", help="Bytecode in place of source.")] = False,
    mpy_cross: Annotated[str, typer.Option(help="The mpy-cross that suits the board (implies --mpy).")] = "",
    zip_file: Annotated[Path | None, typer.Option("--zip", help="Write a zip file of the same too.")] = None,
    circup: Annotated[Path | None, typer.Option(help="A folder for circup, as it expects a bundle's release.")] = None,
    sizes: Annotated[bool, typer.Option("--sizes", help="Print the size of every file.")] = False,
) -> None:
    """Write exactly the files that a board needs: packages, a starter program, a sample of settings."""
    rooms = (("http",) if http else ()) + (("compat",) if compat else ())
    parts = [bundles.core_part(rooms), *(bundles.driver_part(name) for name in dict.fromkeys(driver))]
    made = bundles.Bundle(parts, http=http)
    compiler = bundles.find_mpy_cross(mpy_cross) if mpy or mpy_cross else None
    written = made.write(out, compiler)
    screen = console()
    screen.print(_table(made, written, sizes))
    if zip_file is not None:
        # Not the folder: a drive has its owner's files and passwords.
        files = {f"lib/{file.place}": file.content for file in written}
        write_zip(files | {name: text.encode() for name, text in made.starters(written).items()}, zip_file)
        screen.print(f"Wrote {zip_file}")
    if circup is not None:
        for archive in bundles.write_circup(made, circup, __version__, compiler):
            screen.print(f"Wrote {archive}")
    settings = "settings.toml" if "settings.toml" in made.starters(written) else "main.py"
    screen.print(f"Wrote {out}: copy what is in it to the board, and put your settings into {settings}.")


def _table(made: bundles.Bundle, written: list[bundles.Written], every_file: bool) -> Table:
    table = Table("Package" if not every_file else "File", "Files", "Source, bytes", "Written, bytes")
    for column in table.columns[1:]:
        column.justify = "right"
    places = {place: part for part in made.parts for place, _ in part.files}
    if every_file:
        for file in written:
            table.add_row(str(file.place), "1", f"{file.source:,}", f"{file.size:,}")
    for part in made.parts:
        own = [file for file in written if places[file.place.with_suffix(".py")] is part]
        source, size = sum(file.source for file in own), sum(file.size for file in own)
        table.add_row(f"{part.package} {part.version}", str(len(own)), f"{source:,}", f"{size:,}")
    source, size = sum(file.source for file in written), sum(file.size for file in written)
    table.add_section()
    table.add_row("all", str(len(written)), f"{source:,}", f"{size:,}")
    return table
