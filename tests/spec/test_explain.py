"""The likely cause of a wrong gradient is the one mistake that accounts for all of it."""

import numpy as np
import pytest

from nnlaw.spec.gradcheck.explain import explain, explain_shape
from nnlaw.spec.gradcheck.mistakes import Clues
from nnlaw.spec.violation import NO_CAUSE

RIGHT = np.random.default_rng(0).standard_normal(12)


@pytest.mark.parametrize(
    ("factor", "code"),
    [(-1, "wrong-sign"), (2, "factor-2-too-large"), (0.5, "factor-2-too-small"), (1 / 5, "batch-mean-instead-of-sum"),
     (5, "batch-sum-instead-of-mean"), (1 / 3, "divided-by-axis-size"), (4, "multiplied-by-axis-size"),
     (0, "gradient-not-computed")],
)  # fmt: skip
def test_each_common_factor_has_its_code(factor: float, code: str) -> None:
    """Each factor of the table, on every slope."""
    assert explain(factor * RIGHT, RIGHT, samples=5, shape=(3, 4)).code == code


def test_masks() -> None:
    """Entries that are zero by mistake, and entries that should be zero."""
    masked = np.where(RIGHT > 0, RIGHT, 0)
    assert explain(masked, RIGHT, samples=5, shape=(3, 4)).code == "mask-too-strict"
    assert explain(RIGHT, masked, samples=5, shape=(3, 4)).code == "missing-mask"


def test_a_transposed_square_matrix() -> None:
    """The correct numbers at mirrored indices."""
    square = np.random.default_rng(1).standard_normal((3, 3))
    found = explain(square.T.reshape(-1), square.reshape(-1), samples=5, shape=(3, 3))
    assert (found.code, found.text) == ("transposed-product", "the product is transposed")
    assert explain(square.reshape(-1) + 1, square.reshape(-1), samples=5, shape=(3, 3)) == NO_CAUSE


def test_no_cause_if_no_mistake_accounts_for_every_slope() -> None:
    """A factor on some of the slopes, nan, and slopes of a constant."""
    odd = RIGHT * np.linspace(1.1, 2, 12)
    assert explain(odd, RIGHT, samples=5, shape=(3, 4)) == NO_CAUSE
    assert explain(RIGHT * np.nan, RIGHT, samples=5, shape=(3, 4)) == NO_CAUSE
    assert explain(RIGHT, 0 * RIGHT, samples=5, shape=(3, 4)) == NO_CAUSE


def test_two_possible_causes_are_both_returned() -> None:
    """A factor 2 with a batch of two; but if the batch size explains it, an axis of that size is not mentioned."""
    two = explain(2 * RIGHT, RIGHT, samples=2, shape=(3, 4))
    assert two.code == "factor-2-too-large|batch-sum-instead-of-mean"
    assert two.text.startswith("either 2 times too large")
    assert explain(3 * RIGHT, RIGHT, samples=3, shape=(3, 4)).code == "batch-sum-instead-of-mean"


def test_a_number_that_the_layer_stores() -> None:
    """As a factor or a divisor; any other factor is a constant factor; two slopes are too few for that."""
    stores = Clues(constants=lambda: [0.3])
    for factor, code in (
        (0.3, "times-stored-number"),
        (1 / 0.3, "divided-by-stored-number"),
        (0.7, "times-one-minus-stored-number"),
        (1 / 0.7, "divided-by-one-minus-stored-number"),
        (0.9, "constant-factor"),
    ):
        assert explain(factor * RIGHT, RIGHT, samples=5, shape=(3, 4), clues=stores).code == code
    assert explain(0.9 * RIGHT[:2], RIGHT[:2], samples=5, shape=(2,)) == NO_CAUSE


def test_added_to_the_previous_gradient() -> None:
    """An addition instead of an assignment."""
    previous, right = np.ones((3, 4)), RIGHT.reshape(3, 4)
    clues = Clues(previous=lambda: previous)
    found = explain((right + previous).reshape(-1), RIGHT, samples=5, shape=(3, 4), clues=clues)
    assert found.code == "added-to-previous-gradient"


@pytest.mark.parametrize(
    ("found", "expected", "code"),
    [((3, 2), (2, 3), "transposed-product"), ((5, 3), (3,), "missing-batch-sum"), ((1, 3), (3,), "extra-keepdims"),
     ((5,), (3,), "wrong-axis"), ((), (3,), "missing-axis"), ((2, 2), (3,), "")],
)  # fmt: skip
def test_a_wrong_shape_has_a_cause(found: tuple[int, ...], expected: tuple[int, ...], code: str) -> None:
    """In a batch of five."""
    assert explain_shape(found, expected, 5).code == code


def test_a_batch_of_one_proves_nothing_about_the_batch_size() -> None:
    """For N = 1 a division by N changes nothing, so the wrong sign is the only mistake left."""
    right = np.array([0.2, -1.5, 0.7, 3.0])
    assert explain(-right, right, samples=1, shape=(4,)).text == "the sign is wrong (ratio -1)"


def test_clues_about_the_code() -> None:
    """New random numbers in backward, a parameter that has no effect, a penalty without a gradient."""
    parameter = np.arange(12.0).reshape(3, 4)
    for found, right, clues, code in (
        (RIGHT + 1, RIGHT, Clues(random_backward=True), "random-numbers-in-backward"),
        (RIGHT, 0 * RIGHT, Clues(array=parameter), "parameter-not-used"),
        (RIGHT, RIGHT + 0.1 * parameter.reshape(-1), Clues(array=parameter), "missing-penalty-gradient"),
        (RIGHT, RIGHT - 0.1 * parameter.reshape(-1), Clues(array=parameter), "added-weight-decay"),
    ):
        assert explain(found, right, samples=5, shape=(3, 4), clues=clues).code == code


def test_a_factor_that_may_be_a_stored_number_is_uncertain() -> None:
    """A half may be a missing 2, or the half that the layer stores."""
    found = explain(RIGHT / 2, RIGHT, samples=5, shape=(3, 4), clues=Clues(constants=lambda: [0.5]))
    assert found.code == "factor-2-too-small|times-stored-number" and "the stored 0.5" in found.text


def test_correct_values_in_the_wrong_place() -> None:
    """Under another name, with halves swapped, shifted by one, or in any other order."""
    right = np.random.default_rng(3).standard_normal((5, 4, 6))
    other = Clues(others={"dV": right, "db": right[0]})
    for made, clues, code, words in (
        (2 * right + 1, other, "swapped-gradients", "returned as dV"),
        (np.roll(right, 3, axis=2), Clues(), "halves-swapped", "axis 2"),
        (np.roll(right, 1, axis=1) + np.eye(4)[0][:, None], Clues(), "shifted-values", "by +1 along axis 1"),
        (right[:, :, [0, 2, 1, 3, 5, 4]], Clues(), "wrong-order", ""),
        (right + 1, Clues(others={"dV": right + 2}), "", ""),
    ):
        found = explain(made.reshape(-1), right.reshape(-1), samples=5, shape=right.shape, clues=clues)
        assert found.code == code and words in found.text
