"""Check one subject against every law that applies: a report.

    conformance(LayerCase("mine", layer, x))        a case: one unit and the input to try it with
    conformance(MyLayer)                            a class, function or instance: cases are built for it
    conformance(MyLayer, expected={"dtype": "float64 is meant here"})

A law names the laws it depends on. If one of those fails, it is skipped: one bug, one diagnostic. A law that fails
with a declared exception skips no other.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from nnlaw.spec.declared_exceptions import EXPECTED, UNCHECKED, DeclaredException, is_reason
from nnlaw.spec.discovery.build_cases import cases
from nnlaw.spec.discovery.classify import unit_of
from nnlaw.spec.discovery.found import Found, Reading
from nnlaw.spec.guards.call_checks import CALL_CHECKS, check_calls
from nnlaw.spec.guards.check_log import CheckLog
from nnlaw.spec.law import AT_ANY_SETTING, CATALOG, FOR_ANY_CODE, Law, laws_of
from nnlaw.spec.laws import load_laws
from nnlaw.spec.report import EVERYTHING, LawResult, Outcome, Report, UnitOutcome, merged
from nnlaw.spec.short_tracebacks import short_traceback
from nnlaw.spec.subjects.cases import Case, LayerCase
from nnlaw.spec.subjects.remote_subject import SubjectEnded
from nnlaw.spec.subjects.traceback_location import exception_violation
from nnlaw.spec.subjects.unit import METHODS, Unit
from nnlaw.spec.violation import BadInput, Inconclusive, Location, NotApplicable, Violation

load_laws()

MAX_EXPLAINED = 3  # readings of a unit for which a fix is searched
ATTEMPTS = 3  # an inconclusive law is checked on up to so many cases, with new random inputs


@short_traceback
def conformance(
    subject: Any,
    laws: Iterable[str] | None = None,
    *,
    check_log: CheckLog | None = None,
    seed: int = 0,
    kind: str | None = None,
    contract: str | None = None,
    expected: dict[str, str] | None = None,
    ignores: Sequence[DeclaredException] = (),
    explain: bool = False,
) -> Report:
    """Check `subject` against every law of its kind, the laws of its calls first, or only against the codes in `laws`.

    `subject` is a case, a Unit, or a class, function or instance; pass `kind` and `contract` if they can't be inferred.
    `expected` declares exceptions, law: reason. These laws are checked all the same, and fail if they pass. `ignores`
    are exceptions that may pass; they cover what is found in their files and lines.
    `check_log` counts the checks. With `explain`, a violation of a layer or a loss carries the smallest input that
    shows it and, if one is found, a change of the source that fixes it.

    Raises BadInput if the subject can't be used, or if a code names no law of its kind.
    """
    if isinstance(subject, Found):
        return _report_of_found(subject, laws, seed, check_log, ignores, explain)
    if isinstance(subject, Case):
        exceptions = _checked_exceptions(expected or {}, subject.kind)
        checker = _Checker(_known_codes(laws, subject.kind), check_log, [*exceptions, *ignores], explain)
        return checker.finished(checker.report(subject, lambda attempt: replace(subject, seed=subject.seed + attempt)))
    unit = subject if isinstance(subject, Unit) else _unit_of(subject, kind, contract)
    if isinstance(unit, Found):
        return _report_of_found(unit, laws, seed, check_log, ignores, explain)
    exceptions = _checked_exceptions(expected if expected is not None else unit.expected, unit.kind)
    checker = _Checker(
        _known_codes(laws, unit.kind), check_log, [*exceptions, *ignores], explain, _places(unit) if ignores else ()
    )
    try:
        found = cases(unit, seed)
    except Violation as violation:  # raised while the unit was constructed
        return checker.finished(Report(unit.name, unit.kind, [checker.excepted(_failed(violation))]))
    if any(isinstance(case, LayerCase) and case.layer.attribute("keeps_attributes") is True for case in found):
        checker = replace(checker, exceptions=[row for row in checker.exceptions if row.law != "dtype"])  # in float32
    checker = replace(checker, cases=found)
    reports: list[Report] = []
    for i, case in enumerate(found):
        reports.append(checker.report(case, partial(_resample, partial(cases, unit), seed, i)))
        if reports[-1].outcome is UnitOutcome.FAILED:  # one bug, one diagnostic
            break
    report = merged(reports)
    report.name = unit.name
    return checker.finished(report)


def _unit_of(thing: Any, kind: str | None, contract: str | None) -> Unit | Found:
    """The unit of an object, or what discovery finds of it: another protocol, or a layer without a contract."""
    try:
        unit = unit_of(thing, kind, contract=contract)
    except BadInput:
        found = _found_in(thing) if kind is None else None
        if found is None:
            raise
        return found
    undeclared = kind is None and unit.kind == "layer" and unit.declaration is None
    return (_found_in(thing) if undeclared else None) or unit


def _found_in(thing: Any) -> Found | None:
    from nnlaw.spec.discovery.find import find_in  # all adapters: not needed for what another process has found

    return next((found for found in find_in(thing, (), passes) if found.readings), None)


def passes(subject: Any) -> bool:
    """Whether no law that could be checked fails."""
    return conformance(subject).outcome in (UnitOutcome.PASSED, UnitOutcome.PARTLY_CHECKED)


def _places(unit: Unit) -> tuple[Location, ...]:
    """Where the unit is defined."""
    subject = unit.subject
    methods = [method for method in METHODS.get(unit.kind, ()) if subject.has(method)]
    return tuple(subject.location(method) for method in methods or [""])


def _report_of_found(
    found: Found,
    laws: Iterable[str] | None,
    seed: int,
    check_log: CheckLog | None,
    ignores: Sequence[DeclaredException],
    explain: bool,
) -> Report:
    """Check what discovery found by its first reading, and by the next ones as long as a law fails."""
    several = explain and len(found.readings) > 1  # only the reading that is reported is explained
    checker = _Checker(_known_codes(laws, found.kind), check_log, ignores, explain and not several, (found.location,))
    reports: list[Report] = []
    failed: dict[int, Reading] = {}
    for reading in found.readings:
        rows: list[Report] = []
        undecided = [UnitOutcome.FAILED]
        try:
            checker = replace(checker, cases=reading.cases(seed))
            if any(case.values_only or case.kind == "optimizer" for case in checker.cases):
                undecided.append(UnitOutcome.NOT_CHECKED)
            for i, case in enumerate(checker.cases):
                rows.append(checker.report(case, partial(_resample, reading.cases, seed, i)))
                if rows[-1].outcome is UnitOutcome.FAILED:
                    break
            report = merged(rows)
        except Violation as violation:
            report = Report(found.name, found.kind, [checker.excepted(_failed(violation))])
        report.name, report.calls, report.compared = found.name, reading.calls, list(reading.compared)
        report.missing, report.notes = dict(reading.missing), [*report.notes, *reading.notes]
        if report.outcome not in undecided:
            return checker.finished(report)
        failed[id(report)] = reading
        reports.append(report)
    # if the gradient is wrong, another reading may be meant: one with the right gradient is reported first
    reports.sort(
        key=lambda report: (report.outcome is not UnitOutcome.FAILED, "gradient" in {v.law for v in report.violations})
    )
    if several and reports and reports[0].outcome is UnitOutcome.FAILED:
        alone = (replace(found, readings=(failed[id(report)],)) for report in reports[:MAX_EXPLAINED])
        explained: list[Report] = []
        for each in alone:
            explained.append(_report_of_found(each, laws, seed, None, ignores, explain))
            if any(row.suggestion for row in explained[-1].violations):
                return explained[-1]
        return explained[0]
    return checker.finished(
        reports[0] if reports else Report(found.name, found.kind, missing={EVERYTHING: found.reason})
    )


def _resample(build: Callable[[int], Sequence[Case]], seed: int, which: int, attempt: int) -> Case:
    """One of the cases, with other random inputs."""
    return build(seed + attempt)[which]


def codes_of(kind: str) -> set[str]:
    """The codes of the laws that check a unit of this kind, those of its calls included."""
    return {row.code for row in laws_of(*(("call",) if kind in CALL_CHECKS else ()), kind)}


def _known_codes(laws: Iterable[str] | None, kind: str) -> set[str] | None:
    """The codes to check, or None for all. Some may belong to other kinds: one list serves many units."""
    if laws is None:
        return None
    if isinstance(laws, str):
        raise BadInput(f"laws = {laws!r}: laws must be a list of codes")
    laws = list(laws)
    if not all(isinstance(code, str) for code in laws):
        raise BadInput("laws must be a list of codes; to check a unit on inputs of yours, call check(unit, *inputs)")
    codes = set(laws)
    known = codes_of(kind)
    unknown = sorted(codes - {code for _, code in CATALOG}) or sorted(codes if not codes & known else ())
    if unknown:
        near = difflib.get_close_matches(unknown[0], sorted(known), n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise BadInput(f"{kind} has no law called {' or '.join(unknown)}{hint}")
    return codes


def _checked_exceptions(expected: Any, kind: str) -> list[DeclaredException]:
    if not isinstance(expected, dict):
        raise BadInput(f"expected = {expected!r}: must be a dict of law: reason")
    known = {row.code for row in laws_of("call", kind)}
    for code, reason in expected.items():
        if code not in known or not is_reason(reason):
            raise BadInput(
                f"expected = {{{code!r}: {reason!r}}}: the key must be a law of calls or of kind {kind}, "
                "the value a reason"
            )
    return [DeclaredException(code, reason) for code, reason in expected.items()]


@dataclass(frozen=True)
class _Checker:
    """Checks cases against the same laws, with the same declared exceptions."""

    laws: set[str] | None
    check_log: CheckLog | None
    exceptions: Sequence[DeclaredException] = ()
    explain: bool = False
    places: tuple[Location, ...] = ()
    """Where the unit is defined, for results that name no line."""
    cases: Sequence[Case] = ()
    """All cases of the unit: a suggested fix must pass each."""

    def report(self, case: Case, resample: Callable[[int], Case]) -> Report:
        """Check every law in order, those of the calls first."""
        report = Report(case.path, case.kind)
        if case.is_second:
            return self.second_report(case)
        if case.kind in CALL_CHECKS and not getattr(case, "quick", False) and not case.values_only:
            report.results += [self.completed(row, case) for row in check_calls(case, self.tolerates)]
        failed_calls = sorted(row.law for row in report.results if row.violation and not row.exception)
        failed = set(failed_calls)
        if self.laws is not None:  # a failed call is reported anyway: the other laws are skipped because of it
            report.results = [row for row in report.results if row.law in self.laws or row.outcome is Outcome.FAIL]
        for row in laws_of(case.kind):
            if self.laws is not None and row.code not in self.laws:
                continue
            if not case.registered and row.code not in FOR_ANY_CODE.get(case.kind, ()):
                continue
            if case.values_only and row.code != "definition":
                continue
            needed = sorted(failed.intersection(row.depends_on)) or (failed_calls if case.registered else [])
            result = _skipped(row, needed) if needed else _check_until_decided(row, case, resample)
            result = self.completed(result, case)
            if result.outcome in (Outcome.FAIL, Outcome.SKIPPED) and result.exception is None:
                failed.add(row.code)
            if self.check_log is not None and result.outcome in (Outcome.PASS, Outcome.FAIL):
                self.check_log.count(row.code)
            report.results.append(result)
        return report

    def second_report(self, case: Case) -> Report:
        """Check the laws of AT_ANY_SETTING; one that is inconclusive leaves no result."""
        report = Report(case.path, case.kind)
        for row in laws_of(case.kind):
            applies = case.registered or row.code in FOR_ANY_CODE.get(case.kind, ())
            if applies and (self.laws is None or row.code in self.laws) and row.code in AT_ANY_SETTING[case.kind]:
                result = _check(row, case)
                if result.outcome in (Outcome.PASS, Outcome.FAIL):
                    report.results.append(self.completed(result, case))
        return report

    def completed(self, row: LawResult, case: Case) -> LawResult:
        """The result with its declared exception or else, if it fails, with its explanation."""
        found = self.excepted(row)
        if found.exception is not None or not self.explain:
            return found
        others = [other for other in self.cases if other is not case]
        return self.excepted(_explained(found, case, others))  # the suggested fix may be in another line

    def excepted(self, row: LawResult) -> LawResult:
        """The result with the declared exception that covers it, if there is one."""
        if row.outcome not in (Outcome.FAIL, Outcome.INCONCLUSIVE):
            return row
        places = (row.violation.location, row.violation.place) if row.violation else self.places
        return replace(row, exception=self.exception(row.law, places))

    def tolerates(self, violation: Violation) -> bool:
        """Whether a declared exception covers a violation."""
        return self.exception(violation.law, (violation.location, violation.place)) is not None

    def exception(self, law: str, places: tuple[Location, ...]) -> DeclaredException | None:
        """The first declared exception of a law that covers one of the places."""
        known = [row for row in self.exceptions if row.law == law]
        return next((row for row in known if row.source == EXPECTED or row.covers(places)), None)

    def finished(self, report: Report) -> Report:
        """The report with declared exceptions that are out of date, and with one of what was not checked."""
        for i, row in enumerate(report.results):
            stale = next((each for each in self.exceptions if (each.law, each.source) == (row.law, EXPECTED)), None)
            if stale is not None and row.outcome is Outcome.PASS:
                report.results[i] = _out_of_date(stale, report.name)
        if report.outcome in (UnitOutcome.PARTLY_CHECKED, UnitOutcome.NOT_CHECKED):
            report.exception = self.exception(UNCHECKED, self.places)
        return report


def _out_of_date(stale: DeclaredException, unit: str) -> LawResult:
    return _failed(
        Violation(
            stale.law,
            location=Location(unit),
            array="the declared exception",
            actual=f"out of date ({stale.reason}): the law passes",
            expected=f"{stale.law} to fail; remove it from expected",
            cause_code="exception-out-of-date",
        )
    )


def _check_until_decided(row: Law, case: Case, resample: Callable[[int], Case]) -> LawResult:
    """Check one law on the case; while it is inconclusive, again on cases with new random inputs."""
    result = _check(row, case)
    for attempt in range(1, ATTEMPTS):
        if result.outcome is not Outcome.INCONCLUSIVE:
            break
        result = _check(row, resample(attempt))
    return result


def _explained(row: LawResult, case: Case, others: Sequence[Case]) -> LawResult:
    """The result with the smallest input that shows the failure, its likely cause and a suggested fix."""
    if row.violation is None:
        return row
    from nnlaw.spec.fixes.suggest import explain  # what passes needs none of it

    law = row.violation.law

    def violation_on(other: Case) -> Violation | None:
        if (case.kind, law) in CATALOG:
            return _check(CATALOG[case.kind, law], other).violation
        return next((row.violation for row in check_calls(other) if row.violation), None)

    def passes_law(other: Case) -> bool:
        if (case.kind, law) in CATALOG:  # a change after which the law no longer applies fixes nothing
            return _check(CATALOG[case.kind, law], other).outcome not in (Outcome.FAIL, Outcome.NOT_APPLICABLE)
        return violation_on(other) is None

    def passes(other: Case) -> bool:
        outcome = _Checker(None, None).report(other, lambda attempt: other).outcome
        return outcome is UnitOutcome.PASSED or (other.is_second and outcome is UnitOutcome.NOT_CHECKED)

    try:
        return _failed(explain(row.violation, case, violation_on, passes_law, passes, others))
    except SubjectEnded as error:
        error.while_explaining = True
        raise


def _failed(violation: Violation) -> LawResult:
    return LawResult(violation.law, Outcome.FAIL, violation.message, violation)


def _skipped(row: Law, failed: list[str]) -> LawResult:
    return LawResult(row.code, Outcome.SKIPPED, f"depends on {', '.join(failed)}", depends_on=tuple(failed))


def _check(row: Law, case: Case) -> LawResult:
    try:
        with np.errstate(all="ignore"):  # laws try extreme inputs; what counts is what comes back
            row.check(case)
    except Violation as violation:
        return replace(_failed(violation), law=row.code)
    except Inconclusive as reason:
        return LawResult(row.code, Outcome.INCONCLUSIVE, str(reason))
    except NotApplicable as reason:
        return LawResult(row.code, Outcome.NOT_APPLICABLE, str(reason))
    except BadInput:
        raise
    except Exception as error:  # raised by the code under test on valid input, or a bug in the law
        return _failed(exception_violation(row.code, case.path, error))
    return LawResult(row.code, Outcome.PASS)
