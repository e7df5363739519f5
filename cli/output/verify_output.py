"""What nn verify prints: a diagnostic for each law that fails, a line for each unit, and a summary.

    output = VerifyOutput(Verbosity.NORMAL)
    output.add(result)      as each file is finished
    output.close()          the summary
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator
from enum import IntEnum
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from nnlaw.cli.output.console import STYLES, Hanging, console, styled
from nnlaw.cli.output.diagnostic import INDENT, Diagnostic
from nnlaw.cli.output.streams import clean, one_line
from nnlaw.nn.verify.fix import FixedFile
from nnlaw.nn.verify.supervisor import TargetResult
from nnlaw.spec.declared_exceptions import DeclaredException
from nnlaw.spec.report import EVERYTHING, Outcome, UnitOutcome
from nnlaw.spec.violation import Violation, counted

ReportData = dict[str, Any]
"""A report as `Report.to_dict` makes it."""

WORST_FIRST = (
    UnitOutcome.ERROR, UnitOutcome.FAILED, UnitOutcome.NOT_CHECKED, UnitOutcome.PARTLY_CHECKED, UnitOutcome.PASSED,
)  # fmt: skip
CLASS_KINDS = {"layer", "loss", "optimizer", "model"}
MAX_NAMES = 8  # in the summary of one file


class Verbosity(IntEnum):
    """How much is printed."""

    QUIET = 0  # the summary
    NORMAL = 1  # what fails, and a line for each unit that passed
    VERBOSE = 2  # every law, and the smallest input that fails


class VerifyOutput:
    """Prints results as they come, then the summary. Of the files in `listed`, those without units are only listed."""

    def __init__(self, verbosity: Verbosity, listed: Container[str] = (), *, stderr: bool = False) -> None:
        self.verbosity = verbosity
        self.listed = listed
        self.console = console(stderr=stderr)
        self.results: list[TargetResult] = []
        self.is_empty = True
        self.after_block = False

    def add(self, result: TargetResult) -> None:
        """Print one result."""
        self.results.append(result)
        if self.verbosity is Verbosity.QUIET:
            return
        if result.printed.strip():
            self._print([Text(captured_output(result))], block=True)
        if result.laws_not_run:
            self._print([Text(_not_run(result))], block=False)
        for report in result.reports:
            if is_nothing(report) and result.name in self.listed:
                continue
            lines = list(_report_lines(report, _unit_name(result, report), self.verbosity))
            self._print(lines, block=len(lines) > 1)

    def add_fixes(self, result: TargetResult, fixed: FixedFile) -> None:
        """Print what became of the fixes of a result; the summary then counts those of the second check."""
        name = one_line(result.name)
        lines = [f"{name}:{edit.line}:{edit.column}: fixed: {one_line(str(edit))}" for edit in fixed.applied]
        if fixed.reason:
            lines.append(f"{name}: not fixed: {one_line(fixed.reason)}")
        if lines and result in self.results:
            self.results[self.results.index(result)] = fixed.result or result
            self._print([Text(line) for line in lines], block=True)

    def close(self, unneeded: Iterable[DeclaredException] = ()) -> None:
        """Print what was not needed, the files without units, and the summary."""
        lines = [Text(f"{one_line(row.source)}: the ignore of {row.law} is not needed; remove it") for row in unneeded]
        empty = [result.name for result in self.results if any(map(is_nothing, result.reports))]
        if found := [one_line(name) for name in empty if name in self.listed]:
            lines.append(Text(f"nothing to check in {counted(len(found), 'file')}: {', '.join(found)}"))
        outcome = worst_outcome(self.results)
        lines.append(Text(summary(self.results), f"bold {STYLES[outcome]}"))
        self._print([*lines], block=self.verbosity is not Verbosity.QUIET)

    def _print(self, lines: list[RenderableType], *, block: bool) -> None:
        """Print the lines. An empty line sets a block apart."""
        if not self.is_empty and (block or self.after_block):
            self.console.print()
        self.is_empty, self.after_block = False, block
        for line in lines:
            self.console.print(line)


def captured_output(result: TargetResult) -> str:
    """What the code under test printed, between two marks; no line of it can look like one of ours."""
    lines = [f"| {line}" for line in clean(result.printed.rstrip()).split("\n")]
    return "\n".join([f"--- output of {one_line(result.name)} ---", *lines, "---"])


def _not_run(result: TargetResult) -> str:
    laws = ", ".join(one_line(law) for law in result.laws_not_run)
    verb = "is" if len(result.laws_not_run) == 1 else "are"
    return f"{one_line(result.name)}: its own {laws} {verb} not run; add --laws {one_line(result.name)}"


def is_nothing(report: ReportData) -> bool:
    """Whether it is the report on a file that defines nothing to check."""
    return bool(report["kind"] == "file" and report["outcome"] == UnitOutcome.NOT_CHECKED)


def _unit_name(result: TargetResult, report: ReportData) -> str:
    """`layers.py: Dense`; `layer relu` for a unit that is built in."""
    name = one_line(report["name"])
    return f"{report['kind']} {name}" if {"kind", "name"} & set(result.target) else f"{one_line(result.name)}: {name}"


def _report_lines(report: ReportData, name: str, verbosity: Verbosity) -> Iterator[RenderableType]:
    outcome = UnitOutcome(report["outcome"])
    verbose = verbosity is Verbosity.VERBOSE
    if outcome is UnitOutcome.PASSED:
        passed = [counted(count_laws([report], Outcome.PASS), "law")]
        if exceptions := exceptions_of([report]):
            passed.append(counted(len(exceptions), "declared exception"))
        yield Text.assemble(f"{name} ", styled("passed"), f" ({', '.join(passed)})")
    elif outcome is UnitOutcome.FAILED:
        for i, data in enumerate(report["violations"]):
            if i:
                yield Text()
            yield Diagnostic(Violation.from_dict(data), verbose)
        failed = failed_laws([report])
        applicable = [row for row in report["laws"] if row["outcome"] != Outcome.NOT_APPLICABLE]
        of_all = f"{len(failed)} of {counted(len(applicable), 'law')} ({', '.join(failed)})"
        yield Text.assemble(f"{name} ", styled("failed"), f" {of_all}")
    else:
        for reason in reasons(report):
            unit = "" if report["reason"] or is_nothing(report) else f"{name}: "
            yield Text.assemble(styled(outcome), f": {unit}{one_line(reason)}")
    for row in exceptions_of([report]):
        text = f"declared exception: {row['law']}: {one_line(row['reason'])} ({one_line(row['source'])})"
        yield Hanging(Text(INDENT), Text(text))
    if report["calls"]:
        compared = ", ".join(map(one_line, report["compared"])) or "nothing"
        yield Hanging(Text(INDENT), Text(f"called as {one_line(report['calls'])}; compared: {compared}"))
    if outcome is UnitOutcome.FAILED:
        for what, reason in report["missing"].items():
            yield Hanging(Text(INDENT), Text(f"not checked: {one_line(what)}: {one_line(reason)}"))
    for note in report["notes"]:
        yield Hanging(Text(INDENT), Text(f"note: {one_line(note)}"))
    if verbose:
        yield from _law_rows(report)
    else:
        yield from _skipped_line(report)


def _skipped_line(report: ReportData) -> Iterator[RenderableType]:
    """`10 laws skipped: they depend on gradient`."""
    skipped = [row for row in report["laws"] if row["outcome"] == Outcome.SKIPPED]
    if skipped:
        failed = failed_laws([report])
        needed = {code for row in skipped for code in row["depends_on"]}
        laws = [code for code in failed if code in needed] or sorted(needed)
        verb = "they depend" if len(skipped) > 1 else "it depends"
        yield Hanging(Text(INDENT), Text(f"{counted(len(skipped), 'law')} skipped: {verb} on {_listed(laws)}"))


def _law_rows(report: ReportData) -> Iterator[RenderableType]:
    """Every law with its outcome, and the reason unless a diagnostic gives it."""
    width = max((len(row["law"]) for row in report["laws"]), default=0)
    for row in report["laws"]:
        outcome = Text.assemble(f"{INDENT}{row['law']:{width}}  ", styled(row["outcome"], f"{row['outcome']:12}  "))
        reason = "" if row["outcome"] == Outcome.FAIL and not row["exception"] else one_line(row["reason"])
        if row["exception"]:
            reason = f"declared exception: {one_line(row['exception']['reason'])}; found: {reason}"
        yield Hanging(outcome, Text(reason))


def _listed(words: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def worst_outcome(results: list[TargetResult]) -> UnitOutcome:
    """The worst outcome of all units; `not checked` if there are none."""
    reports = [report for result in results for report in result.reports if not is_nothing(report)]
    outcomes = [UnitOutcome(report["outcome"]) for report in reports]
    return min(outcomes, key=WORST_FIRST.index, default=UnitOutcome.NOT_CHECKED)


def count_laws(reports: list[ReportData], outcome: Outcome) -> int:
    """How many laws have this outcome."""
    return sum(row["outcome"] == outcome for report in reports for row in report["laws"])


def failed_laws(reports: list[ReportData]) -> list[str]:
    """The codes of the laws that fail without a declared exception."""
    rows = [row for report in reports for row in report["laws"]]
    return [row["law"] for row in rows if row["outcome"] == Outcome.FAIL and not row["exception"]]


def exceptions_of(reports: list[ReportData]) -> list[dict[str, str]]:
    """The declared exceptions that cover a law, or what was not checked: law, reason and source of each."""
    rows = [row["exception"] for report in reports for row in [*report["laws"], report]]
    return [row for row in rows if row]


def reasons(report: ReportData) -> list[str]:
    """Why a unit could not be checked, or why some of its laws are inconclusive."""
    if report["reason"]:
        return [report["reason"]]
    rows = [row for row in report["laws"] if row["outcome"] == Outcome.INCONCLUSIVE]
    missing = [what if name == EVERYTHING else f"{name}: {what}" for name, what in report["missing"].items()]
    return [f"{row['law']}: {row['reason']}" for row in rows] + missing or ["no law could be checked"]


def summary_counts(results: list[TargetResult]) -> dict[str, int]:
    """Files, units, units of each outcome, and declared exceptions. A file without units is not a unit."""
    reports = [report for result in results for report in result.reports]
    units = [report for report in reports if report["kind"] != "file"]
    nothing = sum(map(is_nothing, reports))
    outcomes = Counter(report["outcome"] for report in units)
    files = sum("file" in result.target for result in results if result.reports)
    return {
        "files": files,
        "files_not_loaded": len(reports) - len(units) - nothing,
        "files_with_nothing_to_check": nothing,
        "units": len(units),
        **{str(outcome): outcomes[outcome] for outcome in UnitOutcome},
        "exceptions": len(exceptions_of(reports)),
    }


def summary(results: list[TargetResult]) -> str:
    """`3 files, 8 classes: 6 passed, 2 failed`; the names of the units if there is one file."""
    if len(results) == 1 and "kind" not in results[0].target:
        return _summary_of_file(results[0])
    counts = summary_counts(results)
    kinds = {report["kind"] for result in results for report in result.reports} - {"file"}
    noun = ("class", "classes") if kinds <= CLASS_KINDS else ("unit", "units")
    units = f"{counts['units']} {noun[counts['units'] != 1]}"
    files = f"{counted(counts['files'], 'file')}, " if counts["files"] else ""
    parts = [f"{counts[outcome]} {outcome}" for outcome in UnitOutcome if counts[outcome]]
    text = files + units + (f": {', '.join(parts)}" if parts else "") + _exception_count(counts)
    unloaded = counts["files_not_loaded"]
    return f"{text}; {counted(unloaded, 'file')} could not be checked" if unloaded else text


def _exception_count(counts: dict[str, int]) -> str:
    return f"; {counted(counts['exceptions'], 'declared exception')}" if counts["exceptions"] else ""


def _summary_of_file(result: TargetResult) -> str:
    """`network.py: 3 of 4 units passed (Dense, ReLU, CrossEntropy), 1 failed (Softmax)`."""
    name = one_line(result.name)
    if any(map(is_nothing, result.reports)):
        return f"{name}: nothing to check"
    if any(report["kind"] == "file" for report in result.reports):
        return f"{name} could not be checked"
    names = {
        outcome: [one_line(report["name"]) for report in result.reports if report["outcome"] == outcome]
        for outcome in UnitOutcome
    }
    passed, total = names.pop(UnitOutcome.PASSED), len(result.reports)
    of_total = counted(total, "unit") if len(passed) == total else f"{len(passed)} of {counted(total, 'unit')}"
    parts = [f"{of_total} passed{_in_parentheses(passed)}"]
    parts += [f"{len(found)} {outcome}{_in_parentheses(found)}" for outcome, found in names.items() if found]
    return f"{name}: {', '.join(parts)}{_exception_count(summary_counts([result]))}"


def _in_parentheses(names: list[str]) -> str:
    more = ["..."] if len(names) > MAX_NAMES else []
    return f" ({', '.join(names[:MAX_NAMES] + more)})" if names else ""
