"""The driver conformance kit: what shows that a driver is right.

    from radiopool.testing import Bench, run
    from radiopool.testing.peers import Peers

    with Peers() as peers:
        report = run(Bench(driver, radio, peers))

`Bench`, the checks and `run` are plain Python that a board runs too; the peers and the pytest face
(`radiopool.testing.pytest`) need CPython.
"""

from radiopool.testing.bench import Bench, Clock, Failed, Peer, Skipped, Witness, require
from radiopool.testing.checks import Check, all_checks, checks_of, requirement
from radiopool.testing.report import FAILED, PASSED, SKIPPED, UNDECLARED, Report, Result, run, run_check

__all__ = [
    "FAILED",
    "PASSED",
    "SKIPPED",
    "UNDECLARED",
    "Bench",
    "Check",
    "Clock",
    "Failed",
    "Peer",
    "Report",
    "Result",
    "Skipped",
    "Witness",
    "all_checks",
    "checks_of",
    "require",
    "requirement",
    "run",
    "run_check",
]
