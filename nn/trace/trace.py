"""One pass forward and backward through a small network, with every number, and finite differences of every gradient.

    found = trace(network, x, target)
    found.layers[0].gradients["dW1"].numeric

Everything is computed in float64. nn/trace/walkthrough.py makes a page of it.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nnlaw.nn.network import Network
from nnlaw.spec.arrays import Array
from nnlaw.spec.gradcheck.finite_differences import (
    MAX_FULL_CHECK,
    MeasuredSlopes,
    at_points,
    measure,
    raise_if_wrong,
)
from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.violation import BadInput, Inconclusive, Location, Violation


@dataclass
class Gradient:
    """The gradient of the loss with respect to one array, by backpropagation and by finite differences."""

    analytic: Array
    numeric: Array
    kinks: int
    wrong: list[int]
    """Flat indices at which the two differ by more than roundoff."""


@dataclass
class LayerTrace:
    """One layer: input, output and gradients, under the names of the page."""

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
        """The layer's parameters under the names of the page: W of the first layer with parameters is W1."""
        return {f"{name}{self.number}": array for name, array in self.layer.params.items()}


@dataclass
class Trace:
    """The whole pass: layers in forward order, then the loss."""

    network: Network
    x: Array
    target: Array
    layers: list[LayerTrace]
    loss: float
    output: Gradient
    """dL/d(last output), the gradient that the loss passes to the last layer."""
    violation: Violation | None

    @property
    def output_name(self) -> str:
        """The name of the last layer's output."""
        return self.layers[-1].y_name

    @property
    def prediction(self) -> Array:
        """The last layer's output (N, ...)."""
        return self.layers[-1].y


def trace(network: Network, x: Array, target: Array) -> Trace:
    """Run x (N, n_in) through a float64 copy of `network` against `target`, and measure every gradient.

        dL/dv ≈ (L(v + h) − L(v − h)) / 2h      for each entry v of each input, output and parameter

    Raises BadInput if an array has more than 400 entries, or the loss is not finite.
    """
    before = in_float64(network)
    before.layers[0].needs_dx = True
    sizes = {name: array.size for name, array in before.params.items()} | {"x": x.size}
    for name, size in sizes.items():
        _check_size(name, size)
    net = copy.deepcopy(before)
    with np.errstate(all="ignore"):
        layers = _forward(net, np.array(x, np.float64))
        loss = float(net.loss.forward(layers[-1].y, target))
        if not np.isfinite(loss):
            raise BadInput(f"trace: the loss is {loss}, expected a finite number; use smaller inputs or weights")
        return _backward(net, before, layers, target, loss)


def _check_size(name: str, size: int) -> None:
    if size > MAX_FULL_CHECK:
        limit = f"expected at most {MAX_FULL_CHECK}, because each one is shown"
        raise BadInput(f"trace: {name} has {size:,} numbers, {limit}")


def _forward(net: Network, x: Array) -> list[LayerTrace]:
    layers: list[LayerTrace] = []
    number, name, primes = 0, "x", ""
    for path, kind, layer in zip(net.paths, net.layer_names, net.layers, strict=True):
        if layer.params:
            number, primes, letter = number + 1, "", "z"
        else:
            primes, letter = (primes + "'" if layers and layers[-1].y_name.startswith("a") else ""), "a"
        y_name = f"{letter}{number}{primes}"
        try:
            y = np.array(layer.forward(x))
        except ValueError as error:
            raise BadInput(f"trace: {path} refuses an input of shape {x.shape}: {error}") from error
        _check_size(y_name, y.size)
        layers.append(LayerTrace(path, kind, layer, number, name, y_name, x, y, np.empty(0), np.empty(0)))
        x, name = y, y_name
    return layers


