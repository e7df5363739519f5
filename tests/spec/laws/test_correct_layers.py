"""Correct layers and losses, common and uncommon: no law fails, for any seed."""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nnlaw.spec import LayerCase, LossCase, Report, conformance

Array = NDArray[Any]
SEEDS = range(4)


def sigmoid(x: Array) -> Array:
    """1/(1 + e⁻ˣ)."""
    return 0.5 * (1 + np.tanh(0.5 * x))


class Elementwise:
    """y = f(x), dx = dy·f′(x)."""

    def __init__(self, f: Callable[[Array], Array], slope: Callable[[Array], Array], **declared: Any) -> None:
        self.f, self.slope = f, slope
        vars(self).update(declared)

    def forward(self, x: Array) -> Array:
        self.x = x
        return self.f(x).astype(x.dtype)

    def backward(self, dy: Array) -> Array:
        return (dy * self.slope(self.x)).astype(dy.dtype)


class Base:
    """Parameters from a generator, in float32, with declared attributes."""

    training = True
    shapes: tuple[tuple[str, tuple[int, ...]], ...] = ()

    def __init__(self, seed: int = 0, **declared: Any) -> None:
        self.rng = np.random.default_rng(seed)
        self.params = {k: self.rng.standard_normal(s).astype(np.float32) for k, s in self.shapes}
        self.grads = {k: np.zeros_like(a) for k, a in self.params.items()}
        self.state: dict[str, Array] = {}
        vars(self).update(declared)


class PReLU(Base):
    """y = x or a·x, with one trained slope per feature."""

    shapes = (("a", (4,)),)

    def forward(self, x: Array) -> Array:
        self.x = x
        return np.where(x > 0, x, self.params["a"] * x)

    def backward(self, dy: Array) -> Array:
        self.grads["a"] = np.where(self.x > 0, 0, dy * self.x).sum(axis=0)
        return dy * np.where(self.x > 0, 1, self.params["a"])


class Gated(Base):
    """GLU: y = a σ(b), with the halves a, b of x."""

    def forward(self, x: Array) -> Array:
        self.a, b = np.split(x, 2, axis=1)
        self.s = sigmoid(b)
        return self.a * self.s

    def backward(self, dy: Array) -> Array:
        return np.concatenate([dy * self.s, dy * self.a * self.s * (1 - self.s)], axis=1)


class Highway(Base):
    """y = t·tanh(xW) + (1 − t)·x,  t = σ(xV + b)."""

    shapes = (
        ("W", (4, 4)),
        ("V", (4, 4)),
        ("b", (4,)),
    )

    def forward(self, x: Array) -> Array:
        self.x, p = x, self.params
        self.h, self.t = np.tanh(x @ p["W"]), sigmoid(x @ p["V"] + p["b"])
        return self.t * self.h + (1 - self.t) * x

    def backward(self, dy: Array) -> Array:
        dh = dy * self.t * (1 - self.h**2)
        dt = dy * (self.h - self.x) * self.t * (1 - self.t)
        self.grads.update(W=self.x.T @ dh, V=self.x.T @ dt, b=dt.sum(axis=0))
        return dh @ self.params["W"].T + dt @ self.params["V"].T + dy * (1 - self.t)


class Residual(Base):
    """y = x + relu(xW) V, V zero at the start."""

    shapes = (
        ("W", (4, 5)),
        ("V", (5, 4)),
    )

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.params["V"][...] = 0

    def forward(self, x: Array) -> Array:
        self.x, self.h = x, np.maximum(x @ self.params["W"], 0)
        return x + self.h @ self.params["V"]

    def backward(self, dy: Array) -> Array:
        dh = dy @ self.params["V"].T * (self.h > 0)
        self.grads["V"], self.grads["W"] = self.h.T @ dy, self.x.T @ dh
        return dy + dh @ self.params["W"].T


