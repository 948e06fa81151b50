"""A folder as circup expects of a bundle's release, so that `circup install radiopool` finds it.

circup looks for `NAME-PLATFORM-TAG.zip` with `NAME-PLATFORM-TAG/lib/MODULE` in it, for `py` and for each version of
bytecode ("10.x-mpy"), and for `NAME-PLATFORM-TAG/requirements/MODULE/requirements.txt` (circup's bundle.py).
"""

from __future__ import annotations

import json
from pathlib import Path

from radiopool.bundle.parts import Part
from radiopool.bundle.writing import Bundle, write_zip

PLATFORM = "10.x-mpy"


def write_circup(
    bundle: Bundle, out: Path, tag: str, mpy_cross: Path | None = None, name: str = "radiopool-bundle"
) -> list[Path]:
    """Write the zip files, their folders beside them, and the bundle's list of modules; the zip files.

    tag: the release's version. mpy_cross: CircuitPython's own, for a second zip file with bytecode. Raises
    InvalidValueError as `Bundle.write`.
    """
    made = []
    for platform, compiler in (("py", None), (PLATFORM, mpy_cross)):
        if platform != "py" and compiler is None:
            continue
        whole = f"{name}-{platform}-{tag}"
        # circup unpacks the archive where it finds this folder.
        folder = out / f"{name}-{platform}" / whole
        bundle.write_library(folder / "lib", compiler)
        for part in bundle.parts:
            requirements = folder / "requirements" / part.package / "requirements.txt"
            requirements.parent.mkdir(parents=True, exist_ok=True)
            requirements.write_text("".join(line + "\n" for line in _needs(part)), encoding="utf-8")
        archive = out / f"{whole}.zip"
        write_zip(folder.parent, archive)
        made.append(archive)
    modules = {part.package: _about(part) for part in bundle.parts}
    (out / f"{name}-{tag}.json").write_text(json.dumps(modules, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return made


def _needs(part: Part) -> list[str]:
    # The vendors' libraries are in Adafruit's bundle; circup takes what a program imports.
    return ["radiopool"] if part.driver else []


def _about(part: Part) -> dict[str, object]:
    return {
        "package": True,
        "pypi_name": part.distribution,
        "version": part.version,
        "path": f"lib/{part.package}",
        "dependencies": _needs(part),
        "external_dependencies": [],
    }
