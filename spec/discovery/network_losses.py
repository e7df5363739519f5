"""The losses of a network itself, and how its gradients compare with the slopes of a loss."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import replace
from operator import attrgetter
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_network import (
    FACTORS,
    USUAL_LOSSES,
    AdaptedNetwork,
    Call,
    NetworkPlan,
    number_in,
    roles_of,
)
from nnlaw.spec.discovery.calls import Randomness
from nnlaw.spec.discovery.network_methods import LOSS, loss_methods, roles_with_lists, roles_with_parts
from nnlaw.spec.discovery.trained_numbers import BIAS_NAME

AGREES = 1e-4


def own_losses(
    instance: Any, plan: NetworkPlan, x: Array, labels: Array, randomness: Randomness
) -> Iterator[Call | str]:
    """The losses of the network itself: a number that the gradient call returns, or methods by their names."""
    names = loss_methods(instance)
    returned = LOSS.search(plan.gradient.method) or not names
    candidates: list[Call | str] = ["returned"] if returned else []
    if plan.before is not None and plan.before.method not in names:
        run = AdaptedNetwork(instance, plan, randomness).first_run(x, labels, 0.5)
        with contextlib.suppress(ValueError):
            number_in(run.call(plan.before))
            candidates.append(plan.before)
    for name in names:
        roles = roles_of(attrgetter(name)(instance), training=True)
        if roles is None and "." not in name:
            roles = roles_with_parts(type(instance), name)
        if roles is not None and name != plan.gradient.method:
            candidates.append(Call(name, roles))
            if [role for role, _ in roles] == ["x", "t"] or [role for role, _ in roles] == ["t", "x"]:
                candidates.append(Call(name, tuple(("o" if role == "x" else role, key) for role, key in roles)))
            if plan.layout.single and (lists := roles_with_lists(getattr(type(instance), name, None))):
                candidates.append(Call(name, lists))
    found = False
    for candidate in [*candidates, *([] if returned else ["returned"])]:
        if found and candidate == "returned" and not returned:
            return
        network = AdaptedNetwork(instance, replace(plan, loss=candidate), randomness)
        try:
            with np.errstate(all="ignore"):
                values = []
                for shift in (0.0, 0.01):
                    for name, array in network.params.items():
                        network.params[name] = array + shift * np.random.default_rng(6).standard_normal(array.shape)
                    runs = network.runs(x, labels, 0.5)
                    values.append([run.loss() for run in runs])
            if candidate == "returned" and not returned and compare(network, x, labels, exact=True)[1] <= 0:
                continue  # another number than the loss
        except Exception:
            continue
        if np.isfinite(values).all() and values[0] != values[1]:
            found = True
            yield candidate


NAMED_SLOPE = re.compile(r"^_*(d_?)?(cost|loss|error)_?(deriv\w*|prime|grad\w*|delta)$", re.I)


def named_loss(instance: Any, plan: NetworkPlan) -> str:
    """The usual loss of the output whose slope a method such as cost_derivative(output, targets) computes; else ""."""
    rng = np.random.default_rng(9)
    o, t = (rng.uniform(0.2, 0.8, plan.outputs) for _ in range(2))
    shape = (-1, 1) if plan.layout.name.endswith("column") or plan.layout.name == "columns" else (1, -1)
    for name in filter(NAMED_SLOPE.match, dir(instance)):
        for order in ((o, t), (t, o)):
            with contextlib.suppress(Exception):
                slope = np.ravel(getattr(instance, name)(*(each.reshape(shape) for each in order)))
                for loss, value in USUAL_LOSSES.items():
                    steps = 1e-6 * np.eye(plan.outputs)
                    expected = np.array([(value(o + h, t) - value(o - h, t)) / 2e-6 for h in steps])
                    ratio = float(slope @ expected) / float(expected @ expected)
                    if slope.shape == expected.shape and ratio and np.allclose(slope, ratio * expected, rtol=1e-6):
                        return loss
    return ""


def compare(network: AdaptedNetwork, x: Array, labels: Array, *, exact: bool) -> tuple[str, int]:
    """The convention's factor that most gradients agree with, and how many agree. With `exact`, the only one is 1.

    A step has a negative factor only if all of it is along the gradient.
    """
    grads = network.gradients(network.runs(x, labels, 1.0))
    rng, rows = np.random.default_rng(5), []
    for name, array in network.params.items():
        if grads[name].shape != array.shape and grads[name].size != array.size:
            rows.append([np.nan])
            continue
        ratios = []
        for _ in range(2):
            direction, values = rng.standard_normal(array.shape), []
            for h in (1e-5, -1e-5):
                network.params[name] = array + h * direction
                values.append(sum(run.loss() for run in network.runs(x, labels, 1.0)))
            network.params[name] = array
            slope = (values[0] - values[1]) / 2e-5
            analytic = float(np.vdot(grads[name], direction))
            if abs(slope) < 1e-9 and abs(analytic) < 1e-9:
                continue
            ratios.append(analytic / slope if slope else np.inf)
        rows.append(ratios)
    biases = [bool(BIAS_NAME.match(name)) for name in network.params]
    best, best_score = "1", (0, False)
    for text, factor in FACTORS.items():
        if exact and text != "1":
            continue
        value = factor(*network.plan.counts(len(x)))
        agree = [bool(ratios) and all(abs(r / value - 1) < AGREES for r in ratios) for ratios in rows]
        agreeing = sum(agree) + (sum(not ratios for ratios in rows) if any(agree) else 0)
        score = agreeing, any(one and not bias for one, bias in zip(agree, biases, strict=True))
        if network.plan.steps and text.startswith("-") and agreeing < len(rows):
            continue
        if score > best_score:
            best, best_score = text, score
    return best, best_score[0]


MAX_ENTRIES, MOST = 64, 0.6


def factor_of_most_entries(network: AdaptedNetwork, x: Array, labels: Array) -> str:
    """The factor with which most entries of the parameters agree, as where a bias among them is wrong; "" if there is
    no such factor, or there are too few or too many entries.
    """
    if not 2 < sum(array.size for array in network.params.values()) <= MAX_ENTRIES:
        return ""
    gradients = network.gradients(network.runs(x, labels, 1.0))
    slopes = list[float]()
    for name, array in network.params.items():
        for i in range(array.size):
            step = 1e-5 * (np.arange(array.size) == i).reshape(array.shape)
            values = []
            for sign in (1, -1):
                network.params[name] = array + sign * step
                values.append(sum(run.loss() for run in network.runs(x, labels, 1.0)))
            slopes.append((values[0] - values[1]) / 2e-5)
        network.params[name] = array
    found = np.concatenate([np.ravel(gradients[name]) for name in network.params])
    for text, factor in FACTORS.items():
        expected = factor(*network.plan.counts(len(x))) * np.array(slopes)
        agree = np.isclose(found, expected, rtol=AGREES, atol=1e-9) if found.shape == expected.shape else np.array(0)
        if agree.mean() >= MOST and np.any(expected[agree]):
            return text
    return ""