class Recurrent(Base):
    """hₜ = tanh(xₜ W + hₜ₋₁ U) over (N, T, D), all states out."""

    shapes = (
        ("W", (3, 4)),
        ("U", (4, 4)),
    )

    def forward(self, x: Array) -> Array:
        self.x, h, states = x, np.zeros((len(x), 4), x.dtype), []
        for t in range(x.shape[1]):
            h = np.tanh(x[:, t] @ self.params["W"] + h @ self.params["U"])
            states.append(h)
        self.h = np.stack(states, axis=1)
        return self.h

    def backward(self, dy: Array) -> Array:
        dx, carry = np.zeros_like(self.x), np.zeros_like(dy[:, 0])
        d_w, d_u = np.zeros_like(self.params["W"]), np.zeros_like(self.params["U"])
        for t in reversed(range(dy.shape[1])):
            d = (dy[:, t] + carry) * (1 - self.h[:, t] ** 2)
            d_w += self.x[:, t].T @ d
            if t:
                d_u += self.h[:, t - 1].T @ d
            dx[:, t], carry = d @ self.params["W"].T, d @ self.params["U"].T
        self.grads.update(W=d_w, U=d_u)
        return dx


class Tied(Base):
    """An autoencoder with one matrix: y = tanh(xW) Wᵀ."""

    shapes = (("W", (4, 3)),)

    def forward(self, x: Array) -> Array:
        self.x, self.h = x, np.tanh(x @ self.params["W"])
        return self.h @ self.params["W"].T

    def backward(self, dy: Array) -> Array:
        d = dy @ self.params["W"] * (1 - self.h**2)
        self.grads["W"] = self.x.T @ d + dy.T @ self.h
        return d @ self.params["W"].T


class WeightNorm(Base):
    """y = x (g·V/‖V‖), the norm over each column."""

    shapes = (
        ("V", (4, 3)),
        ("g", (3,)),
    )

    def forward(self, x: Array) -> Array:
        self.x, v = x, self.params["V"]
        self.norm = np.sqrt((v * v).sum(axis=0))
        self.unit = v / self.norm
        return x @ (self.unit * self.params["g"])

    def backward(self, dy: Array) -> Array:
        d_w = self.x.T @ dy
        along = (d_w * self.unit).sum(axis=0)
        self.grads.update(g=along, V=self.params["g"] / self.norm * (d_w - self.unit * along))
        return dy @ (self.unit * self.params["g"]).T


class Norm(Base):
    """Over axis 0 in training with running statistics (batchnorm), or over axis 1 (layernorm, rmsnorm)."""

    def __init__(
        self, seed: int = 0, *, axis: int = 1, centered: bool = True, gain: float = 1.0, **declared: Any
    ) -> None:
        super().__init__(seed, **declared)
        self.params = {"gamma": np.full(4, gain, np.float32), "beta": np.zeros(4, np.float32)}
        if not centered:
            del self.params["beta"]
        self.axis, self.centered, self.eps = axis, centered, 1e-5
        self.couples_samples = axis == 0
        if axis == 0:
            self.state = {"mean": np.zeros((1, 4), np.float32), "var": np.ones((1, 4), np.float32)}

    def forward(self, x: Array) -> Array:
        self.live = self.axis == 1 or self.training
        if self.live:
            mean = x.mean(axis=self.axis, keepdims=True) if self.centered else x.dtype.type(0)
            var = ((x - mean) ** 2).mean(axis=self.axis, keepdims=True)
            if self.axis == 0:  # the unbiased variance is kept, as others do
                n = len(x) / (len(x) - 1)
                self.state["mean"] = (0.9 * self.state["mean"] + 0.1 * mean).astype(np.float32)
                self.state["var"] = (0.9 * self.state["var"] + 0.1 * n * var).astype(np.float32)
        else:
            mean, var = self.state["mean"].astype(x.dtype), self.state["var"].astype(x.dtype)
        self.rms = np.sqrt(var + x.dtype.type(self.eps))
        self.z = (x - mean) / self.rms
        return self.params["gamma"] * self.z + self.params.get("beta", x.dtype.type(0))

    def backward(self, dy: Array) -> Array:
        self.grads["gamma"] = (dy * self.z).sum(axis=0)
        if self.centered:
            self.grads["beta"] = dy.sum(axis=0)
        d = dy * self.params["gamma"]
        if self.live:
            d = (
                d
                - self.z * (d * self.z).mean(axis=self.axis, keepdims=True)
                - (d.mean(axis=self.axis, keepdims=True) if self.centered else 0)
            )
        return d / self.rms


