"""The default model: layers one after another, and a loss.

    h₀ = x,   hₖ = layerₖ(hₖ₋₁),   loss = L(h_K, labels)

Backpropagation is the same chain read from its end: dh_K = ∂L/∂h_K, dhₖ₋₁ = layerₖ.backward(dhₖ).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from nnlaw.nn.core.rng import seed_of, stream
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.core.state_dict import Slots
from nnlaw.nn.plugins.plugin_string import choose
from nnlaw.nn.plugins.registry import model
from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.declared import declared_value
from nnlaw.spec.contracts.obeys import declaration_of
from nnlaw.spec.contracts.shapes import Mismatch, bind, concrete, resolve
from nnlaw.spec.guards.check_log import CheckLog
from nnlaw.spec.guards.strict import arm_layer, arm_loss, arm_predict
from nnlaw.spec.subjects.layer_protocol import complete_layer, convert_to_float32
from nnlaw.spec.violation import BadInput

ROWS = 1000  # samples predicted at a time


@model("network")
class Network:
    """Layers in a row under one loss, all arrays in float32.

    `n_in` pixels come in, `n_out` classes go out (0: as many as the last layer gives). Raises BadInput where the
    layers do not fit together.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        rng: np.random.Generator,
        *,
        layers: str = Settings.layers,
        loss: str = "softmax_cross_entropy",
        init: str = "he",
    ) -> None:
        choices = [choose("layer", text) for text in layers.split()]
        if not choices:
            raise BadInput("layers: none given, expected a line such as " + repr(Settings.layers))
        self.layers: list[Any] = []
        self.paths: list[str] = []
        self.layer_names: list[str] = []  # as registered
        places: Counter[str] = Counter()
        shape: tuple[int, ...] = (n_in,)
        for choice in choices:
            name = choice.plugin.name
            layer = complete_layer(choice.make(init=init))
            child = stream(seed_of(rng), f"layer {name}", places[name])
            places[name] += 1
            try:
                layer.build(shape, child)
            except ValueError as error:
                raise BadInput(f"layer {choice.text!r} on input of shape {shape}: {error}") from error
            convert_to_float32(layer)
            before, shape = shape, _output_shape(layer, shape, choice.text)
            self.paths.append(f"{len(self.layers)}:{name}({_arrow(before, shape)})")
            self.layers.append(layer)
            self.layer_names.append(name)
        if n_out and shape != (n_out,):
            raise BadInput(f"layers: the last one gives {_sizes(shape)} outputs, expected {n_out}, the classes")
        self.layers[0].needs_dx = False
        self.loss = choose("loss", loss).make()
        self.loss_name = choose("loss", loss).plugin.name
        self.n_out = shape[0]
        self.one_hot = np.eye(self.n_out, dtype=np.float32)
        self.params = self._slots("params")
        self.grads = self._slots("grads")

    @property
    def state(self) -> Slots:
        """What layers keep besides parameters, under one name each."""
        return self._slots("state")

    def _slots(self, holder: str) -> Slots:
        return Slots([(path.split("(")[0], getattr(layer, holder)) for path, layer in self._named()])

    def _named(self) -> list[tuple[str, Any]]:
        """Every layer beside its path."""
        return list(zip(self.paths, self.layers, strict=True))

    def forward(self, x: Array) -> Array:
        """x (N, n_in) to the last layer's output (N, n_out)."""
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def loss_and_grads(self, x: Array, labels: Array) -> tuple[float, Slots]:
        """The mean loss over the batch and the gradient of every parameter, by backpropagation."""
        value, _ = self._there_and_back(x, labels)
        return value, self.grads

    def input_gradient(self, x: Array, labels: Array) -> Array:
        """∂L/∂x (N, n_in) of the mean loss over the batch, in eval mode. `grads` are overwritten.

        Training needs no such gradient, so the first layer skips it (`needs_dx`) at all other times.
        """
        with self._evaluating():
            self.layers[0].needs_dx = True
            try:
                return self._there_and_back(x, labels)[1]
            finally:
                self.layers[0].needs_dx = False

    def _there_and_back(self, x: Array, labels: Array) -> tuple[float, Array]:
        """The mean loss, and what the first layer answers to the slope that arrives at it."""
        value = self.loss.forward(self.forward(x), self.targets(labels))
        slope = self.loss.backward()
        for layer in reversed(self.layers):
            slope = layer.backward(slope)
        return value, slope

    def mean_loss(self, x: Array, labels: Array) -> float:
        """The mean loss over all of x, in eval mode."""
        parts = [slice(i, i + ROWS) for i in range(0, len(x), ROWS)]
        with self._evaluating():
            costs = [self.loss.forward(self.forward(x[p]), self.targets(labels[p])) for p in parts]
        return float(np.average(costs, weights=[len(x[p]) for p in parts]))

    def targets(self, labels: Array) -> Array:
        """Labels as the loss wants them: as they are, or one-hot (N, C)."""
        return labels if declared_value(self.loss, "targets") == "labels" else self.one_hot[labels]

    def predict(self, x: Array) -> Array:
        """Probabilities (N, C), in eval mode."""
        with self._evaluating():
            outputs = [self.forward(x[i : i + ROWS]) for i in range(0, len(x), ROWS)]
        probabilities: Array = self.loss.probabilities(np.concatenate(outputs))
        return probabilities

    def activations(self, x: Array) -> dict[str, Array]:
        """The output of every hidden layer by path, in eval mode."""
        found = {}
        with self._evaluating():
            for path, layer in self._named()[:-1]:
                x = found[path] = layer.forward(x)
        return found

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """Eval mode inside the block, training mode after it, however it ends."""
        for layer in self.layers:
            layer.training = False
        try:
            yield
        finally:
            for layer in self.layers:
                layer.training = True

    def arm(self, check_log: CheckLog) -> None:
        """Put every layer, the loss and predict under the laws of their calls."""
        for path, layer in self._named():
            declaration = declaration_of(layer)
            assert declaration is not None  # the registry refuses layers without one
            arm_layer(layer, path, check_log, declaration)
        arm_loss(self.loss, self.loss_name, check_log)
        arm_predict(self, "network", check_log)


def _output_shape(layer: Any, shape: tuple[int, ...], text: str) -> tuple[int, ...]:
    """What the layer makes of `shape`, by its contract where that tells, else by trying."""
    declaration = declaration_of(layer)
    assert declaration is not None
    contract = declaration.contract
    try:
        dims = bind(contract.inputs[0], (2, *shape), resolve(contract, layer))
    except Mismatch as wanted:
        raise BadInput(f"layer {text!r}: input has shape (N, {_sizes(shape)}), expected {wanted}") from None
    found = concrete(contract.outputs[0], dims)
    if found is None:
        found = layer.forward(np.zeros((2, *shape), np.float32)).shape
    return found[1:]


def _sizes(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _arrow(before: tuple[int, ...], after: tuple[int, ...]) -> str:
    return _sizes(before) if before == after else f"{_sizes(before)}→{_sizes(after)}"
