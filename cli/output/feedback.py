"""Feedback for one student, as Markdown.

    write_feedback(grades, Path("feedback"), hints="cause")       feedback/ann.md, ...

It has the points of each requirement, and each law that fails with the line and the numbers. With the hints "cause" it
also has the likely cause, with "fix" the suggested fix, too, which may be the solution. What other students submitted
is not mentioned.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nnlaw.cli.output.diagnostic import source_line
from nnlaw.cli.output.streams import clean, one_line
from nnlaw.nn.core.atomic_write import replace_file
from nnlaw.nn.grade.score import Grade, RequirementGrade
from nnlaw.nn.grade.submissions import Submission
from nnlaw.spec.report import Outcome
from nnlaw.spec.violation import BadInput, Violation, counted

HINTS = ("none", "cause", "fix")
MARKUP = re.compile(r"([\\`*_{}\[\]<>#|!~])")


def write_feedback(grades: Sequence[Grade], folder: Path, hints: str, title: str = "") -> None:
    """Write a file per student, named after it. Raises BadInput if that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        used: set[str] = set()
        for grade in grades:
            name = _file_name(grade, used)
            replace_file(folder / f"{name}.md", to_markdown(grade, hints, title).encode(errors="backslashreplace"))
    except OSError as error:
        raise BadInput(f"{folder}: feedback cannot be written: {error.strerror}") from error


def _file_name(grade: Grade, used: set[str]) -> str:
    """The student's name and id, with a number if there is such a file already."""
    submission = grade.checked.submission
    text = " ".join(part for part in (submission.student, submission.id) if part)
    name = re.sub(r"[^\w .@-]", "_", text)[:80].strip(" .") or "student"
    number = 1
    while (own := name if number == 1 else f"{name} ({number})").casefold() in used:
        number += 1
    used.add(own.casefold())
    return own


def to_markdown(grade: Grade, hints: str, title: str = "") -> str:
    """The page of one student."""
    heading = ": ".join(_escaped(part) for part in (title, grade.student) if part)
    lines = [f"# {heading}: {grade.score:g} of {grade.out_of:g}", ""]
    lines += [f"- {_escaped(problem)}" for problem in grade.checked.problems]
    lines += [f"- A declared exception does not count: {_escaped(text)}" for text in grade.checked.exceptions]
    for row in grade.rows:
        lines += ["", f"## {_escaped(row.requirement.name)}: {row.points:g} of {row.requirement.points:g}", ""]
        lines += [requirement_markdown(grade, row, hints)]
    return "\n".join(lines).rstrip() + "\n"


def requirement_markdown(grade: Grade, row: RequirementGrade, hints: str) -> str:
    """What was found for one requirement."""
    if row.report is None:
        return _escaped(row.reason)
    parts = [f"{row.report['kind']} `{_code(row.report['name'])}` in `{_code(row.file)}`: {row.report['outcome']}"]
    if row.report["calls"]:
        parts.append(f"called as `{_code(row.report['calls'])}`")
    for data in row.report["violations"]:
        parts.append(_violation(Violation.from_dict(data), grade.checked.submission, hints))
    if row.reason and (not row.report["violations"] or row.report["missing"]):
        parts.append(_escaped(row.reason))
    skipped = sum(law["outcome"] == Outcome.SKIPPED for law in row.report["laws"])
    if skipped:
        parts.append(f"{counted(skipped, 'law')} skipped, which costs no points.")
    return "\n\n".join(parts)


def _violation(violation: Violation, submission: Submission, hints: str) -> str:
    """The diagnostic, without what `hints` leaves out, and the source line."""
    shown = violation.with_fields(input=None)
    if hints != "fix":
        shown = shown.with_fields(suggestion=None)
    if hints == "none":
        shown = shown.with_fields(cause="", location=replace(shown.location, column=0))
    place = shown.place
    lines = [one_line(line) for line in shown.message.splitlines()]
    if place.path in submission.files and place.path.endswith(".py"):  # the code under test reports the path
        line = source_line(str(submission.folder / place.path), place.line)
        lines.append(f"{place.line} | {clean(line)}")
    return "\n".join(f"    {line}" for line in lines)


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is."""
    return MARKUP.sub(r"\\\1", one_line(text))


def _code(text: str) -> str:
    return one_line(text).replace("`", "'")