class Convolution(Base):
    """y[n, i] = Σₖ x[n, i + k] w[k] over (N, L), valid, through strided windows."""

    shapes = (("w", (3,)),)

    def forward(self, x: Array) -> Array:
        self.windows = np.lib.stride_tricks.sliding_window_view(x, 3, axis=1)
        return self.windows @ self.params["w"]

    def backward(self, dy: Array) -> Array:
        self.grads["w"] = np.einsum("nlk,nl->k", self.windows, dy)
        dx = np.zeros((len(dy), dy.shape[1] + 2), dy.dtype)
        for k in range(3):
            dx[:, k : k + dy.shape[1]] += dy * self.params["w"][k]
        return dx


class MaxPool(Base):
    """The largest of each two neighbors."""

    def forward(self, x: Array) -> Array:
        pairs = x.reshape(len(x), -1, 2)
        self.at = pairs.argmax(axis=2)[..., None]
        return np.take_along_axis(pairs, self.at, axis=2)[..., 0]

    def backward(self, dy: Array) -> Array:
        dx = np.zeros((*dy.shape, 2), dy.dtype)
        np.put_along_axis(dx, self.at, dy[..., None], axis=2)
        return dx.reshape(len(dy), -1)


class LogSoftmax(Base):
    """z − log Σ exp z."""

    def forward(self, x: Array) -> Array:
        z = x - x.max(axis=1, keepdims=True)
        y = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        self.p = np.exp(y)
        return y

    def backward(self, dy: Array) -> Array:
        return dy - self.p * dy.sum(axis=1, keepdims=True)


class Noise(Base):
    """y = x + noise, in training."""

    def forward(self, x: Array) -> Array:
        return x + 0.1 * self.rng.standard_normal(x.shape).astype(x.dtype) if self.training else x

    def backward(self, dy: Array) -> Array:
        return dy


class RandomLeak(Base):
    """Randomized leaky ReLU: a slope drawn for each entry in training, the mean slope in eval."""

    def forward(self, x: Array) -> Array:
        slope = self.rng.uniform(0.1, 0.3, x.shape) if self.training else np.full(x.shape, 0.2)
        self.factor = np.where(x > 0, 1, slope).astype(x.dtype)
        return x * self.factor

    def backward(self, dy: Array) -> Array:
        return dy * self.factor


class Masked(Base):
    """Dropout with a mask of the given axes, 1 elsewhere: of each entry, each channel, each sample, or the batch."""

    def __init__(
        self,
        seed: int = 0,
        *,
        axes: tuple[int, ...] = (0, 1),
        keep: float = 0.7,
        live: float = 0,
        silent: float = 1,
        **declared: Any,
    ) -> None:
        super().__init__(seed, **declared)
        self.axes, self.keep, self.live, self.silent = axes, keep, live or 1 / keep, silent

    def forward(self, x: Array) -> Array:
        shape = [n if i in self.axes else 1 for i, n in enumerate(x.shape)]
        mask = (self.rng.random(shape) < self.keep) * self.live if self.training else np.full(shape, self.silent)
        self.mask = mask.astype(x.dtype)
        return x * self.mask

    def backward(self, dy: Array) -> Array:
        return dy * self.mask


class StochasticDepth(Masked):
    """y = x + m·x²/keep, m drawn for each sample."""

    def forward(self, x: Array) -> Array:
        self.x = x
        return x + super().forward(x * x)

    def backward(self, dy: Array) -> Array:
        return dy + 2 * self.x * super().backward(dy)


