"""Run pytest, and once more the files in which a test failed: `python tools/run_tests.py NAME ARGUMENT...`.

Thousands of tests talk to other threads and processes, and on a busy machine one of them is late now and then. A test
that fails twice has failed. One that fails only the first time is named at the end, and is a defect to look into.
The reports are `.build/junit/NAME.xml` and `NAME.again.xml`; `tools/tally.py` adds them up.
"""

import json
import shutil
import subprocess
import sys

from environments import ROOT

REPORTS = ROOT / ".build" / "junit"
CACHE = ROOT / ".build" / "pytest"
# pytest's exit code when tests failed; what else can go wrong is no test's doing.
TESTS_FAILED = 1


def pytest(report: str, cache: str, *arguments: str) -> "tuple[int, list[str]]":
    """Run pytest. Returns its exit code and the names of the tests that failed."""
    shutil.rmtree(CACHE / cache, ignore_errors=True)
    settings = ["--junitxml=%s" % (REPORTS / (report + ".xml")), "-o", "junit_suite_name=" + report]
    settings += ["-o", "cache_dir=%s" % (CACHE / cache), "--continue-on-collection-errors"]
    code = subprocess.run([sys.executable, "-m", "pytest", *settings, *arguments], cwd=ROOT).returncode
    failed = CACHE / cache / "v" / "cache" / "lastfailed"
    return code, sorted(json.loads(failed.read_text())) if failed.exists() else []


def main(name: str, *arguments: str) -> int:
    """Returns pytest's exit code, of the second run if there was one."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    for old in REPORTS.glob(name + "*.xml"):
        old.unlink()
    code, failed = pytest(name, name, *arguments)
    if code != TESTS_FAILED or not failed:
        return code
    print("%d failed. Their files once more:" % len(failed), flush=True)
    code, still = pytest(name + ".again", name, *dict.fromkeys(test.partition("::")[0] for test in failed))
    for test in failed:
        if test not in still:
            print("Failed once, and passed when run again: %s" % test, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
