"""scikit-learn 1.9.1: the parts of its multi-layer perceptron, and the whole of it, under our laws.

Activations and their derivatives work in place; here they work on copies. Losses are checked after the output
activation that they belong to, with the gradient that _backprop uses, (a − y)/N. Both estimators are checked with
their own _backprop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from shared import Subject, checked, claiming, initializer, settings, state_of, subject
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.neural_network import _base as base
from sklearn.neural_network import _stochastic_optimizers as optimizers

from spec import check_loss


class Activation:
    """An activation in place, and its derivative from its output."""

    def __init__(self, name: str, **claims: Any):
        self.activate, self.derive = base.ACTIVATIONS[name], base.DERIVATIVES[name]
        claiming(self, **claims)

    def forward(self, x: Any) -> Any:
        self.y = np.array(x)
        self.activate(self.y)
        return self.y.copy()

    def backward(self, dy: Any) -> Any:
        dx = np.array(dy)
        self.derive(self.y, dx)
        return dx


class Loss:
    """A loss behind its output activation; backward is the delta of _backprop over N."""

    def __init__(self, activation: str, loss: str, **claims: Any):
        self.activate, self.loss = base.ACTIVATIONS[activation], base.LOSS_FUNCTIONS[loss]
        claiming(self, **claims)

    def forward(self, prediction: Any, target: Any) -> float:
        self.a = np.array(prediction)
        self.activate(self.a)
        one_hot = target.ndim < self.a.ndim
        self.y = np.eye(self.a.shape[1], dtype=self.a.dtype)[target] if one_hot else target
        return float(self.loss(self.y, self.a))

    def backward(self) -> Any:
        return (self.a - self.y) / len(self.a)


class Optimizer:
    """update_params([w], [g]); its lists of arrays are the state."""

    def __init__(self, make: Callable[[], Any], like: str, rate: str, memory: tuple[str, ...], *told: str):
        self.optimizer, self.like, self.rate, self.memory = make(), like, rate, memory
        claiming(self, **settings(self.optimizer, *told))
        for name in memory:
            setattr(self.optimizer, name, [np.zeros(6, np.float32)])

    def step(self, w: Any, g: Any, lr: float) -> None:
        setattr(self.optimizer, self.rate, lr)
        self.optimizer.update_params([w], [g])

    @property
    def state(self) -> dict[str, Any]:
        return {"t": getattr(self.optimizer, "t", 0)} | {k: getattr(self.optimizer, k)[0] for k in self.memory}

    @state.setter
    def state(self, saved: dict[str, Any]) -> None:
        self.optimizer.t = saved["t"]
        for name in self.memory:
            setattr(self.optimizer, name, [saved[name]])


class Network:
    """MLPClassifier, initialized as fit does, with its _backprop."""

    def __init__(self, n_in: int, n_out: int, rng: np.random.Generator, activation: str = "relu", alpha: float = 0.0):
        self.mlp = MLPClassifier((6,), activation=activation, alpha=alpha, random_state=state_of(rng), max_iter=1)
        self.mlp.partial_fit(np.zeros((n_out, n_in), np.float32), np.arange(n_out), classes=np.arange(n_out))
        self.mlp._random_state = state_of(rng)
        self.mlp._initialize(np.zeros((1, n_out)), [n_in, 6, n_out], np.float32)
        self.params = {f"W{i}": array for i, array in enumerate(self.mlp.coefs_)}
        self.params |= {f"b{i}": array for i, array in enumerate(self.mlp.intercepts_)}

    def loaded(self) -> Any:
        count = len(self.mlp.coefs_)
        self.mlp.coefs_ = [self.params[f"W{i}"] for i in range(count)]
        self.mlp.intercepts_ = [self.params[f"b{i}"] for i in range(count)]
        return self.mlp

    def predict(self, x: Any) -> Any:
        return self.loaded()._forward_pass_fast(np.array(x), check_input=False)

    def loss_and_grads(self, x: Any, labels: Any) -> tuple[float, dict[str, Any]]:
        mlp = self.loaded()
        y = np.eye(mlp.n_outputs_)[labels]
        loss, W, b = backpropagated(mlp, x, y)
        grads = {f"W{i}": array for i, array in enumerate(W)} | {f"b{i}": array for i, array in enumerate(b)}
        return float(loss), grads


def backpropagated(mlp: Any, x: Any, y: Any) -> Any:
    """_backprop with the lists that fit hands it."""
    count = len(mlp.coefs_)
    weights: list[list[Any]] = [[None] * count for _ in range(3)]
    return mlp._backprop(x, y, None, [x] + [None] * count, *weights)


def subjects() -> list[Subject]:
    """Everything that is judged."""
    return [*_parts(), *_whole()]


def _parts() -> Iterator[Subject]:
    for name, like in (("identity", None), ("logistic", "sigmoid"), ("tanh", "tanh"), ("relu", "relu")):
        yield subject("layer", f"_base.inplace_{name}", Activation(name, like=like), "N ... -> N ...")
    logits, binary = {"domain": "logits"}, {"targets": "binary", "like": "binary_cross_entropy"}
    soft = Loss("softmax", "log_loss", targets="labels", like="softmax_cross_entropy", **logits)
    yield subject("loss", "_base.log_loss of softmax", soft)
    yield subject("loss", "_base.binary_log_loss of logistic", Loss("logistic", "binary_log_loss", **binary, **logits))
    yield subject("loss", "_base.squared_loss", Loss("identity", "squared_error", targets="real", like="mse"))
    one = {"targets": "real", "like": "mse", "examples": [{"input_shape": (1,)}]}
    yield subject("loss", "_base.squared_loss of one output", Loss("identity", "squared_error", **one))
    counts = Loss("exp", "poisson", targets="real", domain=(0.0, 3.0))
    yield subject("loss", "_base.poisson_loss of exp", counts)
    sgd, adam = optimizers.SGDOptimizer, optimizers.AdamOptimizer
    for said, make, like in (
        ("momentum 0", lambda: sgd([], momentum=0.0, nesterov=False), "sgd"),
        ("momentum", lambda: sgd([], nesterov=False), "momentum"), ("nesterov", lambda: sgd([]), "nesterov"),
    ):  # fmt: skip
        thing = Optimizer(make, like, "learning_rate", ("velocities",), "momentum")
        yield subject("optimizer", f"_stochastic_optimizers.SGDOptimizer, {said}", thing)
    thing = Optimizer(lambda: adam([]), "adam", "learning_rate_init", ("ms", "vs"), "beta_1", "beta_2", "epsilon")
    yield subject("optimizer", "_stochastic_optimizers.AdamOptimizer", thing)
    yield subject("schedule", "_stochastic_optimizers.SGDOptimizer, invscaling", scaled)
    for activation, like in (("relu", "xavier_uniform"), ("tanh", "xavier_uniform"), ("logistic", None)):
        claims = {"like": like} if like else {"variance": lambda i, o: 2 / 3 / (i + o)}
        thing = initializer(partial(_weights, activation), **claims)
        yield subject("initializer", f"_multilayer_perceptron._init_coef, {activation}", thing)


def scaled(t: float) -> float:
    """The factor after 1000·t samples."""
    optimizer = optimizers.SGDOptimizer([], learning_rate_init=1.0, lr_schedule="invscaling")
    optimizer.iteration_ends(1000 * t)
    return float(optimizer.learning_rate)


def _weights(activation: str, shape: tuple[int, int]) -> Any:
    mlp = MLPClassifier(activation=activation)
    mlp._random_state = np.random.mtrand._rand  # the global one, which the adapter sets
    return mlp._init_coef(*shape, np.float32)[0]


def _whole() -> Iterator[Subject]:
    for activation in ("relu", "tanh", "logistic", "identity"):
        make = type("Network", (Network,), {"__init__": _network(activation)})
        yield subject("model", f"MLPClassifier, {activation}", make)
    for outputs in (1, 3):
        yield checked(f"MLPRegressor, {outputs} output{'s' * (outputs > 1)}", partial(_regressed, outputs))


def _network(activation: str) -> Callable[..., None]:
    def initialize(self: Any, n_in: int, n_out: int, rng: np.random.Generator) -> None:
        Network.__init__(self, n_in, n_out, rng, activation, 1e-4)

    return initialize


def _regressed(outputs: int) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(7, 4)), rng.normal(size=(7, outputs))
    mlp = MLPRegressor(hidden_layer_sizes=(3,), activation="tanh", max_iter=1, random_state=0, solver="sgd")
    mlp.partial_fit(x, y if outputs > 1 else y[:, 0])

    def answer(params: Any, x: Any, y: Any) -> Any:
        mlp.coefs_, mlp.intercepts_ = params
        loss, W, b = backpropagated(mlp, x, y)
        return loss, [W, b]

    check_loss(answer, [mlp.coefs_, mlp.intercepts_], x, y)
