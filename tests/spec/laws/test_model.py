"""Laws of models: own-draws, input-gradient and mean-loss, on the default network with a method replaced."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nnlaw.nn.builtin  # noqa: F401  # registers the layers of the networks below
from nnlaw.nn.network import Network
from nnlaw.spec import ModelCase, Violation
from nnlaw.spec.arrays import Array
from nnlaw.spec.law import CATALOG

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
    with pytest.raises(Violation, match="over again"):
        own_draws(network("dense:14 tanh dense:14 dense:3", __init__=_scaled))
    own_draws(network("dense:14 tanh dense:14 dense:3", __init__=_tied))
    own_draws(network("dense:14 tanh dense:14 dense:3"))
    own_draws(network("dense:14,init=zeros tanh dense:14,init=zeros dense:3"))


def _in_training(self: Any, x: Array, labels: Array) -> Array:
    self.layers[0].needs_dx = True
    return np.array(self._there_and_back(x, labels)[1])


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
        ("dense:16 relu dropout dense:3", _in_training, "another one the next time"),
        ("dense:16 batchnorm relu dense:3", _in_training, "another one in a batch|ended by"),
        ("dense:16 relu dropout dense:3", _leaves_eval, "followed by a loss"),
        ("dense:16 relu dense:3", _wrong_sign, "along a random direction"),
        ("dense:16 relu dense:3", _flat, "of shape"),
    ],
)
def test_a_wrong_input_gradient_fails(layers: str, method: Any, words: str) -> None:
    """Computed in training mode, leaving another mode, of the wrong sign, or of another shape."""
    with pytest.raises((Violation, ValueError), match=f"{words}|at least 2"):
        CATALOG["model", "input-gradient"].check(network(layers, input_gradient=method))


@pytest.mark.parametrize("layers", ["dense:16 relu dense:3", "dropout:0.01 dense:3", "dense:16 batchnorm relu dense:3"])
def test_the_input_gradient_of_the_default_model_passes(layers: str) -> None:
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
        ("dense:16 relu dropout dense:3", _mean_in_training, "the next time"),
        ("dense:16 relu dense:3", _mean_of_parts, "for 1500 samples"),
        ("dense:16 relu dropout dense:3", _mean_leaves_eval, "followed by a loss"),
        ("dense:16 relu dense:3", _twice_the_mean, "as in training"),
    ],
)
def test_a_wrong_loss_in_eval_mode_fails(layers: str, method: Any, words: str) -> None:
    """Computed in training mode, as a mean of unequal parts, leaving another mode, or scaled."""
    with pytest.raises(Violation, match=words):
        CATALOG["model", "mean-loss"].check(network(layers, mean_loss=method))


@pytest.mark.parametrize("layers", ["dense:16 relu dense:3", "dropout:0.01 dense:3", "dense:16 batchnorm relu dense:3"])
def test_the_loss_of_the_default_model_in_eval_mode_passes(layers: str) -> None:
    """With and without layers that depend on the mode."""
    CATALOG["model", "mean-loss"].check(network(layers))
