"""Runs one file of board tests on MicroPython: `micropython harness.py FOLDER MODULE`.

Prints `passed NAME` or `failed NAME` for each `test_` function, and the traceback of what failed. Board tests are
plain functions with `assert`, so that this and pytest can both run them.
"""

import gc
import sys

sys.path.insert(0, sys.argv[1])
module = __import__(sys.argv[2])
failed = 0
for name in sorted(dir(module)):
    if not name.startswith("test_"):
        continue
    # A heap full of what the tests before it left has no place in one piece for a long text.
    gc.collect()
    try:
        getattr(module, name)()
    except BaseException as error:
        failed += 1
        print("failed", name)
        sys.print_exception(error)
    else:
        print("passed", name)
sys.exit(1 if failed else 0)
