"""Reference optimizers, and usual mistakes to compare a wrong trajectory with.

A rule computes the direction d of w ← w − lr·d from the gradient g, the step t = 1, 2, ..., its memory s, whose entries
are 0 at the start, and the hyperparameters h.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import inf
from types import SimpleNamespace
from typing import Any, TypeAlias

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import Cause

Memory: TypeAlias = "defaultdict[str, Any]"
Rule: TypeAlias = Callable[[Array, Any, Memory, Any], Any]  # an array; Any, as the memory may hold anything


def _sum(s: Memory, name: str, beta: float, x: Array) -> Any:
    """s ← β·s + x."""
    s[name] = beta * s[name] + x
    return s[name]


def _mean(s: Memory, name: str, beta: float, x: Array) -> Any:
    """s ← β·s + (1 − β)·x."""
    return _sum(s, name, beta, (1 - beta) * x)


def _sgd(g: Array, t: float, s: Memory, h: Any) -> Any:
    return g


def _momentum(g: Array, t: float, s: Memory, h: Any) -> Any:
    """v ← β·v + g; the same as v ← β·v − lr·g, w ← w + v for a constant lr."""
    return _sum(s, "v", h.beta, g)


def _momentum_mean(g: Array, t: float, s: Memory, h: Any) -> Any:
    return _mean(s, "v", h.beta, g)


def _momentum_from_first(g: Array, t: float, s: Memory, h: Any) -> Any:
    """The running mean starts at the first gradient instead of 0, as PyTorch's with dampening = β."""
    s["v"] = g if t == 1 else s["v"]
    return _mean(s, "v", h.beta, g)


def _momentum_dampened(g: Array, t: float, s: Memory, h: Any) -> Any:
    """v ← β·v + (1 − τ)·g from v = 0; PyTorch's v is the first g after one step, not (1 − τ)·g."""
    return _sum(s, "v", h.beta, (1 - h.dampening) * g)


def _momentum_dampened_later(g: Array, t: float, s: Memory, h: Any) -> Any:
    return _sum(s, "v", h.beta, g if t == 1 else (1 - h.dampening) * g)


MOMENTUMS = (_momentum, _momentum_mean, _momentum_from_first, _momentum_dampened, _momentum_dampened_later)


def _nesterov(g: Array, t: float, s: Memory, h: Any) -> Any:
    return g + h.beta * _sum(s, "v", h.beta, g)


def _nesterov_mean(g: Array, t: float, s: Memory, h: Any) -> Any:
    return (1 - h.beta) * g + h.beta * _mean(s, "v", h.beta, g)


def _rmsprop(g: Array, t: float, s: Memory, h: Any) -> Any:
    return g / (np.sqrt(_mean(s, "s", h.rho, g * g)) + h.eps)


def _rmsprop_inside(g: Array, t: float, s: Memory, h: Any) -> Any:
    return g / np.sqrt(_mean(s, "s", h.rho, g * g) + h.eps)


def _rmsprop_from_first(g: Array, t: float, s: Memory, h: Any) -> Any:
    """The running mean starts at the first g² instead of 0."""
    s["s"] = g * g if t == 1 else s["s"]
    return _rmsprop(g, t, s, h)


def _then_momentum(rule: Rule) -> Rule:
    """A velocity of the steps of another rule: v ← β·v + d."""
    return lambda g, t, s, h: _sum(s, "velocity", h.beta, rule(g, t, s, h))


RMSPROPS = (_rmsprop, _rmsprop_inside, _rmsprop_from_first)


def _adagrad(g: Array, t: float, s: Memory, h: Any) -> Any:
    return g / (np.sqrt(_sum(s, "s", 1, g * g)) + h.eps)


def _adagrad_inside(g: Array, t: float, s: Memory, h: Any) -> Any:
    return g / np.sqrt(_sum(s, "s", 1, g * g) + h.eps)


