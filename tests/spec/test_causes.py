"""A wrong gradient is explained by the one mistake that accounts for all of it."""

import numpy as np
import pytest

from nnlaw.spec.gradcheck.explain import explain, explain_shape
from nnlaw.spec.gradcheck.mistakes import Clues

RIGHT = np.random.default_rng(0).standard_normal(12)


@pytest.mark.parametrize(
    ("factor", "words"),
    [(-1, "sign"), (2, "2 too many"), (0.5, "2 too few"), (1 / 5, "once too often"),
     (5, "missing division by the batch"),
     (1 / 3, "division by the size 3"), (4, "product with the size 4"), (0, "never computed")],
)
def test_a_factor_names_its_mistake(factor: float, words: str) -> None:
    """Each factor of the table, on every slope."""
    assert words in explain(factor * RIGHT, RIGHT, samples=5, shape=(3, 4))


def test_masks_are_told_apart() -> None:
    """Zero by mistake, and not zero by mistake."""
    masked = np.where(RIGHT > 0, RIGHT, 0)
    assert "stops too much" in explain(masked, RIGHT, samples=5, shape=(3, 4))
    assert "missing" in explain(RIGHT, masked, samples=5, shape=(3, 4))


def test_a_transposed_square_is_recognized() -> None:
    """The right numbers at mirrored places."""
    square = np.random.default_rng(1).standard_normal((3, 3))
    assert explain(square.T.reshape(-1), square.reshape(-1), samples=5, shape=(3, 3)) == "a transposed product"
    assert explain(square.reshape(-1) + 1, square.reshape(-1), samples=5, shape=(3, 3)) == ""


def test_what_fits_no_mistake_is_left_unexplained() -> None:
    """A factor on part of the slopes, nan, and slopes of a constant."""
    odd = RIGHT * np.linspace(1.1, 2, 12)
    assert explain(odd, RIGHT, samples=5, shape=(3, 4)) == ""
    assert explain(RIGHT * np.nan, RIGHT, samples=5, shape=(3, 4)) == ""
    assert explain(RIGHT, 0 * RIGHT, samples=5, shape=(3, 4)) == ""


def test_where_two_mistakes_fit_both_are_named() -> None:
    """A factor 2 with a batch of two says so; where the batch explains it alone, an axis of that size is not blamed."""
    assert explain(2 * RIGHT, RIGHT, samples=2, shape=(3, 4)).startswith("either a factor 2 too many")
    assert explain(3 * RIGHT, RIGHT, samples=3, shape=(3, 4)).startswith("a missing division by the batch size N")


def test_a_factor_that_the_layer_keeps_is_named() -> None:
    """As a product or a quotient; any other is a constant factor, and two slopes are too few to say so."""
    keeps = Clues(constants=[0.3])
    for factor, words in ((0.3, "own 0.3"), (1 / 0.3, "division by the layer's own 0.3"), (0.7, "product with 1 − 0.3"),
                          (1 / 0.7, "division by 1 − 0.3"), (0.9, "a constant factor")):  # fmt: skip
        assert words in explain(factor * RIGHT, RIGHT, samples=5, shape=(3, 4), clues=keeps)
    assert explain(0.9 * RIGHT[:2], RIGHT[:2], samples=5, shape=(2,)) == ""


def test_what_stood_in_grads_is_recognized() -> None:
    """An addition in place of an assignment."""
    before, right = np.ones((3, 4)), RIGHT.reshape(3, 4)
    said = explain((right + before).reshape(-1), RIGHT, samples=5, shape=(3, 4), clues=Clues(before=before))
    assert said == "an addition to what was in grads before, which is to be overwritten"


@pytest.mark.parametrize(
    ("found", "wanted", "words"),
    [((3, 2), (2, 3), "transposed"), ((5, 3), (3,), "missing"), ((1, 3), (3,), "keepdims"), ((5,), (3,), "wrong axis"),
     ((), (3,), "everything"), ((2, 2), (3,), "")],
)
def test_a_shape_names_its_mistake(found: tuple[int, ...], wanted: tuple[int, ...], words: str) -> None:
    """In a batch of five."""
    said = explain_shape(found, wanted, 5)
    assert words in said and bool(words) == bool(said)


def test_of_one_sample_nothing_is_said_about_the_size_of_the_batch() -> None:
    """Where N = 1 a division by N is none, so that the wrong sign is the only mistake left."""
    right = np.array([0.2, -1.5, 0.7, 3.0])
    assert explain(-right, right, samples=1, shape=(4,)) == "the wrong sign (ratio -1)"


def test_what_is_known_of_the_code_is_told() -> None:
    """Numbers that backward draws, a parameter that moves nothing, and one whose penalty is never graded."""
    own = np.arange(12.0).reshape(3, 4)
    for found, right, clues, words in (
        (RIGHT + 1, RIGHT, Clues(draws=True), "backward draws random numbers of its own"),
        (RIGHT, 0 * RIGHT, Clues(itself=own), "a parameter that moves nothing: forward does not read it"),
        (RIGHT, RIGHT + 0.1 * own.reshape(-1), Clues(itself=own), "the gradient of a penalty that is missing"),
        (RIGHT, RIGHT - 0.1 * own.reshape(-1), Clues(itself=own), "as by weight decay (multiple 0.1)"),
    ):
        assert words in explain(found, right, samples=5, shape=(3, 4), clues=clues)


def test_a_factor_that_may_be_the_layers_own_is_not_certain() -> None:
    """A half may be a dropped 2, or the half that the layer keeps."""
    said = explain(RIGHT / 2, RIGHT, samples=5, shape=(3, 4), clues=Clues(constants=[0.5]))
    assert said.startswith("either a factor 2 too few") and "or a product with the layer's own 0.5 too many" in said


def test_right_slopes_that_stand_elsewhere_are_recognized() -> None:
    """Under another name, with halves exchanged, one place off, or in any other order."""
    right = np.random.default_rng(3).standard_normal((5, 4, 6))
    other = Clues(others={"dV": right, "db": right[0]})
    for made, clues, words in (
        (2 * right + 1, other, "gradients that changed places: this one was answered as dV"),
        (np.roll(right, 3, axis=2), Clues(), "the two halves of axis 2 that changed places"),
        (np.roll(right, 1, axis=1) + np.eye(4)[0][:, None], Clues(), "shifted by +1 along axis 1, as of a slice"),
        (right[:, :, [0, 2, 1, 3, 5, 4]], Clues(), "the right slopes at the wrong places"),
        (right + 1, Clues(others={"dV": right + 2}), ""),
    ):
        said = explain(made.reshape(-1), right.reshape(-1), samples=5, shape=right.shape, clues=clues)
        assert words in said and bool(words) == bool(said), said
