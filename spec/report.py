"""Results: one per law, and a report per unit.

    report = conformance(MyLayer)
    report.outcome                              "passed", "failed", "partly checked", "not checked" or "error"
    for result in report: result.check()        raises the violation, as a test does
"""

from __future__ import annotations

import unittest
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from html import escape
from typing import Any

from nnlaw.spec.declared_exceptions import DeclaredException
from nnlaw.spec.violation import Inconclusive, Violation


class Outcome(StrEnum):
    """The outcome of one law."""

    PASS = "pass"
    FAIL = "fail"
    SKIPPED = "skipped"  # it depends on a law that failed
    NOT_APPLICABLE = "n.a."  # nothing is declared that it could check
    INCONCLUSIVE = "inconclusive"


class UnitOutcome(StrEnum):
    """The outcome of a unit: a layer, loss, optimizer, network, ..."""

    PASSED = "passed"
    FAILED = "failed"
    PARTLY_CHECKED = "partly checked"  # no law fails, but an array could not be checked, or a law is inconclusive
    NOT_CHECKED = "not checked"  # no law passes or fails
    ERROR = "error"


EVERYTHING = "everything"  # of a unit that is not checked, among `Report.missing`
SCHEMA_VERSION = 2  # of the JSON form, which report.schema.json describes
WORST_FIRST = (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.SKIPPED, Outcome.PASS, Outcome.NOT_APPLICABLE)


@dataclass(frozen=True)
class LawResult:
    """The outcome of one law, with the reason if there is one."""

    law: str
    outcome: Outcome
    reason: str = ""
    violation: Violation | None = None
    depends_on: tuple[str, ...] = ()
    """The laws that failed, if the outcome is `skipped`."""
    exception: DeclaredException | None = None
    """The declared exception that covers a law that fails or is inconclusive."""

    def check(self) -> None:
        """Return if the law passes; else raise Violation, Inconclusive or, with the reason, unittest.SkipTest."""
        __tracebackhide__ = True
        if self.exception is not None:
            raise unittest.SkipTest(f"declared exception: {self.exception.reason}")
        if self.violation is not None:
            raise self.violation.with_traceback(None) from None
        if self.outcome is Outcome.INCONCLUSIVE:
            raise Inconclusive(self.reason)
        if self.outcome is not Outcome.PASS:
            raise unittest.SkipTest(f"{self.outcome}: {self.reason}")

    def __str__(self) -> str:
        return self.law