def _adadelta(g: Array, t: float, s: Memory, h: Any) -> Any:
    d: Array = np.sqrt((s["u"] + h.eps) / (_mean(s, "s", h.rho, g * g) + h.eps)) * g
    _mean(s, "u", h.rho, d * d)
    return d


def _first(g: Array, t: float, s: Memory, h: Any) -> Any:
    """m̂ = m/(1 − β₁ᵗ)."""
    return _mean(s, "m", h.beta1, g) / (1 - h.beta1**t)


def _second(g: Array, t: float, s: Memory, h: Any) -> Any:
    """v̂ = v/(1 − β₂ᵗ)."""
    return _mean(s, "v", h.beta2, g * g) / (1 - h.beta2**t)


def _adam(g: Array, t: float, s: Memory, h: Any) -> Any:
    return _first(g, t, s, h) / (np.sqrt(_second(g, t, s, h)) + h.eps)


def _adam_inside(g: Array, t: float, s: Memory, h: Any) -> Any:
    return _first(g, t, s, h) / np.sqrt(_second(g, t, s, h) + h.eps)


def _adam_hat(g: Array, t: float, s: Memory, h: Any) -> Any:
    """The order of section 2 of the paper: √(1 − β₂ᵗ)/(1 − β₁ᵗ)·m/(√v + ε)."""
    return _first(g, t, s, h) * np.sqrt(1 - h.beta2**t) / (np.sqrt(_second(g, inf, s, h)) + h.eps)


def _adam_one_beta(g: Array, t: float, s: Memory, h: Any, *, first: float, second: float) -> Any:
    """Both corrections with powers of the same β."""
    m, v = _mean(s, "m", h.beta1, g), _mean(s, "v", h.beta2, g * g)
    return m / (1 - first**t) / (np.sqrt(v / (1 - second**t)) + h.eps)


def _adam_summed(g: Array, t: float, s: Memory, h: Any) -> Any:
    return _sum(s, "m", h.beta1, g) / (1 - h.beta1**t) / (np.sqrt(_second(g, t, s, h)) + h.eps)


def _adam_stored(g: Array, t: float, s: Memory, h: Any) -> Any:
    s["m"], s["v"] = _first(g, t, s, h), _second(g, t, s, h)
    return s["m"] / (np.sqrt(s["v"]) + h.eps)


def _adam_swapped(g: Array, t: float, s: Memory, h: Any) -> Any:
    m, v = _mean(s, "m", h.beta2, g), _mean(s, "v", h.beta1, g * g)
    return m / (1 - h.beta2**t) / (np.sqrt(v / (1 - h.beta1**t)) + h.eps)


def _amsgrad(g: Array, t: float, s: Memory, h: Any) -> Any:
    m = _first(g, t, s, h)
    s["top"] = np.maximum(s["top"], _second(g, inf, s, h))
    return m / (np.sqrt(s["top"] / (1 - h.beta2**t)) + h.eps)


def _amsgrad_hat(g: Array, t: float, s: Memory, h: Any) -> Any:
    m = _first(g, t, s, h)
    s["top"] = np.maximum(s["top"], _second(g, t, s, h))
    return m / (np.sqrt(s["top"]) + h.eps)


def _nadam(g: Array, t: float, s: Memory, h: Any, ahead: int = 1) -> Any:
    m = h.beta1 * _mean(s, "m", h.beta1, g) / (1 - h.beta1 ** (t + ahead))
    return (m + (1 - h.beta1) * g / (1 - h.beta1**t)) / (np.sqrt(_second(g, t, s, h)) + h.eps)


def _nadam_scheduled(g: Array, t: float, s: Memory, h: Any) -> Any:
    """μₜ = β₁·(1 − 0.5·0.96^(t/250)), and products of μ in place of β₁ᵗ."""
    now, then = (h.beta1 * (1 - 0.5 * 0.96 ** (i / 250)) for i in (t, t + 1))
    s["product"] = (s["product"] or 1.0) * now
    m = then * _mean(s, "m", h.beta1, g) / (1 - s["product"] * then)
    return (m + (1 - now) * g / (1 - s["product"])) / (np.sqrt(_second(g, t, s, h)) + h.eps)