class Positions(Base):
    """A constant is added that is neither trained nor saved: it is computed."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.table = np.sin(np.arange(4)).astype(np.float32)

    def forward(self, x: Array) -> Array:
        return x + self.table

    def backward(self, dy: Array) -> Array:
        return dy


class Embedding(Base):
    """Numbers become weighted rows of a table: y = Σⱼ xⱼ E[j], with a padding row that is never used."""

    shapes = (("E", (5, 3)),)

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.params["E"][:4]

    def backward(self, dy: Array) -> Array:
        self.grads["E"] = np.concatenate([self.x.T @ dy, np.zeros((1, 3), dy.dtype)])
        return dy @ self.params["E"][:4].T


class Slotted:
    """y = 2x, in a class with __slots__."""

    __slots__ = ("x",)

    def forward(self, x: Array) -> Array:
        self.x = x
        return 2 * x

    def backward(self, dy: Array) -> Array:
        return 2 * dy


class Narrow(Base):
    """tanh in float32, for input of any width."""

    def forward(self, x: Array) -> Array:
        self.y = np.tanh(x.astype(np.float32))
        return self.y

    def backward(self, dy: Array) -> Array:
        return dy.astype(np.float32) * (1 - self.y**2)


class GhostNorm(Base):
    """Centers each pair of rows by itself in training, as declared."""

    couples_samples = True

    def forward(self, x: Array) -> Array:
        self.live = self.training
        return x - self.mean(x) if self.live else x

    def backward(self, dy: Array) -> Array:
        return dy - self.mean(dy) if self.live else dy

    def mean(self, x: Array) -> Array:
        return np.concatenate([np.broadcast_to(p.mean(axis=0), p.shape) for p in (x[:2], x[2:])])


_erf = np.vectorize(math.erf)


def gelu(x: Array) -> Array:
    """The cumulative Gaussian."""
    return 0.5 * (1 + _erf(x / np.sqrt(2)))


FLAT, SEQUENCE = (4,), (3, 3)
LAYERS: dict[str, tuple[Callable[[int], Any], tuple[int, ...], str]] = {
    "swish": (
        lambda s: Elementwise(lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * (1 - sigmoid(x)))),
        FLAT,
        "N ... -> N ...",
    ),
    "gelu": (
        lambda s: Elementwise(lambda x: x * gelu(x), lambda x: gelu(x) + x * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)),
        FLAT,
        "N ... -> N ...",
    ),
    "softplus": (
        lambda s: Elementwise(lambda x: np.logaddexp(0, x), sigmoid, monotone=True, range=(0, np.inf)),
        FLAT,
        "N ... -> N ...",
    ),
    "softsign": (
        lambda s: Elementwise(
            lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2, odd=True, monotone=True, range=(-1, 1)
        ),
        FLAT,
        "N ... -> N ...",
    ),
    "hardtanh": (
        lambda s: Elementwise(lambda x: x.clip(-1, 1), lambda x: abs(x) < 1, odd=True),
        FLAT,
        "N ... -> N ...",
    ),
    "relu6": (lambda s: Elementwise(lambda x: x.clip(0, 6), lambda x: (x > 0) & (x < 6)), FLAT, "N ... -> N ..."),
    "saturated": (
        lambda s: Elementwise(lambda x: np.tanh(1e3 * x), lambda x: 1e3 * (1 - np.tanh(1e3 * x) ** 2)),
        FLAT,
        "N ... -> N ...",
    ),
    "shrink": (
        lambda s: Elementwise(lambda x: np.sign(x) * np.maximum(abs(x) - 0.5, 0), lambda x: abs(x) > 0.5),
        FLAT,
        "N ... -> N ...",
    ),
    "constant": (lambda s: Elementwise(lambda x: 0 * x + 1, lambda x: 0 * x), FLAT, "N ... -> N ..."),
    "logarithm": (
        lambda s: Elementwise(np.log, lambda x: 1 / x, domain=(1e-3, np.inf), monotone=True),
        FLAT,
        "N C -> N C",
    ),
    "exponential": (lambda s: Elementwise(np.exp, np.exp, domain=(-50, 50)), FLAT, "N C -> N C"),
    "prelu": (PReLU, FLAT, "N C -> N C"),
    "gated": (Gated, FLAT, "N C -> N 2"),
    "highway": (Highway, FLAT, "N C -> N C"),
    "residual": (Residual, FLAT, "N C -> N C"),
    "recurrent": (Recurrent, SEQUENCE, "N T 3 -> N T 4"),
    "tied": (Tied, FLAT, "N C -> N C"),
    "weight norm": (WeightNorm, FLAT, "N C -> N 3"),
    "batchnorm": (lambda s: Norm(s, axis=0), FLAT, "N C -> N C"),
    "layernorm": (Norm, FLAT, "N C -> N C"),
    "layer_norm": (lambda s: Norm(s, gain=0.0), FLAT, "N C -> N C"),
    "rmsnorm": (lambda s: Norm(s, centered=False), FLAT, "N C -> N C"),
    "convolution": (Convolution, (6,), "N L -> N M"),
    "max pool": (MaxPool, FLAT, "N C -> N D"),
    "log_softmax": (LogSoftmax, FLAT, "N C -> N C"),
    "noise": (Noise, FLAT, "N ... -> N ..."),
    "random leak": (RandomLeak, FLAT, "N ... -> N ..."),
    "dropout": (Masked, FLAT, "N ... -> N ..."),
    "classic dropout": (lambda s: Masked(s, live=1, silent=0.7), FLAT, "N ... -> N ..."),
    "spatial dropout": (lambda s: Masked(s, axes=(0, 2)), SEQUENCE, "N ... -> N ..."),
    "drop path": (lambda s: Masked(s, axes=(0,), keep=0.5), FLAT, "N ... -> N ..."),
    "drop layer": (lambda s: Masked(s, axes=(), keep=0.8), FLAT, "N ... -> N ..."),
    "cutout": (lambda s: Masked(s, live=1, keeps_mean=False), FLAT, "N ... -> N ..."),
    "stochastic depth": (lambda s: StochasticDepth(s, axes=(0,)), FLAT, "N ... -> N ..."),
    "positions": (Positions, FLAT, "N C -> N C"),
    "embedding": (Embedding, FLAT, "N C -> N 3"),
    "slots": (lambda s: Slotted(), FLAT, "N ... -> N ..."),
    "float32 alone": (Narrow, FLAT, "N C -> N C"),
    "ghost norm": (GhostNorm, FLAT, "N C -> N C"),
}


def not_passed(report: Report) -> list[tuple[str, str]]:
    """The laws that failed or are inconclusive."""
    return [(row.law, row.reason) for row in report.results if row.outcome in ("fail", "inconclusive")]


@pytest.mark.parametrize("name", LAYERS)
def test_a_correct_layer_passes(name: str) -> None:
    """Every law passes or is not applicable, for several seeds."""
    make, shape, contract = LAYERS[name]
    for seed in SEEDS:
        x = np.random.default_rng(100 + seed).standard_normal((5, *shape)).astype(np.float32)
        x = np.abs(x) + np.float32(0.01) if name == "logarithm" else x
        rebuild = functools.partial(lambda rng, like: LAYERS[name][0](like), like=seed)
        report = conformance(LayerCase("right", make(seed), x, contract, seed=seed, name=name, make=rebuild))
        assert report.outcome == "passed", not_passed(report)


class Loss:
    """L = mean of f(z, t) over the batch; `gradient` is the derivative f′."""

    def __init__(
        self, f: Callable[[Array, Array], Array], slope: Callable[[Array, Array], Array], **declared: Any
    ) -> None:
        self.f, self.slope = f, slope
        vars(self).update(declared)

    def forward(self, prediction: Array, target: Array) -> float:
        self.z, self.t = prediction, target
        return float(self.f(prediction, target).sum() / len(prediction))

    def backward(self) -> Array:
        return (self.slope(self.z, self.t) / len(self.z)).astype(self.z.dtype)


def log_softmax(z: Array) -> Array:
    """Over each row."""
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def hot(z: Array, t: Array) -> Array:
    """One-hot rows."""
    return np.eye(z.shape[1])[t]


def smooth(z: Array, t: Array) -> Array:
    """One-hot rows, with a tenth spread over all classes."""
    return 0.9 * hot(z, t) + 0.1 / z.shape[1]


def focal(z: Array, t: Array) -> Array:
    """−(1 − p)² log p of the right class."""
    log_p = (log_softmax(z) * hot(z, t)).sum(axis=1)
    return -((1 - np.exp(log_p)) ** 2) * log_p


def focal_slope(z: Array, t: Array) -> Array:
    """Its slope."""
    log_p = (log_softmax(z) * hot(z, t)).sum(axis=1, keepdims=True)
    p = np.exp(log_p)
    return (2 * (1 - p) * p * log_p - (1 - p) ** 2) * (hot(z, t) - np.exp(log_softmax(z)))


def gaps(z: Array, t: Array) -> Array:
    """Weston and Watkins' hinges."""
    g = np.maximum(0, 1 + z - (z * hot(z, t)).sum(axis=1, keepdims=True))
    return np.asarray(g * (1 - hot(z, t)))


