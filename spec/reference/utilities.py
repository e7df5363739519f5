"""Reference utilities: one-hot labels, clipped and numerical gradients, returns, positional encodings, scaled features.

    UTILITIES["one_hot"].variants[0](labels=np.array([1, 0]), classes=2)     array([[0., 1.], [1., 0.]])

A variant takes the inputs of an example that the author's function takes as well, by name, and returns one output or a
list of them. The example of a positional encoding is its size, and that of a scaler its two data sets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import Cause

Variant = Callable[..., Any]
Arrays = list[Array]


@dataclass(frozen=True)
class Utility:
    """One standard name: the source of its definition, the accepted variants, and the inputs that are tried.

    Values agree within the relative error `tolerance`.
    """

    source: str
    variants: Sequence[Variant]
    examples: Sequence[Mapping[str, Any]]
    mistakes: Mapping[Cause, Variant] = field(default_factory=dict)
    outputs: Sequence[str] = ("the result",)
    tolerance: float = 1e-4



def _transposed(variant: Variant) -> Variant:
    return lambda **inputs: np.transpose(variant(**inputs))


# ------------------------------------------------------------------------------------------------- one-hot labels

LABELS = (np.array([2, 0, 1, 3, 1, 2, 0]), np.array([1, 4, 0, 4, 2, 3]), np.array([0, 2, 1, 2, 0]))


def _one_hot(labels: Array, classes: int | None = None) -> Array:
    return np.eye(int(labels.max()) + 1 if classes is None else classes)[labels]


def _of_unique_labels(labels: Array, classes: int | None = None) -> Array:
    return _one_hot(np.unique(labels, return_inverse=True)[1].ravel(), classes)


def _without_last(labels: Array, classes: int | None = None) -> Array:
    return _one_hot(labels, classes) if classes is not None else _one_hot(labels)[:, :-1]


def _from_one(labels: Array, classes: int | None = None) -> Array:
    return np.roll(_one_hot(labels, classes), -1, axis=1)


# ---------------------------------------------------------------------------------------------- clipped gradients


def _norm(grads: Arrays) -> float:
    return float(np.sqrt(sum(np.sum(g**2) for g in grads)))


def _by_value(grads: Arrays, limit: float) -> Arrays:
    return [np.clip(g, -limit, limit) for g in grads]


def _by_global_norm(grads: Arrays, limit: float) -> Arrays:
    return [g * min(1.0, limit / _norm(grads)) for g in grads]


def _by_each_norm(grads: Arrays, limit: float) -> Arrays:
    return [g * min(1.0, limit / _norm([g])) for g in grads]


def _by_norm_of_rows(grads: Arrays, limit: float) -> Arrays:
    norms = [np.sqrt(np.sum(g**2, axis=-1, keepdims=True)) for g in grads]
    return [g * np.minimum(1.0, limit / norm) for g, norm in zip(grads, norms, strict=True)]


def _by_sum_of_norms(grads: Arrays, limit: float) -> Arrays:
    return [g * min(1.0, limit / sum(_norm([each]) for each in grads)) for g in grads]


def _always_scaled(grads: Arrays, limit: float) -> Arrays:
    return [g * limit / _norm(grads) for g in grads]


def _above_only(grads: Arrays, limit: float) -> Arrays:
    return [np.minimum(g, limit) for g in grads]


OF_NORMS: dict[Cause, Variant] = {
    Cause("sum-of-norms", "often a sum of norms; the norm of all is the root of the sum of squares"): _by_sum_of_norms,
    Cause("always-scaled", "often gradients that are scaled if they are shorter than the limit, too"): _always_scaled,
}
ABOVE_ONLY: dict[Cause, Variant] = {Cause("above-only", "often a limit for positive entries only"): _above_only}
GRADIENTS = ([[0.6, -2.4, 1.1], [3.5, 0.2, -0.9]], [0.5, -0.3, 0.4])
SCALES = (1.0, 0.1, -2.0, 0.4, 10.0, -40.0)
CLIPPED = [{"grads": [scale * np.array(g) for g in GRADIENTS], "limit": 1.5} for scale in SCALES]
"""Gradients with norms above and below the limit, also one of 5 or 10; of some, no entry is above it."""

# -------------------------------------------------------------------------------------------- numerical gradients
# of the sum of x³ + 2x or, with an incoming gradient, of its product with x³ + 2x


def smooth(x: Any) -> Any:
    """The entries whose sum numerical gradients are checked with."""
    return x**3 + 2 * x


def _derivative(factor: float) -> Variant:
    def gradient(x: Array, df: Array | None = None, h: float | None = None) -> Arrays:
        found = factor * (3 * x**2 + 2) * (1.0 if df is None else df)
        return [found, np.zeros_like(x)]

    return gradient


POINTS = [{"x": np.array(x), "df": np.array(df), "h": 1e-4} for x, df in (
    ([[0.7, -1.2, 1.9], [-0.4, 1.5, 0.9]], [[0.5, 1.3, -0.8], [1.7, -0.6, 0.9]]),
    ([[-1.1, 0.3, 0.8], [2.1, -1.6, 1.2]], [[1.2, -0.7, 0.4], [0.6, 1.1, -1.5]]),
)]  # fmt: skip

# -------------------------------------------------------------------------------------------- returns, advantages


def _nonterminal(rewards: Array, dones: Array | None, masks: Array | None) -> Array:
    return 1.0 - dones if dones is not None else masks if masks is not None else np.ones(len(rewards))


def _returns(is_end: Callable[[float], bool] = lambda reward: False, *, early: bool = False) -> Variant:
    """The discounted sum of the later rewards; a reward may be the end of an episode."""

    def returns(
        rewards: Array, gamma: float, dones: Array | None = None, masks: Array | None = None, last_value: float = 0.0
    ) -> Array:
        found, running = np.zeros(len(rewards)), last_value
        alive = _nonterminal(rewards, dones, masks)
        for t in reversed(range(len(rewards))):
            running = 0.0 if is_end(rewards[t]) else running
            running = (rewards[t] + gamma * running) * alive[t] if early else rewards[t] + gamma * running * alive[t]
            found[t] = running
        return found

    return returns


def _weighted(rewards: Array, gamma: float, **ends: Any) -> Array:
    return np.asarray(rewards * gamma ** np.arange(len(rewards)))


def _total(rewards: Array, gamma: float, **ends: Any) -> Array:
    return np.asarray(_weighted(rewards, gamma).sum())


def _forward_in_time(rewards: Array, gamma: float, **ends: Any) -> Array:
    return np.flip(_returns()(rewards[::-1], gamma))


def _undivided(rewards: Array, gamma: float, **ends: Any) -> Array:
    return np.cumsum(_weighted(rewards, gamma)[::-1])[::-1]


def _normalized(variant: Variant, ddof: int) -> Variant:
    def normalized(**inputs: Any) -> Array:
        found = variant(**inputs)
        return np.asarray((found - found.mean()) / found.std(ddof=ddof))

    return normalized


def _centered(variant: Variant) -> Variant:
    def centered(**inputs: Any) -> Array:
        found = variant(**inputs)
        return np.asarray(found - found.mean())

    return centered


def _by_largest(variant: Variant) -> Variant:
    def divided(**inputs: Any) -> Array:
        found = variant(**inputs)
        return np.asarray(found / found.max())

    return divided


def _all_normalized(variants: Sequence[Variant]) -> list[Variant]:
    rows = [[each, _normalized(each, 0), _normalized(each, 1), _centered(each), _by_largest(each)] for each in variants]
    return [variant for row in rows for variant in row]


def _advantages(*, plus_values: bool = False, masked: bool = True) -> Variant:
    """Σ (γλ)ᵏ δₜ₊ₖ within an episode, δ = r + γ V' − V; with `plus_values` the targets of V."""

    def advantages(
        rewards: Array, values: Array, gamma: float, lam: float, dones: Array | None = None,
        masks: Array | None = None, last_value: float = 0.0, next_values: Array | None = None,
    ) -> Array:  # fmt: skip
        found, running = np.zeros(len(rewards)), 0.0
        alive = _nonterminal(rewards, dones, masks)
        later = np.append(values[1:], last_value) if next_values is None else next_values
        for t in reversed(range(len(rewards))):
            delta = rewards[t] + gamma * later[t] * alive[t] - values[t]
            running = delta + gamma * lam * running * (alive[t] if masked else 1.0)
            found[t] = running
        return found + values if plus_values else found

    return advantages


