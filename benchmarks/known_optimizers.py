"""Optimizers, computed by both sources: their path over five gradients, by mpmath and by onnx."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from known_sources import evaluated
from mpmath import mpf, sqrt

TRAINING = "ai.onnx.preview.training"
START = [1.0, -0.5, 2.0]
GRADIENTS = [[0.5, -1.0, 0.25], [-0.25, 2.0, 0.75], [1.5, 0.5, -1.0], [-2.0, 0.125, 0.5], [0.25, -0.75, 1.0]]
LR = 0.125
Step = Callable[[Any, Any, int, dict[str, Any]], Any]


def momentum(w: Any, g: Any, t: int, s: dict[str, Any]) -> Any:
    s["v"] = mpf("0.9") * s.get("v", mpf(0)) + g
    return w - LR * s["v"]


def nesterov(w: Any, g: Any, t: int, s: dict[str, Any]) -> Any:
    s["v"] = mpf("0.9") * s.get("v", mpf(0)) + g
    return w - LR * (g + mpf("0.9") * s["v"])


def adagrad(w: Any, g: Any, t: int, s: dict[str, Any]) -> Any:
    s["s"] = s.get("s", mpf(0)) + g * g
    return w - LR * g / (sqrt(s["s"]) + mpf("1e-8"))


def adam(w: Any, g: Any, t: int, s: dict[str, Any]) -> Any:
    b1, b2 = mpf("0.9"), mpf("0.999")
    s["m"] = b1 * s.get("m", mpf(0)) + (1 - b1) * g
    s["v"] = b2 * s.get("v", mpf(0)) + (1 - b2) * g * g
    return w - LR * s["m"] / (1 - b1**t) / (sqrt(s["v"] / (1 - b2**t)) + mpf("1e-8"))


def trained(op: str, moments: int, **attributes: Any) -> Callable[[], Any]:
    """The weights after each step of an operator of the training domain, whose t counts from 1 here."""

    def walk() -> Any:
        w, kept, path = np.array(START), [np.zeros(3) for _ in range(moments)], []
        for t, g in enumerate(GRADIENTS, 1):
            feeds = {"lr": np.array(LR), "t": np.array(t), "w": w, "g": np.array(g)}
            feeds |= {f"kept{i}": array for i, array in enumerate(kept)}
            w, *kept = evaluated(op, feeds, outputs=1 + moments, domain=TRAINING, **attributes)
            path.append(w)
        return np.array(path)

    return walk


OPTIMIZERS: list[tuple[str, str, dict[str, float], Step, Callable[[], Any]]] = [
    ("sgd", "w − lr·g", {}, lambda w, g, t, s: w - LR * g,
     trained("Momentum", 1, mode="standard", alpha=0.0, beta=1.0, norm_coefficient=0.0)),
    ("momentum", "v = βv + g,  w − lr·v", {"beta": 0.9}, momentum,
     trained("Momentum", 1, mode="standard", alpha=0.9, beta=1.0, norm_coefficient=0.0)),
    ("nesterov", "v = βv + g,  w − lr·(g + βv)", {"beta": 0.9}, nesterov,
     trained("Momentum", 1, mode="nesterov", alpha=0.9, beta=1.0, norm_coefficient=0.0)),
    ("adagrad", "s = s + g²,  w − lr·g/(√s + ε)", {"eps": 1e-8}, adagrad,
     trained("Adagrad", 1, epsilon=1e-8, decay_factor=0.0, norm_coefficient=0.0)),
    ("adam", "w − lr·m̂/(√v̂ + ε)", {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}, adam,
     trained("Adam", 2, alpha=0.9, beta=0.999, epsilon=1e-8)),
]  # fmt: skip
