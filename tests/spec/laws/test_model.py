"""Laws of models: own-draws, input-gradient and mean-loss, on the default network with a method replaced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nnlaw.nn.builtin  # noqa: F401  # registers the layers of the networks below
from nnlaw.nn.network import Network
from nnlaw.spec import ModelCase, Violation, conformance
from nnlaw.spec.arrays import Array
from nnlaw.spec.law import CATALOG

Check = Callable[[Any, str], tuple[str, list[str]]]

RNG = np.random.default_rng


def network(layers: str, **changes: Any) -> ModelCase:
    """The default model with some methods replaced."""
    kind = type("Changed", (Network,), changes)

    def make(rng: np.random.Generator) -> Any:
        return kind(14, 3, rng, layers=layers)

    x = RNG(1).standard_normal((12, 14)).astype(np.float32)
    return ModelCase("network", make(RNG(0)), make, x, np.arange(12) % 3)


def _tied(self: Any, *args: Any, **settings: Any) -> None:
    Network.__init__(self, *args, **settings)
    self.layers[2].params["W"] = self.layers[0].params["W"]


def _scaled(self: Any, *args: Any, **settings: Any) -> None:
    Network.__init__(self, *args, **settings)
    self.layers[2].params["W"] = 3 * self.layers[0].params["W"]


def test_layers_with_the_same_random_numbers_fail() -> None:
    """Scaled or not; but an array that two layers share is shared on purpose."""
    own_draws = CATALOG["model", "own-draws"].check
    with pytest.raises(Violation, match="the same random numbers"):
        own_draws(network("dense:14 tanh dense:14 dense:3", __init__=_scaled))
    own_draws(network("dense:14 tanh dense:14 dense:3", __init__=_tied))
    own_draws(network("dense:14 tanh dense:14 dense:3"))
    own_draws(network("dense:14,init=zeros tanh dense:14,init=zeros dense:3"))


def _in_training(self: Any, x: Array, labels: Array) -> Array:
    self.layers[0].needs_dx = True
    return np.array(self._forward_and_backward(x, labels)[1])


def _leaves_eval(self: Any, x: Array, labels: Array) -> Array:
    gradient = Network.input_gradient(self, x, labels)
    for layer in self.layers:
        layer.training = False
    return gradient


def _wrong_sign(self: Any, x: Array, labels: Array) -> Array:
    return -Network.input_gradient(self, x, labels)


def _flat(self: Any, x: Array, labels: Array) -> Array:
    return Network.input_gradient(self, x, labels).ravel()


@pytest.mark.parametrize(
    ("layers", "method", "words"),
    [
        ("dense:16 relu dropout dense:3", _in_training, "different in a second call"),
        ("dense:16 batchnorm relu dense:3", _in_training, "different in a batch"),
        ("dense:16 relu dropout dense:3", _leaves_eval, "the training loss after"),
        ("dense:16 relu dense:3", _wrong_sign, "along a random direction"),
        ("dense:16 relu dense:3", _flat, "of shape"),
    ],
)
def test_a_wrong_input_gradient_fails(check: Check, layers: str, method: Any, words: str) -> None:
    """Computed in training mode, leaving another mode, of the wrong sign, or of another shape."""
    with pytest.raises((Violation, ValueError), match=f"{words}|at least 2"):
        CATALOG["model", "input-gradient"].check(network(layers, input_gradient=method))


@pytest.mark.parametrize("layers", ["dense:16 relu dense:3", "dropout:0.01 dense:3", "dense:16 batchnorm relu dense:3"])
def test_the_input_gradient_of_the_default_model_passes(check: Check, layers: str) -> None:
    """With and without layers that depend on the mode."""
    CATALOG["model", "input-gradient"].check(network(layers))


def _mean_in_training(self: Any, x: Array, labels: Array) -> float:
    return float(self.loss.forward(self.forward(x), self.targets(labels)))


def _mean_of_parts(self: Any, x: Array, labels: Array) -> float:
    parts = [slice(i, i + 1000) for i in range(0, len(x), 1000)]
    return float(np.mean([Network.mean_loss(self, x[part], labels[part]) for part in parts]))


def _mean_leaves_eval(self: Any, x: Array, labels: Array) -> float:
    value = Network.mean_loss(self, x, labels)
    for layer in self.layers:
        layer.training = False
    return value


def _twice_the_mean(self: Any, x: Array, labels: Array) -> float:
    return 2 * Network.mean_loss(self, x, labels)


@pytest.mark.parametrize(
    ("layers", "method", "words"),
    [
        ("dense:16 relu dropout dense:3", _mean_in_training, "in a second call"),
        ("dense:16 relu dense:3", _mean_of_parts, "for 1500 samples"),
        ("dense:16 relu dropout dense:3", _mean_leaves_eval, "the training loss after"),
        ("dense:16 relu dense:3", _twice_the_mean, "as in training"),
    ],
)
def test_a_wrong_loss_in_eval_mode_fails(check: Check, layers: str, method: Any, words: str) -> None:
    """Computed in training mode, as a mean of unequal parts, leaving another mode, or scaled."""
    with pytest.raises(Violation, match=words):
        CATALOG["model", "mean-loss"].check(network(layers, mean_loss=method))


@pytest.mark.parametrize("layers", ["dense:16 relu dense:3", "dropout:0.01 dense:3", "dense:16 batchnorm relu dense:3"])
def test_the_loss_of_the_default_model_in_eval_mode_passes(check: Check, layers: str) -> None:
    """With and without layers that depend on the mode."""
    CATALOG["model", "mean-loss"].check(network(layers))


class Model:
    """An affine map whose bias has another name in every instance."""

    made = 0

    def __init__(self, rng: Any) -> None:
        Model.made += 1
        self.bias = f"b{Model.made}"
        self.params = {"W": rng.normal(0, 0.1, (6, 3)).astype(np.float32), self.bias: np.zeros(3, np.float32)}

    def predict(self, x: Any) -> Any:
        return np.asarray(_softmax(x @ self.params["W"] + self.params[self.bias]))

    def loss_and_grads(self, x: Any, labels: Any) -> Any:
        p, rows = self.predict(x), np.arange(len(x))
        loss = -float(np.log(p[rows, labels]).mean())
        p[rows, labels] -= 1
        p /= len(x)
        return loss, {"W": x.T @ p, self.bias: p.sum(axis=0)}


def _softmax(z: Any) -> Any:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("make", [Model, lambda rng: None])
def test_a_model_that_cannot_be_rebuilt_is_not_applicable(make: Any) -> None:
    """If a new model has other names or cannot be built, saved arrays cannot be loaded."""
    x, labels = RNG(1).standard_normal((12, 6)).astype(np.float32), np.arange(12) % 3
    report = conformance(ModelCase("mine", Model(RNG(0)), make, x, labels), ["round-trip"])
    assert [row.outcome for row in report.results if row.law == "round-trip"] == ["n.a."]


class Affine:
    """Softmax of x W + b; `relabel` changes the labels before the loss."""

    def __init__(self, relabel: Any = lambda labels: labels) -> None:
        rng = np.random.default_rng(3)
        self.params = {"W": rng.normal(0, 0.1, (6, 3)).astype(np.float32), "b": np.zeros(3, np.float32)}
        self.relabel = relabel

    def predict(self, x: Any) -> Any:
        z = x @ self.params["W"] + self.params["b"]
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def loss_and_grads(self, x: Any, labels: Any) -> Any:
        p, at = self.predict(x), (np.arange(len(x)), self.relabel(labels))
        loss = -float(np.log(p[at]).mean())
        p[at] -= 1
        return loss, {"W": x.T @ p / len(x), "b": p.mean(axis=0)}


def model_case(model: Affine, **more: Any) -> ModelCase:
    """The model and thirty samples."""
    x = np.random.default_rng(1).standard_normal((30, 6)).astype(np.float32)
    return ModelCase("mine", model, lambda rng: Affine(), x, np.arange(30) % 3, **more)


def test_a_quick_case_skips_the_call_laws() -> None:
    """And of a large batch twenty samples are used, with their labels."""
    report = conformance(model_case(Affine(), quick=True), ["gradient"])
    assert [(row.law, row.outcome) for row in report.results if row.outcome != "skipped"] == [("gradient", "pass")]
    assert "finite" in [row.law for row in conformance(model_case(Affine())).results]
    assert "finite" not in [row.law for row in conformance(model_case(Affine(), quick=True)).results]


def test_a_reloaded_model_with_other_predictions_fails(check: Check) -> None:
    """With the first probability that differs."""

    def reloaded() -> Affine:
        model = Affine()
        model.params["b"] += 1 + np.arange(3, dtype=np.float32)
        return model

    assert check(model_case(Affine(), reload=Affine), "round-trip")[0] == "pass"
    outcome, (message,) = check(model_case(Affine(), reload=reloaded), "round-trip")
    assert outcome == "fail" and "output[0, 0]" in message and "after loading" in message


def test_every_class_must_be_learned(check: Check) -> None:
    """A model that uses the last class as the first fails, although all other labels are correct."""
    outcome, _ = check(model_case(Affine(lambda labels: np.where(labels == 2, 0, labels))), "labels")
    assert outcome == "fail"
