"""Correct optimizers, initializers, schedules, batch samplers and metrics: no law fails, for any seed."""

# ruff: noqa: RUF012  # the settings are never modified

from collections.abc import Callable, Iterator
from math import cos, exp, floor, pi, sqrt
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nnlaw.spec import BatchesCase, InitializerCase, MetricCase, OptimizerCase, ScheduleCase, conformance

Array = NDArray[Any]
SEEDS = range(4)


class Optimizer:
    """A base class: settings as attributes, and a memory in `state` that starts at zero."""

    usual: dict[str, Any] = {}
    decays: Any = None

    def __init__(self, **settings: Any) -> None:
        self.state: dict[str, Any] = {}
        self.__dict__ |= self.usual | settings

    def ema(self, name: str, beta: float, x: Array) -> Array:
        found: Array = beta * self.state.get(name, 0) + (1 - beta) * x
        self.state[name] = found
        return found

    def count(self) -> int:
        self.state["t"] = self.state.get("t", 0) + 1
        return int(self.state["t"])


class Adam(Optimizer):
    usual = {"b1": 0.8, "b2": 0.99, "epsilon": 1e-7}

    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        t = self.count()
        m, v = self.ema("m", self.b1, g), self.ema("v", self.b2, g**2)
        w -= lr * np.sqrt(1 - self.b2**t) / (1 - self.b1**t) * m / (np.sqrt(v) + self.epsilon)


class AdamTuple(Optimizer):
    usual = {"betas": (0.5, 0.9), "eps": 1e-3}

    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        t, (b1, b2) = self.count(), self.betas
        m, v = self.ema("m", b1, g), self.ema("v", b2, g**2)
        w -= lr * (m / (1 - b1**t)) / np.sqrt(v / (1 - b2**t) + self.eps)


class AdamHidden(Optimizer):
    """Its hyperparameters are numbers in the code."""

    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        t = self.count()
        m, v = self.ema("m", 0.7, g), self.ema("v", 0.95, g**2)
        w -= lr * (m / (1 - 0.7**t)) / (np.sqrt(v / (1 - 0.95**t)) + 1e-6)


class AdamL2(AdamTuple):
    usual = {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.1}

    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        super().step(w, g + np.float32(self.weight_decay) * w, lr)


class AdamWAfter(AdamTuple):
    usual = {"betas": (0.9, 0.999), "eps": 1e-8, "wd": 0.3}

    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        super().step(w, g, lr)
        w *= 1 - lr * self.wd * (self.decays if self.decays is not None else 1)


class AMSGrad(Optimizer):
    usual = {"beta1": 0.9, "beta2": 0.999}

    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        t = self.count()
        m, v = self.ema("m", self.beta1, g), self.ema("v", self.beta2, g**2)
        self.state["top"] = np.maximum(self.state.get("top", 0), v)
        w -= lr * m / (1 - self.beta1**t) / (np.sqrt(self.state["top"] / (1 - self.beta2**t)) + 1e-8)


class NAdam(Optimizer):
    usual = {"beta1": 0.9, "beta2": 0.999}

    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        t, b = self.count(), self.beta1
        m, v = self.ema("m", b, g), self.ema("v", self.beta2, g**2)
        ahead = b * m / (1 - b ** (t + 1)) + (1 - b) * g / (1 - b**t)
        w -= lr * ahead / (np.sqrt(v / (1 - self.beta2**t)) + 1e-8)


class NAdamL2(NAdam):
    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        super().step(w, g + np.float32(0.5) * w, lr)


class Lion(Optimizer):
    usual = {"beta1": 0.9, "beta2": 0.99, "weight_decay": 1.0}

    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        m = self.state.get("m", np.zeros_like(w))
        w -= lr * (np.sign(self.beta1 * m + (1 - self.beta1) * g) + self.weight_decay * w)
        self.ema("m", self.beta2, g)


class SignSGD(Optimizer):
    first_step = staticmethod(np.sign)

    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        w -= lr * np.sign(g)


class Adagrad(Optimizer):
    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        self.state["sum"] = self.state.get("sum", 0) + g**2
        w -= lr * g / (np.sqrt(self.state["sum"]) + 1e-10)