BOUNDARIES: tuple[Callable[[float], bool], ...] = (lambda r: r != 0, lambda r: r < 0, lambda r: r > 0)
"""Rewards that end an episode, as in games that are played to a score."""
ENDS = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0])
EPISODES = [
    {"rewards": np.array(rewards), "dones": ENDS, "masks": 1 - ENDS, "gamma": gamma, "lam": 0.8, "last_value": last,
     "values": np.array([0.3, -0.2, 0.9, 0.4, 1.1, -0.6, 0.5]),
     "next_values": np.array([-0.2, 0.9, 0.4, 0.8, -0.6, 0.5, last])}
    for rewards, gamma, last in (
        ([1.2, 0.0, -0.5, 2.0, 0.0, 0.0, 1.5], 0.9, 0.7), ([0.0, 0.8, 1.4, 0.5, 0.0, -1.6, 0.0], 0.6, -1.3),
    )
]  # fmt: skip

# ------------------------------------------------------------------------------------------- positional encodings


def _positions(
    *, halves: bool = False, ends: bool = False, cosine_first: bool = False, first: int = 0,
    pairs: Callable[[Array], Array] = lambda i: i // 2,
) -> Variant:  # fmt: skip
    """Sines and cosines of position/baseʳ, r = 2·pair/dim; with `ends` the last pair has r = 1."""

    def table(length: int, dim: int, base: float = 10000.0) -> Array:
        i = np.arange(dim)
        pair = i % (dim // 2) if halves else pairs(i)
        is_cosine = (i >= dim // 2 if halves else i % 2 == 1) ^ cosine_first
        angle = np.arange(first, first + length)[:, None] / base ** (pair / (dim / 2 - 1 if ends else dim / 2))
        return np.where(is_cosine, np.cos(angle), np.sin(angle))

    return table


LAYOUTS = [
    _positions(halves=halves, ends=ends, cosine_first=cosine_first, first=first)
    for first, cosine_first, halves, ends in product((0, 1), (False, True), (False, True), (False, True))
]

# ------------------------------------------------------------------------------------------------ scaled features


def _moments(axis: int | None, ddof: int) -> Variant:
    def scale(train: Array, x: Array) -> Array:
        mean, std = train.mean(axis=axis, keepdims=True), train.std(axis=axis, ddof=ddof, keepdims=True)
        return np.asarray((x - mean) / std)

    return scale


def _range(axis: int | None) -> Variant:
    def scale(train: Array, x: Array) -> Array:
        low, high = train.min(axis=axis, keepdims=True), train.max(axis=axis, keepdims=True)
        return np.asarray((x - low) / (high - low))

    return scale


def _fitted(scale: Variant, test_by: Variant | None = None) -> Variant:
    """The test set, scaled by the training set; the training set; the test set again, scaled back."""

    def scaled(train: Array, test: Array) -> Arrays:
        return [test_by(train, test)] if test_by else [scale(train, test), scale(train, train), test]

    return scaled


def _both(scale: Variant, test_by: Variant | None = None) -> Variant:
    """The training set and, if it is given, the test set, by the statistics of the training set."""

    def scaled(train: Array, test: Array | None = None) -> Arrays:
        return [scale(train, train)] + ([] if test is None else [(test_by or scale)(train, test)])

    return scaled


def _by_itself(scale: Variant) -> Variant:
    return lambda train, x: scale(x, x)


TRAIN = np.array([[1.0, 20.0, -3.0], [2.5, 45.0, 0.5], [4.0, 30.0, 1.0], [6.5, 12.0, -1.5], [3.0, 38.0, 2.0]])
TEST = np.array([[2.0, 25.0, 0.0], [5.5, 40.0, 1.5], [3.5, 15.0, -2.5], [4.5, 33.0, 1.0], [1.5, 28.0, -1.0]])
SPLIT = ({"train": TRAIN, "test": TEST}, {"train": TRAIN[::-1] * [1, 2, 0.5], "test": TEST + 0.5})
SCALED = [_moments(0, 0), _moments(0, 1)]
OF_ROWS_OR_ALL = [_moments(axis, ddof) for axis in (1, None) for ddof in (0, 1)]
OWN_STATISTICS = Cause("own-statistics", "often the statistics of the data that are transformed instead of those of "
                       "the training set")  # fmt: skip

UTILITIES: dict[str, Utility] = {
    "one_hot": Utility(
        "row n is 1 at label n, else 0; samples as rows or columns; without a number of classes the largest label + 1, "
        "or the number of different labels",
        (_one_hot, _transposed(_one_hot), _of_unique_labels, _transposed(_of_unique_labels)),
        [{"labels": labels, "classes": classes} for labels, classes in zip(LABELS, (4, 7, 3), strict=True)],
        {
            Cause("one-class-too-few", "often the largest label as the number of classes, which is one more"):
                _without_last,
            Cause("labels-from-one", "often labels that are counted from 1 instead of 0"): _from_one,
        },
    ),
    "clip_by_value": Utility("every entry at most the limit, with its sign", (_by_value,), CLIPPED, ABOVE_ONLY),
    "clip_by_norm": Utility(
        "R. Pascanu et al., ICML 2013, algorithm 1: g·min(1, limit/‖g‖); the norm of each array, of each row of it, or "
        "of all arrays together; with or without a small number in the denominator",
        (_by_global_norm, _by_each_norm, _by_norm_of_rows), CLIPPED, OF_NORMS,
    ),
    "clip_by_global_norm": Utility(
        "R. Pascanu et al., ICML 2013, algorithm 1, with the norm of all arrays together, in all variants",
        (_by_global_norm,), CLIPPED, OF_NORMS,
    ),
    "clip_gradients": Utility(
        "by value or by norm, as above", (_by_global_norm, _by_each_norm, _by_norm_of_rows, _by_value), CLIPPED,
        OF_NORMS | ABOVE_ONLY,
    ),
    "numerical_gradient": Utility(
        "central or forward differences: (f(x + h) − f(x − h))/2h or (f(x + h) − f(x))/h for each entry, with x as "
        "before afterwards",
        (_derivative(1.0),), POINTS,
        {
            Cause("undivided-difference", "often a central difference that is divided by h instead of 2h"):
                _derivative(2.0),
            Cause("half-difference", "often a difference to one side that is divided by 2h instead of h"):
                _derivative(0.5),
        },
        ("the gradient", "(x after the call - x before)"), 1e-2,
    ),
    "discounted_returns": Utility(
        "G = r + γ·G of the next step, up to the end of an episode, after which G may be a given value; a reward other "
        "than 0 may end an episode (A. Karpathy, Deep Reinforcement Learning: Pong from Pixels, 2016); minus the mean, "
        "of mean 0 and deviation 1, or divided by the largest; γᵗ·r or the sum of these",
        [*_all_normalized([_returns(), *map(_returns, BOUNDARIES), _weighted]), _total], EPISODES,
        {
            Cause("forward-in-time", "often a sum of earlier instead of later rewards"): _forward_in_time,
            Cause("undivided-discount", "often discounts that are counted from the first step instead of each step"):
                _undivided,
            Cause("reset-too-late", "often a sum that starts again after the last reward of an episode is added"):
                _returns(early=True),
        },
    ),
    "gae": Utility(
        "J. Schulman et al., ICLR 2016, eq. 16, within an episode; plus the values or not; of mean 0 and deviation 1",
        _all_normalized([_advantages(), _advantages(plus_values=True)]), EPISODES,
        {Cause("advantages-across-episodes", "often a sum that continues after the end of an episode"):
             _advantages(masked=False)},
    ),
    "positional_encoding": Utility(
        "A. Vaswani et al., NeurIPS 2017, section 3.5; sines and cosines in turn or in halves (tensor2tensor), of "
        "wavelengths up to 2π·10000 or another base, the last included or not; positions from 0 or 1",
        [*LAYOUTS, *map(_transposed, LAYOUTS)],
        [{"length": 7, "dim": 6, "base": 10000.0}, {"length": 5, "dim": 8, "base": 500.0}],
        {Cause("exponent-per-dimension", "often an exponent for each dimension; both of a pair have the same one"):
             _positions(pairs=lambda i: i / 2),
         Cause("exponent-twice", "often an exponent 2i/d with i for each dimension instead of for each pair"):
             _positions(pairs=lambda i: i)},
    ),
    "standard_scaler": Utility(
        "(x − mean)/deviation of each feature of the training set, features as columns or rows; the deviation with "
        "N or N − 1",
        [_fitted(_moments(axis, ddof)) for axis, ddof in product((0, 1), (0, 1))], SPLIT,
        {OWN_STATISTICS: _fitted(SCALED[0], _by_itself(SCALED[0])),
         Cause("own-mean", "often the mean of the data that are transformed instead of that of the training set"):
             _fitted(SCALED[0], lambda train, x: (x - x.mean(axis=0)) / train.std(axis=0)),
         Cause("one-for-all-features", "often one mean and deviation for all features; each has its own"):
             _fitted(_moments(None, 0))},
        ("the transformed test set", "the transformed training set", "the test set after both transforms"),
    ),
    "minmax_scaler": Utility(
        "(x − min)/(max − min) of each feature of the training set, features as columns or rows",
        [_fitted(_range(axis)) for axis in (0, 1)], SPLIT, {OWN_STATISTICS: _fitted(_range(0), _by_itself(_range(0)))},
        ("the transformed test set", "the transformed training set", "the test set after both transforms"),
    ),
    "standardize": Utility(
        "(x − mean)/deviation of each feature, each sample or all; of a test set with those of the training set",
        [_both(scale) for scale in (*SCALED, *OF_ROWS_OR_ALL)], SPLIT,
        {OWN_STATISTICS: _both(SCALED[0], _by_itself(SCALED[0])),
         Cause("variance-instead-of-deviation", "often the variance as the divisor instead of its root"):
             _both(lambda train, x: (x - train.mean(axis=0)) / train.var(axis=0))},
        ("the training set", "the test set"),
    ),
    "minmax_scale": Utility(
        "(x − min)/(max − min) of each feature, each sample or all; of a test set with those of the training set",
        [_both(_range(axis)) for axis in (0, 1, None)], SPLIT,
        {OWN_STATISTICS: _both(_range(0), _by_itself(_range(0)))},
        ("the training set", "the test set"),
    ),
}  # fmt: skip
