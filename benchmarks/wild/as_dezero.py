"""The layers, losses, optimizers, models and batches of DeZero in the words of the protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import dezero
import numpy as np
import old_names  # noqa: F401  # DeZero uses a name that NumPy dropped
from dezero import Variable, functions, using_config
from shared import cast, claiming, drawing, settings, state_of


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
