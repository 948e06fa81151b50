"""Run the benchmarks named on the command line, or all: each prints its table and writes it to the docs."""

import argparse
import importlib

ALL = ("leasing", "http", "proxy", "compat", "chips")


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of: " + ", ".join(ALL))
    names = parser.parse_args().names
    unknown = [name for name in names if name not in ALL]
    if unknown:
        parser.error("no benchmark is named %r; there are: %s" % (unknown[0], ", ".join(ALL)))
    for name in names or ALL:
        try:
            module = importlib.import_module("benchmarks." + name)
        except ModuleNotFoundError as error:
            if error.name != "benchmarks." + name:
                raise
            continue
        module.main()


if __name__ == "__main__":
    main()
