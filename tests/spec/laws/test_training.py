"""Laws of training, and of a model at its start."""

import numpy as np
import pytest

from nnlaw.spec import LayerCase, ModelCase, Violation, conformance
from nnlaw.spec.laws.model.symmetry import symmetry
from nnlaw.spec.laws.model.vanishing_gradient import vanishing_gradient
from nnlaw.spec.laws.training.loss_trend import loss_trend
from nnlaw.spec.laws.training.update_ratio import update_ratio
from nnlaw.spec.subjects.cases import ProgressCase
from nnlaw.spec.violation import NotApplicable


def first_failure(losses: list[float], promise: float, total: int = 0, ratio: float = 1e-3, small: bool = False) -> str:
    """The law that fails first for these losses, with the step, or ""; `promise` is the predicted decrease per step."""
    progress = ProgressCase("training", started_small=small, total=total or len(losses))
    for step, loss in enumerate(losses, 1):
        progress.feed(loss, ratio, promise)
        try:
            update_ratio(progress)
            loss_trend(progress)
        except Violation as violation:
            return f"{violation.law} @{step}"
    return ""


@pytest.mark.parametrize(
    ("losses", "promise", "why"),
    [
        ([2.3 - 0.002 * i for i in range(400)], 0.002, "slow and steady"),
        ([2.3] * 400, 1e-4, "little, but four hundredths in total"),
        ([2.31, *[2.3] * 400], 0.5, "a plateau, for any predicted decrease"),
        ([2.3 + 0.2 * (-1) ** i for i in range(400)], 0.01, "noise"),
        ([2.3] * 9, 0.0, "fewer than ten steps"),
        ([0.0] * 100, 0.0, "nothing to learn"),
    ],
)
def test_a_slow_decrease_passes(losses: list[float], promise: float, why: str) -> None:
    """A loss that falls slowly, or not at all for a while."""
    assert first_failure(losses, promise) == "", why


def test_a_learning_rate_that_is_too_small_fails_after_a_quarter() -> None:
    """If all steps together decrease the loss by less than a hundredth, in spite of noise."""
    noise = (2.3 + 0.1 * np.random.default_rng(0).standard_normal(400)).tolist()
    assert first_failure(noise, 1e-6) == "loss-trend @100"
    assert first_failure(noise[:20], 1e-6) == "loss-trend @10"


def test_without_a_number_of_steps_nothing_is_extrapolated() -> None:
    """The number of steps is unknown."""
    progress = ProgressCase("training")
    for _ in range(100):
        progress.feed(2.3, 1e-3)
        loss_trend(progress)


def test_steps_that_overshoot_fail() -> None:
    """The predicted decrease is ten times the loss, and the loss is above the first; not in the first quarter."""
    assert first_failure([2.3, *[3.0] * 400], 1.0) == "loss-trend @101"
    assert first_failure([2.3, *[3.0] * 20, *[1.0] * 380], 1.0) == ""


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [(2.0, 5.9, ""), (2.0, 6.1, "at most 3 times the first loss, 2\n"),
     (0.05, 2.9, ""), (0.05, 3.1, "at most 3, as the first loss, 0.05, is below 1\n")],
)
def test_a_smoothed_loss_may_reach_three_times_the_first_or_three(first: float, last: float, words: str) -> None:
    """The larger of the two; the message has the bound."""
    progress = ProgressCase("training")
    for loss in [first, *[last] * 200]:
        progress.feed(loss, 1e-3)
    if not words:
        return loss_trend(progress)
    with pytest.raises(Violation) as found:
        loss_trend(progress)
    assert words in found.value.message


@pytest.mark.parametrize(("small", "law"), [(False, "update-ratio @1"), (True, "update-ratio @6")])
def test_small_initial_weights_may_grow(small: bool, law: str) -> None:
    """For five steps; others are checked at once."""
    assert first_failure([2.3] * 10, 1.0, ratio=3.0, small=small) == law


def test_a_ratio_of_nan_fails() -> None:
    """nan is not below the bound."""
    assert first_failure([2.3] * 10, 1.0, ratio=float("nan")) == "update-ratio @1"


