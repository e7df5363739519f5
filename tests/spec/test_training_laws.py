"""The laws of a training in progress: what is too fast, too slow or stuck is told; what is merely slow is not."""

import numpy as np
import pytest

from nnlaw.spec import LayerCase, ModelCase, Violation, conformance
from nnlaw.spec.laws.model.symmetry import symmetry
from nnlaw.spec.laws.model.vanishing_gradient import vanishing_gradient
from nnlaw.spec.laws.training.loss_trend import loss_trend
from nnlaw.spec.laws.training.update_ratio import update_ratio
from nnlaw.spec.subjects.cases import ProgressCase
from nnlaw.spec.violation import NotApplicable


def told(losses: list[float], promise: float, total: int = 0, ratio: float = 1e-3, small: bool = False) -> str:
    """The law that speaks while these losses come in, each step promising as much, and at which step; or nothing."""
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
        ([2.3] * 400, 1e-4, "hardly anything, yet four hundredths in all"),
        ([2.31, *[2.3] * 400], 0.5, "a plateau, whatever the steps promise"),
        ([2.3 + 0.2 * (-1) ** i for i in range(400)], 0.01, "noise"),
        ([2.3] * 9, 0.0, "fewer than ten steps"),
        ([0.0] * 100, 0.0, "nothing to learn"),
    ],
)
def test_slow_is_no_fault(losses: list[float], promise: float, why: str) -> None:
    """A loss that falls slowly, or rests for a while, is not accused."""
    assert told(losses, promise) == "", why


def test_a_rate_that_is_too_small_is_told_after_a_quarter() -> None:
    """Steps that add up to less than a hundredth of the loss, whatever the noise of the batches."""
    noise = (2.3 + 0.1 * np.random.default_rng(0).standard_normal(400)).tolist()
    assert told(noise, 1e-6) == "loss-trend @100"
    assert told(noise[:20], 1e-6) == "loss-trend @10"


def test_whoever_does_not_know_the_end_is_not_told_that_it_is_far() -> None:
    """Without the number of steps nothing is carried on to their end."""
    progress = ProgressCase("training")
    for _ in range(100):
        progress.feed(2.3, 1e-3)
        loss_trend(progress)


def test_steps_that_overshoot_are_told() -> None:
    """They promise ten times the loss, and the loss lies above where it began; in the first quarter nothing is said."""
    assert told([2.3, *[3.0] * 400], 1.0) == "loss-trend @101"
    assert told([2.3, *[3.0] * 20, *[1.0] * 380], 1.0) == ""


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [(2.0, 5.9, ""), (2.0, 6.1, "at most 3 times the first loss, 2\n"),
     (0.05, 2.9, ""), (0.05, 3.1, "at most 3 times 1, for below it lies the first loss, 0.05\n")],
)
def test_a_smoothed_loss_may_reach_three_times_the_first_or_three(first: float, last: float, words: str) -> None:
    """Whichever is more; the message tells the bound that was applied."""
    progress = ProgressCase("training")
    for loss in [first, *[last] * 200]:
        progress.feed(loss, 1e-3)
    if not words:
        return loss_trend(progress)
    with pytest.raises(Violation) as told:
        loss_trend(progress)
    assert words in told.value.message


@pytest.mark.parametrize(("small", "law"), [(False, "update-ratio @1"), (True, "update-ratio @6")])
def test_weights_that_start_next_to_zero_may_grow(small: bool, law: str) -> None:
    """For five steps; others are held to the law at once."""
    assert told([2.3] * 10, 1.0, ratio=3.0, small=small) == law


def test_a_ratio_that_is_not_a_number_is_told() -> None:
    """An update whose length is no number is no update that is short enough."""
    assert told([2.3] * 10, 1.0, ratio=float("nan")) == "update-ratio @1"


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


def test_integers_that_turn_a_layer_into_float64_are_told() -> None:
    """Its parameters are float32, so its output has to be."""
    report = conformance(LayerCase("scaled", Scaled(), np.arange(20).reshape(5, 4), contract="N n -> N n"))
    (found,) = report.violations
    assert found.law == "dtype" and found.expected == "float32, the dtype of its parameters"


@pytest.mark.parametrize(
    ("weights", "words"),
    [([[1, 2], [1, 2], [1, 2]], "W is the same in all of its rows after 3 steps"),
     ([[0, 3, 3], [0, 4, 4]], "W is the same for units 1 and 2 after 3 steps"),
     ([[0, 0], [0, 0]], "W is the same for units 0 and 1 after 3 steps")],
)
def test_what_is_told_of_symmetry_is_true(weights: list[list[float]], words: str) -> None:
    """Equal rows are not called equal columns."""
    class Still:
        """A model that stays as it is."""

        def __init__(self) -> None:
            self.params = {"W": np.array(weights, np.float32)}

        def loss_and_grads(self, x: np.ndarray, labels: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
            return 1.0, {"W": np.zeros_like(self.params["W"])}

    x = np.ones((4, 3), np.float32)
    with pytest.raises(Violation) as told:
        symmetry(ModelCase("still", Still(), lambda rng: Still(), x, np.arange(4) % 2))
    assert words in told.value.message


class Nearest:
    """A model that has no weight matrix: the nearest of two numbers is the likelier class."""

    def __init__(self) -> None:
        self.params = {"centers": np.array([-1.0, 1.0], np.float32)}

    def loss_and_grads(self, x: np.ndarray, labels: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
        off = x[:, 0] - self.params["centers"][labels]
        slopes = np.array([-off[labels == c].sum() for c in (0, 1)], np.float32)
        return float(np.square(off).mean() / 2), {"centers": slopes / len(x)}


def test_a_model_without_a_matrix_loses_no_gradient_in_one() -> None:
    """The law of vanishing gradients says that it does not apply."""
    x, labels = np.linspace(-2, 2, 8, dtype=np.float32)[:, None], np.arange(8) // 4
    case = ModelCase("nearest", Nearest(), lambda rng: Nearest(), x, labels)
    with pytest.raises(NotApplicable, match="no weight matrix"):
        vanishing_gradient(case)


class _Says:
    """A classifier that says one class of ten, as surely as told."""

    def __init__(self, logit: float) -> None:
        self.params, self.logit = {}, logit

    def predict(self, x: np.ndarray) -> np.ndarray:
        e = np.exp(self.logit * np.eye(10)[np.zeros(len(x), int)])
        return np.asarray(e / e.sum(axis=1, keepdims=True), np.float32)

    def loss_and_grads(self, x: np.ndarray, labels: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
        return -float(np.log(self.predict(x)[np.arange(len(x)), labels]).mean()), {}


@pytest.mark.parametrize(("logit", "label", "accused"), [(4.0, 1, False), (5.0, 1, True), (4.0, 0, True)])
def test_chance_in_the_first_loss_is_granted(logit: float, label: int, accused: bool) -> None:
    """Half the variance of the logits besides a half, as deep networks with He's weights need; and no more."""
    x = np.zeros((12, 4), np.float32)
    case = ModelCase("says", _Says(logit), lambda rng: _Says(logit), x, np.full(12, label))
    (verdict,) = [row for row in conformance(case, ["initial-loss"]) if row.law == "initial-loss"]
    assert verdict.outcome == ("fail" if accused else "pass"), verdict.reason
