"""Every law that applies to one case, judged in order: a report.

A law names the laws it rests on. Where one of those is broken it is not judged: one fault, one diagnostic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spec.cases import Case, LayerCase, LossCase, ModelCase
from spec.claims import claim, within
from spec.contract import obligation_of
from spec.law import Law, laws_of
from spec.strict import Docket, arm_layer, arm_loss, arm_predict
from spec.strict import strict as arm
from spec.violation import BadInput, DoesNotApply, Inconclusive, Violation, Where

HOLDS, BROKEN, INCONCLUSIVE = "holds", "broken", "inconclusive"
NOT_JUDGED, DOES_NOT_APPLY = "not judged", "does not apply"


@dataclass(frozen=True)
class Verdict:
    """What was found of one law, and why where it is not plain."""

    law: str
    verdict: str
    because: str = ""
    violation: Violation | None = None


@dataclass
class Report:
    """All verdicts on one case."""

    name: str
    kind: str
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """"broken" if any law is, else "inconclusive" if any law is, else "holds"."""
        found = {row.verdict for row in self.verdicts}
        return next((word for word in (BROKEN, INCONCLUSIVE) if word in found), HOLDS)

    @property
    def violations(self) -> list[Violation]:
        """One violation per broken law."""
        return [row.violation for row in self.verdicts if row.violation]

    def to_dict(self) -> dict[str, Any]:
        """The report in the form that JSON takes."""
        return {
            "name": self.name,
            "kind": self.kind,
            "verdict": self.verdict,
            "laws": [{"law": r.law, "verdict": r.verdict, "because": r.because} for r in self.verdicts],
            "violations": [violation.to_dict() for violation in self.violations],
        }


def conformance(case: Case, laws: Iterable[str] | None = None, *, docket: Docket | None = None) -> Report:
    """Judge `case` by every law of its kind, the laws of its calls first, or by the codes in `laws` alone.

    `docket`, where given, counts the judgments.
    """
    report = Report(case.path, case.kind)
    exercise = EXERCISES.get(case.kind)
    if exercise is not None:
        report.verdicts += _judge_calls(case, exercise)
    spoiled = sorted(row.law for row in report.verdicts if row.verdict == BROKEN)  # leaves audits nothing to stand on
    broken = set(spoiled)
    wanted = None if laws is None else set(laws)
    if wanted is not None:  # a broken call is told of even so, for it keeps the others from being judged
        report.verdicts = [row for row in report.verdicts if row.law in wanted or row.verdict == BROKEN]
    for row in laws_of(case.kind):
        if wanted is not None and row.code not in wanted:
            continue
        at_fault = sorted(broken.intersection(row.rests_on)) or spoiled
        verdict = _not_judged(row, at_fault) if at_fault else _judge(row, case)
        if verdict.verdict in (BROKEN, NOT_JUDGED):
            broken.add(row.code)
        if docket is not None and verdict.verdict in (HOLDS, BROKEN):
            docket.audits[row.code] += 1
        report.verdicts.append(verdict)
    return report


def _not_judged(row: Law, at_fault: list[str]) -> Verdict:
    return Verdict(row.code, NOT_JUDGED, f"it rests on {', '.join(at_fault)}, which does not hold")


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
        raised = Violation(
            row.code,
            where=Where(case.path),
            array="the audit",
            actual=f"ended by {type(error).__name__}: {error}",
            expected="an answer to valid input",
        )
        return Verdict(row.code, BROKEN, raised.message, raised)
    return Verdict(row.code, HOLDS)


def _judge_calls(case: Case, exercise: Callable[[Any, Docket], None]) -> list[Verdict]:
    """Arm a copy, put it through its paces, and read off which law of the calls spoke, if any."""
    docket = Docket()
    violation = None
    try:
        exercise(case, docket)
    except Violation as found:
        violation = found
    judged = docket.judged()
    verdicts = []
    for row in laws_of("call"):
        if violation is not None and violation.law == row.code:
            verdicts.append(Verdict(row.code, BROKEN, violation.message, violation))
        elif row.code not in judged:
            verdicts.append(Verdict(row.code, DOES_NOT_APPLY, "nothing is claimed that it could judge"))
        elif violation is not None:
            verdicts.append(Verdict(row.code, NOT_JUDGED, f"{violation.law} spoke first"))
        else:
            verdicts.append(Verdict(row.code, HOLDS))
    return verdicts


def _exercise_layer(case: LayerCase, docket: Docket) -> None:
    """Forward and backward on the batch, in both modes, on a batch of one, and far from zero."""
    rng = case.rng
    batches = [case.x, within(case.layer, -3 * case.x, case.x)]
    if not claim(case.layer, "couples_samples"):
        batches.append(case.x[:1])
    for training in (True, False):
        layer = case.fresh()
        layer.training = training
        if case.contract is not None:
            arm(layer, path=case.path, docket=docket, contract=case.contract)
        else:
            arm_layer(layer, case.path, docket, _obligation(layer))
        for x in batches:
            y = layer.forward(x)
            layer.backward(rng.standard_normal(y.shape).astype(y.dtype))


def _obligation(layer: Any) -> Any:
    found = obligation_of(layer)
    if found is None:
        raise Violation(
            "shape",
            where=Where.of(type(layer).forward, type(layer).__name__),
            array="the contract",
            actual="missing",
            expected='a line such as @obeys("N n_in -> N n_out") above the class',
        )
    return found


def _exercise_loss(case: LossCase, docket: Docket) -> None:
    """Forward and backward on the batch, on one sample, and at extreme predictions."""
    loss = case.fresh()
    arm_loss(loss, case.path, docket)
    for prediction in (case.prediction, within(loss, 30 * case.prediction, case.prediction)):
        for count in (len(case.target), 1):
            loss.forward(prediction[:count], case.target[:count])
            loss.backward()


def _exercise_model(case: ModelCase, docket: Docket) -> None:
    """Predict the batch, and one sample, with parameters in float32 as training has them."""
    model = case.fresh()
    for name in list(model.params):
        model.params[name] = np.asarray(model.params[name], np.float32)
    arm_predict(model, case.path, docket)
    model.predict(case.x)
    model.predict(case.x[:1])


EXERCISES: dict[str, Callable[[Any, Docket], None]] = {
    "layer": _exercise_layer,
    "loss": _exercise_loss,
    "model": _exercise_model,
}