class AdagradInside(Optimizer):
    usual = {"eps": 0.1}

    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        self.state["sum"] = self.state.get("sum", 0) + g**2
        w -= lr * g / np.sqrt(self.state["sum"] + self.eps)


class AMSGradCorrected(AMSGrad):
    """The maximum is taken of what is corrected."""

    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        t = self.count()
        m, v = self.ema("m", self.beta1, g), self.ema("v", self.beta2, g**2)
        self.state["top"] = np.maximum(self.state.get("top", 0), v / (1 - self.beta2**t))
        w -= lr * m / (1 - self.beta1**t) / (np.sqrt(self.state["top"]) + 1e-8)


class Adadelta(Optimizer):
    usual = {"rho": 0.9, "eps": 1e-6}

    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        s = self.ema("s", self.rho, g**2)
        d = np.sqrt(self.state.get("u", 0) + self.eps) / np.sqrt(s + self.eps) * g
        self.ema("u", self.rho, d**2)
        w -= lr * d


class RMSProp(Optimizer):
    usual = {"decay": 0.99, "eps": 1e-6}

    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        w -= lr * g / np.sqrt(self.ema("s", self.decay, g**2) + self.eps)


class RMSPropL2(RMSProp):
    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        super().step(w, g + np.float32(0.3) * w, lr)


class Clipped(Optimizer):
    """Named sgd, and clips by norm, with a setting for it."""

    def __init__(self, max_norm: float = 1.0) -> None:
        super().__init__(max_norm=max_norm)

    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        w -= lr * g * np.float32(min(1, self.max_norm / (np.linalg.norm(g) + 1e-12)))


class Velocity(Optimizer):
    """v ← μ·v − lr·g: moves on at lr 0, but not from a fresh state."""

    usual = {"mu": 0.95}

    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        self.state["v"] = self.mu * self.state.get("v", 0) - lr * g
        w += self.state["v"]


class NesterovBySteps(Optimizer):
    """w ← w − μ·v₀ + (1 + μ)·v, in the notes of CS231n."""

    usual = {"mu": 0.9}

    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        old = self.state.get("v", 0)
        self.state["v"] = self.mu * old - lr * g
        w += -self.mu * old + (1 + self.mu) * self.state["v"]


class Averaged(Optimizer):
    """The mean of gradients, as in Ng's course."""

    usual = {"beta": 0.9}

    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        w -= lr * self.ema("v", self.beta, g)


class TorchSGD(Optimizer):
    usual = {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}

    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        g = g + np.float32(self.weight_decay) * w
        self.state["b"] = self.momentum * self.state.get("b", 0) + g
        w -= lr * (g + self.momentum * self.state["b"])


class LAMB(Optimizer):
    """Its step is as long as the weights, times lr."""

    usual = {"wd": 0.01}

    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        t = self.count()
        m, v = self.ema("m", 0.9, g) / (1 - 0.9**t), self.ema("v", 0.999, g**2) / (1 - 0.999**t)
        r = m / (np.sqrt(v) + 1e-6) + self.wd * w
        long, size = np.linalg.norm(r), np.linalg.norm(w)
        w -= lr * r * (size / long if size and long else 1)


class LARS(Optimizer):
    """Stuck at w = 0, where ‖w‖ is 0."""

    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        w -= lr * np.linalg.norm(w) / (np.linalg.norm(g) + 1e-9) * g


class Rprop(Optimizer):
    """Steps of its own, that start at lr, grow by 1.2 and shrink by half."""

    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        long = self.state.get("long", np.full_like(w, lr))
        turn = np.sign(g) * np.sign(self.state.get("g", np.zeros_like(w)))
        self.state["long"] = np.where(turn > 0, 1.2 * long, np.where(turn < 0, 0.5 * long, long)).clip(0, 1)
        self.state["g"] = g.copy()
        w -= self.state["long"] * np.sign(g)


class Lookahead(Optimizer):
    """Every fifth step goes half the way back."""

    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        slow = self.state.setdefault("slow", w.copy())
        w -= lr * g
        if self.count() % 5 == 0:
            w[...] = self.state["slow"] = slow + (w - slow) / 2


class Accumulating(Optimizer):
    """Steps after every fourth gradient."""

    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        self.state["sum"] = self.state.get("sum", 0) + g
        if self.count() % 4 == 0:
            w -= lr * self.state["sum"] / 4
            self.state["sum"] = np.zeros_like(w)