def _adamax(g: Array, t: float, s: Memory, h: Any) -> Any:
    s["u"] = np.maximum(h.beta2 * s["u"], np.abs(g))
    return _first(g, t, s, h) / (s["u"] + h.eps)


def _adamax_without_abs(g: Array, t: float, s: Memory, h: Any) -> Any:
    s["u"] = np.maximum(h.beta2 * s["u"], g)
    return _first(g, t, s, h) / (s["u"] + h.eps)


def _lion(g: Array, t: float, s: Memory, h: Any) -> Any:
    d = np.sign(h.beta1 * s["m"] + (1 - h.beta1) * g)
    _mean(s, "m", h.beta2, g)
    return d


def _sign(g: Array, t: float, s: Memory, h: Any) -> Any:
    return np.sign(g)


def _adabelief(g: Array, t: float, s: Memory, h: Any, *, second: float = 1, kept: bool = False) -> Any:
    """The second moment is that of g − m; ε may be added to it in every step. It is corrected at step t·second."""
    m = _mean(s, "m", h.beta1, g)
    variance = _mean(s, "s", h.beta2, (g - m) ** 2)
    if kept:
        s["s"] = variance = variance + h.eps
    return m / (1 - h.beta1**t) / (np.sqrt(variance / (1 - h.beta2 ** (t * second))) + h.eps)


def _adabelief_inside(g: Array, t: float, s: Memory, h: Any) -> Any:
    m = _mean(s, "m", h.beta1, g)
    return m / (1 - h.beta1**t) / np.sqrt(_mean(s, "s", h.beta2, (g - m) ** 2) / (1 - h.beta2**t) + h.eps)


def _adabelief_before(g: Array, t: float, s: Memory, h: Any) -> Any:
    """g − m with the mean before this step."""
    variance = _mean(s, "s", h.beta2, (g - s["m"]) ** 2)
    return _first(g, t, s, h) / (np.sqrt(variance / (1 - h.beta2**t)) + h.eps)


def _radam(g: Array, t: float, s: Memory, h: Any, *, least: float = 5, still: bool = False) -> Any:
    """Plain momentum, or no step if `still`, while the length of the average is at most `least`."""
    first, second = _first(g, t, s, h), _second(g, t, s, h)
    longest = 2 / (1 - h.beta2) - 1
    length = longest - 2 * t * h.beta2**t / (1 - h.beta2**t)
    if length <= least:
        return np.zeros_like(first) if still else first
    ratio = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
    return first * np.sqrt(ratio) / (np.sqrt(second) + h.eps)


def _yogi(g: Array, t: float, s: Memory, h: Any, *, corrected: bool = True, from_first: bool = False) -> Any:
    m, squares = _first(g, t if corrected else inf, s, h), g * g
    if from_first and t == 1:
        s["v"] = squares
    s["v"] = s["v"] - (1 - h.beta2) * np.sign(s["v"] - squares) * squares
    return m / (np.sqrt(s["v"] / (1 - h.beta2 ** (t if corrected else inf))) + h.eps)


def _lamb(g: Array, t: float, s: Memory, h: Any, *, corrected: bool = True, most: float = inf) -> Any:
    """The direction of AdamW, times |w| over its own length."""
    power = t if corrected else inf
    d = _first(g, power, s, h) / (np.sqrt(_second(g, power, s, h)) + h.eps) + h.decay * s["w"]
    size, length = min(float(np.linalg.norm(s["w"])), most), float(np.linalg.norm(d))
    return d * (size / length if size and length else 1.0)


