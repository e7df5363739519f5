"""Apply the suggested fixes of a file that was checked, and repeat the check.

    original = OriginalFile.read(Path("net.py"))        before the check
    result = check_target({"file": "net.py"}, options)
    fixed = apply_fixes(original, result, options)
    fixed.applied, fixed.reason, fixed.result           the edits, why there are none, the results of the second check

A fix is applied only if it is the only one that was found for its unit and lies in the file that was named; if it has
several edits, all are made. If the law still fails with it, or another one does, the file is restored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nnlaw.nn.verify.supervisor import CheckOptions, TargetResult, check_target
from nnlaw.spec.fixes.edited_file import OriginalFile
from nnlaw.spec.report import UnitOutcome
from nnlaw.spec.violation import BadInput, Edit, Suggestion, Violation

Failure = tuple[str, str]
"""A unit and a law that fails; the law is "" if the unit is an error."""


@dataclass
class FixedFile:
    """What became of the suggested fixes of one file; `result` is that of the second check, if there was one."""

    applied: list[Edit] = field(default_factory=list)
    reason: str = ""
    result: TargetResult | None = None

    def to_dict(self, file: str) -> dict[str, Any]:
        """The form that JSON takes; report.schema.json describes it."""
        names = ("line", "column", "before", "after")
        return {
            "file": file,
            "applied": [{name: getattr(edit, name) for name in names} for edit in self.applied],
            "reason": self.reason,
        }


def applicable_edits(result: TargetResult) -> list[Edit]:
    """The edits that can be applied to a file: no two of them overlap, and each has those that it needs."""
    edits: list[Edit] = []
    for _, edit in _fixes(result):
        new = [part for part in edit.parts if part not in edits]
        if not any(_overlap(part, other) for part in new for other in edits):
            edits += new
    return edits


def apply_fixes(original: OriginalFile, result: TargetResult, options: CheckOptions) -> FixedFile:
    """Write the edits of one file and repeat the check; if the fixed units don't pass then, the file is restored."""
    edits = applicable_edits(result)
    left_out = "; ".join(_left_out(result, edits))
    if not edits:
        return FixedFile(reason=left_out)
    try:
        written = original.write(original.edited(edits))
    except BadInput as error:
        return FixedFile(reason=str(error))
    before = set(_failures(result)) - {failure for failure, edit in _fixes(result) if set(edit.parts) <= set(edits)}
    second = check_target(result.target, options)
    if worse := sorted(set(_failures(second)) - before):
        try:
            written.write(original.data)
        except BadInput as error:  # changed in the meantime
            return FixedFile(edits, f"with the fix, {_described(worse)}; {error}", second)
        return FixedFile(reason=f"with the fix, {_described(worse)}; {original.path} was restored")
    return FixedFile(edits, left_out, second)


def _fixes(result: TargetResult) -> Iterator[tuple[Failure, Edit]]:
    """The failures that have exactly one fix in the file itself, each with its edit."""
    if "file" not in result.target:
        return
    file = Path(result.target["file"]).resolve()
    for failure, suggestion in _suggestions(result):
        if suggestion.is_applicable and all(Path(part.path).resolve() == file for part in suggestion.edits[0].parts):
            yield failure, suggestion.edits[0]


def _left_out(result: TargetResult, edits: list[Edit]) -> Iterator[str]:
    """Why suggested fixes of a file are not among the edits."""
    for (unit, _), suggestion in _suggestions(result):
        if len(suggestion.edits) > 1:
            yield f"several fixes fit {unit}; choose one"
        elif not set(suggestion.edits[0].parts) <= set(edits):
            yield f"the fix of {unit} is in {suggestion.edits[0].path}, or overlaps another"


def _suggestions(result: TargetResult) -> Iterator[tuple[Failure, Suggestion]]:
    for report in result.reports:
        for data in report["violations"]:
            suggestion = Violation.from_dict(data).suggestion
            if suggestion is not None:
                yield (report["name"], data["law"]), suggestion


def _overlap(one: Edit, other: Edit) -> bool:
    spans = [((edit.line, edit.column), (edit.end_line, edit.end_column)) for edit in (one, other)]
    return spans[0][0] < spans[1][1] and spans[1][0] < spans[0][1]


def _failures(result: TargetResult) -> Iterator[Failure]:
    for report in result.reports:
        yield from ((report["name"], data["law"]) for data in report["violations"])
        if report["outcome"] == UnitOutcome.ERROR:
            yield report["name"], ""


def _described(failures: list[Failure]) -> str:
    unit, law = failures[0]
    return f"{law or 'the check'} of {unit} fails"

