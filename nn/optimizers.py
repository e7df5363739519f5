"""Optimizers: step(w, g, lr) changes w in place. w and g are flat arrays of all parameters and their gradients."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from nnlaw.nn.plugins.registry import optimizer
from nnlaw.nn.plugins.validate import check_settings
from nnlaw.spec.arrays import Array


class Optimizer:
    """Base of the built-in optimizers.

    `state` holds arrays and numbers that are saved with the run. The trainer sets `decays` to 1 for weights that decay
    and 0 for others.
    """

    decays: Array | None = None

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}

    def average(self, name: str, w: Array) -> Array:
        """The running average `state[name]`, zeros like w before the first step."""
        if name not in self.state:
            self.state[name] = np.zeros_like(w)
        array: Array = self.state[name]
        return array


@optimizer("sgd")
class SGD(Optimizer):
    """w ← w − lr·g.  Source: H. Robbins, S. Monro, Ann. Math. Statist. 22 (1951)."""

    def step(self, w: Array, g: Array, lr: float) -> None:
        w -= lr * g


@optimizer("momentum")
class Momentum(Optimizer):
    """v ← β·v + g,  w ← w − lr·v.  Source: B. T. Polyak, USSR Comp. Math. 4 (1964)."""

    admits: ClassVar[dict[str, str]] = {"beta": "[0, 1)"}

    def __init__(self, beta: float = 0.9) -> None:
        super().__init__()
        check_settings(self, beta=beta)
        self.beta = beta

    def step(self, w: Array, g: Array, lr: float) -> None:
        w -= lr * self.velocity(w, g)

    def velocity(self, w: Array, g: Array) -> Array:
        """v after this step."""
        v = self.average("v", w)
        v *= self.beta
        v += g
        return v


@optimizer("nesterov")
class Nesterov(Momentum):
    """v ← β·v + g,  w ← w − lr·(g + β·v): the gradient one step ahead.

    Source: I. Sutskever et al., ICML 2013.
    """

    def step(self, w: Array, g: Array, lr: float) -> None:
        w -= lr * (g + self.beta * self.velocity(w, g))


@optimizer("rmsprop")
class RMSProp(Optimizer):
    """s ← ρ·s + (1 − ρ)·g²,  w ← w − lr·g/(√s + ε).  Source: T. Tieleman, G. Hinton, Coursera lecture 6.5 (2012)."""

    admits: ClassVar[dict[str, str]] = {"rho": "[0, 1)", "eps": "(0, ∞)"}

    def __init__(self, rho: float = 0.9, eps: float = 1e-8) -> None:
        super().__init__()
        check_settings(self, rho=rho, eps=eps)
        self.rho, self.eps = rho, eps

    def step(self, w: Array, g: Array, lr: float) -> None:
        s = self.average("s", w)
        s *= self.rho
        s += (1 - self.rho) * g * g
        w -= lr * g / (np.sqrt(s) + self.eps)


@optimizer("adam")
class Adam(Optimizer):
    """m ← β₁·m + (1 − β₁)·g,  v ← β₂·v + (1 − β₂)·g²,  w ← w − lr·m̂/(√v̂ + ε),  m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ).

    The division by 1 − βᵗ corrects for the start at zero; t counts steps from 1.
    Source: D. P. Kingma, J. Ba, ICLR 2015.
    """

    admits: ClassVar[dict[str, str]] = {"beta1": "[0, 1)", "beta2": "[0, 1)", "eps": "(0, ∞)"}

    def __init__(self, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8) -> None:
        super().__init__()
        check_settings(self, beta1=beta1, beta2=beta2, eps=eps)
        self.beta1, self.beta2, self.eps = beta1, beta2, eps

    def step(self, w: Array, g: Array, lr: float) -> None:
        m, v = self.average("m", w), self.average("v", w)
        self.state["t"] = t = self.state.get("t", 0) + 1
        m *= self.beta1
        m += (1 - self.beta1) * g
        v *= self.beta2
        v += (1 - self.beta2) * g * g
        w -= (lr / (1 - self.beta1**t)) * m / (np.sqrt(v / (1 - self.beta2**t)) + self.eps)


@optimizer("adamw")
class AdamW(Adam):
    """w ← w − lr·decay·w for weights (not biases or normalization), then Adam's step.

    Source: I. Loshchilov, F. Hutter, ICLR 2019.
    """

    admits: ClassVar[dict[str, str]] = {"decay": "[0, 1)"} | Adam.admits

    def __init__(self, decay: float = 0.01, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8) -> None:
        super().__init__(beta1, beta2, eps)
        check_settings(self, decay=decay)
        self.decay = decay

    def step(self, w: Array, g: Array, lr: float) -> None:
        w -= lr * self.decay * (w if self.decays is None else w * self.decays)
        super().step(w, g, lr)