def _rprop(g: Array, t: float, s: Memory, h: Any, *, form: str = "-") -> Any:
    """A step size per weight, lr at first, that grows while the sign of g stays and shrinks when it changes.

    Forms: "-" steps on, "i-" stops once (Igel & Hüsken 2003), "+" takes the last step back (Riedmiller & Braun 1993).
    """
    same = np.sign(g) * s["sign"]
    s["size"] = (s["size"] if t > 1 else np.ones_like(g)) * np.where(same > 0, h.grow, np.where(same < 0, h.shrink, 1))
    back = s["last"] * (same < 0)
    s["sign"] = np.sign(g) * (1 if form == "-" else same >= 0)
    s["last"] = s["sign"] * s["size"]
    return s["last"] - (back if form == "+" else 0)


@dataclass(frozen=True)
class Optimizer:
    """One standard name: source, default hyperparameters, accepted variants, and usual mistakes with their rules.

    Weight decay is `coupled` if it may be added to the gradient (g + λ·w), decoupled if w shrinks by lr·λ·w.
    """

    source: str
    defaults: Mapping[str, float]
    variants: tuple[Rule, ...]
    mistakes: Mapping[Cause, Rule] = field(default_factory=dict)
    coupled: bool = True
    accepted: str = ""
    """The accepted variants in words, for the list of standard names."""
    without_momentum: tuple[Rule, ...] = ()
    """The variants without momentum, which are not those of code that has a momentum."""


ADAM_FORMS = "ε outside or inside the root, or ε̂ of section 2"
ADAM = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
ADAM_MISTAKES: dict[Cause, Rule] = {
    Cause("constant-step-count", "t is stuck at 1: every step is corrected as if it were the first"): (
        lambda g, t, s, h: _adam(g, 1, s, h)
    ),
    Cause("missing-bias-correction", "the bias correction is missing: m/(1 − β₁ᵗ), v/(1 − β₂ᵗ)"): (
        lambda g, t, s, h: _adam(g, inf, s, h)
    ),
    Cause("step-count-from-two", "t is one ahead: it counts from 2"): lambda g, t, s, h: _adam(g, t + 1, s, h),
    Cause("uncorrected-second-moment", "only m is corrected: v/(1 − β₂ᵗ) is missing"): (
        lambda g, t, s, h: _first(g, t, s, h) / (np.sqrt(_second(g, inf, s, h)) + h.eps)
    ),
    Cause("uncorrected-first-moment", "only v is corrected: m/(1 − β₁ᵗ) is missing"): (
        lambda g, t, s, h: _first(g, inf, s, h) / (np.sqrt(_second(g, t, s, h)) + h.eps)
    ),
    Cause("swapped-betas", "β₁ and β₂ are swapped"): _adam_swapped,
    Cause("wrong-beta-in-correction", "v is corrected with β₁, expected β₂: v/(1 − β₂ᵗ)"): (
        lambda g, t, s, h: _adam_one_beta(g, t, s, h, first=h.beta1, second=h.beta1)
    ),
    Cause("wrong-beta-in-correction", "m is corrected with β₂, expected β₁: m/(1 − β₁ᵗ)"): (
        lambda g, t, s, h: _adam_one_beta(g, t, s, h, first=h.beta2, second=h.beta2)
    ),
    Cause("sum-instead-of-mean", "m ← β₁·m + g, without the factor 1 − β₁"): _adam_summed,
    Cause("corrected-moments-stored", "the corrected moments are stored instead of the moments"): _adam_stored,
}