def gap_slope(z: Array, t: Array) -> Array:
    """1 for each class within the margin, minus their number for the right one."""
    active = (gaps(z, t) > 0) * 1.0
    return active - hot(z, t) * active.sum(axis=1, keepdims=True)


def cosine(z: Array, t: Array) -> Array:
    """Minus the cosine of the angle, −1 at best."""
    return -(z * t).sum(axis=1) / (np.linalg.norm(z, axis=1) * np.linalg.norm(t, axis=1))


def cosine_slope(z: Array, t: Array) -> Array:
    """Its slope."""
    n, m = np.linalg.norm(z, axis=1, keepdims=True), np.linalg.norm(t, axis=1, keepdims=True)
    return -t / (n * m) - cosine(z, t)[:, None] * z / n**2


LOSSES: dict[str, tuple[Callable[[], Loss], str]] = {
    "softmax_cross_entropy": (
        lambda: Loss(lambda z, t: -log_softmax(z) * hot(z, t), lambda z, t: np.exp(log_softmax(z)) - hot(z, t)),
        "labels",
    ),
    "label smoothing": (
        lambda: Loss(
            lambda z, t: -log_softmax(z) * smooth(z, t),
            lambda z, t: np.exp(log_softmax(z)) - smooth(z, t),
            shift_invariant=True,
        ),
        "labels",
    ),
    "soft": (
        lambda: Loss(
            lambda z, t: -log_softmax(z) * (t if t.ndim == 2 else hot(z, t)),
            lambda z, t: np.exp(log_softmax(z)) - (t if t.ndim == 2 else hot(z, t)),
            soft_labels=True,
            minimum=0.0,
        ),
        "labels",
    ),
    "focal": (lambda: Loss(focal, focal_slope, shift_invariant=True), "labels"),
    "hinge": (lambda: Loss(gaps, gap_slope), "labels"),
    "huber": (
        lambda: Loss(
            lambda z, t: np.where(abs(z - t) < 1, (z - t) ** 2 / 2, abs(z - t) - 0.5),
            lambda z, t: (z - t).clip(-1, 1),
            targets="real",
        ),
        "real",
    ),
    "mae": (
        lambda: Loss(lambda z, t: abs(z - t) / z.shape[1], lambda z, t: np.sign(z - t) / z.shape[1], targets="real"),
        "real",
    ),
    "poisson": (
        lambda: Loss(lambda z, t: np.exp(z) - t * z, lambda z, t: np.exp(z) - t, targets="real", domain=(-20, 20)),
        "counts",
    ),
    "cosine": (lambda: Loss(cosine, cosine_slope, targets="real", minimum=-1), "real"),
    "log-cosh": (
        lambda: Loss(lambda z, t: np.logaddexp(z - t, t - z) - np.log(2), lambda z, t: np.tanh(z - t), targets="real"),
        "real",
    ),
    "squared hinge": (
        lambda: Loss(
            lambda z, t: np.maximum(0, 1 - (2 * t - 1) * z) ** 2,
            lambda z, t: -2 * (2 * t - 1) * np.maximum(0, 1 - (2 * t - 1) * z),
            targets="binary",
        ),
        "binary",
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_correct_loss_passes(name: str) -> None:
    """Every law passes or is not applicable, for several seeds, also with N = C."""
    make, kind = LOSSES[name]
    for seed in SEEDS:
        rng = np.random.default_rng(200 + seed)
        z = rng.standard_normal((5 - seed % 2, 4)).astype(np.float32)
        target: Array = {
            "labels": rng.integers(0, 4, len(z)),
            "real": rng.standard_normal(z.shape),
            "counts": rng.integers(1, 4, z.shape).astype(float),
            "binary": rng.integers(0, 2, z.shape),
        }[kind]
        report = conformance(LossCase("right", make(), z, target, seed=seed, name=name))
        assert report.outcome == "passed", not_passed(report)


def outcomes(layer: Any, x: Array, name: str) -> dict[str, str]:
    """The outcome of each law for one layer."""
    report = conformance(LayerCase("right", layer, x, "N ... -> N ...", name=name))
    return {row.law: row.outcome for row in report.results}


class SmallBatches(Masked):
    """Dropout for batches of up to eight."""

    def forward(self, x: Array) -> Array:
        if len(x) > 8:
            raise ValueError("at most 8")
        return super().forward(x)


def test_laws_without_anything_to_check_are_not_applicable() -> None:
    """Dropout that refuses large batches or keeps everything, and a normalization of one number."""
    x = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)
    assert outcomes(SmallBatches(), x, "mine")["dropout-mean"] == "n.a."
    assert outcomes(Masked(keep=1.0), x, "dropout")["dropout-mean"] == "n.a."
    assert outcomes(Noise(), x, "mine")["dropout-mean"] == "n.a."
    one = Elementwise(lambda x: 0 * x, lambda x: 0 * x)
    assert outcomes(one, x[:, :1], "layernorm")["normalized"] == "n.a."