class WarmedUp(Optimizer):
    """Its own rate climbs from 0, so that the first step goes nowhere."""

    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        w -= lr * min(1.0, (self.count() - 1) / 10) * g


class Centralized(Optimizer):
    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        w -= lr * (g - g.mean() / 2)


class Normalized(Optimizer):
    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        w -= lr * g / (np.linalg.norm(g) + 1e-9)


class Decaying(Optimizer):
    """A weight decay that is not an attribute."""

    def step(self: Any, w: Array, g: Array, lr: float) -> None:
        w -= lr * (g + np.float32(0.01) * w)


class Stateless:
    """No state, no settings, no base."""

    def step(self, w: Array, g: Array, lr: float) -> None:
        w -= lr * g


OPTIMIZERS: list[tuple[str, Callable[[], Any]]] = [
    ("adam", Adam),
    ("adam", AdamTuple),
    ("adam", AdamHidden),
    ("adam", AdamL2),
    ("adamw", AdamWAfter),
    ("amsgrad", AMSGrad),
    ("nadam", NAdam),
    ("nadam", NAdamL2),
    ("lion", Lion),
    ("sign-sgd", SignSGD),
    ("adagrad", Adagrad),
    ("adagrad", AdagradInside),
    ("amsgrad", AMSGradCorrected),
    ("adadelta", Adadelta),
    ("rmsprop", RMSProp),
    ("rmsprop", RMSPropL2),
    ("sgd", Clipped),
    ("momentum", Velocity),
    ("nesterov", NesterovBySteps),
    ("momentum", Averaged),
    ("sgd", TorchSGD),
    ("lamb", LAMB),
    ("lars", LARS),
    ("rprop", Rprop),
    ("lookahead", Lookahead),
    ("accumulating", Accumulating),
    ("warmed_up", WarmedUp),
    ("centralized", Centralized),
    ("normalized", Normalized),
    ("sgd", Decaying),
    ("sgd", Stateless),
]


def he_uniform(rng: Any, shape: Any, fan_in: int, fan_out: int) -> Array:
    limit = sqrt(6 / fan_in)
    return np.asarray(rng.uniform(-limit, limit, shape))


def truncated(rng: Any, shape: Any, fan_in: int, fan_out: int) -> Array:
    z = rng.standard_normal(shape)
    while (far := np.abs(z) > 2).any():
        z[far] = rng.standard_normal(int(far.sum()))
    return np.asarray(z * sqrt(2 / fan_in) / 0.87962566, np.float32)


def orthogonal(rng: Any, shape: Any, fan_in: int, fan_out: int) -> Array:
    u, _, v = np.linalg.svd(rng.standard_normal(shape), full_matrices=False)
    return np.asarray(u if u.shape == shape else v)


def identity(rng: Any, shape: Any, fan_in: int, fan_out: int) -> Array:
    return np.eye(*shape)


def sparse(rng: Any, shape: Any, fan_in: int, fan_out: int) -> Array:
    return np.asarray(rng.standard_normal(shape) * (rng.random(shape) < 0.05))


def signs(rng: Any, shape: Any, fan_in: int, fan_out: int) -> Array:
    return np.asarray(rng.choice([-1.0, 1.0], shape) / sqrt(fan_in))


