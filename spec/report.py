"""What was found: a verdict per law, gathered into a report per plugin.

    report = conformance(MyLayer)
    report.verdict                  "holds", "broken", "inconclusive" or "error"
    for verdict in report: verdict.check()          raises what was broken, as a test does
"""

from __future__ import annotations

import unittest
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from nnlaw.spec.violation import Inconclusive, Violation

HOLDS, BROKEN, INCONCLUSIVE, ERROR = "holds", "broken", "inconclusive", "error"
NOT_JUDGED, DOES_NOT_APPLY = "not judged", "does not apply"
WORST_FIRST = (BROKEN, INCONCLUSIVE, NOT_JUDGED, HOLDS, DOES_NOT_APPLY)


@dataclass(frozen=True)
class Verdict:
    """What was found of one law, and why where it is not plain."""

    law: str
    verdict: str
    because: str = ""
    violation: Violation | None = None

    def check(self) -> None:
        """Nothing where the law holds, else what a test does: Violation, Inconclusive, or a skip that says why."""
        if self.violation is not None:
            raise self.violation
        if self.verdict == INCONCLUSIVE:
            raise Inconclusive(self.because)
        if self.verdict != HOLDS:
            raise unittest.SkipTest(f"{self.verdict}: {self.because}")

    def __str__(self) -> str:
        return self.law


@dataclass
class Report:
    """All verdicts on one plugin. `because` says why it could not be judged at all, where that is so."""

    name: str
    kind: str
    verdicts: list[Verdict] = field(default_factory=list)
    because: str = ""

    @property
    def verdict(self) -> str:
        """"error" if it could not be judged; else the worst there is; "inconclusive" where no law was judged."""
        found = {row.verdict for row in self.verdicts}
        if self.because:
            return ERROR
        return next((word for word in (BROKEN, INCONCLUSIVE, HOLDS) if word in found), INCONCLUSIVE)

    @property
    def violations(self) -> list[Violation]:
        """One violation per broken law."""
        return [row.violation for row in self.verdicts if row.violation]

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.verdicts)

    def __len__(self) -> int:
        return len(self.verdicts)

    def __contains__(self, code: object) -> bool:
        return any(row.law == code for row in self.verdicts)

    def to_dict(self) -> dict[str, Any]:
        """The report in the form that JSON takes."""
        return {
            "name": self.name,
            "kind": self.kind,
            "verdict": self.verdict,
            "because": self.because,
            "laws": [{"law": r.law, "verdict": r.verdict, "because": r.because} for r in self.verdicts],
            "violations": [violation.to_dict() for violation in self.violations],
        }


def merged(reports: list[Report]) -> Report:
    """One report of several on the same plugin, as on inputs of other shapes: of each law the worst verdict."""
    worst: dict[str, Verdict] = {}
    for row in (row for report in reports for row in report.verdicts):
        known = worst.get(row.law)
        if known is None or WORST_FIRST.index(row.verdict) < WORST_FIRST.index(known.verdict):
            worst[row.law] = row
    return Report(reports[0].name, reports[0].kind, list(worst.values()))
