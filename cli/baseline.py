"""A baseline: the failures that are known, so that nn verify reports new ones only.

    nn verify src --baseline nn-baseline.toml --write-baseline      record today's failures
    nn verify src --baseline nn-baseline.toml                       exit code 0 until another law fails

    known = [
        { path = "src/layers.py", unit = "layer:Dense", law = "gradient" },
    ]

The path is relative to the folder of the baseline. The law is "unchecked" for what is only partly or not checked, and
"error" for what can't be checked. An entry is used like a declared exception: the law is checked, and shown with it.
One that is not needed is reported.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from nnlaw.cli.output.findings import ERROR, findings_of
from nnlaw.cli.output.verify_output import ReportData
from nnlaw.nn.core.atomic_write import write_output
from nnlaw.nn.core.regular_file import MAX_TOML, read_regular
from nnlaw.nn.verify.supervisor import TargetResult
from nnlaw.spec.declared_exceptions import UNCHECKED, DeclaredException
from nnlaw.spec.report import Outcome, UnitOutcome
from nnlaw.spec.violation import BadInput, counted

HEADER = "# Known failures, written by nn verify --write-baseline. Remove an entry when its code is fixed.\n\n"
REASON = "a known failure"


@dataclass(frozen=True, order=True)
class Entry:
    """A law that is known to fail in a unit."""

    path: str
    unit: str
    law: str


@dataclass
class Baseline:
    """The entries of a file, and which of them were needed. With `record`, each finding becomes an entry."""

    file: Path
    entries: set[Entry] = field(default_factory=set)
    record: bool = False
    used: set[Entry] = field(default_factory=set)

    def cover(self, result: TargetResult) -> None:
        """Add an exception to each known failure of a result."""
        for report in result.reports:
            for _ in range(2):  # where the known laws are covered, what was not checked may be left
                rows = findings_of(report, result.target.get("file", ""))
                found = {Entry(self._path(result), row.unit, row.code) for row in rows}
                known = found if self.record else found & self.entries
                self.used |= known
                _cover(report, {entry.law for entry in known}, str(self.file))

    def unneeded(self, results: Iterable[TargetResult], laws: tuple[str, ...]) -> list[DeclaredException]:
        """The entries that no unit needs, as far as their files were checked, or are gone."""
        if self.record:
            return []
        checked = {self._path(result): result for result in results}
        rows = [entry for entry in sorted(self.entries - self.used) if not laws or entry.law in laws]
        return [
            DeclaredException(entry.law, REASON, f"{self.file}: {entry.path}: {entry.unit}")
            for entry in rows
            if (entry.path in checked and not _is_open(checked[entry.path], entry))
            or not (self.file.parent / entry.path).exists()
        ]

    def write(self) -> str:
        """Write the entries that were used; return what was done as one sentence. Raises BadInput if that fails."""
        rows = {"known": [asdict(entry) for entry in sorted(self.used)]}
        write_output(self.file, (HEADER + tomli_w.dumps(rows)).encode(errors="backslashreplace"))
        return f"{self.file}: {counted(len(self.used), 'known failure')} written"

    def _path(self, result: TargetResult) -> str:
        if "file" not in result.target:
            return result.name
        return Path(os.path.relpath(result.name, self.file.parent)).as_posix()


def read_baseline(file: Path) -> Baseline:
    """The baseline of a file. Raises BadInput if it is not one."""
    try:
        rows = tomllib.loads(read_regular(file, MAX_TOML).decode("utf-8-sig")).get("known", [])
        return Baseline(file, {Entry(**_texts(row)) for row in rows})
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}; write it with --write-baseline") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise BadInput(f"{file}: not a baseline, expected a list `known` of path, unit and law: {error}") from error


def _texts(row: Any) -> dict[str, str]:
    if not isinstance(row, dict) or not all(isinstance(value, str) for value in row.values()):
        raise ValueError(f"{row!r} is not a table of texts")
    return row


def _cover(report: ReportData, laws: set[str], source: str) -> None:
    """Add the exceptions for these laws to a report, and remove their violations."""
    for row in report["laws"]:
        if row["law"] in laws and row["outcome"] == Outcome.FAIL and not row["exception"]:
            row["exception"] = {"law": row["law"], "reason": REASON, "source": source}
    report["violations"] = [row for row in report["violations"] if row["law"] not in laws]
    for law in laws & {ERROR, UNCHECKED}:
        report["exception"], report["excused"] = {"law": law, "reason": REASON, "source": source}, True
    if report["outcome"] == UnitOutcome.FAILED and not report["violations"]:
        outcomes = {row["outcome"] for row in report["laws"]}
        unchecked = report["missing"] or Outcome.INCONCLUSIVE in outcomes
        report["outcome"] = UnitOutcome.PARTLY_CHECKED if unchecked else UnitOutcome.PASSED


def _is_open(result: TargetResult, entry: Entry) -> bool:
    """Whether a result can't show that an entry is not needed: an error, or the law was skipped."""
    return any(
        report["outcome"] == UnitOutcome.ERROR
        or any(row["law"] == entry.law and row["outcome"] == Outcome.SKIPPED for row in report["laws"])
        for report in result.reports
    )
