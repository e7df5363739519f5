"""Laws of optimizers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nnlaw.spec import OptimizerCase, conformance

Check = Callable[[Any, str], tuple[str, list[str]]]


class Decaying:
    """w ← w − lr·(g + λ·decay(w, decays))."""

    def __init__(self, decay: Any, decays: Any = None) -> None:
        self.decay, self.decays, self.state = decay, decays, dict[str, Any]()

    def step(self, w: Any, g: Any, lr: float) -> None:
        w -= lr * (g + np.float32(0.1) * self.decay(w, self.decays))


@pytest.mark.parametrize(
    ("decay", "words"),
    [
        (lambda w, d: w * (1 if d is None else 1 - d), "with decays["),
        (lambda w, d: w * (np.nan if d is None else d), "without decays being set"),
    ],
)
def test_weights_with_decays_0_must_not_decay(decay: Any, words: str) -> None:
    """And without decays the step is finite."""
    report = conformance(OptimizerCase("mine", lambda: Decaying(decay)))
    assert [row.law for row in report.violations] == ["decays"] and words in report.violations[0].message


def test_required_settings_are_read_from_attributes() -> None:
    """A class that cannot be constructed without settings has no defaults to check."""

    class Momentum:
        def __init__(self, beta: float, scale: float = 1.0) -> None:
            self.beta, self.state = beta, dict[str, Any]()

        def step(self, w: Any, g: Any, lr: float) -> None:
            self.state["v"] = self.beta * self.state.get("v", 0) + g
            w -= lr * self.state["v"]

    assert conformance(OptimizerCase("momentum", lambda: Momentum(0.8), name="momentum")).violations == []


class ScheduledNadam:
    """Nadam with the momentum of each step, μₜ = β₁·(1 − 0.5·0.96^(t/250)), and the product of all of them."""

    beta1, beta2, eps = 0.9, 0.999, 1e-8

    def __init__(self) -> None:
        self.state: dict[str, Any] = {"t": 0, "product": 1.0}

    def step(self, w: Any, g: Any, lr: float) -> None:
        s, b1, b2 = self.state, self.beta1, self.beta2
        s["t"] += 1
        now, then = (b1 * (1 - 0.5 * 0.96 ** (i / 250)) for i in (s["t"], s["t"] + 1))
        s["product"] *= now
        s["m"] = b1 * s.get("m", 0) + (1 - b1) * g
        s["v"] = b2 * s.get("v", 0) + (1 - b2) * g * g
        m = then * s["m"] / (1 - s["product"] * then) + (1 - now) * g / (1 - s["product"])
        w -= lr * m / (np.sqrt(s["v"] / (1 - b2 ** s["t"])) + self.eps)


class SwappedBetas:
    """Adam with β₁ and β₂ swapped."""

    beta1, beta2, eps = 0.9, 0.999, 1e-8

    def __init__(self) -> None:
        self.state: dict[str, Any] = {"t": 0}

    def step(self, w: Any, g: Any, lr: float) -> None:
        s, b1, b2 = self.state, self.beta2, self.beta1
        s["t"] += 1
        s["m"] = b1 * s.get("m", 0) + (1 - b1) * g
        s["v"] = b2 * s.get("v", 0) + (1 - b2) * g * g
        w -= lr * s["m"] / (1 - b1 ** s["t"]) / (np.sqrt(s["v"] / (1 - b2 ** s["t"])) + self.eps)


def test_nadam_may_schedule_its_momentum(check: Check) -> None:
    """As in PyTorch."""
    assert check(OptimizerCase("nadam", ScheduledNadam, name="nadam"), "definition")[0] == "pass"


def test_swapped_betas_have_a_cause(check: Check) -> None:
    """The mistake that explains every step is the likely cause."""
    outcome, (message,) = check(OptimizerCase("adam", SwappedBetas, name="adam"), "definition")
    assert outcome == "fail" and "β₁ and β₂ are swapped" in message


class Adadelta:
    """Adadelta with its own name for ρ, and without weight decay."""

    def __init__(self, rho: float = 0.95, eps: float = 1e-6) -> None:
        self.rho, self.eps = rho, eps
        self.state: dict[str, Any] = {}

    def step(self, w: Any, g: Any, lr: float) -> None:
        s = self.state
        s["g"] = self.rho * s.get("g", 0) + (1 - self.rho) * g * g
        d = np.sqrt(s.get("d", 0) + self.eps) / np.sqrt(s["g"] + self.eps) * g
        s["d"] = self.rho * s.get("d", 0) + (1 - self.rho) * d * d
        w -= (lr * d).astype(w.dtype)


def test_adadelta_without_decay_passes(check: Check) -> None:
    """A missing weight decay does not make it inconclusive."""
    assert check(OptimizerCase("adadelta", Adadelta, name="adadelta"), "definition")[0] == "pass"


class LongSteps(Adadelta):
    """Its steps are too long by a factor that is not a usual mistake."""

    def step(self, w: Any, g: Any, lr: float) -> None:
        super().step(w, g, 1.37 * lr)


def test_a_wrong_adadelta_without_decay_fails(check: Check) -> None:
    """It is not inconclusive either."""
    assert check(OptimizerCase("adadelta", LongSteps, name="adadelta"), "definition")[0] == "fail"
