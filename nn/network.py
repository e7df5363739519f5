"""The default model: a sequence of layers, and a loss.

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
from nnlaw.nn.core.state_dict import StateDict
from nnlaw.nn.plugins.plugin_string import choose
from nnlaw.nn.plugins.registry import model
from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.declared import declared_value
from nnlaw.spec.contracts.obeys import declaration_of
from nnlaw.spec.contracts.shapes import Mismatch, bind, concrete, resolve
from nnlaw.spec.guards.check_log import CheckLog
from nnlaw.spec.guards.strict import arm_layer, arm_loss, arm_predict
from nnlaw.spec.subjects.layer_protocol import complete_layer, convert_to_float32
from nnlaw.spec.violation import BadInput, counted

CHUNK = 1000  # samples predicted at a time


@model("network")
class Network:
    """A sequence of layers and a loss, all arrays in float32.

    `n_in` is the number of pixels, `n_out` the number of classes (0: as many as the last layer has outputs).
    Raises BadInput if the layers do not fit together.
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
            raise BadInput(f"layers: empty, expected a line such as {Settings.layers!r}")
        self.layers: list[Any] = []
        self.paths: list[str] = []
        self.layer_names: list[str] = []  # as registered
        self.shapes: list[tuple[int, ...]] = [(n_in,)]  # of a sample, before the first layer and after each
        repeats: Counter[str] = Counter()
        shape: tuple[int, ...] = (n_in,)
        for choice in choices:
            name = choice.plugin.name
            layer = complete_layer(choice.make(init=init))
            child = stream(seed_of(rng), f"layer {name}", repeats[name])
            repeats[name] += 1
            try:
                layer.build(shape, child)
            except ValueError as error:
                raise BadInput(f"layer {choice.text!r} on input of shape {shape}: {error}") from error
            convert_to_float32(layer)
            before, shape = shape, _output_shape(layer, shape, choice.text)
            self.paths.append(f"{len(self.layers)}:{name}({_arrow(before, shape)})")
            self.layers.append(layer)
            self.layer_names.append(name)
            self.shapes.append(shape)
        if n_out and shape != (n_out,):
            outputs = counted(shape[0], "output") if len(shape) == 1 else f"outputs of shape {_sizes(shape)}"
            raise BadInput(f"the last layer has {outputs}, but the data has {n_out} classes")
        self.layers[0].needs_dx = False
        self.loss = choose("loss", loss).make()
        self.loss_name = choose("loss", loss).plugin.name
        self.n_out = shape[0]
        self.one_hot = np.eye(self.n_out, dtype=np.float32)
        self.params = self._state_dict("params")
        self.grads = self._state_dict("grads")

    @property
    def state(self) -> StateDict:
        """The arrays that layers save besides their parameters, by name."""
        return self._state_dict("state")

    def _state_dict(self, holder: str) -> StateDict:
        """The arrays of `layer.params`, `layer.grads` or `layer.state` of every layer, as `0:dense.W`."""
        named = enumerate(zip(self.layer_names, self.layers, strict=True))
        return StateDict([(f"{i}:{name}", getattr(layer, holder)) for i, (name, layer) in named])

    def _layers_by_path(self) -> list[tuple[str, Any]]:
        return list(zip(self.paths, self.layers, strict=True))

    def forward(self, x: Array) -> Array:
        """x (N, n_in) to the last layer's output (N, n_out)."""
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def loss_and_grads(self, x: Array, labels: Array) -> tuple[float, StateDict]:
        """The mean loss over the batch and the gradient of every parameter, by backpropagation."""
        value, _ = self._forward_and_backward(x, labels)
        return value, self.grads

    def input_gradient(self, x: Array, labels: Array) -> Array:
        """∂L/∂x (N, n_in) of the mean loss over the batch, in evaluation mode. `grads` are overwritten.

        Training does not need this gradient, so the first layer skips it (`needs_dx`) at all other times.
        """
        with self._evaluation_mode():
            self.layers[0].needs_dx = True
            try:
                return self._forward_and_backward(x, labels)[1]
            finally:
                self.layers[0].needs_dx = False

    def _forward_and_backward(self, x: Array, labels: Array) -> tuple[float, Array]:
        """The mean loss, and the gradient that the first layer returns."""
        value = self.loss.forward(self.forward(x), self.targets(labels))
        gradient = self.loss.backward()
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)
        return value, gradient

    def mean_loss(self, x: Array, labels: Array) -> float:
        """The mean loss over all of x, in evaluation mode."""
        parts = [slice(i, i + CHUNK) for i in range(0, len(x), CHUNK)]
        with self._evaluation_mode():
            costs = [self.loss.forward(self.forward(x[p]), self.targets(labels[p])) for p in parts]
        return float(np.average(costs, weights=[len(x[p]) for p in parts]))

    def targets(self, labels: Array) -> Array:
        """Labels in the form that the loss needs: integers (N,), or one-hot rows (N, C)."""
        return labels if declared_value(self.loss, "targets") == "labels" else self.one_hot[labels]

    def predict(self, x: Array) -> Array:
        """Probabilities (N, C), in evaluation mode."""
        with self._evaluation_mode():
            outputs = [self.forward(x[i : i + CHUNK]) for i in range(0, len(x), CHUNK)]
        probabilities: Array = self.loss.probabilities(np.concatenate(outputs))
        return probabilities

    def activations(self, x: Array) -> dict[str, Array]:
        """The output of each layer but the last, by path, in evaluation mode."""
        found = {}
        with self._evaluation_mode():
            for path, layer in self._layers_by_path()[:-1]:
                x = found[path] = layer.forward(x)
        return found

    @contextmanager
    def _evaluation_mode(self) -> Iterator[None]:
        """Evaluation mode inside the block, training mode after it, even if it raises."""
        for layer in self.layers:
            layer.training = False
        try:
            yield
        finally:
            for layer in self.layers:
                layer.training = True

    def arm(self, check_log: CheckLog) -> None:
        """Check the calls of every layer, of the loss and of predict from now on."""
        for path, layer in self._layers_by_path():
            declaration = declaration_of(layer)
            assert declaration is not None  # the registry refuses layers without one
            arm_layer(layer, path, check_log, declaration)
        arm_loss(self.loss, self.loss_name, check_log)
        arm_predict(self, "network", check_log)


def _output_shape(layer: Any, shape: tuple[int, ...], text: str) -> tuple[int, ...]:
    """The shape of the output for input of `shape`: by the contract if it determines it, else by a call."""
    declaration = declaration_of(layer)
    assert declaration is not None
    contract = declaration.contract
    try:
        dims = bind(contract.inputs[0], (2, *shape), resolve(contract, layer))
    except Mismatch as expected:
        raise BadInput(f"layer {text!r}: input has shape (N, {_sizes(shape)}), expected {expected}") from None
    output = concrete(contract.outputs[0], dims)
    if output is None:
        output = layer.forward(np.zeros((2, *shape), np.float32)).shape
    return output[1:]


def _sizes(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _arrow(before: tuple[int, ...], after: tuple[int, ...]) -> str:
    return _sizes(before) if before == after else f"{_sizes(before)}→{_sizes(after)}"