OPTIMIZERS = {
    "sgd": Optimizer(
        "Robbins & Monro 1951",
        {"beta": 0.0, "dampening": 0.0},
        (_sgd, *MOMENTUMS, _nesterov),
        accepted="plain, or with momentum",
        without_momentum=(_sgd,),
    ),
    "momentum": Optimizer(
        "Polyak 1964",
        {"beta": 0.9, "dampening": 0.0},
        MOMENTUMS,
        {
            Cause("swapped-factors", "β and 1 − β are swapped"): lambda g, t, s, h: _mean(s, "v", 1 - h.beta, g),
            Cause("missing-decay-factor", "the velocity never decays: β is missing"): (
                lambda g, t, s, h: _sum(s, "v", 1, g)
            ),
        },
        accepted="v ← βv + g or βv + (1 − β)g, from 0 or from the first gradient; the learning rate in v or outside; "
        "with dampening or without",
    ),
    "nesterov": Optimizer(
        "Nesterov 1983; Sutskever et al. 2013",
        {"beta": 0.9},
        (_nesterov, _nesterov_mean),
        accepted="the look-ahead as g + βv, with g or (1 − β)g in v",
    ),
    "rmsprop": Optimizer(
        "Tieleman & Hinton 2012",
        {"rho": 0.9, "eps": 1e-8, "beta": 0.0},
        (*RMSPROPS, *map(_then_momentum, RMSPROPS)),
        {
            Cause("swapped-factors", "ρ and 1 − ρ are swapped"): (
                lambda g, t, s, h: g / (np.sqrt(_mean(s, "s", 1 - h.rho, g * g)) + h.eps)
            ),
            Cause("sum-instead-of-mean", "s ← ρ·s + g², without the factor 1 − ρ"): (
                lambda g, t, s, h: g / (np.sqrt(_sum(s, "s", h.rho, g * g)) + h.eps)
            ),
            Cause("bias-correction-of-adam", "a bias correction, which belongs to Adam"): (
                lambda g, t, s, h: g / (np.sqrt(_mean(s, "s", h.rho, g * g) / (1 - h.rho**t)) + h.eps)
            ),
        },
        accepted="ε outside or inside the root; the mean starts at 0 or at the first g²; with momentum or without",
        without_momentum=RMSPROPS,
    ),
    "adagrad": Optimizer(
        "Duchi et al. 2011", {"eps": 1e-8}, (_adagrad, _adagrad_inside), accepted="ε outside or inside the root"
    ),
    "adadelta": Optimizer("Zeiler 2012", {"rho": 0.95, "eps": 1e-6}, (_adadelta,)),
    "adam": Optimizer("Kingma & Ba 2015", ADAM, (_adam, _adam_inside, _adam_hat), ADAM_MISTAKES, accepted=ADAM_FORMS),
    "adamw": Optimizer(
        "Loshchilov & Hutter 2019",
        ADAM | {"decay": 0.01},
        (_adam, _adam_inside, _adam_hat),
        ADAM_MISTAKES,
        coupled=False,
        accepted=f"{ADAM_FORMS}; the decay before or after the step",
    ),
    "amsgrad": Optimizer(
        "Reddi et al. 2018",
        ADAM,
        (_amsgrad, _amsgrad_hat, lambda g, t, s, h: _amsgrad(g, inf, s, h)),
        {
            Cause("maximum-not-used", "the step divides by the root of v instead of that of its maximum"): _adam,
            Cause("maximum-not-used", "the step divides by the root of v instead of that of its maximum (without "
                  "bias correction)"): lambda g, t, s, h: _adam(g, inf, s, h),
        },
        accepted="the maximum of v or v̂, with the correction or without",
    ),
    "nadam": Optimizer(
        "Dozat 2016",
        ADAM,
        (_nadam, lambda g, t, s, h: _nadam(g, t, s, h, 0), _nadam_scheduled),
        accepted="with a constant or a scheduled β₁",
    ),
    "adamax": Optimizer(
        "Kingma & Ba 2015",
        ADAM,
        (_adamax,),
        {Cause("missing-absolute-value", "the largest g is kept instead of the largest |g|"): _adamax_without_abs},
    ),
    "lion": Optimizer(
        "Chen et al. 2023",
        {"beta1": 0.9, "beta2": 0.99},
        (_lion,),
        {
            Cause("one-beta", "the momentum is updated with β₁, expected β₂"): (
                lambda g, t, s, h: _lion(g, t, s, SimpleNamespace(beta1=h.beta1, beta2=h.beta1))
            ),
            Cause("swapped-betas", "β₁ and β₂ are swapped"): (
                lambda g, t, s, h: _lion(g, t, s, SimpleNamespace(beta1=h.beta2, beta2=h.beta1))
            ),
        },
        coupled=False,
    ),
    "adabelief": Optimizer(
        "Zhuang et al. 2020",
        ADAM,
        (_adabelief, lambda g, t, s, h: _adabelief(g, t, s, h, kept=True), _adabelief_inside),
        {
            Cause("uncorrected-second-moment", "only m is corrected: s/(1 − β₂ᵗ) is missing"): (
                lambda g, t, s, h: _adabelief(g, t, s, h, second=inf)
            ),
            Cause("mean-before-the-step", "g − m has the mean before this step"): _adabelief_before,
        },
        accepted="with ε added to s in every step or not, outside or inside the root",
    ),
    "radam": Optimizer(
        "L. Liu et al. 2020",
        ADAM,
        tuple(partial(_radam, least=least, still=still) for least in (4, 5) for still in (False, True)),
        accepted="momentum or no step at first; an average of at least 4 or 5",
    ),
    "yogi": Optimizer(
        "Zaheer et al. 2018",
        ADAM | {"eps": 1e-3},
        tuple(partial(_yogi, corrected=c, from_first=first) for c in (True, False) for first in (False, True)),
        accepted="with bias correction or without; v starts at 0 or at the first g²",
    ),
    "lamb": Optimizer(
        "You et al. 2020",
        ADAM,
        tuple(partial(_lamb, corrected=c, most=most) for c in (True, False) for most in (inf, 10.0)),
        coupled=False,
        accepted="with bias correction or without; |w| up to 10",
    ),
    "rprop": Optimizer(
        "Riedmiller & Braun 1993",
        {"shrink": 0.5, "grow": 1.2},
        tuple(partial(_rprop, form=form) for form in ("-", "i-", "+")),
        accepted="it steps on, stops or steps back when the sign changes",
    ),
    "signsgd": Optimizer("Bernstein et al. 2018", {}, (_sign,)),
}

