"""The console script `radiopool`: the command line where its extra is installed, else the line that installs it."""

import sys

EXTRA = ("typer", "rich", "click")


def main() -> int:
    """Run the command line, which sets the exit status.

    Returns 2 where the extra `cli` is missing, 130 if it is interrupted while it is loaded.
    """
    try:
        from radiopool.cli import main as command_line
    except ModuleNotFoundError as error:
        # Only the extra's own absence is explained; a module missing for another reason is a fault to be seen.
        if error.name is None or error.name.split(".")[0] not in EXTRA:
            raise
        print('The command line is an extra. Install it: pip install "radiopool[cli]"', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    command_line()
