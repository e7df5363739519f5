"""Conventions between units of a module or of files beside it: a factor that one unit leaves out and another one has.

    found = with_partners(found)

Inside one unit a gradient is that of its own value, without any factor. But a layer may divide its gradients by the
batch size because the loss beside it does not, or the gradient of a loss may already contain the derivative of the
softmax, which then passes it on. Such units get a further reading, in which the factor is common to all gradients of
the unit and is the inverse of its partner's.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_layer import AdaptedLayer
from nnlaw.spec.discovery.adapted_loss import LINKS
from nnlaw.spec.discovery.averaging_updates import averaging_update
from nnlaw.spec.discovery.found import Found, Reading
from nnlaw.spec.discovery.nothing import class_location
from nnlaw.spec.discovery.project_layers import dense_layers
from nnlaw.spec.discovery.project_partners import losses_of_project, passed_error
from nnlaw.spec.discovery.scope import Scope
from nnlaw.spec.subjects.cases import Case, LayerCase, LossCase
from nnlaw.spec.subjects.object_subject import object_of, subject_of


@dataclass(frozen=True)
class Factor:
    """A factor on a gradient as a function of the batch size, with its text and the name of its inverse."""

    text: str
    of: Callable[[int], float]
    inverse: str
    by_size: bool = False
    """Whether it depends on the number of all entries instead."""


FACTORS = {
    row.text: row
    for row in (
        Factor("1/N", lambda n: 1 / n, "N"),
        Factor("N", lambda n: n, "1/N"),
        Factor("-1", lambda n: -1.0, "-1"),
        Factor("-1/N", lambda n: -1 / n, "-N"),
        Factor("-N", lambda n: -n, "-1/N"),
        Factor("2", lambda n: 2.0, "1/2"),
        Factor("1/2", lambda n: 0.5, "2"),
        Factor("2/N", lambda n: 2 / n, "N/2"),
        Factor("N/2", lambda n: n / 2, "2/N"),
        Factor("1", lambda n: 1.0, "1"),
        Factor("N·C", lambda n: n, "", by_size=True),
    )
}
TOLERANCE = 1e-4


def with_partners(found: list[Found], scope: Scope) -> list[Found]:
    """The units, some with a further reading that a partner explains, in the module or in another file beside it."""
    layers = {unit.name: factor_of_layer(unit) for unit in found if unit.kind == "layer" and unit.readings}
    losses = {unit.name: factor_of_loss(unit) for unit in found if unit.kind == "loss" and unit.readings}
    beside = Beside(scope.module, losses, any(unit.kind == "model" for unit in found))
    return [
        _layer(unit, layers[unit.name], beside) if unit.name in layers
        else _loss(unit, losses[unit.name][0], layers, scope) if unit.name in losses
        else unit
        for unit in found
    ]  # fmt: skip


@dataclass
class Beside:
    """The partners of a layer: losses with their factors, in the module and in other files, and networks."""

    module: ModuleType
    losses: dict[str, tuple[str, bool, str]]
    has_model: bool

    @cached_property
    def of_project(self) -> dict[str, tuple[str, bool, str]]:
        """The losses of the module; if there is not one, those in the files beside it, with the names of these."""
        if self.losses:
            return self.losses
        found = losses_of_project(self.module)
        return {f"{unit.name} in {Path(unit.location.path).name}": factor_of_loss(unit) for unit in found}

    @cached_property
    def error(self) -> str:
        """Where backward gets the difference of prediction and target; "" if it does not."""
        return passed_error(self.module)

    def with_link(self, link: str) -> str:
        """What computes the derivative of a loss and of softmax or sigmoid together; "" if nothing does."""
        found = next((f"the gradient of {name}" for name, row in self.of_project.items() if row[2] == link), "")
        if found or link != "softmax" or not self.error:  # prediction − target may be that of squared errors
            return found
        return f"prediction − target, which backward gets at {self.error},"


def _layer(unit: Found, factor: str, beside: Beside) -> Found:
    reading, name = unit.readings[0], unit.name.replace("_", "").lower()
    if factor == "passes dy on":
        link = next((link for link in LINKS if link in name), "")
        partner = beside.with_link(link) if link else ""
        if partner:
            note = f"convention: {partner} is that of {link} and loss together, so dx = dy"
            return _with(unit, _with_values(reading, passes_on=True), note)
        if link and not beside.losses:
            reason = "dx = dy, as if a loss computed the derivative of both, and no such loss was found"
            return _with(unit, _with_values(reading, passes_on=True), dx=reason)
    if factor == "":
        return _at_the_logits(unit, beside)
    if factor not in FACTORS or factor == "1":
        return unit
    names = ", ".join(text.partition(" ")[0] for text in reading.compared if not text.startswith("x "))
    scaled = _scaled(reading, FACTORS[factor])
    note = f"convention: the gradients of {names} have the factor {factor}"
    rows = beside.losses or (beside.of_project if not beside.has_model else {})
    for loss, (other, sums, _) in rows.items():
        if other == FACTORS[factor].inverse or (factor == "1/N" and (other == "N·C" or (other == "1" and sums))):
            return _with(unit, scaled, f"{note}, which {loss} leaves to this unit")
    if beside.losses:
        return unit
    if beside.has_model:
        return _with(unit, scaled, f"{note}; the network in this file has it, too")
    if factor != "1/N":
        return unit
    if beside.error:
        note += f", which prediction − target leaves to this unit; backward gets it at {beside.error}"
        return _with(unit, scaled, note)
    if "," not in names:
        return unit
    reason = f"the gradients of {names} have the factor {factor}; no loss was found that explains it"
    return _with(unit, scaled, scale=reason)


def _at_the_logits(unit: Found, beside: Beside) -> Found:
    """For a layer that ends in softmax or sigmoid: the reading in which dy is the gradient at the logits."""
    for link in LINKS:
        if factor_of_layer(unit, link) != "1":
            continue
        partner = beside.with_link(link)
        changed = _with_values(unit.readings[0], link=link)
        if partner:
            note = f"convention: {partner} is that at the logits, and backward takes it instead of dy"
            return _with(unit, changed, note)
        if link == "softmax" and not beside.losses and not beside.has_model:
            reason = "backward takes the gradient at the logits, and no loss was found that computes it"
            return _with(unit, changed, softmax=reason)
    return unit


def _with_values(reading: Reading, **values: Any) -> Callable[[int], list[Case]]:
    """The cases of a layer whose adapter has these values, such as the logits in place of its output."""
    return lambda seed: [
        replace(case, layer=case.layer.copy(values=values), name="")
        for case in reading.cases(seed) if isinstance(case, LayerCase)
    ]  # fmt: skip


def _loss(unit: Found, factor: str, layers: dict[str, str], scope: Scope) -> Found:
    if factor not in FACTORS or factor == "1":
        return unit
    inverse, scaled = FACTORS[factor].inverse, _scaled(unit.readings[0], FACTORS[factor])
    note = f"convention: the gradient has the factor {factor}"
    for layer, other in layers.items() or _layers_of_project(scope, factor in ("N", "N·C")):
        if other and other == inverse:
            return _with(unit, scaled, f"{note}, which {layer} takes out again")
    update = averaging_update(scope.module) if factor in ("N", "N·C") else ""
    return _with(unit, scaled, f"{note}; the update takes a mean over the batch ({update})") if update else unit


def _layers_of_project(scope: Scope, needed: bool) -> Iterator[tuple[str, str]]:
    """The dense layers beside a module without layers, each with the factor of its gradients, if they are needed."""
    for attempt in dense_layers(scope) if needed else ():
        if attempt.layer is not None:
            kind = type(attempt.made.instance)
            name = f"{kind.__name__} in {Path(class_location(kind).path).name}"
            yield name, _factor_of_layer(attempt.layer, attempt.x)


def _with(unit: Found, cases: Callable[[int], list[Case]], note: str = "", **missing: str) -> Found:
    """The unit with a further reading: these cases, with a note or with what is missing."""
    first = unit.readings[0]
    notes = (*first.notes, note) if note else first.notes
    return replace(
        unit, readings=(*unit.readings, replace(first, cases=cases, notes=notes, missing={**first.missing, **missing}))
    )


def _scaled(reading: Reading, factor: Factor) -> Callable[[int], list[Case]]:
    """The cases of a reading, with the gradients divided by the factor."""

    def cases(seed: int) -> list[Case]:
        found: list[Case] = []
        for case in reading.cases(seed):
            if isinstance(case, LayerCase):
                found.append(replace(case, layer=case.layer.copy(values={"factor": factor.of})))
            elif isinstance(case, LossCase):
                found.append(replace(case, loss=subject_of(FactoredLoss(object_of(case.loss.copy()), factor))))
        return found

    return cases


class FactoredLoss:
    """A loss whose gradient is divided by a factor."""

    def __init__(self, loss: Any, factor: Factor) -> None:
        self.loss, self.factor, self.count = loss, factor, 1

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "loss" not in vars(self):
            raise AttributeError(name)
        return getattr(self.loss, name)

    def forward(self, prediction: Array, target: Array) -> Any:
        """The loss."""
        self.count = prediction.size if self.factor.by_size else len(prediction)
        return self.loss.forward(prediction, target)

    def backward(self) -> Array:
        """Its gradient, divided by the factor."""
        return np.asarray(self.loss.backward()) / self.factor.of(self.count)


def factor_of_layer(unit: Found, link: str = "") -> str:
    """The factor that all gradients of parameters have in common, "passes dy on" if dx is dy, else "".

    With a link, the factor at the logits of a layer whose output may be that of it.
    """
    with contextlib.suppress(Exception), np.errstate(all="ignore"):
        case = unit.readings[0].cases(0)[0]
        layer = object_of(case.layer.copy()) if isinstance(case, LayerCase) else None
        if isinstance(layer, AdaptedLayer) and isinstance(case, LayerCase):
            if link:
                y = layer.forward(case.x)
                is_sum = link == "sigmoid" or np.allclose(y.sum(axis=-1), 1)
                if not layer.params or y.ndim < 2 or not is_sum or not ((y > 0) & (y < 1)).all():
                    return ""
            layer.link = link
            return _factor_of_layer(layer, case.x)
    return ""


def _factor_of_layer(layer: AdaptedLayer, x: Array) -> str:
    rng = np.random.default_rng(0)
    y = layer.forward(x)
    dy = rng.standard_normal(y.shape)
    dx = layer.backward(dy)
    if not layer.params:
        return "passes dy on" if dx is not None and np.array_equal(dx, dy) and not np.allclose(x, y) else ""
    grads = {name: np.array(gradient) for name, gradient in layer.grads.items()}
    common: set[str] = set()
    for name, array in layer.params.items():
        ratios = list(_ratios(lambda: float(np.vdot(dy, layer.forward(x))), array, grads[name], rng))
        common.add(factor_name(ratios, len(x)))
    return common.pop() if len(common) == 1 else ""


def _ratios(f: Callable[[], float], array: Array, gradient: Array, rng: np.random.Generator) -> Iterator[float]:
    """The gradient along two random directions, each divided by the slope of f along it."""
    for _ in range(2):
        direction, before, values = rng.standard_normal(array.shape), array.copy(), []
        for h in (1e-5, -1e-5):
            array[...] = before + h * direction
            values.append(f())
        array[...] = before
        yield float(np.vdot(gradient, direction)) / ((values[0] - values[1]) / 2e-5)


def factor_name(ratios: list[float], samples: int, size: int = 0) -> str:
    """The name of the factor that all ratios are; "" if there is none."""
    for name, factor in FACTORS.items():
        value = factor.of(size if factor.by_size else samples)
        if value and all(abs(ratio - value) <= TOLERANCE * abs(value) for ratio in ratios):
            return name
    return ""


def factor_of_loss(unit: Found) -> tuple[str, bool, str]:
    """The factor of a loss's gradient, whether the loss is a sum over samples, and what its gradient contains: softmax,
    for example.
    """
    with contextlib.suppress(Exception), np.errstate(all="ignore"):
        case = unit.readings[0].cases(0)[0]
        if isinstance(case, LossCase):
            loss, point = case.loss.copy(), np.array(case.prediction, np.float64)
            value = float(loss.forward(point, case.target))
            gradient = np.array(loss.backward())
            rng = np.random.default_rng(0)
            ratios = list(_ratios(lambda: float(loss.forward(point, case.target)), point, gradient, rng))
            twice = float(loss.forward(np.concatenate([point, point]), np.concatenate([case.target] * 2)))
            link = str(loss.attribute("link", "") or "")
            return factor_name(ratios, len(point), point.size), bool(np.isclose(twice, 2 * value)), link
    return "", False, ""
