"""What nn verify found, one row per law that fails and per unit that could not be checked.

    for finding in findings(results):
        print(finding.path, finding.line, finding.code, finding.text)

Formats for build servers, and the baseline, are made from these rows.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nnlaw.cli.output.streams import clean
from nnlaw.cli.output.verify_output import ReportData, reasons
from nnlaw.nn.verify.supervisor import TargetResult
from nnlaw.spec.declared_exceptions import UNCHECKED
from nnlaw.spec.report import UnitOutcome
from nnlaw.spec.violation import Violation, relative_to_cwd

ERROR = "error"  # the code of a finding of a unit or file that could not be checked because of an error
CHECKED = (UnitOutcome.PASSED, UnitOutcome.FAILED)


@dataclass(frozen=True)
class Finding:
    """A law that fails, or a unit with the outcome error, not checked or partly checked.

    `code` is that of the law, "error" or "unchecked". `line` and `column` count from 1; 0 if unknown, and in notebooks.
    """

    code: str
    unit: str
    """Kind and name: `layer:Dense`."""
    path: str
    """Relative to the current folder if the file is below it; empty for what is built in."""
    line: int
    column: int
    text: str
    violation: Violation | None = None

    @property
    def is_warning(self) -> bool:
        """Whether nothing is known to be wrong: something was only partly or not checked."""
        return self.code == UNCHECKED


def findings(results: Iterable[TargetResult]) -> Iterator[Finding]:
    """The rows of all results, in order."""
    for result in results:
        for report in result.reports:
            yield from findings_of(report, result.target.get("file", ""))


def findings_of(report: ReportData, file: str) -> Iterator[Finding]:
    """The rows of one report on a unit of `file`. What a declared exception covers is left out."""
    unit, file = unit_name(report), relative_to_cwd(file)
    for data in report["violations"]:
        violation = Violation.from_dict(data)
        place = violation.place
        line, column = (0, 0) if place.path.endswith(".ipynb") else (place.line, place.column)
        yield Finding(violation.law, unit, place.path or file, line, column, _text(violation), violation)
    if report["outcome"] not in CHECKED and not report["excused"]:
        code = ERROR if report["outcome"] == UnitOutcome.ERROR else UNCHECKED
        text = "; ".join(reasons(report))
        yield Finding(code, unit, file, 0, 0, clean(f"{report['outcome']}: {report['name']}: {text}"))


def _text(violation: Violation) -> str:
    """The diagnostic without the smallest failing input, which may have hundreds of numbers."""
    return clean(violation.with_fields(input=None).message)


def unit_name(report: ReportData) -> str:
    """`layer:Dense`, as CSV and the baseline name a unit."""
    return f"{report['kind']}:{report['name']}"


def repository_path(path: str) -> str:
    """The path relative to the checkout of GitHub Actions, or to the current folder elsewhere, with slashes."""
    root = os.environ.get("GITHUB_WORKSPACE", "")
    whole = os.path.abspath(path)
    if path and root and Path(whole).is_relative_to(os.path.abspath(root)):
        path = os.path.relpath(whole, root)
    return Path(path).as_posix() if path else ""
