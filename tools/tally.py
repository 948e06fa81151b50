"""Add up the pytest reports in `.build/junit`; the last line is "N passed, N failed, N skipped".

The tests in `NAME.again.xml` ran twice (`tools/run_tests.py`); what the second run says of them counts.
"""

import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

from environments import ROOT

REPORTS = ROOT / ".build" / "junit"
WORDS = ("passed", "failed", "skipped")
STATES = {"failure": "failed", "error": "failed", "skipped": "skipped"}


def states(report: Path) -> "dict[tuple[str, str], str]":
    """Class and name of each test, and what became of it. A test that passed and failed at its teardown failed."""
    found: "dict[tuple[str, str], str]" = {}
    for case in ElementTree.parse(report).iter("testcase"):
        test = (case.get("classname", ""), case.get("name", ""))
        state = next((STATES[part.tag] for part in case if part.tag in STATES), "passed")
        found[test] = "failed" if "failed" in (state, found.get(test)) else state
    return found


def main() -> int:
    total: "Counter[str]" = Counter()
    for report in sorted(REPORTS.glob("*.xml")):
        if report.stem.endswith(".again"):
            continue
        tests = states(report)
        again = report.with_suffix(".again.xml")
        if again.exists():
            tests.update(states(again))
        counts = Counter(tests.values())
        print("%-20s" % report.stem, *("%6d %s" % (counts[word], word) for word in WORDS))
        total += counts
    print(", ".join("%d %s" % (total[word], word) for word in WORDS))
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
