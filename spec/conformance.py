"""Every law that applies to one case, judged in order: a report.

    conformance(LayerCase("mine", layer, x))        a case: one thing and what to probe it with
    conformance(MyLayer)                            a class, function or instance: its cases are made and drawn
    conformance(MyLayer, expected={"dtype": "float64 is meant here"})

A law names the laws it rests on. Where one of those is broken it is not judged: one fault, one diagnostic.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from nnlaw.spec.discovery.build_cases import cases
from nnlaw.spec.discovery.unit import Record, record_of
from nnlaw.spec.fixes.dropped_terms import Path, forgotten
from nnlaw.spec.fixes.minimize import smallest
from nnlaw.spec.fixes.search import Repair, repair
from nnlaw.spec.guards.call_checks import EXERCISES, judge_calls
from nnlaw.spec.guards.guard import Docket
from nnlaw.spec.law import CATALOGUE, Law, laws_of
from nnlaw.spec.report import (
    BROKEN,
    DOES_NOT_APPLY,
    HOLDS,
    INCONCLUSIVE,
    NOT_JUDGED,
    Report,
    Verdict,
    merged,
)
from nnlaw.spec.subjects.cases import Case
from nnlaw.spec.subjects.traceback_location import cause_of, judging, raised
from nnlaw.spec.violation import BadInput, DoesNotApply, Inconclusive, Violation, Where

DRAWS = 3  # so often is a law judged, on fresh draws, before it is inconclusive


def conformance(
    subject: Any,
    laws: Iterable[str] | None = None,
    *,
    docket: Docket | None = None,
    seed: int = 0,
    kind: str | None = None,
    contract: str | None = None,
    expected: dict[str, str] | None = None,
    explain: bool = False,
) -> Report:
    """Judge `subject` by every law of its kind, the laws of its calls first, or by the codes in `laws` alone.

    `subject` is a case, a Record, or a class, function or instance, whose `kind` and `contract` may be given where
    they can't be told. Laws in `expected` are declared exceptions, each with its reason: they are judged all the same,
    and broken by holding. `docket`, where given, counts the judgments. With `explain` a violation of a layer or a
    loss bears the smallest input that shows it, and any the one change of its source that mends it, where one is
    found. Raises BadInput where the subject can't be used, or a code is no law's, or none of its kind.
    """
    if isinstance(subject, Case):
        asked = _Inquiry(_asked(laws, subject.kind), docket, _checked(expected or {}, subject.kind), explain)
        return asked.report(subject, lambda draw: replace(subject, seed=subject.seed + draw))
    record = subject if isinstance(subject, Record) else record_of(subject, kind, contract=contract)
    declared = expected if expected is not None else record.expected
    asked = _Inquiry(_asked(laws, record.kind), docket, _checked(declared, record.kind), explain)
    try:
        found = cases(record, seed)
    except Violation as violation:  # raised by the plugin while it was built
        return Report(record.name, record.kind, [Verdict(violation.law, BROKEN, violation.message, violation)])
    reports: list[Report] = []
    for i, case in enumerate(found):
        reports.append(asked.report(case, partial(_redrawn, record, seed, i)))
        if reports[-1].verdict == BROKEN:  # one fault, one diagnostic
            break
    report = merged(reports)
    report.name = record.name
    return report


def _redrawn(record: Record, seed: int, which: int, draw: int) -> Case:
    return cases(record, seed + draw)[which]


def codes_of(kind: str) -> set[str]:
    """The codes of the laws by which a plugin of this kind is judged; those of calls where its calls are exercised."""
    return {row.code for row in laws_of(*(("call",) if kind in EXERCISES else ()), kind)}


def _asked(laws: Iterable[str] | None, kind: str) -> set[str] | None:
    """The codes asked for, or None for all; some may be of other kinds, for one list is asked of many plugins."""
    if laws is None:
        return None
    codes = set(laws)
    known = codes_of(kind)
    strange = sorted(codes - {code for _, code in CATALOGUE}) or sorted(codes if not codes & known else ())
    if strange:
        near = difflib.get_close_matches(strange[0], sorted(known), n=3)
        hint = f"; nearest: {', '.join(near)}" if near else ""
        raise BadInput(f"no law of kind {kind} is called {' or '.join(strange)}{hint}")
    return codes


def _checked(expected: Any, kind: str) -> dict[str, str]:
    if not isinstance(expected, dict):
        raise BadInput(f"expected = {expected!r}, expected a dict of law: reason")
    known = {row.code for row in laws_of("call", kind)}
    for code, why in expected.items():
        if code not in known or not isinstance(why, str) or not why.strip():
            raise BadInput(
                f"expected = {{{code!r}: {why!r}}}: expected the code of a law of calls or of kind {kind}, and a reason"
            )
    return expected


@dataclass(frozen=True)
class _Inquiry:
    """What is asked of each case."""

    wanted: set[str] | None
    docket: Docket | None
    expected: dict[str, str] = field(default_factory=dict)
    explain: bool = False

    def report(self, case: Case, redraw: Callable[[int], Case]) -> Report:
        """Every law in order, calls first."""
        report = Report(case.path, case.kind)
        if case.kind in EXERCISES and not getattr(case, "quick", False):
            report.verdicts += self.settled(judge_calls(case), case)
        spoiled = sorted(row.law for row in report.verdicts if row.verdict == BROKEN)  # audits have no ground then
        broken = set(spoiled)
        if self.wanted is not None:  # a broken call is told of even so, for it keeps the others from being judged
            report.verdicts = [row for row in report.verdicts if row.law in self.wanted or row.verdict == BROKEN]
        for row in laws_of(case.kind):
            if self.wanted is not None and row.code not in self.wanted:
                continue
            at_fault = sorted(broken.intersection(row.rests_on)) or spoiled
            verdict = _not_judged(row, at_fault) if at_fault else _drawn(row, case, redraw)
            if verdict.verdict in (BROKEN, NOT_JUDGED):
                broken.add(row.code)
            if self.docket is not None and verdict.verdict in (HOLDS, BROKEN):
                self.docket.audits[row.code] += 1
            report.verdicts += self.settled([verdict], case)
        return report

    def settled(self, verdicts: list[Verdict], case: Case) -> list[Verdict]:
        """Declared exceptions turned round, and the smallest input put into what is broken."""
        found = [self.excepted(row, case) if row.law in self.expected else row for row in verdicts]
        return [_explained(row, case) for row in found] if self.explain else found

    def excepted(self, row: Verdict, case: Case) -> Verdict:
        """A declared exception that is broken is told as one; one that holds is out of date, and so broken."""
        why = self.expected[row.law]
        if row.verdict == BROKEN:
            return Verdict(row.law, DOES_NOT_APPLY, f"declared exception: {why}; found: {row.because}")
        if row.verdict != HOLDS:
            return row
        stale = Violation(
            row.law,
            where=Where(case.path),
            array="the declared exception",
            actual=f"out of date ({why}): the law holds",
            expected=f"the law {row.law} to be broken as declared; take it out of expected",
        )
        return Verdict(row.law, BROKEN, stale.message, stale)


def _drawn(row: Law, case: Case, redraw: Callable[[int], Case]) -> Verdict:
    """One law on the case, and where that was inconclusive on fresh draws."""
    verdict = _judge(row, case)
    for draw in range(1, DRAWS):
        if verdict.verdict != INCONCLUSIVE:
            break
        verdict = _judge(row, redraw(draw))
    return verdict


def _explained(row: Verdict, case: Case) -> Verdict:
    """A violation as it reads on the smallest input that shows it, with the change of the source that mends it."""
    if row.violation is None:
        return row
    law = row.violation.law

    def broken(at: Case) -> Violation | None:
        if (case.kind, law) in CATALOGUE:
            return _judge(CATALOGUE[case.kind, law], at).violation
        return next((row.violation for row in judge_calls(at) if row.violation), None)

    def sound(at: Case) -> bool:
        return _Inquiry(None, None).report(at, lambda draw: at).verdict == HOLDS

    found = smallest(row.violation, case, broken)
    path = forgotten(case, row.violation.array) if law == "gradient" and not found.cause else Path()
    mended = repair(case, law, holds=lambda at: broken(at) is None, sound=sound)
    found = found.also(repair=mended.text, cause=found.cause or _likeliest(path, mended))
    return replace(row, violation=found, because=found.message)


def _likeliest(path: Path, mended: Repair) -> str:
    """A path that is left out says most; then what a change undoes, where nothing but it mends; then either."""
    said = (path.words * path.left_out, mended.cause * mended.certain, path.words, mended.cause)
    return next(filter(None, said), "")


def _not_judged(row: Law, at_fault: list[str]) -> Verdict:
    fail = "does" if len(at_fault) == 1 else "do"
    return Verdict(row.code, NOT_JUDGED, f"it rests on {', '.join(at_fault)}, which {fail} not hold")


def _judge(row: Law, case: Case) -> Verdict:
    try:
        with np.errstate(all="ignore"):  # the probes go far out; what counts is what comes back
            row.judge(case)
    except Violation as violation:
        return Verdict(row.code, BROKEN, violation.message, violation)
    except Inconclusive as reason:
        return Verdict(row.code, INCONCLUSIVE, str(reason))
    except DoesNotApply as reason:
        return Verdict(row.code, DOES_NOT_APPLY, str(reason))
    except BadInput:
        raise
    except Exception as error:  # raised by what is judged, on input that it should take
        found = Violation(
            row.code,
            where=replace(raised(error), path=case.path, method=""),
            array="the audit",
            actual=f"ended by {type(error).__name__}: {error}",
            expected="an answer to valid input",
            cause=cause_of(error) or judging(error),
        )
        return Verdict(row.code, BROKEN, found.message, found)
    return Verdict(row.code, HOLDS)
