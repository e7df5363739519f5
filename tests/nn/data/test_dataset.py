"""nn/data/dataset.py: the split into training, validation and test parts."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlaw.nn.data.dataset import Dataset, split
from nnlaw.nn.data.synthetic.digits import generate_digits

Refusal = Callable[[Callable[[], object]], str]


def flat(shades: list[int], train: int = 9) -> Dataset:
    """A data set of 2×2 images with these shades, repeated."""
    pixels = np.resize(np.array(shades, np.uint8), (train, 2, 2))
    labels = np.zeros(train, np.uint8)
    return Dataset("flat", pixels, labels, pixels, labels)


@given(validation=st.integers(0, 59), seed=st.integers(0, 9))
@settings(deadline=None, max_examples=30)
def test_a_split_shares_no_row_and_loses_none(validation: int, seed: int) -> None:
    """Training and validation rows are all rows, each once, in order; the arrays contain these rows."""
    data = flat([0, 50, 200, 255, 7, 9, 13], 60)
    parts = split(data, validation, np.random.default_rng(seed))
    assert len(parts.val_rows) == validation == len(parts.x_val) == len(parts.y_val)
    assert np.array_equal(np.sort(np.concatenate([parts.train_rows, parts.val_rows])), np.arange(60))
    assert np.all(np.diff(parts.train_rows) > 0) and np.all(np.diff(parts.val_rows) > 0)
    pixels = data.train_images.reshape(60, 4).astype(np.float64)
    assert np.isclose(parts.mean, pixels[parts.train_rows].mean(), rtol=1e-12)
    assert np.isclose(parts.deviation, pixels[parts.train_rows].std(), rtol=1e-12)
    for x, rows in ((parts.x_train, parts.train_rows), (parts.x_val, parts.val_rows)):
        assert np.allclose(x, (pixels[rows] - parts.mean) / parts.deviation, atol=1e-5)


def test_a_split_is_standardized_and_typed() -> None:
    """Mean 0 and deviation 1 over the training rows, float32 inputs, int64 labels, the data set kept."""
    data = generate_digits(0, 300, 20)
    parts = split(data, 60, np.random.default_rng(1))
    assert abs(parts.x_train.mean(dtype=np.float64)) < 1e-5 and abs(parts.x_train.std(dtype=np.float64) - 1) < 1e-5
    assert {x.dtype for x in (parts.x_train, parts.x_val, parts.x_test)} == {np.dtype(np.float32)}
    assert {y.dtype for y in (parts.y_train, parts.y_val, parts.y_test, parts.train_rows)} == {np.dtype(np.int64)}
    assert parts.dataset is data and parts.x_test.shape == (20, 784)
    assert np.array_equal(parts.y_train, data.train_labels[parts.train_rows])
    assert np.allclose(parts.x_test, (data.test_images.reshape(20, -1) - parts.mean) / parts.deviation, atol=1e-5)


def test_without_validation_every_row_is_used_for_training() -> None:
    """Nothing held out leaves the training rows as they are."""
    parts = split(flat([1, 2, 3]), 0, np.random.default_rng(0))
    assert np.array_equal(parts.train_rows, np.arange(9)) and parts.x_val.shape == (0, 4)


@pytest.mark.parametrize(("validation", "words"), [(-1, "0 or more"), (9, "nothing to train on"), (10, "of 9")])
def test_an_impossible_split_is_refused(validation: int, words: str, refusal: Refusal) -> None:
    """A negative number, all rows, or more rows than there are cannot be held out."""
    assert words in refusal(lambda: split(flat([1, 2]), validation, np.random.default_rng(0)))


@pytest.mark.parametrize("shade", [0, 7])
def test_a_single_shade_cannot_be_standardized(refusal: Refusal, shade: int) -> None:
    """If all pixels are equal, the deviation is 0."""
    assert f"all training pixels are {shade}" in refusal(lambda: split(flat([shade]), 0, np.random.default_rng(0)))


def test_a_split_needs_little_more_memory_than_its_result() -> None:
    """Standardizing works in place, without a second float copy."""
    data = flat(list(range(251)), 2_000_000)
    tracemalloc.start()
    parts = split(data, 0, np.random.default_rng(0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    kept = sum(a.nbytes for a in vars(parts).values() if isinstance(a, np.ndarray))
    assert peak < 1.5 * kept
