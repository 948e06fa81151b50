"""Add up the pytest reports in `.build/junit`; the last line is "N passed, N failed, N skipped"."""

import sys
import xml.etree.ElementTree as ElementTree

from environments import ROOT


def main() -> int:
    total = [0, 0, 0]
    for report in sorted((ROOT / ".build" / "junit").glob("*.xml")):
        suites = list(ElementTree.parse(report).iter("testsuite"))
        tests, skipped = (sum(int(suite.get(word, 0)) for suite in suites) for word in ("tests", "skipped"))
        failed = sum(int(suite.get(word, 0)) for suite in suites for word in ("failures", "errors"))
        counts = (tests - failed - skipped, failed, skipped)
        print("%-20s %6d passed %4d failed %4d skipped" % (report.stem, *counts))
        total = [have + more for have, more in zip(total, counts, strict=True)]
    print("%d passed, %d failed, %d skipped" % tuple(total))
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main())
