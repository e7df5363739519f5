"""Exercises: how something is put through its paces while its calls are judged.

    judge_calls(case)        a verdict for each law of calls

An armed copy is called as training would, and where it is hardest: on one sample, and far from zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from nnlaw.spec.contracts.call import Call
from nnlaw.spec.contracts.claims import claim, within
from nnlaw.spec.contracts.obeys import obligation_of
from nnlaw.spec.contracts.shapes import parse
from nnlaw.spec.guards.guard import Docket
from nnlaw.spec.guards.strict import arm_layer, arm_loss, arm_predict, called_codes, judged_call
from nnlaw.spec.guards.strict import strict as arm
from nnlaw.spec.law import laws_of
from nnlaw.spec.laws.call.dtype import dtype
from nnlaw.spec.report import BROKEN, DOES_NOT_APPLY, HOLDS, NOT_JUDGED, Verdict
from nnlaw.spec.subjects.cases import ArrayCase, Case, LayerCase, LossCase, ModelCase
from nnlaw.spec.violation import Violation, Where


def judge_calls(case: Case) -> list[Verdict]:
    """Arm a copy, put it through its paces, and read off which law of the calls spoke, if any."""
    docket = Docket()
    violation = None
    try:
        with np.errstate(all="ignore"):
            EXERCISES[case.kind](case, docket)
    except Violation as found:
        violation = found
    judged = docket.judged()
    verdicts = []
    if violation is not None and violation.law not in {row.code for row in laws_of("call")}:  # of a further law
        verdicts.append(Verdict(violation.law, BROKEN, violation.message, violation))
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
    """Forward and backward on the batch, in both modes, on the smallest batch that it must take, and far from zero."""
    rng = case.rng
    batches = [case.x, within(case.layer, -3 * case.x, case.x)]
    batches.append(case.x[: 2 if claim(case.layer, "couples_samples") else 1])  # which one is free to refuse
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
            slope = loss.backward()
            if case.target.dtype == prediction.dtype or claim(loss, "targets") == "labels":
                seen = Call(case.where("backward"), case.loss, parse("-> N ..."), {"prediction": prediction})
                dtype(replace(seen, outputs={"d prediction": slope}))


def _exercise_model(case: ModelCase, docket: Docket) -> None:
    """One pass both ways, the batch predicted, and one sample, with parameters in float32 as training has them.

    A model that can arm itself is judged layer by layer.
    """
    model = case.fresh()
    for name in list(model.params):
        model.params[name] = np.asarray(model.params[name], np.float32)
    if hasattr(model, "arm"):
        model.arm(docket)
    else:
        arm_predict(model, case.path, docket)
    model.loss_and_grads(case.x, case.labels)
    model.predict(case.x)
    model.predict(case.x[:1])


def _exercise_function(case: ArrayCase, docket: Docket) -> None:
    """One call on the batch, one far from zero, one on a batch of one."""
    docket.audits.update(called_codes(case.thing, case.obligation))
    bare = getattr(case.thing, "bare", case.thing)
    for change in (lambda x: x, lambda x: within(case.thing, -3 * x, x), lambda x: x[:1]):
        judged_call(bare, case.obligation, tuple(change(x) for x in case.inputs), {})


EXERCISES: dict[str, Callable[[Any, Docket], None]] = {
    "layer": _exercise_layer,
    "loss": _exercise_loss,
    "model": _exercise_model,
    "function": _exercise_function,
}
