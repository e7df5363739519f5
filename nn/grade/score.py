"""From reports to points.

    grade = graded(checked, rubric)
    grade.score, grade.out_of
    for row in grade.rows: print(row.requirement.name, row.points, row.reason)

A law that fails costs its points once: what is skipped because of it costs nothing more. A law that is inconclusive,
and the share of arrays that could not be compared, give no points and are marked for review. A unit with no law that
passes gets no points. Each unit meets one requirement at most; of all ways to assign them, the one with the highest
score counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from nnlaw.nn.grade.check import CheckedSubmission, ReportData
from nnlaw.nn.grade.rubric import Requirement, Rubric
from nnlaw.spec.report import Outcome, UnitOutcome

UNMATCHED = -1e-6  # the value of a unit for a requirement that it can't meet; below that of a failed one
REVIEW = (UnitOutcome.PARTLY_CHECKED, UnitOutcome.NOT_CHECKED)


@dataclass(frozen=True)
class RequirementGrade:
    """The points for one requirement, with the unit that meets it."""

    requirement: Requirement
    points: float = 0.0
    file: str = ""
    report: ReportData | None = None
    reason: str = ""
    """Why there are no points, or not all."""
    review: bool = False
    """Whether a person should look at it, since something could not be checked."""

    @property
    def laws(self) -> dict[str, str]:
        """The outcome of each law that applies."""
        rows = self.report["laws"] if self.report else []
        return {row["law"]: row["outcome"] for row in rows if row["outcome"] != Outcome.NOT_APPLICABLE}


@dataclass
class Grade:
    """The grade of one submission."""

    checked: CheckedSubmission
    rows: list[RequirementGrade]
    out_of: float
    copies: list[str] = field(default_factory=list)
    """The students who submitted the same code."""

    @property
    def student(self) -> str:
        return self.checked.submission.student

    @property
    def score(self) -> float:
        return round(sum(row.points for row in self.rows), 2)

    @property
    def review(self) -> bool:
        """Whether a person should look at the submission."""
        return any(row.review for row in self.rows)

    @property
    def failed_laws(self) -> list[str]:
        """The laws that fail in any unit that meets a requirement, each once."""
        rows = [law for row in self.rows for law, outcome in row.laws.items() if outcome == Outcome.FAIL]
        return list(dict.fromkeys(rows))


def graded(checked: CheckedSubmission, rubric: Rubric) -> Grade:
    """The grade of a submission."""
    units = checked.reports
    choice = _assigned(rubric.requirements, units)
    rows = [
        _trained(row, checked) if row.train else _row(row, units, choice, i)
        for i, row in enumerate(rubric.requirements)
    ]
    return Grade(checked, rows, rubric.out_of)


def _assigned(requirements: Sequence[Requirement], units: Sequence[tuple[str, ReportData]]) -> dict[int, int]:
    """The unit of each requirement, by position."""
    if not units:
        return {}
    from scipy.optimize import linear_sum_assignment  # here, because importing it takes as long as all of NumPy

    values = np.full((len(requirements), len(units)), UNMATCHED)
    for i, requirement in enumerate(requirements):
        for j, (_, report) in enumerate(units):
            if _matches(requirement, report):
                values[i, j] = points_of(requirement, report) - 1e-9 * j  # the first of equal ones
    chosen = [(int(i), int(j)) for i, j in zip(*linear_sum_assignment(values, maximize=True), strict=True)]
    return {i: j for i, j in chosen if _matches(requirements[i], units[j][1])}


def _matches(requirement: Requirement, report: ReportData) -> bool:
    """Whether a unit can meet a requirement; one that hung before its kind was known, by a required name."""
    name = report["name"].partition("(")[0]
    if report["kind"] == "file":
        return bool(requirement.names) and any(requirement.matches(kind, name) for kind in requirement.kinds)
    return requirement.matches(report["kind"], name)


def points_of(requirement: Requirement, report: ReportData) -> float:
    """The points that a unit gets."""
    outcomes = {row["law"]: row["outcome"] for row in report["laws"] if row["outcome"] != Outcome.NOT_APPLICABLE}
    if report["outcome"] in (UnitOutcome.ERROR, UnitOutcome.NOT_CHECKED) or Outcome.PASS not in outcomes.values():
        return 0.0
    lost_laws = [law for law, outcome in outcomes.items() if outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE)]
    others = [law for law in outcomes if law not in requirement.laws]
    rest = requirement.points - sum(requirement.laws.values())
    lost = sum(requirement.laws.get(law, rest / max(1, len(others))) for law in lost_laws)
    return max(0.0, requirement.points - lost) * _compared_share(requirement, report)


def _compared_share(requirement: Requirement, report: ReportData) -> float:
    """The share of the arrays that were compared; those of registered units, which all are, have no list."""
    compared = len(report["compared"])
    return compared / max(compared + len(report["missing"]), requirement.arrays) if compared else 1.0


def _row(
    requirement: Requirement, units: Sequence[tuple[str, ReportData]], choice: dict[int, int], number: int
) -> RequirementGrade:
    if number not in choice:
        return _not_found(requirement, [unit for j, unit in enumerate(units) if j not in choice.values()])
    file, report = units[choice[number]]
    points = round(points_of(requirement, report), 2)
    inconclusive = any(row["outcome"] == Outcome.INCONCLUSIVE for row in report["laws"])
    reason = _reason(report)
    if 0 < len(report["compared"]) < requirement.arrays:
        few = f"compared {', '.join(report['compared'])}; {requirement.arrays} arrays are required"
        reason = f"{reason}; {few}" if reason else few
    return RequirementGrade(requirement, points, file, report, reason, report["outcome"] in REVIEW or inconclusive)


def _reason(report: ReportData) -> str:
    """What cost points, in a line."""
    if report["reason"]:
        return str(report["reason"])
    parts = [f"{row['law']} fails" for row in report["laws"] if row["outcome"] == Outcome.FAIL]
    parts += [
        f"{row['law']} is inconclusive: {row['reason']}"
        for row in report["laws"]
        if row["outcome"] == Outcome.INCONCLUSIVE
    ]
    parts += [f"{what} not checked: {reason}" for what, reason in report["missing"].items()]
    return "; ".join(parts)


def _not_found(requirement: Requirement, units: Sequence[tuple[str, ReportData]]) -> RequirementGrade:
    """No unit meets it. Other units of the right kind are for a person to look at."""
    kinds = " or ".join(requirement.kinds)
    others = [report["name"] for _, report in units if report["kind"] in requirement.kinds]
    names = f" named {' or '.join(requirement.names)}" if requirement.names else ""
    shown = f"; found {', '.join(others[:5])}" if others else ""
    return RequirementGrade(requirement, reason=f"no {kinds}{names} found{shown}", review=bool(others))


def _trained(requirement: Requirement, checked: CheckedSubmission) -> RequirementGrade:
    found = checked.trained.get(requirement.name)
    if found is None:
        return RequirementGrade(requirement, reason="nothing to train")
    if found.accuracy is None:
        return RequirementGrade(requirement, reason=found.reason)
    points = round(requirement.points_for_accuracy(found.accuracy), 2)
    reached = f"accuracy {found.accuracy:.2%} in {found.seconds:.0f} s"
    return RequirementGrade(requirement, points, reason=f"{reached}, required {requirement.accuracy:.2%}")
