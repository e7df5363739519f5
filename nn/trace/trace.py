"""One pass forward and backward through a small network, every number kept, each gradient beside its finite difference.

    found = trace(network, x, target)
    found.stages[0].gradients["dW1"].numeric

All in float64. The numbers are told in words by nn/trace/walkthrough.py.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nnlaw.nn.network import Network
from nnlaw.spec.arrays import Array
from nnlaw.spec.gradcheck.finite_differences import EVERY, Slopes, accuse, measure
from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.violation import BadInput, Inconclusive, Location, Violation


@dataclass
class Gradient:
    """What backpropagation says of one array, and what finite differences of the loss say."""

    analytic: Array
    numeric: Array
    kinks: int
    wrong: list[int]
    """Flat indices at which the two disagree beyond roundoff."""


@dataclass
class Stage:
    """One layer: what it was given and what it answered, forward and backward, under the names of the page."""

    path: str
    kind: str
    layer: Any
    number: int
    x_name: str
    y_name: str
    x: Array
    y: Array
    dy: Array
    dx: Array
    gradients: dict[str, Gradient] = field(default_factory=dict)

    @property
    def params(self) -> dict[str, Array]:
        """The layer's parameters under the names of the page: W of the first layer that has any is W1."""
        return {f"{name}{self.number}": array for name, array in self.layer.params.items()}


@dataclass
class Trace:
    """The whole pass: stages in the order of the forward pass, then the loss."""

    network: Network
    x: Array
    target: Array
    stages: list[Stage]
    loss: float
    output: Gradient
    """dL/d(last output): what the loss hands to the last layer."""
    violation: Violation | None

    @property
    def output_name(self) -> str:
        """The name of the last layer's output."""
        return self.stages[-1].y_name

    @property
    def prediction(self) -> Array:
        """The last layer's output (N, ...)."""
        return self.stages[-1].y


def trace(network: Network, x: Array, target: Array) -> Trace:
    """Run x (N, n_in) through a float64 copy of `network` against `target`, and measure every gradient.

        dL/dv ≈ (L(v + h) − L(v − h)) / 2h      for each entry v of each input, output and parameter

    Raises BadInput where an array has more than 400 entries, or the loss is not finite.
    """
    before = in_float64(network)
    before.layers[0].needs_dx = True
    sizes = {name: array.size for name, array in before.params.items()} | {"x": x.size}
    for name, size in sizes.items():
        _fits(name, size)
    net = copy.deepcopy(before)
    with np.errstate(all="ignore"):
        stages = _forward(net, np.array(x, np.float64))
        value = float(net.loss.forward(stages[-1].y, target))
        if not np.isfinite(value):
            raise BadInput(f"trace: the loss is {value}, expected a finite number; give smaller inputs or weights")
        slope = np.asarray(net.loss.backward(), np.float64)
        return _measure(net, before, stages, target, value, slope)


def _fits(name: str, size: int) -> None:
    if size > EVERY:
        raise BadInput(f"trace: {name} has {size:,} numbers, expected at most {EVERY}: every one is shown")


def _forward(net: Network, x: Array) -> list[Stage]:
    stages: list[Stage] = []
    number, name, primes = 0, "x", ""
    for path, layer in zip(net.paths, net.layers, strict=True):
        if layer.params:
            number, primes, letter = number + 1, "", "z"
        else:
            primes, letter = (primes + "'" if stages and stages[-1].y_name.startswith("a") else ""), "a"
        y_name = f"{letter}{number}{primes}"
        try:
            y = np.array(layer.forward(x))
        except ValueError as error:
            raise BadInput(f"trace: {path} refuses an input of shape {x.shape}: {error}") from error
        _fits(y_name, y.size)
        kind = path.split(":")[1].split("(")[0]
        stages.append(Stage(path, kind, layer, number, name, y_name, x, y, np.empty(0), np.empty(0)))
        x, name = y, y_name
    return stages


def _measure(net: Network, before: Network, stages: list[Stage], target: Array, value: float, slope: Array) -> Trace:
    """The backward pass, from the loss to the input; the first gradient that is wrong is the root of all later ones."""
    found = Trace(net, stages[0].x, target, stages, value, Gradient(slope, slope, 0, []), None)

    def loss_from(k: int, h: Array) -> float:
        rest = copy.deepcopy((before.layers[k:], before.loss))  # as before the pass: masks are drawn alike
        for layer in rest[0]:
            h = layer.forward(h)
        return float(rest[1].forward(h, target))

    def beside(k: int, array: Array, analytic: Array, name: str, location: Location, h: Array) -> Gradient:
        rng = np.random.default_rng(0)
        slopes = measure(lambda: loss_from(k, h), array, analytic, name=name, scale=abs(value), rng=rng)
        _accuse(found, slopes, location, len(h), analytic)
        numeric = np.array(slopes.numeric).reshape(array.shape)
        return Gradient(np.array(analytic, np.float64), numeric, slopes.kinks, slopes.suspects)

    last = stages[-1]
    location = Location.of(type(net.loss).backward, net.loss_name)
    output = last.y.copy()
    found.output = beside(len(stages), output, slope, f"d{last.y_name}", location, output)
    for k in reversed(range(len(stages))):
        stage = stages[k]
        stage.dy = slope
        slope = stage.dx = np.array(stage.layer.backward(slope), np.float64)
        location = Location.of(type(stage.layer).backward, stage.path)
        for name, array in before.layers[k].params.items():
            label = f"d{name}{stage.number}"
            stage.gradients[label] = beside(k, array, stage.layer.grads[name], label, location, stage.x)
        point = stage.x.copy()
        stage.gradients[f"d{stage.x_name}"] = beside(k, point, slope, f"d{stage.x_name}", location, point)
    return found


def _accuse(found: Trace, slopes: Slopes, location: Location, samples: int, gradient: Array) -> None:
    try:
        accuse(slopes, location=location, samples=samples, gradient=gradient)
    except Violation as violation:
        found.violation = found.violation or violation
    except Inconclusive:  # too many kinks: the page says how many
        pass


@dataclass
class Step:
    """One update w ← w − lr·dL/dw of all parameters, and what it did to the loss."""

    lr: float
    before: float
    after: float
    expected_fall: float
    """lr·‖g‖², the fall if the loss were a plane."""
    params: dict[str, Array]


def take_step(found: Trace, lr: float) -> Step:
    """Take the update on a copy. Raises BadInput where the new loss is not finite."""
    net = copy.deepcopy(found.network)
    squares, moved = 0.0, {}
    for stage, layer in zip(found.stages, net.layers, strict=True):
        for name in layer.params:
            label = f"{name}{stage.number}"
            gradient = stage.gradients[f"d{label}"].analytic
            layer.params[name] = moved[label] = layer.params[name] - lr * gradient
            squares += float(np.vdot(gradient, gradient))
    with np.errstate(all="ignore"):
        after = float(net.loss.forward(net.forward(found.x), found.target))
    if not np.isfinite(after):
        raise BadInput(f"trace: the loss after a step of {lr:g} is {after}, expected a finite number; step less far")
    return Step(lr, found.loss, after, lr * squares, moved)
