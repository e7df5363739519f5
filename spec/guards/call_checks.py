"""Check the laws of calls: an armed copy is called as in training, on a single sample, and far from zero.

    check_calls(case)        a result for each law of calls
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from nnlaw.spec.contracts.call import Call
from nnlaw.spec.contracts.claims import claim, within
from nnlaw.spec.contracts.obeys import declaration_of
from nnlaw.spec.contracts.shapes import parse
from nnlaw.spec.guards.guard import CheckLog
from nnlaw.spec.guards.strict import arm_layer, arm_loss, arm_predict, called_codes, checked_call
from nnlaw.spec.guards.strict import strict as arm
from nnlaw.spec.law import laws_of
from nnlaw.spec.laws.call.dtype import dtype
from nnlaw.spec.report import LawResult, Outcome
from nnlaw.spec.subjects.cases import ArrayCase, Case, LayerCase, LossCase, ModelCase
from nnlaw.spec.violation import Location, Violation


def check_calls(case: Case) -> list[LawResult]:
    """Call an armed copy in every way, and return a result for each law of calls."""
    check_log = CheckLog()
    violation = None
    try:
        with np.errstate(all="ignore"):
            CALL_CHECKS[case.kind](case, check_log)
    except Violation as found:
        violation = found
    checked = check_log.checked()
    results = []
    if violation is not None and violation.law not in {row.code for row in laws_of("call")}:  # a user's own law
        results.append(LawResult(violation.law, Outcome.FAIL, violation.message, violation))
    for row in laws_of("call"):
        if violation is not None and violation.law == row.code:
            results.append(LawResult(row.code, Outcome.FAIL, violation.message, violation))
        elif row.code not in checked:
            results.append(LawResult(row.code, Outcome.NOT_APPLICABLE, f"no {row.code} declared"))
        elif violation is not None:
            reason = f"{violation.law} failed first"
            results.append(LawResult(row.code, Outcome.SKIPPED, reason, depends_on=(violation.law,)))
        else:
            results.append(LawResult(row.code, Outcome.PASS))
    return results


def _call_layer(case: LayerCase, check_log: CheckLog) -> None:
    """Forward and backward on the batch, in both modes, on the smallest batch that it must take, and far from zero."""
    rng = case.rng
    batches = [case.x, within(case.layer, -3 * case.x, case.x)]
    batches.append(case.x[: 2 if claim(case.layer, "couples_samples") else 1])  # which one is free to refuse
    for training in (True, False):
        layer = case.fresh()
        layer.training = training
        if case.contract is not None:
            arm(layer, path=case.path, check_log=check_log, contract=case.contract)
        else:
            arm_layer(layer, case.path, check_log, _declaration(layer))
        for x in batches:
            y = layer.forward(x)
            layer.backward(rng.standard_normal(y.shape).astype(y.dtype))


def _declaration(layer: Any) -> Any:
    found = declaration_of(layer)
    if found is None:
        raise Violation(
            "shape",
            location=Location.of(type(layer).forward, type(layer).__name__),
            array="the contract",
            actual="missing",
            expected='a line such as @obeys("N n_in -> N n_out") above the class',
        )
    return found


def _call_loss(case: LossCase, check_log: CheckLog) -> None:
    """Forward and backward on the batch, on one sample, and at extreme predictions."""
    loss = case.fresh()
    arm_loss(loss, case.path, check_log)
    for prediction in (case.prediction, within(loss, 30 * case.prediction, case.prediction)):
        for count in (len(case.target), 1):
            loss.forward(prediction[:count], case.target[:count])
            slope = loss.backward()
            if case.target.dtype == prediction.dtype or claim(loss, "targets") == "labels":
                seen = Call(case.location("backward"), case.loss, parse("-> N ..."), {"prediction": prediction})
                dtype(replace(seen, outputs={"d prediction": slope}))


def _call_model(case: ModelCase, check_log: CheckLog) -> None:
    """One pass both ways, the batch predicted, and one sample, with parameters in float32 as training has them.

    A model that can arm itself is judged layer by layer.
    """
    model = case.fresh()
    for name in list(model.params):
        model.params[name] = np.asarray(model.params[name], np.float32)
    if hasattr(model, "arm"):
        model.arm(check_log)
    else:
        arm_predict(model, case.path, check_log)
    model.loss_and_grads(case.x, case.labels)
    model.predict(case.x)
    model.predict(case.x[:1])


def _call_function(case: ArrayCase, check_log: CheckLog) -> None:
    """One call on the batch, one far from zero, one on a batch of one."""
    check_log.audits.update(called_codes(case.thing, case.declaration))
    bare = getattr(case.thing, "bare", case.thing)
    for change in (lambda x: x, lambda x: within(case.thing, -3 * x, x), lambda x: x[:1]):
        checked_call(bare, case.declaration, tuple(change(x) for x in case.inputs), {})


CALL_CHECKS: dict[str, Callable[[Any, CheckLog], None]] = {
    "layer": _call_layer,
    "loss": _call_loss,
    "model": _call_model,
    "function": _call_function,
}
