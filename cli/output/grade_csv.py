"""The grades of a class as CSV: a row per student.

The columns are student, id, late, score, out_of, then for each requirement its points and, behind a colon, the outcome
of each of its laws, and last exceptions declared, copies, review, problems and seconds.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from nnlaw.cli.output.csv_output import cell
from nnlaw.nn.grade.rubric import Rubric
from nnlaw.nn.grade.score import Grade


def to_csv(grades: Sequence[Grade], rubric: Rubric) -> str:
    """The table as text."""
    text = io.StringIO()
    writer = csv.writer(text)
    laws = [sorted({law for grade in grades for law in grade.rows[i].laws}) for i in range(len(rubric.requirements))]
    columns = ["student", "id", "late", "score", "out_of"]
    for requirement, codes in zip(rubric.requirements, laws, strict=True):
        columns += [requirement.name, *(f"{requirement.name}: {code}" for code in codes)]
    writer.writerow(map(_cell, [*columns, "exceptions", "copies", "review", "problems", "seconds"]))
    for grade in grades:
        writer.writerow(map(_cell, _row(grade, laws)))
    return text.getvalue()


def _row(grade: Grade, laws: Sequence[Sequence[str]]) -> list[object]:
    checked, submission = grade.checked, grade.checked.submission
    late = "yes" if submission.late else ""
    cells: list[object] = [submission.student, submission.id, late, grade.score, grade.out_of]
    for row, codes in zip(grade.rows, laws, strict=True):
        cells += [row.points, *(row.laws.get(code, "") for code in codes)]
    review = "; ".join(f"{row.requirement.name}: {row.reason}" for row in grade.rows if row.review)
    stopped = [report["reason"] for _, report in checked.reports if report["reason"]]
    problems = "; ".join(dict.fromkeys([*checked.problems, *stopped]))
    return [*cells, "; ".join(checked.exceptions), ", ".join(grade.copies), review, problems, f"{checked.seconds:.1f}"]


def _cell(value: object) -> str:
    """Text that a spreadsheet can't take for a formula; numbers unchanged."""
    return f"{value:g}" if isinstance(value, float | int) else cell(value)
