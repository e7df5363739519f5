"""Laws of losses."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nnlaw.spec import LossCase, conformance

Check = Callable[[Any, str], tuple[str, list[str]]]

X = np.random.default_rng(0).standard_normal((5, 4), dtype=np.float32)


class Probable:
    """Half the squared distance to one-hot rows; `convert` makes the probabilities."""

    targets = "real"

    def __init__(self, convert: Any) -> None:
        self.convert = convert

    def forward(self, prediction: Any, target: Any) -> float:
        self.off = prediction - target
        return 0.5 * float((self.off**2).sum()) / len(prediction)

    def backward(self) -> Any:
        return self.off / len(self.off)

    def probabilities(self, prediction: Any) -> Any:
        return self.convert(prediction)


def softmax(z: Any) -> Any:
    """Rows that sum to 1."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("convert", "words"),
    [
        (lambda z: softmax(z)[:, :1], "of shape (5, 1)"),
        (lambda z: 2 * softmax(z), "row sum[0] = 2, expected 1"),
        (lambda z: 2 * softmax(z) - np.float32(1 / z.shape[1]), "at least 0"),
        (lambda z: softmax(-z), "a clear prediction of class 0"),
    ],
)
def test_wrong_probabilities_fail(convert: Any, words: str) -> None:
    """Of another shape, with another sum, below 0, or of another class than the prediction."""
    prediction = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)
    report = conformance(LossCase("mine", Probable(convert), prediction, np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 0]]))
    assert [row.law for row in report.violations] == ["probabilities"] and words in report.violations[0].message


def test_one_output_has_no_probabilities() -> None:
    """Law probabilities is not applicable to one number per sample."""
    column = np.random.default_rng(0).standard_normal((5, 1)).astype(np.float32)
    report = conformance(LossCase("mine", Probable(softmax), column, 0 * column))
    assert {row.law: row.outcome for row in report.results}["probabilities"] == "n.a."


class Soft:
    """Cross-entropy of logits with labels or rows; for rows the gradient is multiplied by `times`."""

    targets, soft_labels = "labels", True

    def __init__(self, times: float) -> None:
        self.times = times

    def forward(self, prediction: Any, target: Any) -> float:
        z = prediction - prediction.max(axis=1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        self.factor = self.times if target.ndim == 2 else 1
        self.hot = target if target.ndim == 2 else np.eye(z.shape[1])[target]
        self.p = np.exp(log_p)
        return float(-(log_p * self.hot).sum() / len(z))

    def backward(self) -> Any:
        return ((self.p - self.hot) / len(self.p) * self.factor).astype(self.p.dtype)


def test_the_gradient_of_one_hot_rows_is_checked(check: Check) -> None:
    """The message names the entry that differs from that of labels."""
    labels = np.arange(5) % 4
    assert check(LossCase("mine", Soft(1), X, labels), "soft-labels")[0] == "pass"
    outcome, (message,) = check(LossCase("mine", Soft(2), X, labels), "soft-labels")
    assert outcome == "fail" and "Soft.backward" not in message
    assert "d prediction[0, 0] =" in message and "for one-hot rows" in message


class Logistic:
    """Binary cross-entropy of logits; `gradient(z, s, t)` is its gradient, s the sigmoid of z."""

    targets = "binary"

    def __init__(self, gradient: Any) -> None:
        self.gradient = gradient

    def forward(self, prediction: Any, target: Any) -> float:
        self.z, self.t = prediction, target
        return float((np.logaddexp(0, prediction) - target * prediction).sum() / len(prediction))

    def backward(self) -> Any:
        found = self.gradient(self.z, 1 / (1 + np.exp(-self.z)), self.t) / len(self.z)
        return found.astype(self.z.dtype)


@pytest.mark.parametrize(("gradient", "codes"), [
    (lambda z, s, t: s - t, []),
    (lambda z, s, t: z - t, ["missing-sigmoid"]),
    (lambda z, s, t: s, ["target-not-subtracted"]),
    (lambda z, s, t: (s - t) * s * (1 - s), ["sigmoid-derivative-twice"]),
])  # fmt: skip
def test_mistakes_with_the_sigmoid_have_a_cause(gradient: Any, codes: list[str]) -> None:
    """In a loss of logits."""
    target = (np.random.default_rng(3).random((5, 4)) < 0.5).astype(np.float32)
    report = conformance(LossCase("mine", Logistic(gradient), X, target), ["gradient"])
    assert [found.cause_code for found in report.violations] == codes


class Clipped:
    """Binary cross-entropy of probabilities, with p or 1 − p clipped at too large a minimum."""

    targets, domain = "binary", (0.0, 1.0)

    def __init__(self, least: tuple[float, float]) -> None:
        self.least = least

    def forward(self, prediction: Any, target: Any) -> float:
        self.p, self.t = prediction, target.astype(prediction.dtype)
        one, zero = (np.maximum(q, least) for q, least in zip((self.p, 1 - self.p), self.least, strict=True))
        return -float((self.t * np.log(one) + (1 - self.t) * np.log(zero)).sum() / len(self.p))

    def backward(self) -> Any:
        return ((1 - self.t) / (1 - self.p) - self.t / self.p) / self.p.dtype.type(len(self.p))


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(("least", "outcome"), [((0, 0), "pass"), ((0, 0.5), "fail"), ((0.5, 0), "fail")])
def test_one_output_is_checked_at_nearly_certain_predictions(first: int, least: Any, outcome: str) -> None:
    """Of either class, in either order."""
    target = ((np.arange(4) + first) % 2)[:, None].astype(np.float32)
    case = LossCase("mine", Clipped(least), np.full((4, 1), 0.5, np.float32), target, name="binary_cross_entropy")
    report = conformance(case, ["definition"])
    assert [row.outcome for row in report.results if row.law == "definition"] == [outcome]
    assert all("nearly certain" in found.message for found in report.violations)


class Logarithms:
    """Binary cross-entropy without a clip, on probabilities."""

    targets = "binary"

    def __init__(self, domain: tuple[float, float]) -> None:
        self.domain = domain

    def forward(self, p: Any, t: Any) -> float:
        self.p, self.t = p, t
        return float(np.sum(-t * np.log(p) - (1 - t) * np.log(1 - p)) / len(p))

    def backward(self) -> Any:
        return (-self.t / self.p + (1 - self.t) / (1 - self.p)) / len(self.p)


def test_stable_stays_inside_the_domain_and_names_its_end() -> None:
    """The cause is the logarithm of 0, not a missing shift of logits; a domain without the end passes."""
    p = np.random.default_rng(0).uniform(0.1, 0.9, (5, 3)).astype(np.float32)
    t = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1]]
    (found,) = conformance(LossCase("mine", Logarithms((0.0, 1.0)), p, t), ["stable"]).violations
    assert found.cause_code == "log-of-zero" and "predictions of 1" in found.message
    assert not conformance(LossCase("mine", Logarithms((1e-6, 1 - 1e-6)), p, t), ["stable"]).violations