DECAYS: dict[str, Callable[[Array, Array, float, float], Array]] = {
    "before": lambda w, d, lr, decay: w - lr * decay * w - lr * d,
    "after": lambda w, d, lr, decay: (w - lr * d) * (1 - lr * decay),
    "coupled": lambda w, d, lr, decay: w - lr * d,
    "inside": lambda w, d, lr, decay: w - lr * d,
}

RATES: tuple[Callable[[int, float], float], ...] = (
    lambda t, k: 1 / (1 + k * t),
    lambda t, k: 1 / (1 + k * (t + 1)),
    lambda t, k: float(k**t),
    lambda t, k: float(k ** (t + 1)),
    lambda t, k: float((1 - k) ** t),
    lambda t, k: float(np.exp(-k * t)),
)
"""What an optimizer may multiply its learning rate by, at t = 0, 1, ..., with a decay k."""


def compounding(t: int, k: float) -> float:
    """The mistake that the next rate is computed from the last one instead of the first."""
    return float(np.prod([1 / (1 + k * i) for i in range(t + 1)]))


def trajectory(
    rule: Rule, h: Any, w: Array, gradients: Iterable[Array], lr: float, decay: str = "before",
    rate: Callable[[int], float] = lambda t: 1.0, *, early: bool = False,
) -> Array:  # fmt: skip
    """The weights after each step of `rule` from w, in float64: (steps, n). `decay` is a key of DECAYS.

    `rate` is a factor of lr at t = 0, 1, ...; with `early` it belongs to the gradient, as in v ← β·v + lr·g.
    """
    memory: Memory = defaultdict(float)
    path = []
    w = w.astype(np.float64)
    for t, g in enumerate(gradients, 1):
        g = g.astype(np.float64) + (h.decay * w if decay == "coupled" else 0.0)
        memory["w"] = w
        d = rule(g * rate(t - 1) if early else g, t, memory, h)
        w = DECAYS[decay](w, d, lr if early else lr * rate(t - 1), h.decay)
        path.append(w)
    return np.array(path)
