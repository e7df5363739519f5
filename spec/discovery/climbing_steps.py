"""Networks whose training moves the weights along the gradient of the loss, so that the loss grows."""

from __future__ import annotations

import contextlib
import copy
import re
from dataclasses import replace

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_network import AdaptedNetwork, Call, roles_of
from nnlaw.spec.discovery.network_methods import gradient_methods, roles_with_pairs
from nnlaw.spec.discovery.time_limit import OutOfTime, time_limit
from nnlaw.spec.subjects.cases import Case
from nnlaw.spec.violation import Cause, Location, Violation

CLIMBS = Cause("sign", "the sign of the step is wrong: the weights move along the gradient")
ONE_STEP = re.compile(r"update|step|mini_?batch|train_?on|optimi[sz]e", re.I)
RATE, SECONDS = 0.01, 3.0
ALONG = 0.9  # the cosine of the angle between a step and the gradient; a decay of weights may turn a small step


def climbs(name: str, location: Location, loss: str, seed: int) -> list[Case]:
    """The cases of code whose steps are along the gradient: its violation of `gradient`."""
    raise Violation(
        "gradient", location=replace(location, unit=name), array="the step",
        actual=f"along the gradient of {loss}, which grows", expected="against the gradient",
        cause=CLIMBS.text, cause_code=CLIMBS.code,
    )  # fmt: skip


def climbing_method(network: AdaptedNetwork, x: Array, labels: Array) -> str:
    """The method of the author that trains the network and moves the weights along its gradient; "" if there is none.

    Methods that take one step, or a number of epochs, are tried.
    """
    if network.plan.steps or any(name in dir(network.instance) for name in ("functions", "penalty")):
        return ""
    kind, count = type(network.instance), 1 if network.plan.layout.single else len(x)
    for method in gradient_methods(kind):
        bound = getattr(network.instance, method)
        for roles in (roles_of(bound, training=True), roles_with_pairs(getattr(kind, method, None))):
            given = {role for role, _ in roles or ()}
            if not given & {"t", "pairs"} or not (ONE_STEP.search(method) or "epochs" in given):
                continue
            with contextlib.suppress(Exception, OutOfTime), time_limit(SECONDS), np.errstate(all="ignore"):
                if _climbs(network, x[:count], labels[:count], Call(method, roles or ())):
                    return method
    return ""


def _climbs(network: AdaptedNetwork, x: Array, labels: Array, call: Call) -> bool:
    """Whether a call moves one of the arrays along its gradient."""
    gradients = copy.deepcopy(network).loss_and_grads(x, labels)[1]
    run = network.first_run(x, labels, RATE)
    run.call(call)
    for name, gradient in gradients.items():
        move = np.asarray(network.plan.aliases[name][0].get(run.thing)) - run.before[name]
        if gradient.size > 1 and np.vdot(move, gradient) > ALONG * np.linalg.norm(move) * np.linalg.norm(gradient):
            return True
    return False
