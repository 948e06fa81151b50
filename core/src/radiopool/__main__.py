"""`python -m radiopool` is the command `radiopool`."""

import sys

from radiopool.command import main

if __name__ == "__main__":
    sys.exit(main())
