"""A folder as circup expects of a bundle's release, so that `circup install radiopool` finds it.

circup looks for `NAME-PLATFORM-TAG.zip` with `NAME-PLATFORM-TAG/lib/MODULE` in it, for `py` and for each version of
bytecode ("10.x-mpy"), and for `NAME-PLATFORM-TAG/requirements/MODULE/requirements.txt` (circup's bundle.py). NAME is
that of the repository whose release it is.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from radiopool.bundle.parts import Part
from radiopool.bundle.writing import Bundle, write_zip
from radiopool.errors import InvalidValueError

SOURCE = ("py", "py")
BYTECODE = ("10mpy", "10.x-mpy")
"""How circup calls a platform in the names of its own folders, and in those of a release."""


def write_circup(
    bundle: Bundle, out: Path, tag: str, mpy_cross: Path | None = None, name: str = "radiopool-bundle"
) -> list[Path]:
    """Write the zip files, their folders beside them, and the bundle's list of modules; the zip files.

    tag: the release's version. mpy_cross: CircuitPython's own, for a second zip file with bytecode. Raises
    InvalidValueError as `Bundle.write`, and for drivers of another interpreter.
    """
    if "circuitpython" not in bundle.targets:
        raise InvalidValueError(f"circup is for CircuitPython, and these drivers for {' and '.join(bundle.targets)}")
    bundle = Bundle(bundle.parts, bundle.http)
    bundle.targets = {"circuitpython"}
    made = []
    for (folder_word, word), compiler in ((SOURCE, None), (BYTECODE, mpy_cross)):
        if word != "py" and compiler is None:
            continue
        whole = f"{name}-{word}-{tag}"
        # circup unpacks the archive in a folder of this name.
        folder = out / f"{name}-{folder_word}" / whole
        files = {f"lib/{file.place}": file.content for file in bundle.library(compiler)}
        for module, needs in _modules(bundle).items():
            files[f"requirements/{module}/requirements.txt"] = "".join(line + "\n" for line in needs).encode()
        # One of other drivers may have been there.
        shutil.rmtree(folder, ignore_errors=True)
        for place, content in files.items():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).write_bytes(content)
        archive = out / f"{whole}.zip"
        write_zip({f"{whole}/{place}": content for place, content in files.items()}, archive)
        made.append(archive)
    modules = {part.package: _about(part) for part in bundle.parts}
    (out / f"{name}-{tag}.json").write_text(json.dumps(modules, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return made


def _modules(bundle: Bundle) -> dict[str, tuple[str, ...]]:
    """The modules at the top of lib/, and what each needs, as in a requirements.txt."""
    found = {part.package: part.requires for part in bundle.parts}
    for part in bundle.parts:
        found |= {place.stem: (part.package,) for place, _ in part.files if len(place.parts) == 1}
    return found


def _about(part: Part) -> dict[str, object]:
    own = [line for line in part.requires if line.startswith("radiopool")]
    return {
        "package": True,
        "pypi_name": part.distribution,
        "version": part.version,
        "path": f"lib/{part.package}",
        "dependencies": own,
        "external_dependencies": [line for line in part.requires if line not in own],
    }
