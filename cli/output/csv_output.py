"""The results of nn verify as CSV: one row per file."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from nnlaw.cli.output.streams import one_line
from nnlaw.cli.output.verify_output import (
    ReportData,
    count_laws,
    exceptions_of,
    failed_laws,
    reasons,
    worst_outcome,
)
from nnlaw.nn.core.atomic_write import write_output
from nnlaw.nn.verify.supervisor import TargetResult
from nnlaw.spec.report import Outcome, UnitOutcome
from nnlaw.spec.violation import Violation

COLUMNS = ("file", "outcome", "units", "passed", "failed", "diagnostic", "exceptions", "not checked")
MAX_CELL = 1000  # characters
FORMULA = ("=", "+", "-", "@")
UNCHECKED = (UnitOutcome.PARTLY_CHECKED, UnitOutcome.NOT_CHECKED)


def write(path: Path, content: str) -> None:
    """Write the file. Raises BadInput if that fails."""
    write_output(path, content.encode(errors="backslashreplace"))


def cell(value: object) -> str:
    """A value as a cell: of a sane length, on one line, and never a formula of a spreadsheet."""
    text = one_line(str(value))[:MAX_CELL]
    return f"'{text}" if text.startswith(FORMULA) else text


def to_csv(results: list[TargetResult]) -> str:
    """One row per file: its worst outcome, how many laws pass, which fail, the first diagnostic or reason, the declared
    exceptions, and what could not be checked."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for result in (result for result in results if result.reports):
        reports = result.reports
        units = " ".join(f"{report['kind']}:{report['name']}" for report in reports)
        failed = " ".join(failed_laws(reports))
        row = (result.name, worst_outcome([result]), units, count_laws(reports, Outcome.PASS), failed)
        exceptions = "; ".join(f"{each['law']}: {each['reason']}" for each in exceptions_of(reports))
        unchecked = "; ".join(
            reason for report in reports if report["outcome"] in UNCHECKED for reason in reasons(report)
        )
        cells = [*row, _first_finding(reports), exceptions, unchecked]
        writer.writerow(map(cell, cells))
    return text.getvalue()


def _first_finding(reports: list[ReportData]) -> str:
    """The first diagnostic, or the first reason if no law fails; empty if all units passed."""
    for report in reports:
        for data in report["violations"]:
            return "; ".join(line.strip() for line in Violation.from_dict(data).message.splitlines())
    found = [reason for report in reports if report["outcome"] != UnitOutcome.PASSED for reason in reasons(report)]
    return found[0] if found else ""
