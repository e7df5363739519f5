"""npdl 0.4.0.1: layers, activations, losses, optimizers, initializers and its Model under our laws.

npdl has one global dtype and one global generator, which the adapters set to the dtype of x and to the generator handed
in. Its layers keep parameters as attributes, which are read from `params` at each call. Its losses hand back N times
the gradient of the mean that they report, so each is judged as it stands and, called `/N`, with that divided out.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
from shared import BINARY, Subject, cast, claiming, settings, state_of, subject

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # old escapes in its docstrings
    import npdl

PACKAGE = "npdl"


@contextmanager
def speaking(dtype: Any, rng: Any = None) -> Iterator[None]:
    """npdl's global dtype, and its generator, inside."""
    kept = npdl.utils.get_dtype(), npdl.utils.get_rng()
    npdl.utils.set_dtype(np.dtype(dtype).name)
    npdl.utils.set_rng(kept[1] if rng is None else rng)
    try:
        yield
    finally:
        npdl.utils.set_dtype(kept[0])
        npdl.utils.set_rng(kept[1])


class Layer:
    """A layer of npdl, made by `make(shape)`; `grads` names the attributes of its gradients."""

    def __init__(self, make: Callable[[tuple[int, ...]], Any], grads: dict[str, str] | None = None, **claims: Any):
        self.make, self.names = make, grads or {}
        claiming(self, **claims)

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self.rng = state_of(rng)
        with speaking("float32", self.rng):
            self.layer = self.make(shape)
            self.layer.connect_to(SimpleNamespace(out_shape=(None, *shape)))
        self.params = {name: np.array(getattr(self.layer, name)) for name in self.names}

    def forward(self, x: Any) -> Any:
        with speaking(x.dtype, self.rng):
            for name, array in self.params.items():
                setattr(self.layer, name, array)
            return cast(self.answer(x), x)

    def answer(self, x: Any) -> Any:
        return self.layer.forward(x)

    def backward(self, dy: Any) -> Any:
        with speaking(dy.dtype, self.rng):
            dx = cast(self.layer.backward(dy), dy)
        for name, gradient in self.names.items():
            self.grads[name] = cast(getattr(self.layer, gradient), dy)
        return dx


class Dropout(Layer):
    """forward takes the mode; in eval, where npdl's backward has no answer of its own, 1 − p is supplied if asked."""

    def __init__(self, p: float, supplied: bool, **claims: Any):
        super().__init__(lambda shape: npdl.layers.Dropout(p), **claims)
        self.supplied = supplied

    def answer(self, x: Any) -> Any:
        return self.layer.forward(x, train=self.training)

    def backward(self, dy: Any) -> Any:
        if self.supplied and not self.training:
            return dy * dy.dtype.type(1 - self.layer.p)
        return super().backward(dy)


class Activation:
    """forward, and backward as every layer of npdl has it: dy times the derivative, of what forward kept or of x."""

    def __init__(self, make: Callable[[], Any], of_input: bool = False, **claims: Any):
        self.activation, self.of_input = make(), of_input
        claiming(self, **claims)

    def forward(self, x: Any) -> Any:
        self.x = x
        with speaking(x.dtype):
            return cast(self.activation.forward(x), x)

    def backward(self, dy: Any) -> Any:
        with speaking(dy.dtype):
            return cast(dy * self.activation.derivative(*[self.x] * self.of_input), dy)


class Loss:
    """The number, and the gradient divided by `scale(N)`."""

    def __init__(self, make: Callable[[], Any], divided: bool, **claims: Any):
        self.loss, self.divided = make(), divided
        claiming(self, **claims)

    def forward(self, prediction: Any, target: Any) -> float:
        self.kept = prediction, target
        return float(self.loss.forward(prediction, target))

    def backward(self) -> Any:
        found = self.loss.backward(*self.kept)
        return cast(found / (len(self.kept[0]) if self.divided else 1), self.kept[0])


class Joined(Loss):
    """An output activation of npdl and the loss it belongs to, of logits."""

    def __init__(self, activation: Callable[[], Any], make: Callable[[], Any], one_hot: bool, **claims: Any):
        super().__init__(make, True, domain="logits", **claims)
        self.activation, self.one_hot = activation(), one_hot

    def forward(self, prediction: Any, target: Any) -> float:
        t = np.eye(prediction.shape[1], dtype=prediction.dtype)[target] if self.one_hot else target
        with speaking(prediction.dtype):
            return super().forward(self.activation.forward(prediction), t)

    def backward(self) -> Any:
        with speaking(self.kept[0].dtype):
            return cast(super().backward() * self.activation.derivative(), self.kept[0])