class Scaled:
    """y = gain · x"""

    def __init__(self) -> None:
        self.params = {"gain": np.ones(4, np.float32)}
        self.grads = {"gain": np.zeros(4, np.float32)}

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.x = x
        return x * self.params["gain"]

    def backward(self, dy: np.ndarray) -> np.ndarray:
        self.grads["gain"] = (dy * self.x).sum(axis=0)
        return dy * self.params["gain"]


def test_integer_input_must_not_make_the_output_float64() -> None:
    """The parameters are float32, so the output has to be."""
    report = conformance(LayerCase("scaled", Scaled(), np.arange(20).reshape(5, 4), contract="N n -> N n"))
    (found,) = report.violations
    assert found.law == "dtype" and found.expected == "float32, the dtype of its parameters"


@pytest.mark.parametrize(
    ("weights", "words"),
    [([[1, 2], [1, 2], [1, 2]], "W is the same in all rows after 3 steps"),
     ([[0, 3, 3], [0, 4, 4]], "W is the same for units 1 and 2 after 3 steps"),
     ([[0, 0], [0, 0]], "W is the same for units 0 and 1 after 3 steps")],
)
def test_symmetry_names_the_equal_units(weights: list[list[float]], words: str) -> None:
    """Equal rows are not reported as equal columns."""
    class Constant:
        """A model that does not change."""

        def __init__(self) -> None:
            self.params = {"W": np.array(weights, np.float32)}

        def loss_and_grads(self, x: np.ndarray, labels: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
            return 1.0, {"W": np.zeros_like(self.params["W"])}

    x = np.ones((4, 3), np.float32)
    with pytest.raises(Violation) as found:
        symmetry(ModelCase("still", Constant(), lambda rng: Constant(), x, np.arange(4) % 2))
    assert words in found.value.message


class Nearest:
    """A model without weight matrix: the class of the nearest of two numbers."""

    def __init__(self) -> None:
        self.params = {"centers": np.array([-1.0, 1.0], np.float32)}

    def loss_and_grads(self, x: np.ndarray, labels: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
        off = x[:, 0] - self.params["centers"][labels]
        gradient = np.array([-off[labels == c].sum() for c in (0, 1)], np.float32)
        return float(np.square(off).mean() / 2), {"centers": gradient / len(x)}


def test_vanishing_gradient_needs_a_weight_matrix() -> None:
    """Otherwise it is not applicable."""
    x, labels = np.linspace(-2, 2, 8, dtype=np.float32)[:, None], np.arange(8) // 4
    case = ModelCase("nearest", Nearest(), lambda rng: Nearest(), x, labels)
    with pytest.raises(NotApplicable, match="no weight matrix"):
        vanishing_gradient(case)


class OneClass:
    """A classifier that always predicts class 0, with this logit."""

    def __init__(self, logit: float) -> None:
        self.params, self.logit = {}, logit

    def predict(self, x: np.ndarray) -> np.ndarray:
        e = np.exp(self.logit * np.eye(10)[np.zeros(len(x), int)])
        return np.asarray(e / e.sum(axis=1, keepdims=True), np.float32)

    def loss_and_grads(self, x: np.ndarray, labels: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
        return -float(np.log(self.predict(x)[np.arange(len(x)), labels]).mean()), {}


@pytest.mark.parametrize(("logit", "label", "fails"), [(4.0, 1, False), (5.0, 1, True), (4.0, 0, True)])
def test_the_initial_loss_has_a_tolerance(logit: float, label: int, fails: bool) -> None:
    """Half the variance of the logits plus a half, as deep networks with He initialization need."""
    x = np.zeros((12, 4), np.float32)
    case = ModelCase("constant", OneClass(logit), lambda rng: OneClass(logit), x, np.full(12, label))
    (result,) = [row for row in conformance(case, ["initial-loss"]) if row.law == "initial-loss"]
    assert result.outcome == ("fail" if fails else "pass"), result.reason
