"""What the plugins measure of themselves: every `plugins/*/benchmarks/*.py`, run as it stands.

Their figures are counts on an emulated wire, exact on every machine, and bounded by the plugins' own tests.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.report import DOCS

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Run each, print what it says, and keep it for the docs."""
    text = ""
    for script in sorted(ROOT.glob("plugins/*/benchmarks/*.py")):
        name = script.relative_to(ROOT)
        run = subprocess.run([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, check=True)
        print(f"\n{name}\n\n{run.stdout}")
        text += f"`python {name}`\n\n```text\n{run.stdout.rstrip()}\n```\n\n"
    DOCS.mkdir(exist_ok=True)
    (DOCS / "chips.md").write_text(text)


if __name__ == "__main__":
    main()