def _backward(net: Network, before: Network, layers: list[LayerTrace], target: Array, loss: float) -> Trace:
    """The backward pass, from the loss to the input. The first wrong gradient makes all later ones wrong."""
    dy = np.asarray(net.loss.backward(), np.float64)
    found = Trace(net, layers[0].x, target, layers, loss, Gradient(dy, dy, 0, []), None)

    def loss_from(k: int, h: Array) -> float:
        rest = copy.deepcopy((before.layers[k:], before.loss))  # copies of unused layers sample the same masks
        for layer in rest[0]:
            h = layer.forward(h)
        return float(rest[1].forward(h, target))

    def compare(k: int, array: Array, analytic: Array, name: str, location: Location, h: Array) -> Gradient:
        rng = np.random.default_rng(0)
        evaluate = at_points(lambda: loss_from(k, h), array)
        slopes = measure(evaluate, array, analytic, name=name, scale=abs(loss), rng=rng)
        _record_violation(found, slopes, location, len(h), analytic)
        numeric = np.array(slopes.numeric).reshape(array.shape)
        return Gradient(np.array(analytic, np.float64), numeric, slopes.kinks, slopes.wrong)

    last = layers[-1]
    location = Location.of(type(net.loss).backward, net.loss_name)
    output = last.y.copy()
    found.output = compare(len(layers), output, dy, f"d{last.y_name}", location, output)
    for k, layer in reversed(list(enumerate(layers))):
        layer.dy = dy
        dy = layer.dx = np.array(layer.layer.backward(dy), np.float64)
        location = Location.of(type(layer.layer).backward, layer.path)
        for name, array in before.layers[k].params.items():
            label = f"d{name}{layer.number}"
            layer.gradients[label] = compare(k, array, layer.layer.grads[name], label, location, layer.x)
        point = layer.x.copy()
        layer.gradients[f"d{layer.x_name}"] = compare(k, point, dy, f"d{layer.x_name}", location, point)
    return found


def _record_violation(found: Trace, slopes: MeasuredSlopes, location: Location, samples: int, gradient: Array) -> None:
    try:
        raise_if_wrong(slopes, location=location, samples=samples, gradient=gradient)
    except Violation as violation:
        found.violation = found.violation or violation
    except Inconclusive:  # too many kinks; the page shows how many
        pass


def sigmoid(z: Array) -> Array:
    """1/(1 + e^−z), without overflow."""
    y: Array = 0.5 * (1 + np.tanh(0.5 * z))
    return y


@np.errstate(all="ignore")  # the walkthrough shows the division by a probability of 0
def gradient_through_probabilities(t: Trace) -> dict[str, Array]:
    """The gradient of the logits as a product of two factors, as textbooks derive it; {} for other losses.

    sigmoid:  dL/da = -y/a + (1 - y)/(1 - a),  da/dz = a(1 - a).   softmax:  dL/dp = -y/p,  dp/dz = diag(p) - p pᵀ.
    """
    k, z, n = t.layers[-1].number, t.prediction, len(t.x)
    if t.network.loss_name == "binary_cross_entropy":
        a = sigmoid(z)
        da, slope = ((1 - t.target) / (1 - a) - t.target / a) / n, a * (1 - a)
        return {f"dL/da{k}": da, f"da{k}/dz{k}": slope, f"dL/d{t.output_name}": da * slope}
    if t.network.loss_name == "softmax_cross_entropy" and not t.network.loss.smoothing:
        e = np.exp(z - z.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        dp = -np.eye(z.shape[1])[t.target] / p / n
        jacobian = np.eye(z.shape[1]) * p[:, None] - p[:, :, None] * p[:, None]
        dz = np.einsum("ni,nij->nj", dp, jacobian)
        return {f"dL/dp{k}": dp, f"dp{k}/dz{k}": jacobian, f"dL/d{t.output_name}": dz}
    return {}


@dataclass
class Step:
    """One update w ← w − lr·dL/dw of all parameters, and the change of the loss."""

    lr: float
    before: float
    after: float
    expected_decrease: float
    """lr·‖g‖², the decrease of a linear loss."""
    params: dict[str, Array]


def take_step(found: Trace, lr: float) -> Step:
    """Take the update on a copy. Raises BadInput if the new loss is not finite."""
    net = copy.deepcopy(found.network)
    squares, params = 0.0, {}
    for traced, layer in zip(found.layers, net.layers, strict=True):
        for name in layer.params:
            label = f"{name}{traced.number}"
            gradient = traced.gradients[f"d{label}"].analytic
            layer.params[name] = params[label] = layer.params[name] - lr * gradient
            squares += float(np.vdot(gradient, gradient))
    with np.errstate(all="ignore"):
        after = float(net.loss.forward(net.forward(found.x), found.target))
    if not np.isfinite(after):
        raise BadInput(f"trace: the loss after a step of {lr:g} is {after}, expected a finite number")
    return Step(lr, found.loss, after, lr * squares, params)
