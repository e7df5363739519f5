"""A wrong gradient is explained by the one mistake that accounts for all of it."""

import numpy as np
import pytest

from spec.causes import explain

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
    assert "too wide" in explain(masked, RIGHT, samples=5, shape=(3, 4))
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
