"""Wrong optimizers, initializers, schedules, batch samplers and metrics: each fails its own law, and no other."""

from collections.abc import Callable, Iterator
from math import cos, pi
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nnlaw.spec import BadInput, BatchesCase, InitializerCase, MetricCase, OptimizerCase, ScheduleCase, conformance

Array = NDArray[Any]


class Optimizer:
    """A memory in `state` that starts at zero."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}

    def total(self, name: str, beta: float, x: Any) -> Any:
        self.state[name] = beta * self.state.get(name, 0) + x
        return self.state[name]

    def ema(self, name: str, beta: float, x: Any) -> Any:
        return self.total(name, beta, (1 - beta) * x)


class WritesTheGradient(Optimizer):
    def step(self, w: Array, g: Array, lr: float) -> None:
        g *= lr
        w -= g


class ReturnsTheWeights(Optimizer):
    def step(self, w: Array, g: Array, lr: float) -> Array:
        return w - lr * g


class ChangesTheShape(Optimizer):
    def step(self, w: Array, g: Array, lr: float) -> None:
        w -= lr * g
        w.shape = (1, -1)


class NoState(Optimizer):
    """Its memory is a list, not a dict."""

    def step(self, w: Array, g: Array, lr: float) -> None:
        self.state = [g.copy()]  # type: ignore[assignment]  # a list instead of a dict
        w -= lr * g


class NoEpsilon(Optimizer):
    def step(self, w: Array, g: Array, lr: float) -> None:
        w -= lr * g / np.sqrt(self.ema("s", 0.9, g**2))


class SharedDefault:
    def __init__(self, state: dict[str, Any] = {}) -> None:  # noqa: B006  # the mistake
        self.state = state

    def step(self, w: Array, g: Array, lr: float) -> None:
        self.state["v"] = 0.9 * self.state.get("v", 0) + g
        w -= lr * self.state["v"]


class CountsOutside(Optimizer):
    t = 0

    def step(self, w: Array, g: Array, lr: float) -> None:
        self.t += 1
        w -= lr * self.ema("m", 0.9, g) / (1 - 0.9**self.t)


class KeepsTheGradient(Optimizer):
    """Steps along the mean of this gradient and the last."""

    def step(self, w: Array, g: Array, lr: float) -> None:
        w -= lr * (g + self.state.get("last", g)) / 2
        self.state["last"] = g


class KeepsTheWeights(Optimizer):
    w: Any = None

    def step(self, w: Array, g: Array, lr: float) -> None:
        self.w = w if self.w is None else self.w
        self.w -= lr * g


class UnsavableState(Optimizer):
    def step(self, w: Array, g: Array, lr: float) -> None:
        self.state["past"] = [*self.state.get("past", []), g.copy()][-3:]
        w -= lr * np.mean(self.state["past"], axis=0)


class StartsMoving(Optimizer):
    def step(self, w: Array, g: Array, lr: float) -> None:
        self.state["v"] = 0.9 * self.state.get("v", np.ones_like(w)) + g
        w -= lr * self.state["v"]


class DecayGrows(Optimizer):
    weight_decay = 0.1

    def step(self, w: Array, g: Array, lr: float) -> None:
        w -= lr * (g - np.float32(self.weight_decay) * w)


class DecayWithoutRate(DecayGrows):
    def step(self, w: Array, g: Array, lr: float) -> None:
        w -= lr * g + np.float32(self.weight_decay) * w


class DecayThoughOff(Optimizer):
    def __init__(self, weight_decay: float = 0.0) -> None:
        super().__init__()
        self.weight_decay = weight_decay

    def step(self, w: Array, g: Array, lr: float) -> None:
        w -= lr * (g + np.float32(0.01) * w)


class Uphill(Optimizer):
    def step(self, w: Array, g: Array, lr: float) -> None:
        w += lr * g


class LosesTheSign(Optimizer):
    def step(self, w: Array, g: Array, lr: float) -> None:
        w -= lr * np.abs(g)


class IgnoresTheRate(Optimizer):
    def step(self, w: Array, g: Array, lr: float) -> None:
        w -= np.float32(0.01) * g


class NoRoot(Optimizer):
    def step(self, w: Array, g: Array, lr: float) -> None:
        w -= lr * g / (self.ema("s", 0.9, g**2) + np.float32(1e-8))


class DeclaresSign(Optimizer):
    def step(self, w: Array, g: Array, lr: float) -> None:
        w -= lr * g

    first_step = staticmethod(np.sign)


class NeverFades(Optimizer):
    def step(self, w: Array, g: Array, lr: float) -> None:
        w -= lr * self.total("v", 1, g)


class ShrinksToNothing(Optimizer):
    def step(self, w: Array, g: Array, lr: float) -> None:
        w -= lr * g * np.float32(0.01 ** self.total("t", 1, 1))


class Adam(Optimizer):
    b1, b2 = 0.9, 0.999

    def corrections(self, t: int) -> tuple[float, float]:
        return 1 - self.b1**t, 1 - self.b2**t

    def step(self, w: Array, g: Array, lr: float) -> None:
        one, two = self.corrections(self.total("t", 1, 1))
        m, v = self.ema("m", self.b1, g), self.ema("v", self.b2, g**2)
        w -= lr * m / one / (np.sqrt(v / two) + 1e-8)


class Stuck(Adam):
    def corrections(self, t: int) -> tuple[float, float]:
        return super().corrections(1)


class Uncorrected(Adam):
    def corrections(self, t: int) -> tuple[float, float]:
        return 1, 1


class HalfCorrected(Adam):
    def corrections(self, t: int) -> tuple[float, float]:
        return super().corrections(t)[0], 1


class OneAhead(Adam):
    def corrections(self, t: int) -> tuple[float, float]:
        return super().corrections(t + 1)


class Odd(Adam):
    """A mistake that no table has: the decay rates change with t."""

    def corrections(self, t: int) -> tuple[float, float]:
        return 1 - self.b1**t, 1 - self.b2 ** (3 * t)


class CoupledDecay(Adam):
    weight_decay = 0.5

    def step(self, w: Array, g: Array, lr: float) -> None:
        super().step(w, g + np.float32(self.weight_decay) * w, lr)


class ForgetsDecay(Adam):
    weight_decay = 0.5


class Momentum(Optimizer):
    mu = 0.9

    def step(self, w: Array, g: Array, lr: float) -> None:
        w -= lr * self.total("v", self.mu, g)


class SwappedMomentum(Optimizer):
    mu = 0.9

    def step(self, w: Array, g: Array, lr: float) -> None:
        w -= lr * self.ema("v", 1 - self.mu, g)


class SummingRMSProp(Optimizer):
    rho, eps = 0.9, 1e-8

    def step(self, w: Array, g: Array, lr: float) -> None:
        w -= lr * g / (np.sqrt(self.total("s", 1, g**2)) + self.eps)


OPTIMIZERS: list[tuple[Callable[[], Any], str, str, str]] = [
    (WritesTheGradient, "", "step-in-place", "in-place operation on the gradient"),
    (ReturnsTheWeights, "", "step-in-place", "returns a new array"),
    (ChangesTheShape, "", "step-in-place", ""),
    (NoState, "", "state", ""),
    (NoEpsilon, "rmsprop", "finite", "ε is missing"),
    (SharedDefault, "momentum", "state", "mutable default argument"),
    (CountsOutside, "", "state", "self.t"),
    (KeepsTheGradient, "", "state", "gradient array that is kept"),
    (KeepsTheWeights, "sgd", "state", "the array w of an earlier step"),
    (UnsavableState, "", "state", ""),
    (StartsMoving, "momentum", "zero-gradient-still", "does not start at 0"),
    (DecayGrows, "sgd", "zero-gradient-still", "wrong sign"),
    (DecayWithoutRate, "sgd", "zero-gradient-still", "not multiplied by lr"),
    (DecayThoughOff, "", "zero-gradient-still", "although weight decay is 0"),
    (Uphill, "sgd", "first-step", "a wrong sign"),
    (LosesTheSign, "", "first-step", "a wrong sign"),
    (IgnoresTheRate, "sgd", "first-step", "ignores the lr"),
    (NoRoot, "rmsprop", "first-step", "square root"),
    (DeclaresSign, "", "first-step", ""),
    (NeverFades, "momentum", "converges", "never decays"),
    (ShrinksToNothing, "", "converges", "shrink to nothing"),
    (Stuck, "adam", "definition", "t is stuck at 1"),
    (Uncorrected, "adam", "definition", "bias correction is missing"),
    (HalfCorrected, "adam", "definition", "only m is corrected"),
    (OneAhead, "adam", "definition", "one ahead"),
    (Odd, "adam", "definition", ""),
    (CoupledDecay, "adamw", "definition", "L2 regularization"),
    (ForgetsDecay, "adamw", "definition", "never decay"),
    (Momentum, "nesterov", "definition", "it computes momentum"),
    (SwappedMomentum, "momentum", "definition", "swapped"),
    (SummingRMSProp, "rmsprop", "definition", "it computes adagrad"),
]


def he(i: int, o: int) -> float:
    return 2 / i


Drawing = tuple[str, Callable[..., Any], Any, str, str]

INITIALIZERS: list[Drawing] = [
    ("", lambda rng, s, i, o: rng.standard_normal(i * o), None, "shape", ""),
    ("", lambda rng, s, i, o: rng.normal(0, 1, s) + (np.nan if i > 100 else 0), None, "finite", ""),
    ("he", lambda rng, s, i, o: np.random.randn(*s) * np.sqrt(2 / i), he, "seeded", "global generator"),
    ("he", lambda rng, s, i, o: np.random.RandomState(0).randn(*s) * np.sqrt(2 / i), he, "seeded", "a fixed seed"),
    ("", lambda rng, s, i, o: np.random.default_rng(3).uniform(-1, 1, s), None, "seeded", "a fixed seed"),
    ("", lambda rng, s, i, o: np.random.default_rng().uniform(-1, 1, s), None, "seeded", "without a seed"),
    ("", lambda rng, s, i, o: (np.random.seed(0), np.random.randn(*s))[1], None, "seeded", "np.random.seed"),
    ("", lambda rng, s, i, o: np.full(s, 0.01), None, "symmetry", "equal units get equal gradients"),
    ("", lambda rng, s, i, o: np.zeros(s), None, "symmetry", "equal units get equal gradients"),
    ("", lambda rng, s, i, o: rng.random(s) * np.sqrt(6 / i), he, "variance", "not centered"),
    ("", lambda rng, s, i, o: rng.normal(0, np.sqrt(2 / o), s), he, "variance", "swapped"),
    ("", lambda rng, s, i, o: rng.uniform(-1, 1, s) * np.sqrt(2 / i), he, "variance", "√(3v)"),
    ("", lambda rng, s, i, o: rng.normal(0, 2 / i, s), he, "variance", "square root is missing"),
    ("", lambda rng, s, i, o: rng.standard_normal(s), he, "variance", "not scaled"),
    ("he", lambda rng, s, i, o: rng.normal(0, np.sqrt(1 / i), s), None, "definition", "half as large"),
    ("xavier", lambda rng, s, i, o: rng.normal(0, 0.3, s), None, "definition", ""),
    (
        "xavier_uniform",
        lambda rng, s, i, o: rng.normal(0, np.sqrt(2 / (i + o)), s),
        None,
        "definition",
        "a normal distribution",
    ),
    ("orthogonal", lambda rng, s, i, o: rng.normal(0, np.sqrt(1 / max(s)), s), None, "definition", ""),
]

COUNT = iter(range(10**9))

SCHEDULES: list[tuple[str, Callable[..., Any], str]] = [
    ("", lambda t: 1 - 2 * t, "bounds"),
    ("", lambda t: 1 + t, "bounds"),
    ("", lambda t: 1 / (1 - t) - 1 / (1 - t), "bounds"),
    ("", lambda t: None, "bounds"),
    ("", lambda t: np.array([t]), "bounds"),
    ("", lambda t: float("nan"), "bounds"),
    ("", lambda t: 1 / (1 + next(COUNT)), "pure"),
    ("", lambda t: 0.5 if t < 0.5 else 0.6, "jump"),
    ("", lambda t: (1 + cos(pi * (3 * t % 1))) / 2, "jump"),
    ("linear", lambda t: 1 - t**2, "definition"),
    ("cosine", lambda t: 1 - t, "definition"),
    ("constant", lambda t: 1 - t, "definition"),
    ("step", lambda t, *, drop=0.5, every=0.5: drop ** (t / every), "definition"),
]


def cut(x: Array, y: Array, order: Any, size: int) -> Iterator[Any]:
    for start in range(0, len(order), size):
        yield x[order[start : start + size]], y[order[start : start + size]]


def apart(x: Array, y: Array, size: int, rng: Any) -> Iterator[Any]:
    order = rng.permutation(len(x))
    return cut(x[order], y, np.arange(len(x)), size)


def shuffles_y(x: Array, y: Array, size: int, rng: Any) -> Iterator[Any]:
    rng.shuffle(y)
    return cut(x, y, np.arange(len(x)), size)


def images_alone(x: Array, y: Array, size: int, rng: Any) -> Iterator[Any]:
    return (a for a, _ in cut(x, y, np.arange(len(x)), size))


def flattens(x: Array, y: Array, size: int, rng: Any) -> Iterator[Any]:
    return ((a.reshape(-1), b) for a, b in cut(x, y, np.arange(len(x)), size))


def noisy(x: Array, y: Array, size: int, rng: Any) -> Iterator[Any]:
    return ((a + 0.1 * np.random.standard_normal(a.shape), b) for a, b in cut(x, y, rng.permutation(len(x)), size))


def noisy_apart(x: Array, y: Array, size: int, rng: Any) -> Iterator[Any]:
    return apart(x + 0.01 * rng.standard_normal(x.shape), y, size, rng)


def noisy_short(x: Array, y: Array, size: int, rng: Any) -> Iterator[Any]:
    return short_range(x + 0.01 * rng.standard_normal(x.shape), y, size, rng)


def empty_end(x: Array, y: Array, size: int, rng: Any) -> Iterator[Any]:
    yield from cut(x, y, rng.permutation(len(x)), size)
    yield x[:0], y[:0]


def one_by_one(x: Array, y: Array, size: int, rng: Any) -> Iterator[Any]:
    return cut(x, y, rng.permutation(len(x)), 1)


def short_range(x: Array, y: Array, size: int, rng: Any) -> Iterator[Any]:
    order = rng.permutation(len(x))
    return ((x[order[i : i + size]], y[order[i : i + size]]) for i in range(0, len(x) - size, size))


def endless(x: Array, y: Array, size: int, rng: Any) -> Iterator[Any]:
    while True:
        yield from cut(x, y, rng.permutation(len(x)), size)


def padded(x: Array, y: Array, size: int, rng: Any) -> Iterator[Any]:
    order = rng.permutation(len(x))
    return cut(x, y, np.resize(order, -(-len(x) // size) * size), size)


def scales_x(x: Array, y: Array, size: int, rng: Any) -> Iterator[Any]:
    x += np.float32(0.5)
    return cut(x, y, rng.permutation(len(x)), size)


def global_order(x: Array, y: Array, size: int, rng: Any) -> Iterator[Any]:
    return cut(x, y, np.random.permutation(len(x)), size)


def own_order(x: Array, y: Array, size: int, rng: Any) -> Iterator[Any]:
    return cut(x, y, np.random.default_rng(7).permutation(len(x)), size)


BATCHES: list[tuple[Callable[..., Any], str, str]] = [
    (empty_end, "batch-size", ""),
    (one_by_one, "batch-size", ""),
    (apart, "paired", "two different permutations"),
    (shuffles_y, "paired", ""),
    (images_alone, "paired", ""),
    (flattens, "paired", ""),
    (noisy_apart, "paired", ""),
    (noisy_short, "once-per-epoch", ""),
    (noisy, "seeded", "global generator"),
    (short_range, "once-per-epoch", "ends too early"),
    (endless, "once-per-epoch", ""),
    (padded, "last-batch", "filled up"),
    (scales_x, "input-untouched", ""),
    (global_order, "seeded", "global generator"),
    (own_order, "seeded", "a fixed seed"),
]


def hits(p: Array, y: Array) -> Array:
    return np.asarray(p.argmax(axis=1) == y)


def nll(p: Array, y: Array) -> Array:
    return np.asarray(-np.log(p[np.arange(len(y)), y]))


METRICS: list[tuple[str, Callable[..., Any], str, str]] = [
    ("", lambda p, y: None, "finite", ""),
    ("", lambda p, y: float("nan"), "finite", ""),
    ("", lambda p, y: p.mean(axis=0), "finite", ""),
    ("", lambda p, y: (y.sort(), float(hits(p, y).mean()))[1], "input-untouched", "sort"),
    ("", lambda p, y: float(np.random.random()), "pure", ""),
    ("", lambda p, y: float(hits(p, np.sort(y)).mean()), "permutation", ""),
    ("accuracy", lambda p, y: 100 * float(hits(p, y).mean()), "metric-known", "percentage"),
    ("accuracy", lambda p, y: int(hits(p, y).sum()), "metric-known", ""),
    ("error", lambda p, y: float(hits(p, y).mean()), "metric-known", "share of wrong predictions"),
    ("cross_entropy", lambda p, y: -float(nll(p, y).mean()), "metric-known", ""),
    ("cross_entropy", lambda p, y: float(nll(p, y).sum()), "definition", "a sum over the samples"),
    ("cross_entropy", lambda p, y: float(nll(p, y).mean() / np.log(2)), "definition", ""),
    ("brier", lambda p, y: float(((p - np.eye(4)[y]) ** 2).sum(axis=1).max()), "definition", ""),
]


def declaring(thing: Callable[..., Any], variance: Any) -> Callable[..., Any]:
    """The function with its declared variance."""
    thing.variance = variance  # type: ignore[attr-defined]  # a function's attributes are not in its type
    return thing


CASES = [
    *((OptimizerCase("mine", make, name=name), code, cause) for make, name, code, cause in OPTIMIZERS),
    *((InitializerCase("mine", declaring(f, v), name=name), code, cause) for name, f, v, code, cause in INITIALIZERS),
    *((ScheduleCase("mine", f, name=name), code, "") for name, f, code in SCHEDULES),
    *((BatchesCase("mine", f), code, cause) for f, code, cause in BATCHES),
    *((MetricCase("mine", f, name=name), code, cause) for name, f, code, cause in METRICS),
]


@pytest.mark.parametrize(("case", "code", "cause"), CASES, ids=[f"{c.kind} {c.name} {code}" for c, code, _ in CASES])
def test_wrong_code_fails_one_law(case: Any, code: str, cause: str) -> None:
    """Its own law, for three seeds, with the cause in the message."""
    for seed in range(3):
        case.seed = seed
        found = conformance(case).violations
        assert [violation.law for violation in found] == [code], [violation.message for violation in found]
        assert cause in found[0].cause


def test_an_invalid_variance_is_refused() -> None:
    """A variance must be a finite number, at least 0."""
    thing = declaring(lambda rng, shape, fan_in, fan_out: rng.standard_normal(shape), lambda fan_in, fan_out: -1.0)
    with pytest.raises(BadInput, match=r"variance\(300, 40\) = -1.0, expected a finite number"):
        conformance(InitializerCase("mine", thing))
