"""Check the call laws on a copy with guards, called as in training, on a single sample, and far from zero.

    check_calls(case)        one result per call law
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from nnlaw.spec.contracts.call import Call
from nnlaw.spec.contracts.declared import declared_value, inside_domain
from nnlaw.spec.contracts.shapes import parse
from nnlaw.spec.guards.check_log import CheckLog
from nnlaw.spec.guards.strict import arm_layer, arm_loss, arm_predict, call_law_codes, checked_call
from nnlaw.spec.guards.strict import strict as arm
from nnlaw.spec.law import laws_of
from nnlaw.spec.laws.call.dtype import dtype
from nnlaw.spec.report import LawResult, Outcome
from nnlaw.spec.subjects.cases import ArrayCase, Case, LayerCase, LossCase, ModelCase
from nnlaw.spec.subjects.object_subject import ObjectSubject
from nnlaw.spec.subjects.subject import Subject
from nnlaw.spec.violation import Violation


def check_calls(case: Case, tolerates: Callable[[Violation], bool] | None = None) -> list[LawResult]:
    """Call a copy with guards in every mode and size, and return one result per call law.

    The first violation ends the calls, unless `tolerates` accepts it.
    """
    if not case.registered:
        return check_written_arguments(case)
    check_log = CheckLog(tolerates)
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
        if row.code in check_log.tolerated:
            tolerated = check_log.tolerated[row.code]
            results.append(LawResult(row.code, Outcome.FAIL, tolerated.message, tolerated))
        elif violation is not None and violation.law == row.code:
            results.append(LawResult(row.code, Outcome.FAIL, violation.message, violation))
        elif row.code not in checked:
            results.append(LawResult(row.code, Outcome.NOT_APPLICABLE, f"no {row.code} declared"))
        elif violation is not None:
            reason = f"{violation.law} failed first"
            results.append(LawResult(row.code, Outcome.SKIPPED, reason, depends_on=(violation.law,)))
        else:
            results.append(LawResult(row.code, Outcome.PASS))
    return results


def check_written_arguments(case: Case) -> list[LawResult]:
    """For code that is not registered: whether its calls leave their arguments unchanged.

    An adapter's `written_arguments` returns the arguments that were changed: the method, the argument, and the line at
    which that is done, or 0.
    """
    subject = next((getattr(case, name) for name in ("layer", "loss", "model") if hasattr(case, name)), None)
    if subject is None or not subject.has("written_arguments"):
        return []
    inputs = [getattr(case, name) for name in ("x", "labels", "prediction", "target") if hasattr(case, name)]
    try:
        with np.errstate(all="ignore"):
            changed = subject.copy().call("written_arguments", *inputs)
    except Exception:
        return []  # the laws of its kind report the exception
    for method, name, line in changed:
        violation = Violation(
            "input-untouched",
            location=subject.location(method, case.path),
            array=name,
            actual="modified",
            expected="the caller's array unchanged",
            cause="often an in-place operation on an argument; use a copy",
            cause_code="in-place-operation",
        )
        violation = violation.at(line=line) if line else violation
        return [LawResult("input-untouched", Outcome.FAIL, violation.message, violation)]
    return [LawResult("input-untouched", Outcome.PASS)]


def _call_layer(case: LayerCase, check_log: CheckLog) -> None:
    """Forward and backward in both modes: on the batch, far from zero, and on the smallest batch that must work."""
    rng = case.rng
    batches = [case.x, inside_domain(case.layer, -3 * case.x, case.x)]
    batches.append(case.x[: 2 if declared_value(case.layer, "couples_samples") else 1])  # a batch of one may raise
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


def _declaration(layer: Subject) -> Any:
    found = layer.declaration
    if found is None:
        raise Violation(
            "shape",
            location=layer.location("forward", layer.type_name),
            array="the contract",
            actual="missing",
            expected='a line such as @obeys("N n_in -> N n_out") above the class',
            cause_code="no-contract",
        )
    return found


def _call_loss(case: LossCase, check_log: CheckLog) -> None:
    """Forward and backward on the batch, on one sample, and at extreme predictions."""
    loss = case.fresh()
    arm_loss(loss, case.path, check_log)
    for prediction in (case.prediction, inside_domain(loss, 30 * case.prediction, case.prediction)):
        for count in (len(case.target), 1):
            loss.forward(prediction[:count], case.target[:count])
            gradient = loss.backward()
            if case.target.dtype == prediction.dtype or declared_value(loss, "targets") == "labels":
                call = Call(case.location("backward"), case.loss, parse("-> N ..."), {"prediction": prediction})
                try:
                    dtype(replace(call, outputs={"d prediction": gradient}))
                except Violation as violation:
                    check_log.found(violation)


def _call_model(case: ModelCase, check_log: CheckLog) -> None:
    """Loss and gradients, then predictions of the batch and of one sample, with parameters in float32 as in training.

    A model with a method `arm` is checked layer by layer.
    """
    model = case.fresh()
    params = model.params
    for name in list(params):
        params[name] = np.asarray(params[name], np.float32)
    arm_layers = model.attribute("arm")
    if arm_layers is not None and isinstance(model, ObjectSubject):
        arm_layers(check_log)
    else:
        arm_predict(model, case.path, check_log)
    model.loss_and_grads(case.x, case.labels)
    model.predict(case.x)
    model.predict(case.x[:1])


def _call_function(case: ArrayCase, check_log: CheckLog) -> None:
    """One call on the batch, one far from zero, one on a batch of one."""
    check_log.count(*call_law_codes(case.thing, case.declaration))
    bare = case.thing.attribute("bare", case.thing)
    for change in (lambda x: x, lambda x: inside_domain(case.thing, -3 * x, x), lambda x: x[:1]):
        checked_call(bare, case.declaration, tuple(change(x) for x in case.inputs), {})


CALL_CHECKS: dict[str, Callable[[Any, CheckLog], None]] = {
    "layer": _call_layer,
    "loss": _call_loss,
    "model": _call_model,
    "function": _call_function,
}