def waves(rng: Any, shape: Any, fan_in: int, fan_out: int) -> Array:
    """The cosine transform, which draws nothing."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return np.cos(pi * (rows + 0.5) * (columns + 0.1 * rows) / shape[0]) / sqrt(fan_in)


def spawned(rng: Any, shape: Any, fan_in: int, fan_out: int) -> Array:
    """From a child of the generator."""
    return np.asarray(rng.spawn(1)[0].normal(0, 1 / sqrt(fan_in), shape))


def positive(rng: Any, shape: Any, fan_in: int, fan_out: int) -> Array:
    """Declares no variance, and is not centered."""
    return np.asarray(rng.random(shape))


def gained(rng: Any, shape: Any, fan_in: int, fan_out: int, *, gain: float = 1.5) -> Array:
    return np.asarray(rng.normal(0, gain * sqrt(2 / (fan_in + fan_out)), shape))


def zeros(rng: Any, shape: Any, fan_in: int, fan_out: int) -> Array:
    return np.zeros(shape)


INITIALIZERS: list[tuple[str, Callable[..., Array], Any]] = [
    ("he_uniform", he_uniform, None),
    ("he_uniform", he_uniform, lambda i, o: 2 / i),
    ("he", truncated, lambda i, o: 2 / i),
    ("orthogonal", orthogonal, None),
    ("identity", identity, None),
    ("sparse", sparse, lambda i, o: 0.05),
    ("signs", signs, lambda i, o: 1 / i),
    ("waves", waves, None),
    ("lecun", spawned, lambda i, o: 1 / i),
    ("xavier", spawned, None),
    ("positive", positive, None),
    ("glorot", gained, None),
    ("zeros", zeros, None),
    ("nothing", zeros, lambda i, o: 0),
    ("ones", lambda rng, shape, fan_in, fan_out: np.ones(shape), lambda i, o: 0),
]

SCHEDULES: list[tuple[str, Callable[..., Any], dict[str, Any]]] = [
    ("warmup", lambda t: min(1.0, t / 0.001), {}),
    ("root", lambda t: sqrt(t), {}),
    ("restarting", lambda t: (1 + cos(pi * (4 * t % 1))) / 2, {"restarts": True}),
    ("cyclical", lambda t: 1 - abs(2 * (3 * t % 1) - 1), {}),
    ("cosine", lambda t: min(1.0, t / 0.05) * (0.1 + 0.9 * (1 + np.cos(pi * t)) / 2), {}),
    ("cosine", lambda t: np.float32(0.25 + 0.75 * (1 + cos(pi * t)) / 2), {}),
    ("exponential", lambda t: exp(-4 * t), {}),
    ("linear", lambda t: np.array(1 - 0.9 * t), {}),
    ("step", lambda t, *, gamma=0.1, step_size=0.3: gamma ** floor(t / step_size), {}),
    ("step", lambda t: 0.1 if t > 0.5 else 1, {}),
    ("constant", lambda t: 1, {}),
    ("polynomial", lambda t, *, power=2: (1 - t) ** power, {}),
    ("nothing", lambda t: 0.0, {}),
]


def stratified(x: Array, y: Array, batch_size: int, rng: Any) -> Iterator[Any]:
    """Each batch holds the classes as the whole does: sorted by label, dealt out in turn."""
    order = rng.permutation(len(x))
    order = order[np.argsort(y[order], kind="stable")]
    parts = -(-len(x) // batch_size)
    for i in range(parts):
        yield x[order[i::parts]], y[order[i::parts]]


def by_class(x: Array, y: Array, batch_size: int, rng: Any) -> list[Any]:
    """One class at a time, as a list."""
    found = []
    for c in np.unique(y):
        rows = np.flatnonzero(y == c)
        found += [(x[rows[i : i + batch_size]], y[rows[i : i + batch_size]]) for i in range(0, len(rows), batch_size)]
    return found


def augmented(x: Array, y: Array, batch_size: int, rng: Any) -> Iterator[Any]:
    """Flipped or not, moved by up to two pixels, brighter or darker, with noise, and each with mean 0."""
    order = rng.permutation(len(x))
    for start in range(0, len(x), batch_size):
        rows = order[start : start + batch_size]
        images = x[rows].reshape(-1, 28, 28)[:, :, :: rng.choice([-1, 1])]
        images = np.roll(images, rng.integers(-2, 3, 2), axis=(1, 2)).reshape(-1, 784)
        images = rng.uniform(0.5, 2) * images + 0.05 * rng.standard_normal(images.shape)
        yield (images - images.mean(axis=1, keepdims=True)).astype(np.float32), y[rows]


def hidden(x: Array, y: Array, batch_size: int, rng: Any) -> Iterator[Any]:
    """Under so much noise that no image is known again."""
    for start in range(0, len(x), batch_size):
        some = x[start : start + batch_size]
        yield some + 10 * rng.standard_normal(some.shape).astype(np.float32), y[start : start + batch_size]


def buffered(x: Array, y: Array, batch_size: int, rng: Any) -> Iterator[Any]:
    """One pair of buffers, filled again for each batch."""
    order, x_buffer, y_buffer = rng.permutation(len(x)), np.empty_like(x[:batch_size]), np.empty_like(y[:batch_size])
    for start in range(0, len(x), batch_size):
        rows = order[start : start + batch_size]
        x_buffer[: len(rows)], y_buffer[: len(rows)] = x[rows], y[rows]
        yield x_buffer[: len(rows)], y_buffer[: len(rows)]


def curriculum(x: Array, y: Array, batch_size: int, rng: Any) -> Iterator[Any]:
    """An order by difficulty, which does not depend on the generator."""
    order = np.argsort(np.sin(x.sum(axis=1) + 40 * y), kind="stable")
    for start in range(0, len(x), batch_size):
        yield x[order[start : start + batch_size]], y[order[start : start + batch_size]]


def strided(x: Array, y: Array, batch_size: int, rng: Any) -> Iterator[Any]:
    parts = -(-len(x) // batch_size)
    for i in range(parts):
        yield x[i::parts], y[i::parts]


BATCHES = [stratified, by_class, augmented, hidden, buffered, curriculum, strided]


def confidence(p: Array, y: Array) -> float:
    return float(p.max(axis=1).mean())


def f1_by_class(p: Array, y: Array) -> float:
    found = p.argmax(axis=1)
    each = []
    for c in range(p.shape[1]):
        right = ((found == c) & (y == c)).sum()
        each.append(2 * right / max((found == c).sum() + (y == c).sum(), 1))
    return float(np.mean(each))


def f1_of_means(p: Array, y: Array) -> float:
    """Of the mean precision and the mean recall."""
    found, classes = p.argmax(axis=1), range(p.shape[1])
    precision = np.mean([(y[found == c] == c).mean() if (found == c).any() else 0 for c in classes])
    recall = np.mean([(found[y == c] == c).mean() for c in classes])
    return float(2 * precision * recall / (precision + recall))


def top(p: Array, y: Array, *, k: int = 2) -> float:
    return float((np.argsort(-p, axis=1)[:, :k] == y[:, None]).any(axis=1).mean())


METRICS: list[tuple[str, Callable[..., Any]]] = [
    ("confidence", confidence),
    ("f1", f1_by_class),
    ("f1", f1_of_means),
    ("top_k", top),
    ("accuracy", lambda p, y: np.array((p.argmax(axis=1) == y).mean())),
    ("accuracy", lambda p, y: np.mean(np.argmax(p, -1) == y)),
    ("accuracy", lambda p, y: 1 - np.count_nonzero(p.argmax(1) - y) / len(y)),
    ("error", lambda p, y: float((p.argmax(1) != y).mean())),
    ("log-loss", lambda p, y: float(-np.log(np.clip(p[np.arange(len(y)), y], 1e-12, 1)).mean())),
    ("negative_entropy", lambda p, y: float((p * np.log(p)).sum(axis=1).mean())),
]


def declaring(thing: Callable[..., Any], attributes: dict[str, Any]) -> Callable[..., Any]:
    """The function with these attributes, as its decorator would set them."""

    def function(*args: Any, **settings: Any) -> Any:
        return thing(*args, **settings)

    function.__wrapped__ = thing  # type: ignore[attr-defined]  # a function's attributes are not in its type
    function.__dict__ |= attributes
    return function


def case(kind: Callable[..., Any], name: str, thing: Callable[..., Any]) -> Callable[[int], Any]:
    """A case of this kind for each seed."""
    return lambda seed: kind(name, thing, seed=seed, name=name)


CASES = [
    *(case(OptimizerCase, name, make) for name, make in OPTIMIZERS),
    *(case(InitializerCase, name, declaring(thing, {"variance": v})) for name, thing, v in INITIALIZERS),
    *(case(ScheduleCase, name, declaring(thing, attributes)) for name, thing, attributes in SCHEDULES),
    *(case(BatchesCase, "mine", thing) for thing in BATCHES),
    *(case(MetricCase, name, thing) for name, thing in METRICS),
]


@pytest.mark.slow
@pytest.mark.parametrize("make", CASES, ids=[f"{made.kind} {made.name}" for made in (make(0) for make in CASES)])
def test_correct_code_passes(make: Callable[[int], Any]) -> None:
    """No law fails, for any seed."""
    for seed in SEEDS:
        assert [found.message for found in conformance(make(seed)).violations] == []
