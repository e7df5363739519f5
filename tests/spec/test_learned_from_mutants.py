"""What mutants of the built-in plugins taught the laws: each mistake is told by its own law, and none told wrongly."""

from typing import Any

import numpy as np
import pytest

from nnlaw.spec import LossCase, ModelCase, OptimizerCase, ScheduleCase, conformance

RNG = np.random.default_rng


class Probable:
    """Half the squared distance to one-hot rows; probabilities as `told` makes them."""

    targets = "real"

    def __init__(self, told: Any) -> None:
        self.told = told

    def forward(self, prediction: Any, target: Any) -> float:
        self.off = prediction - target
        return 0.5 * float((self.off**2).sum()) / len(prediction)

    def backward(self) -> Any:
        return self.off / len(self.off)

    def probabilities(self, prediction: Any) -> Any:
        return self.told(prediction)


def softmax(z: Any) -> Any:
    """Rows that sum to 1."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (lambda z: softmax(z)[:, :1], "of shape (5, 1)"),
        (lambda z: 2 * softmax(z), "row sum[0] = 2, expected 1"),
        (lambda z: 2 * softmax(z) - np.float32(1 / z.shape[1]), "at least 0"),
        (lambda z: softmax(-z), "a clear prediction of class 0"),
    ],
)
def test_probabilities_that_are_none_are_told(told: Any, words: str) -> None:
    """Of another shape, with another sum, below 0, or of another class than the answer's."""
    prediction = RNG(0).standard_normal((5, 4)).astype(np.float32)
    report = conformance(LossCase("mine", Probable(told), prediction, np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 0]]))
    assert [row.law for row in report.violations] == ["probabilities"] and words in report.violations[0].message


def test_one_output_is_no_row_of_probabilities() -> None:
    """Nothing is asked of a loss on one number a sample."""
    column = RNG(0).standard_normal((5, 1)).astype(np.float32)
    report = conformance(LossCase("mine", Probable(softmax), column, 0 * column))
    assert {row.law: row.outcome for row in report.results}["probabilities"] == "n.a."


class Decaying:
    """w ← w − lr·(g + λ·told(w, decays))."""

    def __init__(self, told: Any, decays: Any = None) -> None:
        self.told, self.decays, self.state = told, decays, dict[str, Any]()

    def step(self, w: Any, g: Any, lr: float) -> None:
        w -= lr * (g + np.float32(0.1) * self.told(w, self.decays))


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (lambda w, d: w * (1 if d is None else 1 - d), "with decays["),
        (lambda w, d: w * (np.nan if d is None else d), "without decays being set"),
    ],
)
def test_weights_that_should_not_decay_and_do_are_told(told: Any, words: str) -> None:
    """Those at which decays is 0; and what comes of no decays at all is finite."""
    report = conformance(OptimizerCase("mine", lambda: Decaying(told)))
    assert [row.law for row in report.violations] == ["decays"] and words in report.violations[0].message


def test_an_optimizer_that_wants_settings_is_judged_by_what_it_keeps() -> None:
    """Its class cannot be made without them, so its defaults are not asked for."""

    class Momentum:
        def __init__(self, beta: float, scale: float = 1.0) -> None:
            self.beta, self.state = beta, dict[str, Any]()

        def step(self, w: Any, g: Any, lr: float) -> None:
            self.state["v"] = self.beta * self.state.get("v", 0) + g
            w -= lr * self.state["v"]

    assert conformance(OptimizerCase("momentum", lambda: Momentum(0.8), name="momentum")).violations == []


def test_a_cycle_that_does_not_begin_where_it_says_is_told() -> None:
    """start is the factor at t = 0."""

    def one_cycle(t: float, *, warmup: float = 0.3, start: float = 0.1) -> float:
        return 0.5 + 0.5 * t / warmup if t < warmup else (1 - t) / (1 - warmup)

    case = ScheduleCase("one_cycle", one_cycle, name="one_cycle")
    assert [row.law for row in conformance(case).violations] == ["definition"]


class Model:
    """An affine map, whose bias has a name of its own in every instance."""

    made = 0

    def __init__(self, rng: Any) -> None:
        Model.made += 1
        self.bias = f"b{Model.made}"
        self.params = {"W": rng.normal(0, 0.1, (6, 3)).astype(np.float32), self.bias: np.zeros(3, np.float32)}

    def predict(self, x: Any) -> Any:
        return softmax(x @ self.params["W"] + self.params[self.bias])

    def loss_and_grads(self, x: Any, labels: Any) -> Any:
        p, rows = self.predict(x), np.arange(len(x))
        loss = -float(np.log(p[rows, labels]).mean())
        p[rows, labels] -= 1
        p /= len(x)
        return loss, {"W": x.T @ p, self.bias: p.sum(axis=0)}


@pytest.mark.parametrize("make", [Model, lambda rng: None])
def test_a_model_that_cannot_be_loaded_anew_is_not_judged_by_it(make: Any) -> None:
    """Where a model built anew has other names, or none can be built, nothing is concluded of what is saved."""
    x, labels = RNG(1).standard_normal((12, 6)).astype(np.float32), np.arange(12) % 3
    report = conformance(ModelCase("mine", Model(RNG(0)), make, x, labels), ["round-trip"])
    assert [row.outcome for row in report.results if row.law == "round-trip"] == ["n.a."]