class Optimizer:
    """update([w], [g]), with lr set to what is handed in; its lists of arrays are the state."""

    def __init__(self, make: Callable[[], Any], like: str, memory: tuple[str, ...] = (), *told: str):
        self.optimizer, self.like, self.memory = make(), like, memory
        claiming(self, **settings(self.optimizer, *told))

    def step(self, w: Any, g: Any, lr: float) -> None:
        self.optimizer.lr = lr
        with speaking(w.dtype):
            self.optimizer.update([w], [g])

    @property
    def state(self) -> dict[str, Any]:
        kept = {name: getattr(self.optimizer, name) for name in self.memory}
        return {"iterations": self.optimizer.iterations} | {k: v[0] for k, v in kept.items() if v is not None}

    @state.setter
    def state(self, saved: dict[str, Any]) -> None:
        self.optimizer.iterations = saved["iterations"]
        for name in self.memory:
            setattr(self.optimizer, name, [saved[name]] if name in saved else None)


def decayed(t: float) -> float:
    """The factor on lr after 100·t updates of SGD(lr=1, decay=0.01)."""
    optimizer = npdl.optimizers.SGD(lr=1.0, decay=0.01)
    for _ in range(round(100 * t)):
        optimizer.update([np.zeros(1)], [np.zeros(1)])
    return float(optimizer.lr)


def initializer(make: Callable[[], Any], **claims: Any) -> Any:
    """An initializer that draws from npdl's generator."""

    def initialize(rng: np.random.Generator, shape: tuple[int, int], fan_in: int, fan_out: int) -> Any:
        with speaking("float32", state_of(rng)):
            return make()(shape)

    return claiming(initialize, **claims)


class Network:
    """npdl.Model of these layers, its loss SCCE, its gradients as fit collects them, over N: zip(params, grads)."""

    kinds: tuple[Callable[[int], Any], ...] = ()

    def __init__(self, n_in: int, n_out: int, rng: np.random.Generator):
        self.rng = state_of(rng)
        with speaking("float32", self.rng):
            self.model = npdl.Model([make(n_out) for make in self.kinds])
            self.model.layers[0].n_in = n_in
            self.model.compile(loss=npdl.objectives.SCCE(), optimizer=npdl.optimizers.SGD())
        self.params = {str(i): array for i, array in enumerate(self.collected("params"))}

    def collected(self, name: str) -> list[Any]:
        """As Model.fit: one list over all layers."""
        return [array for layer in self.model.layers for array in getattr(layer, name)]

    def loaded(self) -> None:
        """The arrays of params into the layers, in their order."""
        arrays = iter(self.params.values())
        for layer in self.model.layers:
            for name in ("W", "b"):
                if hasattr(layer, name):
                    setattr(layer, name, next(arrays))

    def predict(self, x: Any) -> Any:
        self.loaded()
        dtype = next(iter(self.params.values())).dtype
        with speaking(dtype, self.rng):
            return self.model.predict(x).astype(dtype)

    def loss_and_grads(self, x: Any, labels: Any) -> tuple[float, dict[str, Any]]:
        y = self.predict(x)
        target = np.eye(y.shape[1])[labels]
        with speaking(y.dtype, self.rng):
            slope = self.model.loss.backward(y, target)
            for layer in self.model.layers[::-1]:
                slope = layer.backward(slope)
        grads = dict(zip(self.params, self.collected("grads"), strict=False))
        return float(self.model.loss.forward(y, target)), {name: g / len(x) for name, g in grads.items()}


class Perceptron(Network):
    """Dense, and a softmax."""

    kinds = (lambda n: npdl.layers.Dense(6), lambda n: npdl.layers.Softmax(n))


class Dropped(Network):
    """With a dropout between."""

    kinds = (lambda n: npdl.layers.Dense(6), lambda n: npdl.layers.Dropout(0.5), lambda n: npdl.layers.Softmax(n))


class Seen(npdl.layers.Layer):
    """Between a model and its data: keeps what fit feeds it."""

    def __init__(self) -> None:
        self.batches: list[Any] = []

    def connect_to(self, prev_layer: Any = None) -> None:
        pass

    def forward(self, input: Any, *args: Any, **kwargs: Any) -> Any:
        self.batches.append(input.copy())
        return np.zeros((len(input), 1))

    def backward(self, pre_grad: Any, *args: Any, **kwargs: Any) -> Any:
        return pre_grad


class Told(npdl.objectives.MSE):
    """A loss that keeps its targets."""

    def __init__(self) -> None:
        self.targets: list[Any] = []

    def backward(self, outputs: Any, targets: Any) -> Any:
        self.targets.append(targets[:, 0].copy())
        return outputs


class Silent(npdl.Model):
    """A Model that reports no accuracy, which fails where there was no batch."""

    def accuracy(self, outputs: Any, targets: Any) -> float:
        return 0.0


def fed(x: Any, y: Any, batch_size: int, rng: np.random.Generator, kind: Any = npdl.Model) -> Iterator[Any]:
    """The batches of one epoch of Model.fit."""
    model = kind([Seen()])
    model.compile(loss=Told(), optimizer=npdl.optimizers.SGD())
    outside = np.random.get_state()
    with speaking(x.dtype, state_of(rng)):
        model.fit(x, y[:, None], max_iter=1, batch_size=batch_size, file=io.StringIO())
    np.random.set_state(outside)
    yield from zip(model.layers[0].batches, model.loss.targets, strict=True)


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
