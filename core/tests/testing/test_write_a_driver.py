"""The chapter "Write a driver" leaves nothing out; its code is run with all the other chapters'."""

import re
from pathlib import Path

from radiopool import Driver, Traits

CHAPTER = (Path(__file__).parents[3] / "docs" / "write-a-driver.md").read_text()


def is_named(name: str) -> bool:
    return bool(re.search(rf"`[^`\n]*\b{name}\b", CHAPTER))


def test_it_names_everything_that_a_driver_may_override() -> None:
    overridable = {name for kind in Driver.__mro__[:-1] for name in vars(kind) if not name.startswith("_")}
    assert "connect_address" in overridable and "name" in overridable
    assert {name for name in overridable if not is_named(name)} == set()


def test_it_names_every_trait() -> None:
    assert {name for name in vars(Traits()) if not is_named(name)} == set()