@dataclass(repr=False)
class Report:
    """The results of one unit. `reason` is why it could not be checked; `internal`: because of a bug in the checker."""

    name: str
    kind: str
    results: list[LawResult] = field(default_factory=list)
    reason: str = ""
    internal: bool = False
    calls: str = ""
    """How a unit that is not registered was called."""
    compared: list[str] = field(default_factory=list)
    """The arrays that were compared, with their shapes."""
    missing: dict[str, str] = field(default_factory=dict)
    """The arrays that could not be compared, with the reason: the unit is partly checked at most."""
    notes: list[str] = field(default_factory=list)
    """Remarks that leave the outcome as it is."""
    exception: DeclaredException | None = None
    """The declared exception that covers what was not checked."""

    @property
    def outcome(self) -> UnitOutcome:
        """What was found of the unit as a whole."""
        found = {row.outcome for row in self.results}
        if self.reason:
            return UnitOutcome.ERROR
        if any(row.outcome == Outcome.FAIL and row.exception is None for row in self.results):
            return UnitOutcome.FAILED
        if Outcome.PASS not in found or (self.calls and not self.compared):
            return UnitOutcome.NOT_CHECKED
        return UnitOutcome.PARTLY_CHECKED if self.missing or Outcome.INCONCLUSIVE in found else UnitOutcome.PASSED

    @property
    def violations(self) -> list[Violation]:
        """One violation per law that fails without a declared exception."""
        return [row.violation for row in self.results if row.violation and not row.exception]

    @property
    def exceptions(self) -> list[DeclaredException]:
        """The declared exceptions that cover a law, or what was not checked."""
        rows = [row.exception for row in self.results] + [self.exception]
        return [row for row in rows if row is not None]

    @property
    def is_excused(self) -> bool:
        """Whether declared exceptions cover everything that was not checked."""
        open_rows = [row for row in self.results if row.outcome == Outcome.INCONCLUSIVE and row.exception is None]
        return self.exception is not None or (bool(self.exceptions) and not self.missing and not open_rows)

    @property
    def summary(self) -> str:
        """`Dense: failed (1 fail, 12 pass, 3 skipped)`."""
        counts: Counter[Outcome] = Counter(row.outcome for row in self.results)
        del counts[Outcome.NOT_APPLICABLE]
        texts = [f"{counts[outcome]} {outcome}" for outcome in WORST_FIRST if counts[outcome]]
        return f"{self.name}: {self.outcome}" + (f" ({', '.join(texts)})" if texts else "")

    @property
    def remarks(self) -> list[str]:
        """The diagnostics, and what could not be checked and why."""
        reasons = [f"{what}: {UnitOutcome.NOT_CHECKED}: {reason}" for what, reason in self.missing.items()]
        return [violation.message for violation in self.violations] + reasons + ([self.reason] if self.reason else [])

    def __repr__(self) -> str:
        return f"<Report {self.summary}>"

    def __str__(self) -> str:
        return "\n".join([self.summary, *self.remarks])

    def _repr_html_(self) -> str:
        """For a notebook: the summary, the diagnostics, and every law that applies in a table to fold out."""
        rows = "".join(
            f"<tr><td>{escape(row.law)}</td><td>{row.outcome}</td><td style='text-align: left'>"
            f"{escape(row.violation.headline if row.violation else row.reason)}</td></tr>"
            for row in self.results
            if row.outcome is not Outcome.NOT_APPLICABLE
        )
        remarks = "".join(f"<pre>{escape(remark)}</pre>" for remark in self.remarks)
        table = f"<table><tr><th>law</th><th>outcome</th><th></th></tr>{rows}</table>"
        compared = f"<p>compared: {escape(', '.join(self.compared))}</p>" if self.compared else ""
        laws = f"<details><summary>laws</summary>{compared}{table}</details>" if rows else ""
        return f"<div><b>{escape(self.summary)}</b>{remarks}{laws}</div>"

    def __iter__(self) -> Iterator[LawResult]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def __contains__(self, code: object) -> bool:
        return any(row.law == code for row in self.results)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data for JSON; report.schema.json describes it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "outcome": self.outcome,
            "reason": self.reason,
            "internal": self.internal,
            "calls": self.calls,
            "compared": self.compared,
            "missing": self.missing,
            "notes": self.notes,
            "exception": self.exception and self.exception.to_dict(),
            "excused": self.is_excused,
            "laws": [
                {
                    "law": row.law,
                    "outcome": row.outcome,
                    "reason": row.reason,
                    "depends_on": list(row.depends_on),
                    "exception": row.exception and row.exception.to_dict(),
                }
                for row in self.results
            ],
            "violations": [violation.to_dict() for violation in self.violations],
        }


def merged(reports: list[Report]) -> Report:
    """One report of several on the same unit, such as on inputs of other shapes: the worst result per law."""
    worst: dict[str, LawResult] = {}
    for row in (row for report in reports for row in report.results):
        known = worst.get(row.law)
        if known is None or _rank(row) < _rank(known):
            worst[row.law] = row
    return Report(reports[0].name, reports[0].kind, list(worst.values()))


def _rank(row: LawResult) -> tuple[bool, int]:
    """The worst first; a law that passes comes behind one with a declared exception."""
    settled = row.exception is not None or row.outcome in (Outcome.PASS, Outcome.NOT_APPLICABLE)
    return settled, WORST_FIRST.index(row.outcome)
