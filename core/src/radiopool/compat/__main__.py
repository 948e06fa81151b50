"""Run a program as it is, with radiopool in the place of adafruit_connection_manager:
`python -m radiopool.compat program.py arguments`.
"""

import runpy
import sys
from pathlib import Path

from radiopool.compat import install


def main() -> None:
    """Run the program that the command line names."""
    if len(sys.argv) < 2:
        sys.exit("usage: python -m radiopool.compat PROGRAM [ARGUMENT ...]")
    del sys.argv[0]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    install()
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
