"""npdl 0.4.0.1: layers, activations, losses, optimizers, initializers and its Model under our laws.

npdl has one global dtype and one global random generator. The adapters set them to the dtype of x and to the given
generator. Its layers store parameters as attributes, which are read from `params` at each call. Its losses return N
times the gradient of the mean that they report, so each loss is checked unchanged and, under the name `/N`, divided
by N.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from as_npdl import Activation, Dropout, Joined, Layer, Loss, Optimizer, decayed, initializer
from as_npdl_model import Dropped, Perceptron, Silent, fed
from shared import BINARY, Subject, subject

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # old escapes in its docstrings
    import npdl


def subjects() -> list[Subject]:
    """Everything that is judged."""
    return [*_layers(), *_activations(), *_losses(), *_others()]


DENSE = {"W": "dW", "b": "db"}


def _layers() -> Iterator[Subject]:
    of, seq = npdl.layers, {"input_shape": (4, 3)}
    affine = "N n_in -> N n_out"
    yield subject("layer", "layers.Linear", Layer(lambda s: of.Linear(3, s[0]), DENSE, like="dense"), affine)
    yield subject("layer", "layers.Dense", Layer(lambda s: of.Dense(3, s[0]), DENSE), affine)
    yield subject("layer", "layers.Softmax", Layer(lambda s: of.Softmax(3, s[0]), DENSE), affine)
    rows = "N n -> N n"
    yield subject("layer", "layers.Dropout", Dropout(0.3, False, like="dropout"), rows)
    yield subject("layer", "layers.Dropout, gradient in eval supplied", Dropout(0.3, True, like="dropout"), rows)
    norm = Layer(lambda s: of.BatchNormal(), {"beta": "dbeta", "gamma": "dgamma"}, like="batchnorm",
                 couples_samples=True)
    yield subject("layer", "layers.BatchNormal", norm, rows)
    picture, image = "N C H W -> N F P Q", {"input_shape": (2, 6, 6)}
    for stride in (1, 2):
        def conv(s: Any, stride: int = stride) -> Any:
            return of.Convolution(3, (2, 2), stride=stride, activation="linear")

        yield subject("layer", f"layers.Convolution, stride {stride}", Layer(conv, DENSE), picture, **image)
    for pool in ((2, 2), (1, 1)):
        for name, kind in (("MeanPooling", of.MeanPooling), ("MaxPooling", of.MaxPooling)):
            def pooling(s: Any, kind: Any = kind, pool: Any = pool) -> Any:
                return kind(pool)

            yield subject("layer", f"layers.{name}, {pool[0]}×{pool[1]}", Layer(pooling), picture, **image)
    yield subject("layer", "layers.Flatten", Layer(lambda s: of.Flatten(), like="flatten"), "N ... -> N m", **image)
    yield subject("layer", "layers.DimShuffle", Layer(lambda s: of.DimShuffle()), "N a -> N b a")
    for whole in (True, False):
        arrow = f"N T n_in -> N {'T ' * whole}n_out"
        said = "the whole sequence" if whole else "the last output"

        def rnn(s: Any, whole: bool = whole) -> Any:
            return of.SimpleRNN(n_out=2, n_in=s[1], return_sequence=whole)

        def lstm(s: Any, whole: bool = whole) -> Any:
            return of.BatchLSTM(n_out=2, n_in=s[1], return_sequence=whole)

        def square(s: Any, whole: bool = whole) -> Any:
            return of.SimpleRNN(n_out=3, n_in=s[1], return_sequence=whole)

        recurrent = {"W": "dW", "U": "dU", "b": "db"}
        yield subject("layer", f"layers.SimpleRNN, n_in = n_out, {said}", Layer(square, recurrent), arrow, **seq)
        yield subject("layer", f"layers.SimpleRNN, {said}", Layer(rnn, recurrent), arrow, **seq)
        yield subject("layer", f"layers.BatchLSTM, {said}", Layer(lstm, {"AllW": "d_AllW"}), arrow, **seq)


def _activations() -> Iterator[Subject]:
    of = npdl.activations
    for name, like in (("Sigmoid", "sigmoid"), ("Tanh", "tanh"), ("ReLU", "relu"), ("Linear", None),
                       ("Softmax", "softmax"), ("Elliot", None), ("SymmetricElliot", None), ("SoftPlus", "softplus"),
                       ("SoftSign", "softsign")):  # fmt: skip
        contract = "N n -> N n" if name == "Softmax" else "N ... -> N ..."
        yield subject("layer", f"activations.{name}", Activation(getattr(of, name), like=like), contract)
    given = Activation(of.Tanh, of_input=True)
    yield subject("layer", "activations.Tanh, derivative(x)", given, "N n -> N n")


def _losses() -> Iterator[Subject]:
    of = npdl.objectives
    binary = {"targets": "binary", "domain": BINARY}
    for divided in (False, True):
        over = ", /N" if divided else ""
        for name, claims in (("MSE", {"targets": "real", "like": "mse"}), ("HellingerDistance", binary),
                             ("BCE", binary | {"like": "binary_cross_entropy"})):  # fmt: skip
            yield subject("loss", f"objectives.{name}{over}", Loss(getattr(of, name), divided, **claims))
    softmax = Joined(npdl.activations.Softmax, of.SCCE, True, targets="labels", like="softmax_cross_entropy")
    yield subject("loss", "objectives.SCCE of activations.Softmax, /N", softmax)
    sigmoid = Joined(npdl.activations.Sigmoid, of.BCE, False, targets="binary", like="binary_cross_entropy")
    yield subject("loss", "objectives.BCE of activations.Sigmoid, /N", sigmoid)


def _others() -> Iterator[Subject]:
    of, draw = npdl.optimizers, npdl.initializations
    for name, like, memory, told in (
        ("SGD", "sgd", (), ()), ("Momentum", "momentum", ("velocity",), ("momentum",)),
        ("NesterovMomentum", "nesterov", ("velocity",), ("momentum",)),
        ("Adagrad", "adagrad", ("cache",), ("epsilon",)), ("RMSprop", "rmsprop", ("cache",), ("rho", "epsilon")),
        ("Adadelta", "adadelta", ("cache", "delta"), ("rho", "epsilon")),
        ("Adam", "adam", ("ms", "vs"), ("beta1", "beta2", "epsilon")),
        ("Adamax", "adamax", ("ms", "vs"), ("beta1", "beta2", "epsilon")),
    ):  # fmt: skip
        yield subject("optimizer", f"optimizers.{name}", Optimizer(getattr(of, name), like, memory, *told))
    yield subject("schedule", "optimizers.Optimizer, decay", decayed)
    for name, like in (("LecunUniform", "lecun_uniform"), ("GlorotUniform", "xavier_uniform"),
                       ("GlorotNormal", "xavier"), ("HeNormal", "he"), ("HeUniform", "he_uniform"),
                       ("Orthogonal", "orthogonal"), ("Zero", "zeros")):  # fmt: skip
        yield subject("initializer", f"initializations.{name}", initializer(getattr(draw, name), like=like))
    narrow = initializer(lambda: draw.Normal(0.01), variance=lambda i, o: 1e-4)
    yield subject("initializer", "initializations.Normal", narrow)
    flat = initializer(lambda: draw.Uniform(0.05), variance=lambda i, o: 0.05**2 / 3)
    yield subject("initializer", "initializations.Uniform", flat)
    yield subject("model", "model.Model", Perceptron)
    yield subject("model", "model.Model with Dropout", Dropped)
    yield subject("batches", "model.Model.fit", fed)
    yield subject("batches", "model.Model.fit, no accuracy", lambda x, y, size, rng: fed(x, y, size, rng, Silent))
