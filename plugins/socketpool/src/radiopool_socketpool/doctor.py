"""Whether the modules `socketpool` and `wifi` are the ones that programs for boards mean."""

import importlib.machinery
import importlib.util
import os
from importlib import metadata

NAMES = ("socketpool", "wifi")
DISTRIBUTION = "radiopool-socketpool"


def findings() -> list[str]:
    """A sentence for each name that another package holds, with the remedy. Imports nothing that it looks at."""
    return [finding for name in NAMES if (finding := _finding(name))]


def _finding(name: str) -> str | None:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return "the module %s is missing: pip install --force-reinstall %s" % (name, DISTRIBUTION)
    if _is_ours(spec):
        return None
    place = spec.origin or "an unknown place"
    owners = [owner for owner in _owners(place) if owner != DISTRIBUTION]
    if not owners:
        return "the module %s at %s is not CircuitPython's: rename or remove that file, or run from another folder" % (
            name,
            place,
        )
    # Two distributions with one module overwrite each other's files, so ours must be written again.
    return (
        "the module %s at %s belongs to %s and not to CircuitPython: "
        "pip uninstall %s, then pip install --force-reinstall --no-deps %s"
        % (name, place, " and ".join(owners), " ".join(owners), DISTRIBUTION)
    )


def _is_ours(spec: importlib.machinery.ModuleSpec) -> bool:
    """Whether the module's source is what this distribution installs: it takes its names from here."""
    if spec.origin is None or not spec.origin.endswith(".py"):
        return False
    try:
        with open(spec.origin, encoding="utf-8") as source:
            return "from radiopool_socketpool." in source.read()
    except (OSError, UnicodeDecodeError):
        return False


def _owners(place: str) -> list[str]:
    """The distributions that say they installed that file."""
    wanted = os.path.realpath(place)
    return sorted(
        {
            distribution.metadata["Name"]
            for distribution in metadata.distributions()
            for file in distribution.files or ()
            if file.name == os.path.basename(place) and os.path.realpath(str(distribution.locate_file(file))) == wanted
        }
    )


__all__ = ("findings",)
