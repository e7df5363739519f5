"""DeZero 0.0.13: functions, layers, losses, optimizers and its MLP under our laws.

Its gradients come from a graph, so that backward is a sweep from the last output, with dy as its gradient; the graph is
built anew at each call. Whether it trains is one global setting, which the adapters set. It draws from NumPy's global
generator, which they set too. Optimizers keep their state under the id of a parameter, under which they find it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import old_names  # noqa: F401  # DeZero uses a name that NumPy dropped
from shared import BINARY, Subject, cast, checked, claiming, drawing, initializer, settings, state_of, subject

import dezero
from dezero import Variable, functions, using_config
from spec import check_backward

PACKAGE = "dezero"


class Layer:
    """A layer of DeZero made by `make()`, or a function: `call(layer, x)` says how it is called."""

    def __init__(
        self, make: Callable[[], Any], call: Callable[[Any, Variable], Variable] | None = None, **claims: Any
    ):
        self.make, self.call = make, call or (lambda layer, x: layer(x))
        claiming(self, **claims)

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self.rng = state_of(rng)
        with drawing(self.rng), using_config("train", False):
            self.layer = self.make()
            self.call(self.layer, Variable(np.ones((2, *shape), np.float32)))
        self.places: dict[str, Any] = {}
        if isinstance(self.layer, dezero.Layer):
            self.layer._flatten_params(self.places)
        self.places = dict(sorted(self.places.items()))  # they stand in a set
        averages = {name: place for name, place in self.places.items() if name.startswith("avg_")}
        self.params = {name: place.data for name, place in self.places.items() if name not in averages}
        self.state = {name: place.data for name, place in averages.items()}

    def forward(self, x: Any) -> Any:
        self.x, self.mode = x, self.training
        self.y = self.run()
        return cast(self.y.data, x)

    def run(self) -> Variable:
        for name, array in (self.params | self.state).items():
            self.places[name].data = array.copy()
        self.point = Variable(self.x.copy())
        with drawing(self.rng), using_config("train", self.training):
            y = self.call(self.layer, self.point)
        self.state = {name: self.places[name].data for name in self.state}
        return y

    def backward(self, dy: Any) -> Any:
        self.point.cleargrad()
        for place in self.places.values():
            place.cleargrad()
        self.y.grad = Variable(dy.copy())
        if self.y is not self.point:  # as where a function returns its argument
            with using_config("train", self.mode):
                self.y.backward()
        for name in self.params:
            self.grads[name] = cast(self.places[name].grad.data, dy)
        return cast(self.point.grad.data, dy)

    def __deepcopy__(self, memo: dict[int, Any]) -> Layer:
        """A graph holds weak references, which no copy keeps: its copy is built from the same input again."""
        import copy

        twin = object.__new__(type(self))
        memo[id(self)] = twin
        graph = ("y", "point")
        vars(twin).update(copy.deepcopy({k: v for k, v in vars(self).items() if k not in graph}, memo))
        if hasattr(self, "y"):
            draws = twin.rng.get_state()
            twin.y = twin.run()
            twin.rng.set_state(draws)
        return twin


class Norm(Layer):
    """BatchNorm, with the gradient in test mode, which it has not, supplied."""

    def backward(self, dy: Any) -> Any:
        if self.mode:
            return super().backward(dy)
        deviation = np.sqrt(self.state["avg_var"] + 2e-5)
        z = (self.x - self.state["avg_mean"]) / deviation
        self.grads["gamma"], self.grads["beta"] = cast((dy * z).sum(axis=0), dy), cast(dy.sum(axis=0), dy)
        return cast(dy * self.params["gamma"] / deviation, dy)


def applied(function: Callable[..., Variable], **claims: Any) -> Layer:
    """A function as a layer."""
    return Layer(lambda: function, **claims)


class Loss:
    """A loss function of x and t; where it wants probabilities, the domain is claimed."""

    def __init__(self, function: Callable[..., Variable], **claims: Any):
        self.function = function
        claiming(self, **claims)

    def forward(self, prediction: Any, target: Any) -> float:
        self.kept = prediction.copy(), target.copy()
        return float(self.function(Variable(prediction), Variable(target)).data)

    def backward(self) -> Any:
        x = Variable(self.kept[0])
        self.function(x, Variable(self.kept[1])).backward()
        return cast(x.grad.data, x.data)


class Optimizer:
    """update() of one parameter, whose data is w; its tables are keyed by the id of that parameter."""

    def __init__(self, make: Callable[[], Any], like: str | None, memory: tuple[str, ...] = (), *told: str):
        self.make, self.like, self.memory = make, like, memory
        self.optimizer, self.saved = make(), dict[str, Any]()
        claiming(self, **settings(self.optimizer, *told))

    def step(self, w: Any, g: Any, lr: float) -> None:
        target = dezero.Layer()
        target.w = dezero.Parameter(w)
        target.w.grad = Variable(g.copy())  # hooks change it in place
        setattr(self.optimizer, "alpha" if hasattr(self.optimizer, "alpha") else "lr", lr)
        for name in self.memory:
            setattr(self.optimizer, name, {id(target.w): self.saved[name]} if name in self.saved else {})
        self.optimizer.setup(target).update()
        self.saved = {name: getattr(self.optimizer, name)[id(target.w)] for name in self.memory}
        self.optimizer.target = None

    @property
    def state(self) -> dict[str, Any]:
        return {**self.saved, "t": getattr(self.optimizer, "t", 0)}

    @state.setter
    def state(self, saved: dict[str, Any]) -> None:
        self.saved = {name: array for name, array in saved.items() if name != "t"}
        self.optimizer.t = saved["t"]


class Scaled(Optimizer):
    """AdaDelta, which takes no rate: its step is multiplied by the one handed in."""

    def step(self, w: Any, g: Any, lr: float) -> None:
        before = w.copy()
        super().step(w, g, lr)
        w[...] = before + w.dtype.type(lr) * (w - before)


class Network:
    """models.MLP under softmax_cross_entropy."""

    def __init__(self, n_in: int, n_out: int, rng: np.random.Generator):
        with drawing(state_of(rng)):
            self.model = dezero.models.MLP((6, n_out))
            self.model(Variable(np.ones((1, n_in), np.float32)))
        self.places: dict[str, Any] = {}
        self.model._flatten_params(self.places)
        self.params = {name: self.places[name].data for name in sorted(self.places)}

    def logits(self, x: Any) -> Variable:
        for name, array in self.params.items():
            self.places[name].data = array
        return self.model(Variable(x))

    def predict(self, x: Any) -> Any:
        return functions.softmax(self.logits(x)).data

    def loss_and_grads(self, x: Any, labels: Any) -> tuple[float, dict[str, Any]]:
        self.model.cleargrads()
        loss = functions.softmax_cross_entropy(self.logits(x), labels)
        loss.backward()
        return float(loss.data), {name: self.places[name].grad.data for name in self.params}


def loaded(x: Any, y: Any, batch_size: int, rng: np.random.Generator) -> Iterator[tuple[Any, Any]]:
    """One epoch of a DataLoader."""
    with drawing(state_of(rng)):
        found = list(dezero.DataLoader(list(zip(x, y, strict=True)), batch_size))
    yield from found


def subjects() -> list[Subject]:
    """Everything that is judged."""
    return [*_functions(), *_layers(), *_losses(), *_others()]


def _functions() -> Iterator[Subject]:
    f, anything, rows = functions, "N ... -> N ...", "N n -> N n"
    for name, claims in (("sin", {}), ("cos", {}), ("exp", {"domain": (-50.0, 50.0)}), ("log", {"domain": (0.01, 1e4)}),
                         ("tanh", {"like": "tanh"}), ("sigmoid", {"like": "sigmoid"}), ("relu", {"like": "relu"}),
                         ("leaky_relu", {"like": "leaky_relu"})):  # fmt: skip
        yield subject("layer", f"functions.{name}", applied(getattr(f, name), **claims), anything)
    yield subject("layer", "functions.softmax", applied(f.softmax, like="softmax"), rows)
    yield subject("layer", "functions.log_softmax", applied(f.log_softmax, like="log_softmax"), rows)
    yield subject("layer", "functions.dropout", applied(f.dropout, like="dropout"), rows)
    yield subject("layer", "functions.flatten", applied(f.flatten, like="flatten"), "N ... -> N m", input_shape=(2, 3))
    yield subject("layer", "functions.clip", applied(partial(f.clip, x_min=-0.5, x_max=0.7)), rows)
    yield subject("layer", "functions.transpose", applied(partial(f.transpose, axes=(0, 2, 1))), "N a b -> N b a")
    yield subject("layer", "functions.get_item", applied(lambda x: x[:, [2, 0, 0]]), "N a -> N b", input_shape=(4,))
    for said, arrow, settings in (("one axis", "N a b -> N b", {"axis": 1}), ("two axes", "N a b -> N", {"axis": (1, 2)}),
                                  ("two axes, keepdims", "N a b -> N c d", {"axis": (1, 2), "keepdims": True})):  # fmt: skip
        yield subject("layer", f"functions.sum, {said}", applied(partial(f.sum, **settings)), arrow)
    for name in ("max", "min"):
        yield subject("layer", f"functions.{name}, one axis", applied(partial(getattr(f, name), axis=1)), "N a b -> N b")
    image, arrow = {"input_shape": (2, 6, 7)}, "N C H W -> N F P Q"
    for name in ("pooling", "average_pooling"):
        for kernel, stride, pad in ((2, 2, 0), (3, 2, 1), ((2, 3), 1, 0)):
            pool = partial(getattr(f, name), kernel_size=kernel, stride=stride, pad=pad)
            said = f"kernel {kernel}, stride {stride}, pad {pad}"
            yield subject("layer", f"functions.{name}, {said}", applied(pool), arrow, **image)


def _layers() -> Iterator[Subject]:
    of, image, arrow = dezero.layers, {"input_shape": (2, 5, 6)}, "N C H W -> N F P Q"
    yield subject("layer", "layers.Linear", Layer(lambda: of.Linear(3), like="dense"), "N n_in -> N n_out")
    for name in ("Conv2d", "Deconv2d"):
        for kernel, stride, pad in ((3, 1, 0), ((2, 3), 2, 1)):
            make = partial(getattr(of, name), 3, kernel, stride, pad)
            said = f"kernel {kernel}, stride {stride}, pad {pad}"
            yield subject("layer", f"layers.{name}, {said}", Layer(make), arrow, **image)
    norm = {"like": "batchnorm", "couples_samples": True}
    yield subject("layer", "layers.BatchNorm", Layer(of.BatchNorm, **norm), "N n -> N n")
    yield subject("layer", "layers.BatchNorm, gradient in test mode supplied", Norm(of.BatchNorm, **norm), "N n -> N n")
    for said, make in (("RNN", lambda: of.RNN(2)), ("RNN, in_size given", lambda: of.RNN(2, in_size=3)),
                       ("LSTM", lambda: of.LSTM(2)), ("LSTM, in_size given", lambda: of.LSTM(2, in_size=3))):  # fmt: skip
        yield subject("layer", f"layers.{said}", Layer(make, _through_time), "N T n_in -> N n_out", input_shape=(4, 3))
    W = np.random.default_rng(0).standard_normal((5, 3))
    yield checked("functions.embed_id", lambda: check_backward(_embedded, _embedded_back, W))


def _through_time(layer: Any, x: Variable) -> Variable:
    layer.reset_state()
    for t in range(x.shape[1]):
        y = layer(x[:, t])
    return y


IDS = np.array([0, 2, 2, 4])


def _embedded(W: Any) -> Any:
    return functions.embed_id(IDS, Variable(W)).data, W


def _embedded_back(dout: Any, cache: Any) -> Any:
    W = Variable(cache)
    y = functions.embed_id(IDS, W)
    y.grad = Variable(dout)
    y.backward()
    return W.grad.data


def _losses() -> Iterator[Subject]:
    f, logits = functions, {"domain": "logits"}
    soft = {"targets": "labels", "like": "softmax_cross_entropy"} | logits
    yield subject("loss", "functions.softmax_cross_entropy", Loss(f.softmax_cross_entropy, **soft))
    yield subject("loss", "functions.mean_squared_error", Loss(f.mean_squared_error, targets="real", like="mse"))
    binary = {"targets": "binary", "like": "binary_cross_entropy"}
    yield subject("loss", "functions.sigmoid_cross_entropy", Loss(f.sigmoid_cross_entropy, **binary | logits))
    yield subject("loss", "functions.binary_cross_entropy", Loss(f.binary_cross_entropy, **binary, domain=BINARY))


def _others() -> Iterator[Subject]:
    of = dezero.optimizers
    for name, kind, like, memory, told in (
        ("SGD", Optimizer, "sgd", (), ()), ("MomentumSGD", Optimizer, "momentum", ("vs",), ("momentum",)),
        ("AdaGrad", Optimizer, "adagrad", ("hs",), ("eps",)),
        ("AdaDelta", Scaled, "adadelta", ("msg", "msdx"), ("rho", "eps")),
        ("Adam", Optimizer, "adam", ("ms", "vs"), ("beta1", "beta2", "eps")),
    ):  # fmt: skip
        yield subject("optimizer", f"optimizers.{name}", kind(getattr(of, name), like, memory, *told))
    hooked = Optimizer(lambda: _hooked(of.WeightDecay(0.1)), "sgd")
    hooked.weight_decay = 0.1
    yield subject("optimizer", "optimizers.SGD with WeightDecay", hooked)
    yield subject("optimizer", "optimizers.SGD with ClipGrad", Optimizer(lambda: _hooked(of.ClipGrad(1.0)), None))

    def lecun(shape: tuple[int, int]) -> Any:
        return dezero.layers.Linear(shape[1], in_size=shape[0]).W.data

    yield subject("initializer", "layers.Linear, _init_W", initializer(lecun, like="lecun"))
    yield subject("model", "models.MLP", Network)
    yield subject("batches", "DataLoader", loaded)


def _hooked(hook: Any) -> Any:
    optimizer = dezero.optimizers.SGD()
    optimizer.add_hook(hook)
    return optimizer
