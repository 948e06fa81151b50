"""The scaffold: a complete plugin project to begin with. CPython only; the template engine is copier."""

from __future__ import annotations

import re
from pathlib import Path

from radiopool.errors import InvalidValueError
from radiopool.vocabulary import CONTRACT

TEMPLATE = Path(__file__).parent
NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")


def new_driver(name: str, folder: Path | None = None) -> Path:
    """Write the plugin project `radiopool-NAME` into `folder` (default: the current one); returns the project's own.

    Its driver works as it is, over a stand-in for the vendor's library. `name` is a word of small letters and digits;
    `-` or `_` may join several. Raises InvalidValueError for another name, and where the project's folder is not
    empty.
    """
    module = name.replace("-", "_")
    if not NAME.fullmatch(name):
        raise InvalidValueError(f"a driver's name is small letters and digits, such as 'at-modem', not {name!r}")
    project = (folder or Path()).absolute() / f"radiopool-{name}"
    if project.exists() and (not project.is_dir() or any(project.iterdir())):
        raise InvalidValueError(f"{project} exists and is not empty; choose another name or folder")
    try:
        # Imported here: it takes longer than all other commands together.
        from copier import run_copy
    except ModuleNotFoundError as error:
        if error.name != "copier":
            raise
        raise InvalidValueError('the scaffold is an extra. Install it: pip install "radiopool[scaffold]"') from None

    from radiopool import __version__

    facts = {
        "name": name,
        "module": module,
        "class_name": "".join(word.capitalize() for word in module.split("_")),
        "core_version": ".".join(__version__.split(".")[:2]),
        "contract": "{}, {}".format(*CONTRACT),
    }
    run_copy(str(TEMPLATE), project, data=facts, defaults=True, quiet=True)
    return project
